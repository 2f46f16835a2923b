/** What the JSON Schema of topology files is made of. */
import { PRIORITY_NAME, RENO_PRIORITIES } from '../core/priority.ts';

export type Json = { readonly [key: string]: unknown };

const NAME = '^[a-z][a-z0-9]*(-[a-z0-9]+)*$';
const DURATION = '^[0-9]+(\\.[0-9]+)?(ms|s|m|h|d)$';
/** A variable stands for whatever the option takes. */
export const VARIABLE = '\\$\\{[^}]*\\}';
export const SIZE = '^[0-9]+(\\.[0-9]+)?(B|KiB|MiB|GiB)$';
/** YAML reads `1_000_000` as a text before the compiler reads it as a number. */
const GROUPED = '^[0-9]+(_[0-9]+)+$';
export const PATH = '^(key|timestamp|value(\\.[^\\s.]+)*)$';

export const text = (description: string): Json => ({ type: 'string', description });
export const named = (description: string): Json => ({
  type: 'string',
  pattern: NAME,
  description,
});
export const path = (description: string): Json => ({ type: 'string', pattern: PATH, description });
export const orVariable = (pattern: string): string => `${pattern}|^${VARIABLE}$`;
export const durationOf = (description: string, fallback?: string): Json => ({
  type: 'string',
  pattern: orVariable(DURATION),
  description,
  ...(fallback === undefined ? {} : { default: fallback }),
});
export const countOf = (description: string, bounds: Json): Json => ({
  description,
  anyOf: [
    { type: 'integer', ...bounds },
    { type: 'string', pattern: `${GROUPED}|^${VARIABLE}$` },
  ],
});
export const closed = (
  description: string,
  properties: Json,
  required: readonly string[] = [],
): Json => ({
  type: 'object',
  description,
  additionalProperties: false,
  ...(required.length === 0 ? {} : { required }),
  properties,
});
export const byName = (description: string, value: Json): Json => ({
  type: 'object',
  description,
  propertyNames: { pattern: NAME },
  additionalProperties: value,
});
/** One of the file's own, or of RENO's. */
export const priority = (description: string): Json => ({
  description,
  anyOf: [{ enum: RENO_PRIORITIES.names }, { type: 'string', pattern: PRIORITY_NAME.source }],
});
export const listOf = (description: string, items: Json): Json => ({
  type: 'array',
  description,
  items,
});
