/**
 * Writes records of several batches of one partition into larger ones: what is settled lies in rows
 * of about 64 KiB, which a restore reads at the speed of the disk. Records keep offset, time and
 * bytes; only their deltas are written anew.
 */
import { writeBatchHeader } from '../../core/batch-builder.ts';
import { BATCH_HEADER_BYTES } from '../../core/record-batch.ts';
import type { RecordScan } from '../../core/record-scan.ts';
import { putVarint, VARINT_BYTES_MAX, varintBytes } from '../../core/varint.ts';

export const MERGED_BYTES = 64 * 1024;
const HEAD_BYTES_MAX = 1 + 3 * VARINT_BYTES_MAX;

export interface MergedBatch {
  readonly base: number;
  readonly last: number;
  readonly maxTimestamp: number;
  readonly bytes: Buffer;
}

export class BatchMerge {
  #bytes = Buffer.allocUnsafe(2 * MERGED_BYTES);
  #at = BATCH_HEADER_BYTES;
  #count = 0;
  #base = 0;
  #baseTimestamp = 0;
  #maxTimestamp = 0;

  /** It has as much as a row is to have. */
  get isFull(): boolean {
    return this.#at >= MERGED_BYTES;
  }

  get count(): number {
    return this.#count;
  }

  /** Takes the record that the scan is at. */
  add(scan: RecordScan): void {
    const { bytes, start, end, restAt, offset, timestamp } = scan;
    if (this.#count === 0) {
      this.#base = offset;
      this.#baseTimestamp = timestamp;
      this.#maxTimestamp = timestamp;
    } else if (timestamp > this.#maxTimestamp) this.#maxTimestamp = timestamp;
    const timeDelta = timestamp - this.#baseTimestamp;
    const offsetDelta = offset - this.#base;
    const size = 1 + varintBytes(timeDelta) + varintBytes(offsetDelta) + end - restAt;
    this.#room(HEAD_BYTES_MAX + end - start);
    const target = this.#bytes;
    let at = putVarint(target, this.#at, size);
    target[at++] = 0;
    at = putVarint(target, at, timeDelta);
    at = putVarint(target, at, offsetDelta);
    this.#at = at + bytes.copy(target, at, restAt, end);
    this.#count++;
  }

  /** What was taken, as one batch that reaches to `last`; undefined: nothing was. */
  finish(last: number): MergedBatch | undefined {
    if (this.#count === 0) return undefined;
    const bytes = Buffer.from(this.#bytes.subarray(0, this.#at));
    writeBatchHeader(bytes, {
      lastDelta: last - this.#base,
      baseMs: this.#baseTimestamp,
      maxMs: this.#maxTimestamp,
      count: this.#count,
    });
    const merged = { base: this.#base, last, maxTimestamp: this.#maxTimestamp, bytes };
    this.#at = BATCH_HEADER_BYTES;
    this.#count = 0;
    return merged;
  }

  #room(size: number): void {
    if (this.#at + size <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#at + size));
    this.#bytes.copy(grown, 0, 0, this.#at);
    this.#bytes = grown;
  }
}
