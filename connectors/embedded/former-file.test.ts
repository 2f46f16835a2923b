import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { BatchBuilder } from '../../core/batch-builder.ts';
import { HandClock } from '../../core/clock.ts';
import { RENO_PRIORITIES } from '../../core/priority.ts';
import { readBatch } from '../../core/record-batch.ts';
import { DATABASE_FILE } from './database.ts';
import { openEmbeddedInbox } from './inbox.ts';
import { encodeBody, keyOf } from './inbox-rows.ts';
import { openEmbeddedLog } from './log.ts';

/** The tables of format 1, as the version of July 2026 made them. */
const FORMER_TABLES = `
CREATE TABLE topics(
  id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, partitions INTEGER NOT NULL,
  cleanup TEXT NOT NULL, retention_ms INTEGER) STRICT;
CREATE TABLE partitions(
  slot INTEGER PRIMARY KEY, topic_id INTEGER NOT NULL, partition INTEGER NOT NULL,
  floor_offset INTEGER NOT NULL, UNIQUE(topic_id, partition)) STRICT;
CREATE TABLE batches(
  id INTEGER PRIMARY KEY, last_offset INTEGER NOT NULL, max_timestamp INTEGER NOT NULL,
  appended_at INTEGER NOT NULL, bytes BLOB NOT NULL) STRICT;
CREATE TABLE offsets(
  grp TEXT NOT NULL, slot INTEGER NOT NULL, offset INTEGER NOT NULL, metadata TEXT NOT NULL,
  PRIMARY KEY(grp, slot)) STRICT, WITHOUT ROWID;
CREATE TABLE stores(
  id INTEGER PRIMARY KEY, grp TEXT NOT NULL, partition INTEGER NOT NULL, store TEXT NOT NULL,
  UNIQUE(grp, partition, store)) STRICT;
CREATE TABLE state(
  store INTEGER NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL,
  PRIMARY KEY(store, key)) STRICT, WITHOUT ROWID;
CREATE TABLE schemas(id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE schema_versions(
  subject TEXT NOT NULL, version INTEGER NOT NULL, schema_id INTEGER NOT NULL,
  PRIMARY KEY(subject, version)) STRICT, WITHOUT ROWID;
CREATE TABLE inbox(
  id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, expires_at INTEGER NOT NULL,
  body BLOB NOT NULL) STRICT;
CREATE TABLE inbox_cursors(
  device TEXT NOT NULL PRIMARY KEY, epoch INTEGER NOT NULL, cursor TEXT NOT NULL)
  STRICT, WITHOUT ROWID;
PRAGMA application_id = ${0x43524c4e}; PRAGMA user_version = 1;
`;

const NOTIFICATIONS = [3, 1, 2].map((sequence) => ({
  id: '0f8fad5b-d9cb-469f-a165-708677280001',
  deviceId: 'tv',
  epoch: 1,
  sequence,
  previous: sequence - 1,
  useCase: 'va',
  priority: 'normal' as const,
  deadline: 0,
  collapseKey: null,
  count: 1,
  born: 1,
  payloadSchemaId: 7,
  payload: Buffer.from('p'),
}));

/** A group `g` with two tasks that has read one event, and two stores, one without a topic. */
function formerFile(dir: string): void {
  const db = new DatabaseSync(join(dir, DATABASE_FILE));
  db.exec(`PRAGMA journal_mode = WAL; ${FORMER_TABLES}`);
  db.exec(`
    INSERT INTO topics VALUES (1, 'in', 2, 'delete', NULL), (2, 'with-changelog', 2, 'compact', NULL);
    INSERT INTO partitions VALUES (0, 1, 0, 0), (1, 1, 1, 0), (2, 2, 0, 0), (3, 2, 1, 0);
    INSERT INTO offsets VALUES ('g', 0, 1, 'm');
    INSERT INTO stores VALUES (1, 'g', 0, 'with'), (2, 'g', 1, 'with'), (3, 'g', 0, 'without');
    INSERT INTO state VALUES (1, x'61', x'31'), (1, x'', x'32'), (2, x'62', x'33');
  `);
  const many = db.prepare('INSERT INTO state VALUES (3, ?, ?)');
  for (let n = 0; n < 3_000; n++) many.run(Buffer.from(`k${n}`), Buffer.alloc(100, n % 256));
  const builder = new BatchBuilder('in', 0);
  builder.append(5, 'k', Buffer.from('first'));
  builder.append(6, 'k', Buffer.from('second'));
  db.prepare('INSERT INTO batches VALUES (0, 1, 6, 6, ?)').run(builder.finish().bytes);
  const row = db.prepare('INSERT INTO inbox VALUES (NULL, ?, 9000, ?)');
  for (const of of NOTIFICATIONS) row.run(keyOf(of, RENO_PRIORITIES), encodeBody(of));
  db.close();
}

async function restored(t: TestContext, dir: string) {
  const log = openEmbeddedLog({ dir, clock: new HandClock(1_000) });
  t.after(() => log.close());
  await log.applyTopics([
    { name: 'with-changelog', partitions: 2, cleanup: 'compact' },
    { name: 'without-changelog', partitions: 2, cleanup: 'compact' },
  ]);
  const rows = new Map<string, Buffer>();
  const taken: string[] = [];
  const stores = ['with', 'without'].map((store) => ({ store, changelog: `${store}-changelog` }));
  const group = await log.openGroup(
    {
      group: 'g',
      partitions: 2,
      inputs: ['in'],
      tables: [],
      stores,
      transactional: true,
      topologyHash: '',
    },
    {
      open: (port) => ({
        restore(store, batch) {
          for (const record of readBatch(batch)) {
            rows.set(`${store}/${port.partition}/${record.key}`, record.valueBytes!);
          }
        },
        table() {},
        ready() {},
        wake() {
          const batch = port.take('in');
          if (batch === undefined) return;
          taken.push(port.committedMetadata('in'));
          taken.push(...readBatch(batch).map(({ valueBytes }) => valueBytes!.toString()));
        },
        async close() {},
      }),
    },
  );
  await group.close();
  const inbox = openEmbeddedInbox(log);
  const notifications = await inbox.read('tv', 1, [0, 0, 0, 0], 10);
  await inbox.close();
  await log.close();
  return { rows, taken, notifications };
}

test('a former file is moved once: stores, topics, offsets and inbox', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'carillon-former-'));
  t.after(() => rmSync(dir, { recursive: true }));
  formerFile(dir);
  for (let time = 0; time < 2; time++) {
    const { rows, taken, notifications } = await restored(t, dir);
    assert.equal(rows.size, 3 + 3_000);
    assert.equal(rows.get('with/0/a')?.toString(), '1');
    assert.equal(rows.get('with/0/')?.toString(), '2');
    assert.equal(rows.get('with/1/b')?.toString(), '3');
    for (let n = 0; n < 3_000; n += 499) {
      assert.deepEqual(rows.get(`without/0/k${n}`), Buffer.alloc(100, n % 256));
    }
    assert.deepEqual(taken, ['m', 'second']);
    assert.deepEqual(
      notifications.map(({ sequence }) => sequence),
      [1, 2, 3],
    );
  }
  const db = new DatabaseSync(join(dir, DATABASE_FILE), { readOnly: true });
  const tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
  db.close();
  assert.ok(tables.every(({ name }) => name !== 'state' && name !== 'stores'));
});
