/**
 * What the file holds of topics and groups, and what the open transaction is about to add to it.
 * Everything goes into memory first, is read from there, and is written at the COMMIT as one row.
 */
import type { DatabaseSync } from 'node:sqlite';
import { CarillonError } from '../../core/error.ts';
import type { CommittedOffset, EncodedBatch, GroupPosition } from '../../core/log.ts';
import { RecordScan } from '../../core/record-scan.ts';
import { Offsets } from './offsets.ts';
import type { Partition } from './partition.ts';
import type { PartitionReader } from './partition-reader.ts';
import { Pending } from './pending.ts';
import { Topics } from './topics.ts';

export class Storage {
  readonly topics: Topics;
  readonly offsets: Offsets;
  readonly #pending = new Pending();
  readonly #woken = new Set<PartitionReader>();
  #isWaking = false;

  constructor(db: DatabaseSync) {
    this.topics = new Topics(db);
    this.offsets = new Offsets(db);
    this.offsets.load();
    this.topics.loadNew(this.offsets);
  }

  /** Appended and not written yet, bytes. */
  get pendingBytes(): number {
    return this.#pending.bytes;
  }

  /** What can be refused is refused before anything is appended. Throws CAR605, CAR609. */
  check(batches: readonly EncodedBatch[]): Partition[] {
    return batches.map((batch) => {
      const partition = this.topics.partition(batch.topic, batch.partition);
      const at = `${batch.topic}/${batch.partition}`;
      if (batch.count < 1) {
        throw new CarillonError('CAR609', `A batch for ${at} has no records.`, { where: { at } });
      }
      if (partition.isCompacted && hasNullKey(batch.bytes)) {
        const what = `A batch for ${at} has a record without a key, but the topic is compacted.`;
        throw new CarillonError('CAR609', what, { where: { at } });
      }
      return partition;
    });
  }

  /** In the open transaction. Returns the base offsets. */
  append(batches: readonly EncodedBatch[], partitions: readonly Partition[]): number[] {
    return batches.map((batch, i) => {
      const partition = partitions[i]!;
      const base = partition.append(batch);
      this.#pending.add(partition, base, batch);
      return base;
    });
  }

  /** In the open transaction. */
  setOffsets(group: string, partition: number, offsets: readonly CommittedOffset[]): void {
    for (const offset of offsets) {
      this.offsets.set(group, this.topics.partition(offset.topic, partition).slot, offset);
    }
  }

  /** In the open transaction; of a group that nobody is in. */
  setPositions(group: string, positions: readonly GroupPosition[]): void {
    for (const { topic, partition, offset, metadata } of positions) {
      const { slot, startOffset } = this.topics.partition(topic, partition);
      this.offsets.set(group, slot, { offset: Math.max(offset, startOffset), metadata });
    }
  }

  /** To be called before COMMIT. */
  write(nowMs: number): void {
    const { blocks, changes } = this.topics;
    this.#pending.write(nowMs, blocks, changes, this.offsets);
  }

  /** To be called after COMMIT: who waits for it is woken. Returns whether anything was new. */
  committed(): boolean {
    const partitions = [...this.#pending.partitions];
    this.#pending.clear();
    this.topics.blocks.committed();
    this.topics.changes.committed();
    this.offsets.committed();
    for (const partition of partitions) partition.committed();
    this.wake(partitions, false);
    return partitions.length > 0;
  }

  /** To be called after a rollback. */
  reload(): void {
    this.#pending.clear();
    this.topics.reload(this.offsets);
  }

  /** Wakes those who see what is not committed yet, or those who do not. */
  wake(partitions: Iterable<Partition>, speculative: boolean): void {
    for (const partition of partitions) {
      for (const reader of partition.readers) {
        if (reader.speculative === speculative) this.#woken.add(reader);
      }
    }
    if (this.#isWaking) return;
    this.#isWaking = true;
    try {
      // Who is woken may append in turn; those readers are woken after it, never within.
      for (const reader of this.#woken) {
        this.#woken.delete(reader);
        reader.wake();
      }
    } finally {
      this.#isWaking = false;
    }
  }
}

/** True when a record has no key, which no compacted topic can hold. */
function hasNullKey(bytes: Buffer): boolean {
  const scan = new RecordScan().open(bytes, 0);
  while (scan.next()) if (scan.keyStart < 0) return true;
  return false;
}
