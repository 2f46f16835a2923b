/**
 * What was fetched of one input and not taken yet. It is bounded: full, its partition is paused,
 * and flows again when half of it has been taken, so that it does not change with every batch.
 */
import type { LogBatch } from '../../core/log.ts';
import { batchCount } from '../../core/record-batch.ts';

/**
 * One fetch of a partition is up to as much (`maxBytesPerPartition`), and comes on top of it when
 * it was under way: an input holds 2 MiB of uncompressed batches at most.
 */
export const QUEUE_BYTES_MAX = 1024 * 1024;
/** Small batches cost more than their bytes. */
export const QUEUE_BATCHES_MAX = 256;

export class InputQueue {
  #batches: LogBatch[] = [];
  /** Taken up to here; the array is cut when it is empty, so that a take costs no copying. */
  #head = 0;
  #bytes = 0;
  #isFull = false;

  get size(): number {
    return this.#batches.length - this.#head;
  }

  /** True from the bound on, until half of it has been taken. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** True when there was nothing before: who takes is to be woken. */
  push(batch: LogBatch): boolean {
    const wasEmpty = this.size === 0;
    const last = this.#batches.at(-1);
    if (batchCount(batch.bytes) === 0 && !wasEmpty && last !== undefined) {
      // Only the position moves: with the batch before, if that has not been taken.
      this.#batches[this.#batches.length - 1] = { ...last, nextOffset: batch.nextOffset };
      return false;
    }
    this.#batches.push(batch);
    this.#bytes += batch.bytes.length;
    this.#isFull ||= this.#bytes >= QUEUE_BYTES_MAX || this.size >= QUEUE_BATCHES_MAX;
    return wasEmpty;
  }

  take(): LogBatch | undefined {
    const batch = this.#batches[this.#head];
    if (batch === undefined) return undefined;
    this.#head++;
    this.#bytes -= batch.bytes.length;
    if (this.#head === this.#batches.length) this.clear();
    else if (this.#bytes <= QUEUE_BYTES_MAX / 2 && this.size <= QUEUE_BATCHES_MAX / 2) {
      this.#isFull = false;
    }
    return batch;
  }

  clear(): void {
    this.#batches = [];
    this.#head = 0;
    this.#bytes = 0;
    this.#isFull = false;
  }
}
