/** What the open transaction has appended so far; it is written at its COMMIT, as a block. */
import type { EncodedBatch } from '../../core/log.ts';
import type { Blocks } from './blocks.ts';
import type { Offsets } from './offsets.ts';
import type { Partition } from './partition.ts';

interface PendingRun {
  readonly base: number;
  next: number;
  maxTimestamp: number;
  size: number;
  readonly parts: Buffer[];
}

export class Pending {
  readonly #runs = new Map<Partition, PendingRun>();
  bytes = 0;

  get partitions(): Iterable<Partition> {
    return this.#runs.keys();
  }

  add(partition: Partition, base: number, { count, bytes, maxTimestamp }: EncodedBatch): void {
    this.bytes += bytes.length;
    const run = this.#runs.get(partition);
    if (run === undefined) {
      const size = bytes.length;
      this.#runs.set(partition, { base, next: base + count, maxTimestamp, size, parts: [bytes] });
      return;
    }
    run.next += count;
    run.maxTimestamp = Math.max(run.maxTimestamp, maxTimestamp);
    run.size += bytes.length;
    run.parts.push(bytes);
  }

  /** In the transaction, before its COMMIT. */
  write(nowMs: number, blocks: Blocks, changes: Blocks, offsets: Offsets): void {
    const of = (isCompacted: boolean) =>
      [...this.#runs].flatMap(([partition, run]) =>
        partition.isCompacted === isCompacted ? [{ slot: partition.slot, ...run }] : [],
      );
    blocks.write(nowMs, of(false), offsets.dirty());
    changes.write(nowMs, of(true));
  }

  clear(): void {
    this.#runs.clear();
    this.bytes = 0;
  }
}
