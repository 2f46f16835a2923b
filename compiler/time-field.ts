/** Which values of a schema are epoch milliseconds, as far as its types say. */
import { type Shape, withoutNull } from './shape.ts';

/** Logical types of a long that are no epoch milliseconds. */
const NO_TIMES: { readonly [logical: string]: string } = {
  'timestamp-micros': 'a time in microseconds (timestamp-micros)',
  'timestamp-nanos': 'a time in nanoseconds (timestamp-nanos)',
  'local-timestamp-millis': 'a local time without its zone (local-timestamp-millis)',
  'local-timestamp-micros': 'a local time without its zone (local-timestamp-micros)',
  'local-timestamp-nanos': 'a local time without its zone (local-timestamp-nanos)',
  'time-micros': 'a time of day (time-micros)',
};
const NO_TIMES_OF_32_BITS: { readonly [logical: string]: string } = {
  date: 'a date, a number of days',
  'time-millis': 'a time of day (time-millis)',
};

/** What a whole number or a union is, when it cannot be a time; undefined: it may be one. */
export function noTimeBecause(shape: Shape): string | undefined {
  if (shape.kind === 'any' && shape.branches !== undefined) {
    return `a union of ${shape.branches.join(', ')}`;
  }
  if (shape.kind !== 'int') return undefined;
  const { bits, logical = '' } = shape;
  if (bits === 32) return NO_TIMES_OF_32_BITS[logical] ?? 'a 32-bit int';
  return NO_TIMES[logical];
}

/** What a producer can write instead; undefined: what it writes has no millisecond in it. */
export function timeMend(shape: Shape): string | undefined {
  const of = withoutNull(shape);
  if (of.kind !== 'int') return undefined;
  if (shape.kind === 'nullable') return 'Let the producer always give it: a long without null.';
  const isInstant = of.bits === 32 || /^(local-)?timestamp-/.test(of.logical ?? '');
  if (!isInstant || /^(date|time-)/.test(of.logical ?? '')) return undefined;
  return 'Let the producer write it in milliseconds: { type: long, logicalType: timestamp-millis }.';
}
