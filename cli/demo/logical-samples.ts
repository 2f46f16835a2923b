/** Sample values of Avro's logical types: what they mean, and not only what they are made of. */
import type { SeededRandom } from './random.ts';

const DAY_MS = 86_400_000;

type Type = { readonly [key: string]: unknown };
type Sample = (nowMs: number, random: SeededRandom, type: Type) => unknown;

const SAMPLES: { readonly [logicalType: string]: Sample } = {
  'timestamp-millis': (nowMs) => nowMs,
  'timestamp-micros': (nowMs) => nowMs * 1_000,
  'local-timestamp-millis': (nowMs) => nowMs,
  'local-timestamp-micros': (nowMs) => nowMs * 1_000,
  'time-millis': (nowMs) => nowMs % DAY_MS,
  'time-micros': (nowMs) => (nowMs % DAY_MS) * 1_000,
  date: (nowMs) => Math.floor(nowMs / DAY_MS),
  uuid: (_, random, { type }) => (type === 'string' ? uuid(random) : undefined),
  decimal: (_, random, type) => decimal(random, type),
  duration: (_, random, { size }) => (size === DURATION_BYTES ? duration(random) : undefined),
};

/** In the form of the HTTP API; undefined: the type is none, or has no value of its own kind. */
export function logicalSample(type: Type, nowMs: number, random: SeededRandom): unknown {
  const { logicalType } = type;
  if (typeof logicalType !== 'string' || !Object.hasOwn(SAMPLES, logicalType)) return undefined;
  return SAMPLES[logicalType]!(nowMs, random, type);
}

function uuid(random: SeededRandom): string {
  const bytes = Buffer.from(Array.from({ length: 16 }, () => random.below(256)));
  bytes[6] = 0x40 | (bytes[6]! & 0x0f);
  bytes[8] = 0x80 | (bytes[8]! & 0x3f);
  const hex = bytes.toString('hex');
  return [0, 8, 12, 16, 20].map((at, n, all) => hex.slice(at, all[n + 1])).join('-');
}

/** More digits are as good as these. */
const DIGITS_MAX = 6;

/** The unscaled number, big-endian, within its precision; in all bytes of a fixed. */
function decimal(random: SeededRandom, { type, precision, size }: Type): unknown {
  if (type !== 'bytes' && type !== 'fixed') return undefined;
  const digits = Math.min(typeof precision === 'number' ? precision : 1, DIGITS_MAX);
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(random.below(10 ** digits));
  if (type === 'bytes') return bytes.toString('base64');
  const all = Buffer.alloc(Number(size));
  bytes.copy(all, Math.max(0, all.length - 4), Math.max(0, 4 - all.length));
  return all.toString('base64');
}

/** Months, days and milliseconds. */
const DURATION_BYTES = 12;

function duration(random: SeededRandom): string {
  const bytes = Buffer.alloc(DURATION_BYTES);
  bytes.writeUInt32LE(random.below(12), 0);
  bytes.writeUInt32LE(random.below(28), 4);
  bytes.writeUInt32LE(random.below(DAY_MS), 8);
  return bytes.toString('base64');
}
