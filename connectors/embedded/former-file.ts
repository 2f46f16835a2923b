/**
 * Brings a file of format 1 to today's format, in one transaction, so that it is of one or of the
 * other. There the rows of the stores had a table of their own: they become records of the
 * changelog topics that stand for them now. And the batches of all topics lay by partition: those
 * of compacted topics stay there, the others go into blocks, in the order in which they came. The
 * rows of the inbox get their sorted keys beside them.
 */
import type { DatabaseSync } from 'node:sqlite';
import { BatchBuilder } from '../../core/batch-builder.ts';
import { batchSpan } from '../../core/record-batch.ts';
import { asBuffer, FORMAT, formatOf, NEW_TABLES, SLOT_SPAN } from './database.ts';
import type { Partition } from './partition.ts';
import { Topics } from './topics.ts';

const FORMER_FORMAT = 1;
const STATE_BATCH_BYTES = 64 * 1024;
const BLOCK_BYTES = 1024 * 1024;

export function moveFormerFile(db: DatabaseSync, nowMs: number): void {
  if (formatOf(db) !== FORMER_FORMAT) return;
  db.exec('BEGIN IMMEDIATE');
  try {
    db.exec(`ALTER TABLE inbox RENAME TO former_inbox; ${NEW_TABLES}`);
    db.exec('ALTER TABLE partitions ADD COLUMN clean_offset INTEGER NOT NULL DEFAULT 0');
    const topics = new Topics(db);
    moveStores(db, topics, nowMs);
    moveBatches(db, topics);
    db.exec(`INSERT INTO inbox SELECT id, key, expires_at, body FROM former_inbox ORDER BY id;
      INSERT INTO inbox_keys SELECT key, id FROM former_inbox ORDER BY key;
      INSERT INTO marks SELECT 'inbox', coalesce(max(id), 0) FROM former_inbox;
      DROP TABLE former_inbox`);
    db.exec(`DROP TABLE state; DROP TABLE stores; PRAGMA user_version = ${FORMAT}; COMMIT`);
  } catch (error) {
    db.exec('ROLLBACK');
    throw error;
  }
}

interface FormerStore {
  readonly id: number;
  readonly group: string;
  readonly partition: number;
  readonly store: string;
}

function moveStores(db: DatabaseSync, topics: Topics, nowMs: number): void {
  for (const row of db.prepare('SELECT id, grp, partition, store FROM stores').all()) {
    const store = {
      id: Number(row.id),
      group: String(row.grp),
      partition: Number(row.partition),
      store: String(row.store),
    };
    moveStore(db, topics, store, nowMs);
  }
}

/** The compiler calls a store's changelog so, and store names are of the whole topology. */
function moveStore(db: DatabaseSync, topics: Topics, former: FormerStore, nowMs: number): void {
  const { id, store } = former;
  const changelog = `${store}-changelog`;
  if (topics.spec(changelog) === undefined) {
    topics.add([{ name: changelog, partitions: tasksOf(db, former), cleanup: 'compact' }]);
  }
  const partition = topics.partition(changelog, former.partition);
  const builder = new BatchBuilder(changelog, former.partition);
  const rows = db.prepare('SELECT key, value FROM state WHERE store = ?').iterate(id);
  for (const { key, value } of rows) {
    builder.append(nowMs, asBuffer(key), asBuffer(value));
    if (builder.size >= STATE_BATCH_BYTES) settle(partition, builder, nowMs);
  }
  if (builder.count > 0) settle(partition, builder, nowMs);
}

function settle(partition: Partition, builder: BatchBuilder, nowMs: number): void {
  const { bytes, count, maxTimestamp } = builder.finish();
  const { statements, firstId, settledOffset: base } = partition;
  statements.insert.run(firstId + base, base + count - 1, maxTimestamp, nowMs, bytes);
  partition.settledOffset = base + count;
}

/** As many as the partitions of what the group reads. */
function tasksOf(db: DatabaseSync, { group, store }: FormerStore): number {
  const read = db
    .prepare(
      'SELECT max(topics.partitions) AS tasks FROM offsets JOIN partitions USING (slot) ' +
        'JOIN topics ON topics.id = topic_id WHERE grp = ?',
    )
    .get(group);
  if (read !== undefined && read.tasks !== null) return Number(read.tasks);
  const last = db.prepare('SELECT max(partition) AS last FROM stores WHERE store = ?').get(store);
  return Number(last!.last) + 1;
}

interface MovedRun {
  readonly slot: number;
  readonly base: number;
  next: number;
  maxTimestamp: number;
  size: number;
  readonly parts: Buffer[];
}

function moveBatches(db: DatabaseSync, topics: Topics): void {
  const get = db.prepare('SELECT max_timestamp, bytes FROM batches WHERE id = ?');
  const remove = db.prepare('DELETE FROM batches WHERE id = ?');
  const ids = db.prepare(
    'SELECT batches.id AS id, appended_at FROM batches ' +
      `JOIN partitions ON slot = batches.id / ${SLOT_SPAN} JOIN topics ON topics.id = topic_id ` +
      "WHERE cleanup = 'delete' ORDER BY appended_at, batches.id",
  );
  let runs = new Map<number, MovedRun>();
  let size = 0;
  let appendedAt = 0;
  const write = () => {
    topics.blocks.write(appendedAt, [...runs.values()]);
    topics.blocks.committed();
    runs = new Map();
    size = 0;
  };
  for (const row of ids.iterate()) {
    const id = Number(row.id);
    const { max_timestamp: maxTimestamp, bytes: blob } = get.get(id)!;
    const bytes = asBuffer(blob);
    const slot = Math.floor(id / SLOT_SPAN);
    const base = id % SLOT_SPAN;
    // A gap begins a run of its own, so a block of its own.
    if (runs.has(slot) && runs.get(slot)!.next !== base) write();
    const run = runs.get(slot) ?? { slot, base, next: base, maxTimestamp: 0, size: 0, parts: [] };
    runs.set(slot, run);
    run.next = base + batchSpan(bytes);
    run.maxTimestamp = Math.max(run.maxTimestamp, Number(maxTimestamp));
    run.size += bytes.length;
    run.parts.push(bytes);
    size += bytes.length;
    appendedAt = Number(row.appended_at);
    remove.run(id);
    if (size >= BLOCK_BYTES) write();
  }
  if (runs.size > 0) write();
  beginAtFirstRun(db, topics);
}

/** A topic that is deleted by time begins at its floor, which was its end at times. */
function beginAtFirstRun(db: DatabaseSync, topics: Topics): void {
  const setFloor = db.prepare('UPDATE partitions SET floor_offset = ? WHERE slot = ?');
  const seen = new Set<number>();
  for (const { runs } of topics.blocks.from(0)) {
    for (const { slot, base } of runs) {
      if (!seen.has(slot)) setFloor.run(base, slot);
      seen.add(slot);
    }
  }
}
