/**
 * Retention of topics that are deleted by time: each keeps its own time, and all of them share one
 * budget of bytes. Time takes records whether they were read or not, and says which a group had yet
 * to read; space takes only what every group has read. When nothing is left to take and the budget
 * is used up, the log is full: what is new is refused until the groups have caught up.
 */
import type { Run } from './block.ts';
import type { Block } from './blocks.ts';
import type { Partition } from './partition.ts';
import type { Topics } from './topics.ts';

/** Heads that one step looks at, at most. */
const BLOCKS_PER_STEP = 256;

/** Records that went before a group had read them. */
export interface DroppedUnread {
  readonly topic: string;
  readonly partition: number;
  readonly first: number;
  readonly last: number;
}

export interface RetentionOptions {
  readonly topics: Topics;
  readonly retentionMs: number;
  readonly bytesMax: number;
  /** By slot, what every group that reads the partition has come to; none: nobody reads it. */
  marks(): ReadonlyMap<number, number>;
  dropped(dropped: DroppedUnread): void;
  removed(blocks: number): void;
}

export class Retention {
  readonly #options: RetentionOptions;
  /** By retention, the block up to which its topics have lost their records. */
  readonly #expiredTo = new Map<number, number>();
  /** Up to this block there is only what is yet to be read; 0: look again from the first. */
  #unreadTo = 0;
  /** Space was looked for in vain. */
  isFull = false;

  constructor(options: RetentionOptions) {
    this.#options = options;
  }

  /** The transaction was rolled back: it looks at everything again. */
  reset(): void {
    this.#expiredTo.clear();
    this.#unreadTo = 0;
  }

  isDue(nowMs: number): boolean {
    const { blocks } = this.#options.topics;
    if (blocks.bytes > this.#options.bytesMax) return true;
    this.isFull = false;
    for (const retentionMs of this.#retentions()) {
      const next = blocks.first((this.#expiredTo.get(retentionMs) ?? 0) + 1);
      if (next !== undefined && next.appendedAt < nowMs - retentionMs) return true;
    }
    return false;
  }

  /** One piece, inside a transaction. True: there may be more to do. */
  step(nowMs: number): boolean {
    const marks = this.#options.marks();
    let isMore = false;
    for (const retentionMs of this.#retentions()) {
      isMore = this.#expire(retentionMs, nowMs - retentionMs, marks) || isMore;
    }
    return this.#makeRoom(marks) || isMore;
  }

  #retentionOf({ spec }: Partition): number {
    return spec.retentionMs ?? this.#options.retentionMs;
  }

  /** From short to long. */
  #retentions(): number[] {
    const distinct = new Set<number>();
    for (const partition of this.#options.topics.all) {
      if (!partition.isCompacted) distinct.add(this.#retentionOf(partition));
    }
    return [...distinct].sort((a, b) => a - b);
  }

  #expire(retentionMs: number, before: number, marks: ReadonlyMap<number, number>): boolean {
    const { topics } = this.#options;
    let looked = 0;
    for (const block of topics.blocks.from((this.#expiredTo.get(retentionMs) ?? 0) + 1)) {
      if (block.appendedAt >= before) return false;
      if (looked++ >= BLOCKS_PER_STEP) return true;
      let isLeft = false;
      for (const run of block.runs) {
        const partition = topics.all[run.slot]!;
        if (this.#retentionOf(partition) === retentionMs) this.#drop(partition, run, marks);
        if (run.next > partition.startOffset) isLeft = true;
      }
      if (!isLeft) this.#remove(block);
      this.#expiredTo.set(retentionMs, block.id);
    }
    return false;
  }

  /** Takes the oldest blocks as far as they are read, until the rest fits. */
  #makeRoom(marks: ReadonlyMap<number, number>): boolean {
    const { topics, bytesMax } = this.#options;
    const { blocks } = topics;
    let looked = 0;
    for (const block of blocks.from(this.#unreadTo + 1)) {
      if (blocks.bytes <= bytesMax) break;
      if (looked++ >= BLOCKS_PER_STEP) return true;
      const unread = block.runs.filter(({ slot, next }) => {
        const { startOffset } = topics.all[slot]!;
        return next > startOffset && (marks.get(slot) ?? next) < next;
      });
      this.#unreadTo = block.id;
      if (unread.length === block.runs.length && unread.length > 0) continue;
      for (const run of block.runs) {
        if (!unread.includes(run)) this.#drop(topics.all[run.slot]!, run, marks);
      }
      if (unread.length === 0) this.#remove(block);
      else blocks.keep(block, unread);
    }
    this.#unreadTo = 0;
    this.isFull = blocks.bytes > bytesMax;
    return false;
  }

  /** The records of a run, and what lies before them, are there no more. */
  #drop(partition: Partition, { base, next }: Run, marks: ReadonlyMap<number, number>): void {
    const { spec, startOffset, slot, statements } = partition;
    if (next <= startOffset) return;
    const first = Math.max(base, startOffset, marks.get(slot) ?? next);
    if (first < next) {
      const { partition: number } = partition;
      this.#options.dropped({ topic: spec.name, partition: number, first, last: next - 1 });
    }
    partition.startOffset = next;
    statements.setFloor.run(next, slot);
  }

  /** The newest one stays: the numbers of blocks go on from there. */
  #remove(block: Block): void {
    const { blocks } = this.#options.topics;
    if (block.id === blocks.lastId) return;
    blocks.remove(block);
    this.#options.removed(1);
  }
}
