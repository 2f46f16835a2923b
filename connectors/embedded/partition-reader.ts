/** A position in one partition. */
import type { LogBatch } from '../../core/log.ts';
import type { Partition } from './partition.ts';

export class PartitionReader {
  readonly partition: Partition;
  /** True: sees what is not committed yet (groups inside the log). */
  readonly speculative: boolean;
  /** There may be more than before. */
  readonly wake: () => void;
  /** The next offset to read. */
  position: number;
  /** Read from the file together with the last one; at most a block's run. */
  #ahead: readonly LogBatch[] = [];
  #aheadAt = 0;
  readonly #cursor = { block: 0 };

  constructor(partition: Partition, from: number, speculative: boolean, wake: () => void) {
    this.partition = partition;
    this.position = from;
    this.speculative = speculative;
    this.wake = wake;
    partition.readers.add(this);
  }

  get end(): number {
    return this.speculative ? this.partition.nextOffset : this.partition.committedOffset;
  }

  get behind(): boolean {
    return this.position < this.end;
  }

  /** Undefined: it is at the end. Without records: nothing is left up to the end. */
  next(): LogBatch | undefined {
    if (!this.behind) return undefined;
    const { partition, position } = this;
    if (this.#aheadAt >= this.#ahead.length) {
      this.#ahead = partition.read(position, this.end, this.#cursor);
      this.#aheadAt = 0;
    }
    const batch = this.#ahead[this.#aheadAt++]!;
    this.position = batch.nextOffset;
    partition.trim();
    return batch;
  }

  close(): void {
    this.partition.readers.delete(this);
    this.partition.trim();
  }
}
