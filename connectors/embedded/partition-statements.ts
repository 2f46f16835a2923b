/** The statements on `batches` and `partitions`; prepared once, used by all partitions. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';

export class PartitionStatements {
  readonly insert: StatementSync;
  /** The first batches at or after an id, below another. */
  readonly next: StatementSync;
  /** The last batch at or before an id, not below another: it may contain the offset. */
  readonly before: StatementSync;
  readonly atTime: StatementSync;
  readonly floor: StatementSync;
  readonly setFloor: StatementSync;
  readonly clean: StatementSync;
  readonly setClean: StatementSync;
  readonly heads: StatementSync;
  readonly remove: StatementSync;
  /** Bytes of the batches from an id to another. */
  readonly size: StatementSync;

  constructor(db: DatabaseSync) {
    this.insert = db.prepare(
      'INSERT INTO batches(id, last_offset, max_timestamp, appended_at, bytes) ' +
        'VALUES (?, ?, ?, ?, ?)',
    );
    this.next = db.prepare(
      'SELECT id, last_offset, max_timestamp, appended_at, bytes FROM batches ' +
        'WHERE id >= ? AND id < ? ORDER BY id LIMIT ?',
    );
    this.before = db.prepare(
      'SELECT id, last_offset FROM batches WHERE id <= ? AND id >= ? ORDER BY id DESC LIMIT 1',
    );
    this.atTime = db.prepare(
      'SELECT id FROM batches WHERE id >= ? AND id < ? AND max_timestamp >= ? ORDER BY id LIMIT 1',
    );
    this.floor = db.prepare('SELECT floor_offset FROM partitions WHERE slot = ?');
    this.setFloor = db.prepare(
      'UPDATE partitions SET floor_offset = max(floor_offset, ?) WHERE slot = ?',
    );
    this.clean = db.prepare('SELECT clean_offset FROM partitions WHERE slot = ?');
    this.setClean = db.prepare('UPDATE partitions SET clean_offset = ? WHERE slot = ?');
    this.heads = db.prepare(
      'SELECT id, last_offset, appended_at, length(bytes) AS size FROM batches ' +
        'WHERE id >= ? AND id < ? ORDER BY id LIMIT ?',
    );
    this.size = db.prepare(
      'SELECT coalesce(sum(length(bytes)), 0) AS bytes FROM batches WHERE id >= ? AND id < ?',
    );
    this.remove = db.prepare('DELETE FROM batches WHERE id = ?');
  }
}
