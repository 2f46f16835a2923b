/**
 * What the two halves of a join by a foreign key say to one another. An ask goes to the partition
 * of the right row's key, under that key; an answer to the partition that has asked, under the left
 * row's. Both carry the version of the left row, so that what was overtaken is known.
 */
import type { Slice } from '../../core/slice.ts';

/**
 * `row`: answer when there is a right row. `any`: answer in any case, as there may be something
 * told that is true no more. `leave`: do not answer any more.
 */
const WANTS = ['row', 'any', 'leave'] as const;

export interface Ask {
  readonly version: number;
  /** Of the left row, epoch milliseconds. */
  readonly atMs: number;
  /** Where the left row is. */
  readonly partition: number;
  readonly wants: (typeof WANTS)[number];
  readonly key: string;
}

export interface Answer {
  readonly version: number;
  /** The time of what is to be told, epoch milliseconds. */
  readonly atMs: number;
  /** The right row in its wire form; empty: there is none. */
  readonly row: Buffer;
}

const AT = 8;
const PARTITION_AT = 16;
const WANTS_AT = 20;
const ASK_HEAD_BYTES = 21;
const ANSWER_HEAD_BYTES = 16;

export function askBytes({ version, atMs, partition, wants, key }: Ask): Buffer {
  const head = Buffer.allocUnsafe(ASK_HEAD_BYTES);
  head.writeDoubleBE(version, 0);
  head.writeDoubleBE(atMs, AT);
  head.writeInt32BE(partition, PARTITION_AT);
  head.writeUInt8(WANTS.indexOf(wants), WANTS_AT);
  return Buffer.concat([head, Buffer.from(key, 'utf8')]);
}

/** Undefined: it is none. */
export function readAsk(slice: Slice, i: number): Ask | undefined {
  const bytes = bytesOf(slice, i);
  if (bytes.length < ASK_HEAD_BYTES) return undefined;
  const wants = WANTS[bytes.readUInt8(WANTS_AT)];
  if (wants === undefined) return undefined;
  return {
    version: bytes.readDoubleBE(0),
    atMs: bytes.readDoubleBE(AT),
    partition: bytes.readInt32BE(PARTITION_AT),
    wants,
    key: bytes.toString('utf8', ASK_HEAD_BYTES),
  };
}

export function answerBytes({ version, atMs, row }: Answer): Buffer {
  const head = Buffer.allocUnsafe(ANSWER_HEAD_BYTES);
  head.writeDoubleBE(version, 0);
  head.writeDoubleBE(atMs, AT);
  return Buffer.concat([head, row]);
}

/** Undefined: it is none. */
export function readAnswer(slice: Slice, i: number): Answer | undefined {
  const bytes = bytesOf(slice, i);
  if (bytes.length < ANSWER_HEAD_BYTES) return undefined;
  return {
    version: bytes.readDoubleBE(0),
    atMs: bytes.readDoubleBE(AT),
    row: bytes.subarray(ANSWER_HEAD_BYTES),
  };
}

const NO_BYTES = Buffer.alloc(0);

function bytesOf({ bytes, keyStart, valueStart, valueEnd }: Slice, i: number): Buffer {
  const start = valueStart[i]!;
  return start < 0 || keyStart[i]! < 0 ? NO_BYTES : bytes.subarray(start, valueEnd[i]!);
}
