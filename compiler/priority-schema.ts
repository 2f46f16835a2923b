/** The part of the JSON Schema that is about priorities of a topology's own. */
import { PRIORITIES_MAX, PRIORITY_NAME, RENO_PRIORITIES } from '../core/priority.ts';
import { byName, closed, countOf, type Json } from './json-forms.ts';

const LEVEL = {
  anyOf: [
    { type: 'null' },
    closed('A priority.', {
      weight: countOf(
        "Slices that it gets in a round of a process that serves all; half of the one's above it.",
        { minimum: 1, maximum: 1_000 },
      ),
      urgent: {
        type: 'boolean',
        description: 'Providers wake a sleeping device for it; true of the upper half.',
      },
    }),
  ],
};

export const PRIORITIES: Json = {
  ...byName('Most urgent first; critical, high, normal, low without it.', LEVEL),
  propertyNames: { pattern: PRIORITY_NAME.source },
  minProperties: 1,
  maxProperties: PRIORITIES_MAX,
};

const object = (properties: Json): Json => ({ type: 'object', properties });
const renoAs = object({ as: { enum: RENO_PRIORITIES.names } });
const renoPriority = object({
  as: { enum: RENO_PRIORITIES.names },
  unless: { type: 'array', items: renoAs },
});
const renoLane = object({
  priorities: { type: 'array', items: { enum: RENO_PRIORITIES.names } },
});
/** A priority that nobody declares is a slip. */
export const RENO_UNLESS_OWN: Json = {
  if: { type: 'object', properties: { priorities: false } },
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema, and no promise.
  then: object({
    streams: { type: 'object', additionalProperties: object({ priority: renoPriority }) },
    lanes: { type: 'object', additionalProperties: renoLane },
  }),
};
