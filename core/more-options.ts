/** Options of times of day, zones and windows, and forms of others that may be left out. */
import type { AggregateCall } from './aggregate-call.ts';
import { type Expression, type Option, option } from './spec.ts';

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

/** A table of any schema. */
export const anyTable = (doc: string): Option<string> => option('table', doc, undefined);

/** Another stream of the topology, or a branch of one: `payments`, `payments.late`. */
export const stream = (doc: string): Option<string> => option('stream', doc, undefined);

/** A list of distinct choices that may be left out. */
export const optionalSomeOf = <C extends Readonly<globalThis.Record<string, string>>>(
  doc: string,
  choices: C,
): Option<readonly (keyof C & string)[] | null> =>
  option('some_of', doc, null, { choices, required: false });

/** A list of priorities of the topology, by name; may be left out. */
export const optionalPriorities = (doc: string): Option<readonly string[] | null> =>
  option('priorities', doc, null, { required: false });

/** A list of classes of device of the topology, by name, or `all`. */
export const deviceClasses = (
  doc: string,
  fallback: readonly string[],
): Option<readonly string[]> => option('device_classes', doc, fallback);

/** A text that may be left out. */
export const optionalText = (doc: string): Option<string | null> =>
  option('text', doc, null, { required: false });

/** A duration that may be left out. */
export const optionalDuration = (doc: string): Option<number | null> =>
  option('duration', doc, null, { required: false });

/** A mapping with just these durations, milliseconds, each at least 1; may be left out. */
export const optionalDurations = <const P extends Readonly<globalThis.Record<string, string>>>(
  doc: string,
  parts: P,
): Option<{ readonly [K in keyof P]: number } | null> =>
  option('durations', doc, null, { parts, required: false });

/** A mapping from names to functions over the records of a group: `sum(value.amount)`. */
export const aggregates = (
  doc: string,
): Option<Readonly<globalThis.Record<string, AggregateCall>>> =>
  option('aggregates', doc, undefined);
