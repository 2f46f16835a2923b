/**
 * What keeps the file small, in small pieces: retention of topics that are deleted by time,
 * settling and compaction of compacted ones, both for `compact,delete`, the offsets' table, and
 * whatever else is to be swept (expired inbox rows). It looks each second, and goes on at once, a
 * piece in a few milliseconds, while there is more to do. The file does not shrink: SQLite uses the
 * freed pages again.
 */
import type { Clock } from '../../core/clock.ts';
import { Compaction } from './compaction.ts';
import type { Offsets } from './offsets.ts';
import type { Partition } from './partition.ts';
import { type DroppedUnread, Retention } from './retention.ts';
import { Settling } from './settling.ts';
import type { Topics } from './topics.ts';

const TICK_MS = 1_000;
/** Between two pieces, while there is more: a piece takes about a millisecond. */
const PIECE_EVERY_MS = 4;
/** Of one compaction in one piece. */
const COMPACT_BYTES = 256 * 1024;
const HEADS = 64;
/** The table of the offsets is written when this many blocks have come. */
const OFFSETS_BLOCKS = 1_024;

export interface HousekeepingOptions {
  readonly clock: Clock;
  readonly topics: Topics;
  readonly offsets: Offsets;
  readonly retentionMs: number;
  readonly bytesMax: number;
  readonly compactionLagMs: number;
  /** By slot, what every group that reads the partition has come to. */
  marks(): ReadonlyMap<number, number>;
  dropped(dropped: DroppedUnread): void;
  removed(rows: number): void;
  /** Looks whether the file is still there; called at each tick, before all else. */
  look(): void;
  /** Runs the body in the open transaction. */
  write(body: () => void): void;
}

/** Something else that is done in pieces, each inside a transaction and bounded by itself. */
export interface Chore {
  /** Called once a tick. */
  tick(nowMs: number): void;
  /** True: there is a piece to do. */
  readonly isDue: boolean;
  step(): void;
  /** The transaction was rolled back. */
  reset(): void;
}

export class Housekeeping {
  readonly #options: HousekeepingOptions;
  readonly #retention: Retention;
  readonly #settling: Settling;
  readonly #compactions = new Map<Partition, Compaction>();
  readonly #chores = new Set<Chore>();
  #timer: NodeJS.Timeout | undefined;
  #piece: NodeJS.Timeout | undefined;
  #offsetsBlock = 0;

  constructor(options: HousekeepingOptions) {
    this.#options = options;
    this.#retention = new Retention(options);
    this.#settling = new Settling(options.topics);
  }

  /** There is no room for more, and nothing that may be taken. */
  get isFull(): boolean {
    return this.#retention.isFull;
  }

  start(): void {
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    // Nothing is lost when the process ends between two ticks.
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    clearTimeout(this.#piece);
  }

  /** The transaction was rolled back, and everything in memory was read again. */
  reset(): void {
    this.#retention.reset();
    this.#settling.reset();
    for (const compaction of this.#compactions.values()) compaction.reset();
    for (const chore of this.#chores) chore.reset();
    this.#offsetsBlock = 0;
  }

  /** Returns what takes it away again. */
  addChore(chore: Chore): () => void {
    this.#chores.add(chore);
    return () => this.#chores.delete(chore);
  }

  /** There may be something to do: it is looked at soon, not at the next tick. */
  nudge(): void {
    if (this.#piece !== undefined) return;
    this.#piece = setTimeout(() => {
      this.#piece = undefined;
      this.#try(() => {
        if (this.#work()) this.nudge();
      });
    }, PIECE_EVERY_MS);
    this.#piece.unref();
  }

  /** All that is due. */
  run(): void {
    this.#begin();
    while (this.#work());
  }

  #tick(): void {
    this.#try(() => {
      this.#begin();
      if (this.#work()) this.nudge();
    });
  }

  #try(body: () => void): void {
    try {
      body();
    } catch {
      // The log has told of it (CAR606), and its health with it; the next tick tries again.
    }
  }

  #begin(): void {
    this.#options.look();
    const nowMs = this.#options.clock.now();
    const { topics, offsets, write } = this.#options;
    const isMuch = topics.blocks.lastId - this.#offsetsBlock >= OFFSETS_BLOCKS;
    for (const chore of this.#chores) chore.tick(nowMs);
    if (!isMuch) return;
    write(() => {
      this.#offsetsBlock = topics.blocks.lastId;
      offsets.settle(this.#offsetsBlock);
    });
  }

  /** A piece of everything that is due. False: nothing is. */
  #work(): boolean {
    const { clock, topics, offsets, compactionLagMs, write, removed } = this.#options;
    const nowMs = clock.now();
    const isRetention = this.#retention.isDue(nowMs);
    const isSettling = this.#settling.isDue(nowMs);
    const due = this.#dueCompactions(nowMs);
    const old = this.#tooOld(nowMs);
    const chores = [...this.#chores].filter(({ isDue }) => isDue);
    if (!isRetention && !isSettling && due.length + old.length + chores.length === 0) return false;
    let isMore = isSettling || due.length + chores.length > 0;
    write(() => {
      if (isRetention) {
        // The offsets in a block that goes are in their table before.
        this.#offsetsBlock = topics.blocks.lastId;
        offsets.settle(this.#offsetsBlock);
        isMore = this.#retention.step(nowMs) || isMore;
      }
      if (isSettling) this.#settling.step();
      for (const chore of chores) chore.step();
      for (const [partition, compaction] of due.slice(0, 1)) {
        const lagMs = partition.isChangelog ? 0 : compactionLagMs;
        removed(compaction.step({ nowMs, lagMs }, COMPACT_BYTES));
      }
      for (const partition of old) isMore = this.#removeOld(partition, nowMs) || isMore;
    });
    return isMore;
  }

  #dueCompactions(nowMs: number): (readonly [Partition, Compaction])[] {
    const due: (readonly [Partition, Compaction])[] = [];
    for (const partition of this.#options.topics.all) {
      if (!partition.isCompacted) continue;
      let compaction = this.#compactions.get(partition);
      if (compaction === undefined) {
        compaction = new Compaction(partition);
        this.#compactions.set(partition, compaction);
      }
      if (compaction.isDue(nowMs)) due.push([partition, compaction]);
    }
    return due;
  }

  #tooOld(nowMs: number): Partition[] {
    return this.#options.topics.all.filter((partition) => {
      if (partition.spec.cleanup !== 'compact,delete') return false;
      const [head] = heads(partition, 1);
      return head !== undefined && head.appendedAt < nowMs - this.#retentionOf(partition);
    });
  }

  #retentionOf({ spec }: Partition): number {
    return spec.retentionMs ?? this.#options.retentionMs;
  }

  #removeOld(partition: Partition, nowMs: number): boolean {
    const { statements, settledOffset, slot } = partition;
    // The end of what is settled is known from its last row, or from the floor when that is gone.
    statements.setFloor.run(settledOffset, slot);
    const before = nowMs - this.#retentionOf(partition);
    const rows = heads(partition, HEADS);
    for (const { id, appendedAt } of rows) {
      if (appendedAt >= before) return false;
      statements.remove.run(id);
      this.#options.removed(1);
    }
    return rows.length === HEADS;
  }
}

/** The first settled rows of a partition. */
function heads(partition: Partition, limit: number): { id: number; appendedAt: number }[] {
  const { firstId, endId, statements } = partition;
  return statements.heads.all(firstId, endId, limit).map((row) => {
    return { id: Number(row.id), appendedAt: Number(row.appended_at) };
  });
}
