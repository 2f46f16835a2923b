/** One partition of a log in memory: its batches, and its compaction. */
import type { EncodedBatch, LogBatch, TopicSpec } from '../../core/log.ts';
import { batchCount } from '../../core/record-batch.ts';
import { keepRecords, RecordScan } from '../../core/record-scan.ts';

/**
 * A compacted topic below this many records is left as it was written, so that a test sees all of
 * it; above, a simulation of any length needs room for two records a key.
 */
const COMPACT_RECORDS_MIN = 10_000;
const NO_BYTES = Buffer.alloc(0);

interface StoredBatch {
  readonly base: number;
  readonly next: number;
  readonly bytes: Buffer;
}

export class MemoryPartition {
  readonly topic: string;
  readonly partition: number;
  nextOffset = 0;
  readonly #isCompacted: boolean;
  #batches: StoredBatch[] = [];
  #records = 0;
  #recordsKept = 0;

  constructor({ name, cleanup }: TopicSpec, partition: number) {
    this.topic = name;
    this.partition = partition;
    this.#isCompacted = cleanup === 'compact';
  }

  /** Returns the batch as it now lies in the log. */
  append({ bytes, count }: EncodedBatch): LogBatch {
    const stored = { base: this.nextOffset, next: this.nextOffset + count, bytes };
    this.#batches.push(stored);
    this.nextOffset = stored.next;
    this.#records += count;
    return this.#logBatch(stored, stored.base);
  }

  /** The batch that holds the offset, or the next one after it; undefined at the end. */
  at(offset: number): LogBatch | undefined {
    if (offset >= this.nextOffset) return undefined;
    const stored = this.#batches[this.#firstAbove(offset)];
    if (stored !== undefined) return this.#logBatch(stored, Math.max(offset, stored.base));
    // Compaction has taken all up to the end.
    const { topic, partition, nextOffset } = this;
    return { topic, partition, bytes: NO_BYTES, baseOffset: offset, from: offset, nextOffset };
  }

  *all(): Generator<LogBatch> {
    for (const stored of this.#batches) yield this.#logBatch(stored, stored.base);
  }

  /** True when a compaction would take about half of it. */
  get isGrown(): boolean {
    return (
      this.#isCompacted && this.#records >= Math.max(COMPACT_RECORDS_MIN, 2 * this.#recordsKept)
    );
  }

  /** Keeps the last record of each key; deletions go as well, for readers begin at the start. */
  compact(): void {
    const last = new Map<string, number>();
    const scan = new RecordScan();
    for (const { bytes, base } of this.#batches) {
      scan.open(bytes, base);
      while (scan.next()) if (scan.keyStart >= 0) last.set(scan.key!, scan.offset);
    }
    const kept: StoredBatch[] = [];
    this.#records = 0;
    for (const stored of this.#batches) {
      const bytes = keepRecords(stored.bytes, stored.base, ({ key, offset, isTombstone }) => {
        return key === null || (last.get(key) === offset && !isTombstone);
      });
      if (bytes === null) continue;
      kept.push({ ...stored, bytes });
      this.#records += batchCount(bytes);
    }
    this.#batches = kept;
    this.#recordsKept = this.#records;
  }

  #logBatch({ base, next, bytes }: StoredBatch, from: number): LogBatch {
    const { topic, partition } = this;
    return { topic, partition, bytes, baseOffset: base, from, nextOffset: next };
  }

  /** Index of the first batch that ends above the offset. */
  #firstAbove(offset: number): number {
    let low = 0;
    let high = this.#batches.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#batches[middle]!.next <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
