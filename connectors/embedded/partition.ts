/**
 * One partition of a topic: where it begins and ends, and who reads it. From old to new its records
 * lie in three places:
 *
 *   `batches`, settled and compacted (compacted topics) ─▶ blocks ─▶ tail in memory
 */
import type { EncodedBatch, LogBatch, TopicSpec } from '../../core/log.ts';
import { readBatch } from '../../core/record-batch.ts';
import { batchesOf, type Run } from './block.ts';
import type { Blocks } from './blocks.ts';
import { asBuffer, SLOT_SPAN } from './database.ts';
import type { PartitionReader } from './partition-reader.ts';
import type { PartitionStatements } from './partition-statements.ts';

/**
 * Batches that were just appended stay in memory until every reader has had them, but at most this
 * much a partition beside what is not committed; a reader that is further behind reads the file.
 */
const TAIL_BYTES_MAX = 1024 * 1024;
/** Settled rows of one read: they are of 64 KiB. */
const ROWS_PER_READ = 8;
const NO_BYTES = Buffer.alloc(0);

export class Partition {
  readonly slot: number;
  /** Replaced when the topic gets another retention. */
  spec: TopicSpec;
  readonly partition: number;
  readonly readers = new Set<PartitionReader>();
  readonly statements: PartitionStatements;
  readonly #blocks: Blocks;
  /** The first id of this partition in `batches`. */
  readonly firstId: number;
  /** The first id of the next partition. */
  readonly endId: number;
  startOffset = 0;
  /** The end, with what is not committed yet: what groups inside the log read up to. */
  nextOffset = 0;
  /** The end of what is committed: what leaves the process. */
  committedOffset = 0;
  /** Of a compacted topic: what lies below is in `batches`. */
  settledOffset = 0;
  /** Bytes that were settled since the log was opened; compaction asks how much is new. */
  settledBytes = 0;
  /** Only its task reads it, from its start: nothing has to be kept for readers that lag. */
  isChangelog = false;
  /** A task is reading it from its start: what it has seen must not change meanwhile. */
  restoring = 0;
  #tail: LogBatch[] = [];
  #tailBytes = 0;

  constructor(
    slot: number,
    spec: TopicSpec,
    partition: number,
    statements: PartitionStatements,
    blocks: Blocks,
  ) {
    this.slot = slot;
    this.spec = spec;
    this.partition = partition;
    this.statements = statements;
    this.#blocks = blocks;
    this.firstId = slot * SLOT_SPAN;
    this.endId = this.firstId + SLOT_SPAN;
  }

  get isCompacted(): boolean {
    return this.spec.cleanup !== 'delete';
  }

  /** Reads what is settled, at the start and after a rollback; its blocks follow with `loadRun`. */
  load(): void {
    const { floor, before, heads } = this.statements;
    const least = Number(floor.get(this.slot)!.floor_offset);
    const last = before.get(this.endId - 1, this.firstId);
    this.settledOffset = Math.max(least, last === undefined ? 0 : Number(last.last_offset) + 1);
    const first = heads.get(this.firstId, this.endId, 1);
    this.startOffset = first === undefined ? this.settledOffset : Number(first.id) - this.firstId;
    this.nextOffset = this.settledOffset;
    this.committedOffset = this.settledOffset;
    this.#tail = [];
    this.#tailBytes = 0;
  }

  /** A run of a block in the file; they come in their order. */
  loadRun(run: Run): void {
    if (run.next <= this.nextOffset) return;
    this.nextOffset = run.next;
    this.committedOffset = run.next;
  }

  /** Takes a batch that is being appended. Returns its base offset. */
  append({ count, bytes }: EncodedBatch): number {
    const base = this.nextOffset;
    this.nextOffset = base + count;
    this.#tail.push(this.#batch(bytes, base, base, this.nextOffset));
    this.#tailBytes += bytes.length;
    return base;
  }

  /** What was appended is committed, and in its block. */
  committed(): void {
    this.committedOffset = this.nextOffset;
    this.trim();
  }

  /**
   * Batches from the one that holds `position`, or the next one after it, below `end`; at least
   * one: an empty one that ends at `end` when nothing is left up to there. `cursor` is where to
   * look for the next ones.
   */
  read(position: number, end: number, cursor: { block: number }): readonly LogBatch[] {
    // What retention took is gone for all, wherever it still lies.
    const offset = this.isCompacted ? position : Math.max(position, this.startOffset);
    if (offset >= end) return [this.#batch(NO_BYTES, offset, offset, offset)];
    const kept = this.#fromTail(offset, end);
    if (kept !== undefined) return [kept];
    const settledEnd = Math.min(end, this.settledOffset);
    const settled = offset < settledEnd ? this.#settled(offset, settledEnd) : [];
    if (settled.length > 0) return settled;
    // What is settled may lie in its block for a while yet.
    const unsettled = Math.max(offset, this.settledOffset);
    const found = this.#blocks.find(this.slot, unsettled, cursor.block);
    const bytes = found === undefined ? undefined : this.#blocks.bytesOf(found.id, found.run);
    if (found !== undefined && bytes !== undefined && found.run.base < end) {
      cursor.block = found.id + 1;
      const { spec, partition } = this;
      return batchesOf(spec.name, partition, bytes, found.run.base, unsettled);
    }
    const later = this.#tail.find((batch) => batch.nextOffset > offset && batch.baseOffset < end);
    return [later ?? this.#batch(NO_BYTES, offset, offset, end)];
  }

  /** The first offset whose record is at or after `timestamp`, or the committed end. */
  offsetAtTime(timestamp: number): number {
    const { firstId, settledOffset, committedOffset } = this;
    const row = this.statements.atTime.get(firstId, firstId + settledOffset, timestamp);
    let offset = row === undefined ? undefined : Number(row.id) - firstId;
    if (offset === undefined) {
      for (const { runs } of this.#blocks.from(0)) {
        const least = Math.max(this.startOffset, settledOffset);
        const run = runs.find(({ slot, maxTimestamp, next }) => {
          return slot === this.slot && maxTimestamp >= timestamp && next > least;
        });
        if (run === undefined) continue;
        offset = Math.max(run.base, least);
        break;
      }
    }
    const cursor = { block: 0 };
    while (offset !== undefined && offset < committedOffset) {
      for (const batch of this.read(offset, committedOffset, cursor)) {
        const first = readBatch(batch).find((record) => record.timestamp >= timestamp);
        if (first !== undefined) return first.offset;
        offset = batch.nextOffset;
      }
    }
    return committedOffset;
  }

  /**
   * Lets go of what every reader has had, and of what is too much; never of what is not in file.
   */
  trim(): void {
    let least = this.committedOffset;
    for (const { position } of this.readers) least = Math.min(least, position);
    let drop = 0;
    for (const { nextOffset, bytes } of this.#tail) {
      if (nextOffset > this.committedOffset) break;
      if (nextOffset > least && this.#tailBytes <= TAIL_BYTES_MAX) break;
      this.#tailBytes -= bytes.length;
      drop++;
    }
    if (drop > 0) this.#tail.splice(0, drop);
  }

  #settled(offset: number, end: number): LogBatch[] {
    const { before, next } = this.statements;
    const fromId = this.firstId + offset;
    const holder = before.get(fromId, this.firstId);
    const holds = holder !== undefined && Number(holder.last_offset) >= offset;
    const first = holds ? Number(holder.id) : fromId;
    return next.all(first, this.firstId + end, ROWS_PER_READ).map((row) => {
      const base = Number(row.id) - this.firstId;
      const from = Math.max(offset, base);
      return this.#batch(asBuffer(row.bytes), base, from, Number(row.last_offset) + 1);
    });
  }

  #batch(bytes: Buffer, baseOffset: number, from: number, nextOffset: number): LogBatch {
    const { spec, partition } = this;
    return { topic: spec.name, partition, bytes, baseOffset, from, nextOffset };
  }

  #fromTail(offset: number, end: number): LogBatch | undefined {
    if (this.#tail.length === 0 || offset < this.#tail[0]!.baseOffset) return undefined;
    const batch = this.#tail.find((kept) => kept.nextOffset > offset);
    if (batch === undefined || batch.baseOffset >= end) return undefined;
    return offset <= batch.baseOffset ? batch : { ...batch, from: offset };
  }
}
