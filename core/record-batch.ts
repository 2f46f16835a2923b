/**
 * Kafka's record batch, format v2 (KIP-98), uncompressed, as it is read: what a commit writes and a
 * fetch brings, here and on the wire. A slice's records are places in these bytes.
 *
 * Layout: baseOffset i64 | length i32 | leaderEpoch i32 | magic i8 = 2 | crc u32 | attributes i16 |
 * lastOffsetDelta i32 | baseTimestamp i64 | maxTimestamp i64 | producerId i64 | producerEpoch i16 |
 * baseSequence i32 | count i32 | records, each: length | attributes i8 | timestamp delta | offset
 * delta | key | value | headers, with varints for all numbers and lengths.
 */
import type { LogBatch } from './log.ts';
import { Record } from './record.ts';
import { NONE, Slice } from './slice.ts';
import { VarintReader } from './varint.ts';

export const BATCH_HEADER_BYTES = 61;
/** From here on the CRC counts. */
export const CRC_FROM = 21;
/** Attribute bit: the broker's time of appending stands for the records' own. */
const LOG_APPEND_TIME = 0x08;

/** How many records a batch has, without reading them. */
export function batchCount(bytes: Buffer): number {
  return bytes.length === 0 ? 0 : bytes.readInt32BE(57);
}

/** The time from which those of the batch's records count. */
export function batchBaseMs(bytes: Buffer): number {
  return bytes.length === 0 ? 0 : Number(bytes.readBigInt64BE(27));
}

/** The batch's number of offsets: of its last record, from its base, and one. */
export function batchSpan(bytes: Buffer): number {
  return bytes.readInt32BE(23) + 1;
}

/** Goes through the records of a batch, a slice at a time. */
export class BatchCursor {
  #batch: LogBatch | null = null;
  #left = 0;
  #baseTimestamp = 0;
  #logAppendMs = -1;
  readonly #in = new VarintReader(Buffer.alloc(0));
  #nextOffset = 0;

  /** Begins with a batch. */
  open(batch: LogBatch): void {
    const { bytes } = batch;
    this.#batch = batch;
    this.#left = batchCount(bytes);
    this.#nextOffset = Math.max(batch.from, batch.baseOffset);
    if (this.#left === 0) return;
    this.#baseTimestamp = batchBaseMs(bytes);
    const isAppendTime = (bytes.readInt16BE(21) & LOG_APPEND_TIME) !== 0;
    this.#logAppendMs = isAppendTime ? Number(bytes.readBigInt64BE(35)) : -1;
    this.#in.bytes = bytes;
    this.#in.at = BATCH_HEADER_BYTES;
  }

  get done(): boolean {
    return this.#left === 0;
  }

  /** What to commit when everything that was read is done. */
  get nextOffset(): number {
    return this.#left === 0 ? this.#batch!.nextOffset : this.#nextOffset;
  }

  /** Where it is, to come back to. */
  place(): { readonly at: number; readonly left: number; readonly nextOffset: number } {
    return { at: this.#in.at, left: this.#left, nextOffset: this.#nextOffset };
  }

  goBack(to: { readonly at: number; readonly left: number; readonly nextOffset: number }): void {
    this.#in.at = to.at;
    this.#left = to.left;
    this.#nextOffset = to.nextOffset;
  }

  /**
   * Fills an empty slice with the next records, at most `max`; those below `from` are passed by.
   * Throws a RangeError when the batch ends too early.
   */
  read(slice: Slice, max = slice.capacity): void {
    const { topic, partition, bytes, baseOffset, from } = this.#batch!;
    const reader = this.#in;
    slice.reset(topic, partition, bytes);
    let n = 0;
    while (this.#left > 0 && n < max) {
      const size = reader.next();
      const end = reader.at + size;
      if (size < 0 || end > bytes.length) throw new RangeError('a record batch ends too early');
      reader.at++;
      const timestamp = this.#baseTimestamp + reader.next();
      const offset = baseOffset + reader.next();
      if (offset >= from) {
        slice.offset[n] = offset;
        slice.timestamp[n] = this.#logAppendMs < 0 ? timestamp : this.#logAppendMs;
        this.#place(slice.keyStart, slice.keyEnd, n, end);
        this.#place(slice.valueStart, slice.valueEnd, n, end);
        slice.headersAt[n] = bytes[reader.at] === 0 ? NONE : reader.at;
        slice.clearSlots(n++);
      }
      reader.at = end;
      this.#left--;
      this.#nextOffset = offset + 1;
    }
    slice.n = n;
    slice.selectAll();
  }

  #place(starts: Int32Array, ends: Int32Array, n: number, recordEnd: number): void {
    const reader = this.#in;
    const size = reader.next();
    if (size < 0) {
      starts[n] = NONE;
      ends[n] = NONE;
      return;
    }
    starts[n] = reader.at;
    reader.at += size;
    if (reader.at > recordEnd) throw new RangeError('a record ends too early');
    ends[n] = reader.at;
  }
}

/** All records of one batch, as views on a slice of its own: for tools, and for tests. */
export function readBatch(batch: LogBatch): Record[] {
  const slice = new Slice(0, Math.max(1, batchCount(batch.bytes)));
  const cursor = new BatchCursor();
  cursor.open(batch);
  if (cursor.done) return [];
  cursor.read(slice);
  return Array.from({ length: slice.n }, (_, i) => new Record(slice, i));
}

/** A batch that is read from its start to its end. */
export function wholeBatch(
  topic: string,
  partition: number,
  bytes: Buffer,
  baseOffset: number,
): LogBatch {
  const nextOffset = baseOffset + (bytes.length === 0 ? 0 : batchSpan(bytes));
  return { topic, partition, bytes, baseOffset, from: baseOffset, nextOffset };
}

/** Writes base offset and CRC-32C into a finished batch. */
export function sealBatch(
  bytes: Buffer,
  baseOffset: number,
  crc32c: (bytes: Buffer) => number,
): void {
  bytes.writeBigInt64BE(BigInt(baseOffset), 0);
  bytes.writeUInt32BE(crc32c(bytes.subarray(CRC_FROM)) >>> 0, 17);
}
