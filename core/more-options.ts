/** Options of times of day and zones, and forms of others that may be left out. */
import { type Expression, type FieldReader, type Option, option } from './spec.ts';

/** Milliseconds after midnight; written `22:00`. */
export const timeOfDay = (doc: string, fallback?: string): Option<number> =>
  option('time_of_day', doc, fallback);

/** A name of the IANA time zone database, as `Europe/Berlin`, or UTC. */
export const timeZone = (doc: string, fallback?: string): Option<string> =>
  option('time_zone', doc, fallback);

/** As `expressions`; may be left out. */
export const optionalExpressions = (
  doc: string,
): Option<Readonly<globalThis.Record<string, Expression<unknown>>> | null> =>
  option('expressions', doc, null, { required: false });

/** A table that may be left out. */
export const optionalTable = (doc: string, schema: string): Option<string | null> =>
  option('table', doc, null, { required: false, schema });

/** Where records come from, as `from` of a stream says it. */
export interface OtherSource {
  readonly topic: string;
  readonly schema: string;
  readonly time: FieldReader | null;
  readonly id: FieldReader | null;
  /** The field that repeats the key; null: it is not checked. */
  readonly member: FieldReader | null;
  readonly maxFutureMs: number;
}

/** Another input of a step. */
export const source = (doc: string): Option<OtherSource> => option('source', doc, undefined);

/** A table of any schema. */
export const anyTable = (doc: string): Option<string> => option('table', doc, undefined);

/** A list of distinct choices that may be left out. */
export const optionalSomeOf = <C extends Readonly<globalThis.Record<string, string>>>(
  doc: string,
  choices: C,
): Option<readonly (keyof C & string)[] | null> =>
  option('some_of', doc, null, { choices, required: false });

/** A text that may be left out. */
export const optionalText = (doc: string): Option<string | null> =>
  option('text', doc, null, { required: false });

/** A duration that may be left out. */
export const optionalDuration = (doc: string): Option<number | null> =>
  option('duration', doc, null, { required: false });
