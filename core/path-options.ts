/** Options that name a field of the value; each says what kinds of value it can use. */
import { type FieldReader, type Option, option } from './spec.ts';
import type { ValueKind } from './value-kind.ts';
import { RENO_FIELDS } from './words.ts';

/** A field whose text is compared, or looked up by. */
export const TEXT: readonly ValueKind[] = ['string'];
/**
 * What two records can have in common. Not a map: two that are equal may have another order, and
 * would be two identities.
 */
export const IDENTITY: readonly ValueKind[] = [
  ...(['string', 'enum', 'int', 'double', 'bool', 'bytes', 'list', 'record', 'union'] as const),
];
export const LIST: readonly ValueKind[] = ['list'];

export const path = (
  doc: string,
  takes: readonly ValueKind[],
  fallback?: string,
): Option<FieldReader> => option('path', doc, fallback, { takes });

/** The path to whose the value is. */
export const memberPath = (doc: string): Option<FieldReader> =>
  option('path', doc, `value.${RENO_FIELDS.member}`, { takes: TEXT, names: 'member' });

/** A path that may be left out. */
export const optionalPath = (
  doc: string,
  takes: readonly ValueKind[],
): Option<FieldReader | null> => option('path', doc, null, { required: false, takes });

export const paths = (
  doc: string,
  takes: readonly ValueKind[],
  fallback?: readonly string[],
): Option<readonly FieldReader[]> => option('paths', doc, fallback, { takes });
