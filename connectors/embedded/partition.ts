/** One partition of a topic in the file: where it begins and ends, and who reads it. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { EncodedBatch, TopicSpec } from '../../core/log.ts';
import type { Record } from '../../core/record.ts';
import { readBatch } from '../../core/record-batch.ts';
import { asBuffer, SLOT_SPAN } from './database.ts';

/** A batch, or its end: records with offsets in [from, last]. */
export interface Chunk {
  readonly topic: string;
  readonly partition: number;
  readonly base: number;
  readonly last: number;
  /** Records before this offset were read already. */
  readonly from: number;
  readonly bytes: Buffer;
}

export function chunkRecords(chunk: Chunk): Record[] {
  const records = readBatch(chunk.topic, chunk.partition, chunk.bytes, chunk.base);
  if (chunk.from <= chunk.base) return records;
  return records.filter((record) => record.offset >= chunk.from);
}

/**
 * Batches that were just appended stay in memory until every reader has had them, but at most this
 * much a partition; a reader that is further behind reads the file.
 */
const TAIL_BYTES_MAX = 1024 * 1024;

export class PartitionStatements {
  readonly insert: StatementSync;
  /** The first batch at or after an id, below another. */
  readonly next: StatementSync;
  /** The last batch at or before an id, not below another: it may contain the offset. */
  readonly before: StatementSync;
  readonly atTime: StatementSync;
  readonly floor: StatementSync;
  readonly setFloor: StatementSync;
  readonly sum: StatementSync;
  readonly heads: StatementSync;
  readonly remove: StatementSync;
  readonly replace: StatementSync;

  constructor(db: DatabaseSync) {
    this.insert = db.prepare(
      'INSERT INTO batches(id, last_offset, max_timestamp, appended_at, bytes) ' +
        'VALUES (?, ?, ?, ?, ?)',
    );
    this.next = db.prepare(
      'SELECT id, last_offset, appended_at, bytes FROM batches ' +
        'WHERE id >= ? AND id < ? ORDER BY id LIMIT 1',
    );
    this.before = db.prepare(
      'SELECT id, last_offset FROM batches WHERE id <= ? AND id >= ? ORDER BY id DESC LIMIT 1',
    );
    this.atTime = db.prepare(
      'SELECT id FROM batches WHERE id >= ? AND id < ? AND max_timestamp >= ? ORDER BY id LIMIT 1',
    );
    this.floor = db.prepare('SELECT floor_offset FROM partitions WHERE slot = ?');
    this.setFloor = db.prepare('UPDATE partitions SET floor_offset = ? WHERE slot = ?');
    this.sum = db.prepare(
      'SELECT coalesce(sum(length(bytes)), 0) AS bytes FROM batches WHERE id >= ? AND id < ?',
    );
    this.heads = db.prepare(
      'SELECT id, last_offset, appended_at, length(bytes) AS size FROM batches ' +
        'WHERE id >= ? AND id < ? ORDER BY id LIMIT ?',
    );
    this.remove = db.prepare('DELETE FROM batches WHERE id = ?');
    this.replace = db.prepare('UPDATE batches SET bytes = ? WHERE id = ?');
  }
}

export class Partition {
  readonly slot: number;
  /** Replaced when the topic gets another retention. */
  spec: TopicSpec;
  readonly partition: number;
  readonly readers = new Set<PartitionReader>();
  readonly statements: PartitionStatements;
  /** The first id of this partition in `batches`. */
  readonly firstId: number;
  /** The first id of the next partition. */
  readonly endId: number;
  startOffset = 0;
  /** The end, with what is not committed yet: what groups inside the log read up to. */
  nextOffset = 0;
  /** The end of what is committed: what leaves the process. */
  committedOffset = 0;
  bytes = 0;
  /** Records appended since the log was opened; compaction asks how much is new. */
  appended = 0;
  /** Records that retention took before a reader came to them. */
  skipped = 0;
  #tail: Chunk[] = [];
  #tailBytes = 0;

  constructor(slot: number, spec: TopicSpec, partition: number, statements: PartitionStatements) {
    this.slot = slot;
    this.spec = spec;
    this.partition = partition;
    this.statements = statements;
    this.firstId = slot * SLOT_SPAN;
    this.endId = this.firstId + SLOT_SPAN;
  }

  /** Reads start and end from the file: at the start, and after a rollback. */
  load(): void {
    const { floor, before, next, sum } = this.statements;
    const least = Number(floor.get(this.slot)!.floor_offset);
    const last = before.get(this.endId - 1, this.firstId);
    this.nextOffset = Math.max(least, last === undefined ? 0 : Number(last.last_offset) + 1);
    const first = next.get(this.firstId, this.endId);
    this.startOffset = first === undefined ? this.nextOffset : Number(first.id) - this.firstId;
    this.committedOffset = this.nextOffset;
    this.bytes = Number(sum.get(this.firstId, this.endId)!.bytes);
    this.#tail = [];
    this.#tailBytes = 0;
  }

  /** Appends inside the open transaction. Returns the base offset. */
  append(batch: EncodedBatch, nowMs: number): number {
    const base = this.nextOffset;
    const last = base + batch.count - 1;
    const id = this.firstId + base;
    this.statements.insert.run(id, last, batch.maxTimestamp, nowMs, batch.bytes);
    this.nextOffset = last + 1;
    this.bytes += batch.bytes.length;
    this.appended += batch.count;
    if (this.readers.size > 0) this.#keep({ base, last, bytes: batch.bytes });
    return base;
  }

  removeHead(last: number, size: number): void {
    this.startOffset = last + 1;
    this.bytes -= size;
  }

  /** The batch that holds `offset` or follows it, below `end`; undefined when there is none. */
  chunkAt(offset: number, end: number, aligned: boolean): Chunk | undefined {
    const kept = this.#fromTail(offset, end);
    if (kept !== undefined) return kept;
    let fromId = this.firstId + offset;
    if (!aligned) {
      const holder = this.statements.before.get(fromId, this.firstId);
      if (holder !== undefined && Number(holder.last_offset) >= offset) {
        fromId = Number(holder.id);
      }
    }
    const row = this.statements.next.get(fromId, this.firstId + end);
    if (row === undefined) return undefined;
    const base = Number(row.id) - this.firstId;
    return {
      topic: this.spec.name,
      partition: this.partition,
      base,
      last: Number(row.last_offset),
      from: Math.max(offset, base),
      bytes: asBuffer(row.bytes),
    };
  }

  /** The first offset whose record is at or after `timestamp`, or the committed end. */
  offsetAtTime(timestamp: number): number {
    const row = this.statements.atTime.get(
      this.firstId,
      this.firstId + this.committedOffset,
      timestamp,
    );
    if (row === undefined) return this.committedOffset;
    const chunk = this.chunkAt(Number(row.id) - this.firstId, this.committedOffset, true);
    if (chunk === undefined) return this.committedOffset;
    const first = chunkRecords(chunk).find((record) => record.timestamp >= timestamp);
    return first?.offset ?? chunk.last + 1;
  }

  /** Lets go of what every reader has had. */
  trim(): void {
    let least = this.nextOffset;
    for (const reader of this.readers) least = Math.min(least, reader.position);
    while (this.#tail.length > 0 && this.#tail[0]!.last < least) this.#dropOldest();
  }

  #keep(batch: { base: number; last: number; bytes: Buffer }): void {
    const { base, last, bytes } = batch;
    const { name: topic } = this.spec;
    this.#tail.push({ topic, partition: this.partition, base, last, from: base, bytes });
    this.#tailBytes += bytes.length;
    while (this.#tailBytes > TAIL_BYTES_MAX) this.#dropOldest();
  }

  #dropOldest(): void {
    this.#tailBytes -= this.#tail.shift()!.bytes.length;
  }

  #fromTail(offset: number, end: number): Chunk | undefined {
    if (this.#tail.length === 0 || offset < this.#tail[0]!.base) return undefined;
    const chunk = this.#tail.find((kept) => kept.last >= offset);
    if (chunk === undefined || chunk.base >= end) return undefined;
    return offset <= chunk.base ? chunk : { ...chunk, from: offset };
  }
}

/** A position in one partition. */
export class PartitionReader {
  readonly partition: Partition;
  /** True: sees what is not committed yet (groups inside the log). */
  readonly speculative: boolean;
  /** The next offset to read. */
  position: number;
  #aligned = false;

  constructor(partition: Partition, from: number, speculative: boolean) {
    this.partition = partition;
    this.position = from;
    this.speculative = speculative;
    partition.readers.add(this);
  }

  get end(): number {
    return this.speculative ? this.partition.nextOffset : this.partition.committedOffset;
  }

  get behind(): boolean {
    return this.position < this.end;
  }

  next(): Chunk | undefined {
    if (!this.behind) return undefined;
    const chunk = this.partition.chunkAt(this.position, this.end, this.#aligned);
    // Compaction or retention may leave nothing up to the end.
    const reached = chunk === undefined ? this.end : chunk.last + 1;
    const { startOffset, spec } = this.partition;
    if (spec.cleanup === 'delete') {
      this.partition.skipped += Math.max(0, startOffset - this.position);
    }
    this.position = reached;
    this.#aligned = true;
    this.partition.trim();
    return chunk;
  }

  close(): void {
    this.partition.readers.delete(this);
    this.partition.trim();
  }
}
