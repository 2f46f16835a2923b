/**
 * What keeps the file small, a bounded piece each second: retention by time and by bytes for
 * `delete` topics, key compaction for compacted ones, both for `compact,delete`, and whatever else
 * is to be swept (expired inbox rows). The file does not shrink: SQLite uses the freed pages again.
 */
import type { Clock } from '../../core/clock.ts';
import { Compaction } from './compaction.ts';
import { SLOT_SPAN } from './database.ts';
import type { Partition } from './partition.ts';
import type { Topics } from './topics.ts';

const TICK_MS = 1_000;
/**
 * Batches that one tick removes at least, when they are due, whatever was appended since the last.
 */
const REMOVE_BATCHES_MIN = 256;
/** Batches that one tick of compaction reads, of all partitions together. */
const COMPACT_BATCHES = 64;
const HEADS = 64;

export interface HousekeepingOptions {
  readonly clock: Clock;
  readonly topics: Topics;
  readonly counts: { removedBatches: number };
  readonly retentionMs: number;
  readonly bytesMax: number;
  readonly compactionLagMs: number;
  /** Looks whether the file is still there; called at each tick, before all else. */
  look(): void;
  /** Runs the body in the open transaction. */
  write(body: () => void): void;
}

/** Something else that is swept each tick, inside a transaction; bounded by itself. */
export type Sweep = (nowMs: number) => void;

export class Housekeeping {
  readonly #options: HousekeepingOptions;
  readonly #compactions = new Map<Partition, Compaction>();
  readonly #sweeps = new Set<Sweep>();
  #timer: NodeJS.Timeout | undefined;
  #appendedBefore = 0;

  constructor(options: HousekeepingOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    // Nothing is lost when the process ends between two ticks.
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Returns what takes it away again. */
  addSweep(sweep: Sweep): () => void {
    this.#sweeps.add(sweep);
    return () => this.#sweeps.delete(sweep);
  }

  /** One bounded piece of everything. */
  run(): void {
    this.#options.look();
    const nowMs = this.#options.clock.now();
    const partitions = [...this.#options.topics.all()];
    const old = this.#tooOld(partitions, nowMs);
    const dueCompactions = this.#dueCompactions(partitions);
    const sizes = this.#tooMuch(partitions);
    if (old.length + dueCompactions.length + this.#sweeps.size === 0 && !sizes) return;
    this.#options.write(() => {
      const { counts, compactionLagMs: lagMs } = this.#options;
      let left = this.#allowance(partitions);
      for (const partition of old) left -= this.#removeOld(partition, nowMs, left);
      if (sizes) this.#removeMuch(partitions, left);
      const each = Math.ceil(COMPACT_BATCHES / Math.max(1, dueCompactions.length));
      for (const compaction of dueCompactions) {
        counts.removedBatches += compaction.step({ nowMs, lagMs }, each);
      }
      for (const sweep of this.#sweeps) sweep(nowMs);
    });
  }

  #tick(): void {
    try {
      this.run();
    } catch {
      // The log has told of it (CAR606), and its health with it; the next tick tries again.
    }
  }

  /** Twice what was appended since the last tick: so removing is never slower than appending. */
  #allowance(partitions: readonly Partition[]): number {
    const appended = partitions.reduce((sum, partition) => sum + partition.appended, 0);
    const since = appended - this.#appendedBefore;
    this.#appendedBefore = appended;
    return REMOVE_BATCHES_MIN + 2 * since;
  }

  #retentionOf(partition: Partition): number {
    return partition.spec.retentionMs ?? this.#options.retentionMs;
  }

  #tooOld(partitions: readonly Partition[], nowMs: number): Partition[] {
    return partitions.filter((partition) => {
      if (partition.spec.cleanup === 'compact' || partition.bytes === 0) return false;
      const [head] = heads(partition, 1);
      return head !== undefined && head.appendedAt < nowMs - this.#retentionOf(partition);
    });
  }

  #removeOld(partition: Partition, nowMs: number, left: number): number {
    const before = nowMs - this.#retentionOf(partition);
    let removed = 0;
    for (;;) {
      const batches = heads(partition, Math.min(HEADS, left - removed));
      for (const batch of batches) {
        if (batch.appendedAt >= before) return removed;
        this.#remove(partition, batch);
        removed++;
      }
      if (batches.length < HEADS) return removed;
    }
  }

  #deletable(partitions: readonly Partition[]): Partition[] {
    return partitions.filter(({ spec, bytes }) => spec.cleanup === 'delete' && bytes > 0);
  }

  #tooMuch(partitions: readonly Partition[]): boolean {
    const bytes = this.#deletable(partitions).reduce((sum, partition) => sum + partition.bytes, 0);
    return bytes > this.#options.bytesMax;
  }

  /** Takes the oldest batches of all `delete` topics, until they fit. */
  #removeMuch(partitions: readonly Partition[], left: number): void {
    const candidates = this.#deletable(partitions);
    let bytes = candidates.reduce((sum, partition) => sum + partition.bytes, 0);
    const queues = candidates.map((partition) => ({ partition, batches: heads(partition, HEADS) }));
    for (let removed = 0; removed < left && bytes > this.#options.bytesMax; removed++) {
      let oldest: (typeof queues)[number] | undefined;
      for (const queue of queues) {
        const head = queue.batches[0];
        if (head === undefined) continue;
        if (oldest === undefined || head.appendedAt < oldest.batches[0]!.appendedAt) {
          oldest = queue;
        }
      }
      if (oldest === undefined) return;
      const batch = oldest.batches.shift()!;
      this.#remove(oldest.partition, batch);
      bytes -= batch.size;
      if (oldest.batches.length === 0) oldest.batches = heads(oldest.partition, HEADS);
    }
  }

  #remove(partition: Partition, batch: Head): void {
    const { statements } = partition;
    // The end of a partition is known from its last batch, or from the floor when that is gone.
    if (partition.startOffset <= batch.base) {
      statements.setFloor.run(Math.max(partition.nextOffset, batch.last + 1), partition.slot);
    }
    statements.remove.run(partition.firstId + batch.base);
    partition.removeHead(batch.last, batch.size);
    this.#options.counts.removedBatches++;
  }

  #dueCompactions(partitions: readonly Partition[]): Compaction[] {
    const due: Compaction[] = [];
    for (const partition of partitions) {
      if (partition.spec.cleanup === 'delete') continue;
      let compaction = this.#compactions.get(partition);
      if (compaction === undefined) {
        compaction = new Compaction(partition);
        this.#compactions.set(partition, compaction);
      }
      if (compaction.due) due.push(compaction);
    }
    return due;
  }
}

interface Head {
  readonly base: number;
  readonly last: number;
  readonly appendedAt: number;
  readonly size: number;
}

/** The first batches of a partition, committed ones only. */
function heads(partition: Partition, limit: number): Head[] {
  if (limit <= 0) return [];
  const { firstId, committedOffset, statements } = partition;
  return statements.heads
    .all(firstId, firstId + Math.min(committedOffset, SLOT_SPAN - 1), limit)
    .map((row) => ({
      base: Number(row.id) - firstId,
      last: Number(row.last_offset),
      appendedAt: Number(row.appended_at),
      size: Number(row.size),
    }));
}
