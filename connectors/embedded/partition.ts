/** One partition of a topic in the file: where it begins and ends, and who reads it. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { EncodedBatch, LogBatch, TopicSpec } from '../../core/log.ts';
import { readBatch } from '../../core/record-batch.ts';
import { asBuffer, SLOT_SPAN } from './database.ts';
import type { PartitionReader } from './partition-reader.ts';

/**
 * Batches that were just appended stay in memory until every reader has had them, but at most this
 * much a partition; a reader that is further behind reads the file.
 */
const TAIL_BYTES_MAX = 1024 * 1024;
const NO_BYTES = Buffer.alloc(0);

export class PartitionStatements {
  readonly insert: StatementSync;
  /** The first batches at or after an id, below another. */
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
        'WHERE id >= ? AND id < ? ORDER BY id LIMIT ?',
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
  #tail: LogBatch[] = [];
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
    const { floor, before, heads, sum } = this.statements;
    const least = Number(floor.get(this.slot)!.floor_offset);
    const last = before.get(this.endId - 1, this.firstId);
    this.nextOffset = Math.max(least, last === undefined ? 0 : Number(last.last_offset) + 1);
    const first = heads.get(this.firstId, this.endId, 1);
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
    if (this.readers.size > 0) this.#keep(this.#batch(batch.bytes, base, base, last + 1));
    return base;
  }

  removeHead(last: number, size: number): void {
    this.startOffset = last + 1;
    this.bytes -= size;
  }

  /**
   * The batch that holds `offset` or follows it, below `end`; an empty one that ends at `end` when
   * retention or compaction has left nothing there. `aligned`: a batch begins at the offset.
   */
  at(offset: number, end: number, aligned: boolean): LogBatch {
    const kept = this.#fromTail(offset, end);
    if (kept !== undefined) return kept;
    return this.fromFile(offset, end, aligned, 1)[0] ?? this.#batch(NO_BYTES, offset, offset, end);
  }

  /** As `at`, but several at once, and none when there is nothing. */
  fromFile(offset: number, end: number, aligned: boolean, limit: number): LogBatch[] {
    let fromId = this.firstId + offset;
    if (!aligned) {
      const holder = this.statements.before.get(fromId, this.firstId);
      if (holder !== undefined && Number(holder.last_offset) >= offset) {
        fromId = Number(holder.id);
      }
    }
    return this.statements.next.all(fromId, this.firstId + end, limit).map((row) => {
      const base = Number(row.id) - this.firstId;
      const from = Math.max(offset, base);
      return this.#batch(asBuffer(row.bytes), base, from, Number(row.last_offset) + 1);
    });
  }

  /** The first offset whose record is at or after `timestamp`, or the committed end. */
  offsetAtTime(timestamp: number): number {
    const { firstId, committedOffset } = this;
    const row = this.statements.atTime.get(firstId, firstId + committedOffset, timestamp);
    if (row === undefined) return committedOffset;
    const batch = this.at(Number(row.id) - firstId, committedOffset, true);
    const first = readBatch(batch).find((record) => record.timestamp >= timestamp);
    return first?.offset ?? batch.nextOffset;
  }

  /** Lets go of what every reader has had. */
  trim(): void {
    let least = this.nextOffset;
    for (const reader of this.readers) least = Math.min(least, reader.position);
    while (this.#tail.length > 0 && this.#tail[0]!.nextOffset <= least) this.#dropOldest();
  }

  #batch(bytes: Buffer, baseOffset: number, from: number, nextOffset: number): LogBatch {
    const { spec, partition } = this;
    return { topic: spec.name, partition, bytes, baseOffset, from, nextOffset };
  }

  #keep(batch: LogBatch): void {
    this.#tail.push(batch);
    this.#tailBytes += batch.bytes.length;
    while (this.#tailBytes > TAIL_BYTES_MAX) this.#dropOldest();
  }

  #dropOldest(): void {
    this.#tailBytes -= this.#tail.shift()!.bytes.length;
  }

  #fromTail(offset: number, end: number): LogBatch | undefined {
    if (this.#tail.length === 0 || offset < this.#tail[0]!.baseOffset) return undefined;
    const batch = this.#tail.find((kept) => kept.nextOffset > offset);
    if (batch === undefined || batch.baseOffset >= end) return undefined;
    return offset <= batch.baseOffset ? batch : { ...batch, from: offset };
  }
}
