/** The rows of stores as they lie in changelogs: what is shown of each kind of store. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BatchBuilder } from '../../core/batch-builder.ts';
import { CarillonError } from '../../core/error.ts';
import { readBatch, wholeBatch } from '../../core/record-batch.ts';
import { columns } from '../../core/store.ts';
import { CodedStore } from '../../runtime/state/coded-store.ts';
import { openStore } from '../../runtime/state/open-store.ts';
import { RowStore } from '../../runtime/state/row-store.ts';
import type { TaskStore } from '../../runtime/state/task-store.ts';
import type { PlanStore } from '../../runtime/streams/plan-stores.ts';
import { type HeldFacts, recordOf } from '../../test/kit/held-facts.ts';
import { storedRows } from './stored-rows.ts';

const NOW_MS = 1_767_225_600_000;
const CHANGELOG = 'reno.normal.va.dedup-changelog';
const seen = columns({ atMs: 'double', offset: 'int' });

const facts: HeldFacts = {
  topic: 'events.viewing-activity',
  partition: 3,
  offset: 42,
  timestamp: NOW_MS,
  key: 'm-1',
  value: { bytes: Buffer.from([0, 0, 0, 0, 7, 1, 2]) },
  headers: [],
  eventId: 'v1',
  priority: 2,
  deadlineMs: NOW_MS + 60_000,
  count: 3,
  output: 0,
  classMask: 63,
  transports: -1,
  except: null,
  device: null,
  isGiven: false,
};

const storeOf = (open: () => TaskStore, keyParts: number | null): PlanStore => ({
  path: 'viewing/dedup',
  store: 'dedup',
  changelog: CHANGELOG,
  priority: 'normal',
  keyParts,
  rows: 'plain',
  open,
});
const dedups = storeOf(() => openStore('dedup', seen), 1);

/** A log that holds these batches, by partition; each commit's rows are a batch. */
function logOf(...commits: readonly (readonly [number, BatchBuilder])[]) {
  const ends = new Map<number, number>();
  const batches = commits.map(([partition, builder]) => {
    const base = ends.get(partition) ?? 0;
    const { bytes, count } = builder.finish();
    ends.set(partition, base + count);
    return wholeBatch(CHANGELOG, partition, bytes, base);
  });
  return {
    partitionsOf: async () => 2,
    schema: async () => null,
    async *read() {
      for (const batch of batches) yield readBatch(batch);
    },
  };
}

function commit(store: TaskStore, partition = 0, atMs = NOW_MS): readonly [number, BatchBuilder] {
  const builder = new BatchBuilder(CHANGELOG, partition);
  store.writeChanged(builder, atMs);
  return [partition, builder];
}

function putSeen(store: RowStore<{ atMs: 'double'; offset: 'int' }>, key: string, offset: number) {
  Object.assign(store.put(store.key(key)), { atMs: NOW_MS + offset, offset });
}

test('the present rows: the last of each key, without those that are deleted', async () => {
  const store = new RowStore('dedup', seen);
  putSeen(store, 'se-1', 1);
  putSeen(store, 'se-2', 2);
  putSeen(store, 'se-3', 3);
  putSeen(store, '', 9);
  const first = commit(store);
  putSeen(store, 'se-1', 4);
  store.setDue(NOW_MS + 60_000);
  store.get(store.key('se-2'));
  store.delete();
  const second = commit(store, 0, NOW_MS + 5);
  const found = await storedRows(logOf(first, second), dedups, {}, 10);
  const base = { store: 'viewing/dedup', priority: 'normal', partition: 0 };
  assert.deepEqual(found, {
    matched: 3,
    total: 3,
    rows: [
      { ...base, key: null, row: { atMs: NOW_MS + 9, offset: 9 }, due: null, written: NOW_MS },
      {
        ...base,
        key: 'e-1',
        row: { atMs: NOW_MS + 4, offset: 4 },
        due: NOW_MS + 60_000,
        written: NOW_MS + 5,
      },
      { ...base, key: 'e-3', row: { atMs: NOW_MS + 3, offset: 3 }, due: null, written: NOW_MS },
    ],
  });
});

test('as many as are asked for, of all partitions in one order; the rest is counted', async () => {
  const stores = [0, 1].map((partition) => {
    const store = new RowStore('dedup', seen);
    for (let n = partition; n < 10; n += 2) putSeen(store, `se-${n}`, n);
    return commit(store, partition);
  });
  const found = await storedRows(logOf(...stores), dedups, {}, 3);
  const shown = found.rows.map(({ key, partition }) => `${key}@${partition}`);
  assert.deepEqual(shown, ['e-0@0', 'e-1@1', 'e-2@0']);
  assert.deepEqual([found.matched, found.total], [10, 10]);
});

test('two rows of one name in two partitions are two rows', async () => {
  const stores = [0, 1].map((partition) => {
    const store = new RowStore('dedup', seen);
    putSeen(store, 'se-1', 10 + partition);
    return commit(store, partition);
  });
  const { rows } = await storedRows(logOf(...stores), dedups, { key: ['e-1'] }, 9);
  assert.deepEqual(
    rows.map(({ partition, row }) => [partition, (row as { offset: number }).offset]),
    [
      [0, 10],
      [1, 11],
    ],
  );
});

test('a part of a key: the number is told beside it', async () => {
  const store = new RowStore('dedup', seen);
  Object.assign(store.put(store.part(store.key('sm-1'), 60_000)), { atMs: 1, offset: 2 });
  const { rows } = await storedRows(logOf(commit(store)), dedups, { key: ['m-1'] }, 9);
  assert.deepEqual([rows[0]!.key, rows[0]!.n], ['m-1', 60_000]);
});

test('objects of a codec: maps and bytes as JSON, tokens never', async () => {
  const row = { devices: new Map([['tv-1', { token: 'secret', at: 5 }]]), bytes: Buffer.of(1, 2) };
  const codec = { encode: () => Buffer.of(7), decode: () => row };
  const store = new CodedStore('dedup', codec);
  store.put('m-1', row);
  const of = storeOf(() => new CodedStore('dedup', codec), null);
  const { rows } = await storedRows(logOf(commit(store)), of, {}, 9);
  assert.deepEqual(rows[0]!.row, { devices: { 'tv-1': { token: '***', at: 5 } }, bytes: 'AQI=' });
  assert.deepEqual(rows[0]!.key, 'm-1');
});

test('a held record is told with where it came from', async () => {
  const kinds = columns({ newest: 'record' });
  const store = new RowStore('dedup', kinds);
  store.put(store.key('sm-1')).newest.hold(recordOf(facts));
  const of = storeOf(() => openStore('dedup', kinds), 1);
  const { rows } = await storedRows(logOf(commit(store)), of, {}, 9);
  const { newest } = rows[0]!.row as { newest: { [field: string]: unknown } };
  const { topic, partition, offset, timestamp, key, count, why } = newest;
  assert.deepEqual(
    { topic, partition, offset, timestamp, key, count },
    {
      topic: facts.topic,
      partition: facts.partition,
      offset: 42,
      timestamp: facts.timestamp,
      key: 'm-1',
      count: 3,
    },
  );
  assert.equal(typeof why, 'string', 'its schema is not in this registry');
});

test('rows of another step than the one that reads them are CAR802', async () => {
  const store = new RowStore('dedup', seen);
  putSeen(store, 'se-1', 1);
  const other = storeOf(() => openStore('dedup', columns({ topic: 'name' })), 1);
  await assert.rejects(
    storedRows(logOf(commit(store)), other, {}, 9),
    (error: unknown) => error instanceof CarillonError && error.code === 'CAR802',
  );
});
