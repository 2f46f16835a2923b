/**
 * Files of format 1 had the rows of the stores in a table of their own. They are moved once, as
 * records, into the changelog topics that stand for them now.
 */
import type { DatabaseSync } from 'node:sqlite';
import { BatchBuilder } from '../../core/batch-builder.ts';
import { asBuffer, FORMAT, formatOf } from './database.ts';
import type { Topics } from './topics.ts';

const FORMER_FORMAT = 1;
const BATCH_BYTES = 64 * 1024;

interface FormerStore {
  readonly id: number;
  readonly group: string;
  readonly partition: number;
  readonly store: string;
}

/** In one transaction: the file is of one format or of the other. */
export function moveFormerState(db: DatabaseSync, topics: Topics, nowMs: number): void {
  if (formatOf(db) !== FORMER_FORMAT) return;
  db.exec('BEGIN IMMEDIATE');
  try {
    const stores = db
      .prepare('SELECT id, grp, partition, store FROM stores')
      .all()
      .map(
        (row): FormerStore => ({
          id: Number(row.id),
          group: String(row.grp),
          partition: Number(row.partition),
          store: String(row.store),
        }),
      );
    for (const store of stores) moveStore(db, topics, store, nowMs);
    db.exec(`DROP TABLE state; DROP TABLE stores; PRAGMA user_version = ${FORMAT}; COMMIT`);
    for (const partition of topics.all()) partition.load();
  } catch (error) {
    db.exec('ROLLBACK');
    throw error;
  }
}

/** The compiler calls a store's changelog so, and store names are of the whole topology. */
function moveStore(db: DatabaseSync, topics: Topics, former: FormerStore, nowMs: number): void {
  const { id, store } = former;
  const changelog = `${store}-changelog`;
  if (topics.spec(changelog) === undefined) {
    const partitions = tasksOf(db, former);
    topics.add([{ name: changelog, partitions, cleanup: 'compact' }]);
  }
  const partition = topics.partition(changelog, former.partition);
  const builder = new BatchBuilder(changelog, former.partition);
  const append = () => {
    if (builder.count > 0) partition.append(builder.finish(), nowMs);
  };
  const rows = db.prepare('SELECT key, value FROM state WHERE store = ?').iterate(id);
  for (const { key, value } of rows) {
    builder.append(nowMs, asBuffer(key), asBuffer(value));
    if (builder.size >= BATCH_BYTES) append();
  }
  append();
}

/** As many as the partitions of what the group reads. */
function tasksOf(db: DatabaseSync, { group, store }: FormerStore): number {
  const read = db
    .prepare(
      'SELECT max(topics.partitions) AS tasks FROM offsets JOIN partitions USING (slot) ' +
        'JOIN topics ON topics.id = topic_id WHERE grp = ?',
    )
    .get(group);
  if (read?.tasks !== null) return Number(read?.tasks);
  const last = db.prepare('SELECT max(partition) AS last FROM stores WHERE store = ?').get(store);
  return Number(last!.last) + 1;
}
