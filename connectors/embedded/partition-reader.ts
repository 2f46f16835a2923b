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
  #aligned = false;

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
    const batch = partition.at(position, this.end, this.#aligned);
    if (partition.spec.cleanup === 'delete') {
      partition.skipped += Math.max(0, partition.startOffset - position);
    }
    this.position = batch.nextOffset;
    this.#aligned = true;
    partition.trim();
    return batch;
  }

  close(): void {
    this.partition.readers.delete(this);
    this.partition.trim();
  }
}
