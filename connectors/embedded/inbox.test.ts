import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { MessageChannel, Worker } from 'node:worker_threads';
import { HandClock } from '../../core/clock.ts';
import { add, emptyCursor, formatCursor, parseCursor } from '../../core/cursor.ts';
import type { InboxRow } from '../../core/inbox.ts';
import type { DeviceNotification } from '../../core/notification.ts';
import { prioritiesNamed, RENO_PRIORITIES } from '../../core/priority.ts';
import { BridgedLog } from './bridge.ts';
import { openEmbeddedInbox, openInboxReader } from './inbox.ts';
import { openEmbeddedLog } from './log.ts';

const T0 = 1_767_225_600_000;
const WORKER = new URL('../../test/contract/log-worker.ts', import.meta.url);

function notification(
  sequence: number,
  over: Partial<DeviceNotification> = {},
): DeviceNotification {
  return {
    id: `0f8fad5b-d9cb-469f-a165-70867728${String(sequence).padStart(4, '0')}`,
    deviceId: 'tv-1',
    epoch: 1,
    sequence,
    previous: sequence - 1,
    useCase: 'va',
    priority: 'normal',
    deadline: T0 + 60_000,
    collapseKey: null,
    count: 1,
    born: T0,
    payloadSchemaId: 7,
    payload: Buffer.from(`payload ${sequence}`),
    ...over,
  };
}

const row = (of: DeviceNotification, expiresAt = T0 + 1_000): InboxRow => ({
  notification: of,
  expiresAt,
});

function open(t: TestContext, priorities = RENO_PRIORITIES) {
  const dir = mkdtempSync(join(tmpdir(), 'carillon-inbox-'));
  const clock = new HandClock(T0);
  const log = openEmbeddedLog({ dir, clock });
  const inbox = openEmbeddedInbox(log, priorities);
  t.after(async () => {
    await inbox.close();
    await log.close();
    rmSync(dir, { recursive: true });
  });
  return { dir, clock, log, inbox };
}

test('rows are read back whole, by priority and number, above the marks, up to the limit', async (t) => {
  const { log, inbox } = open(t);
  const of = (priority: string, sequence: number) => notification(sequence, { priority });
  const odd = notification(2, {
    id: 'not a uuid',
    collapseKey: 'profile ü',
    payload: Buffer.alloc(0),
    deadline: 0,
    count: 12,
  });
  const rows = [of('low', 1), of('normal', 1), odd, of('critical', 300), of('critical', 2)];
  const strangers = [
    notification(9, { deviceId: 'tv-10' }),
    notification(9, { deviceId: 'tv' }),
    notification(9, { epoch: 2 }),
    notification(9, { deviceId: 'телевизор' }),
  ];
  const outcomes = await inbox.write([...rows, ...strangers].map((each) => row(each)));
  assert.deepEqual(outcomes, new Array(9).fill({ kind: 'delivered' }));
  await log.committed();
  const expected = [of('critical', 2), of('critical', 300), of('normal', 1), odd, of('low', 1)];
  assert.deepEqual(await inbox.read('tv-1', 1, [0, 0, 0, 0], 100), expected);
  assert.deepEqual(await inbox.read('tv-1', 1, [2, 0, 1, 1], 100), [expected[1], odd]);
  assert.deepEqual(await inbox.read('tv-1', 1, [0, 0, 0, 0], 3), expected.slice(0, 3));
  assert.deepEqual(await inbox.read('tv-1', 3, [0, 0, 0, 0], 100), []);
  assert.deepEqual(await inbox.read('телевизор', 1, [], 100), [strangers[3]]);
});

test('a row that is written twice is there once, also in one call', async (t) => {
  const { log, inbox } = open(t);
  const many = Array.from({ length: 40 }, (_, i) => row(notification(i + 1)));
  await inbox.write([...many, ...many]);
  await inbox.write(many.slice(0, 3));
  await log.committed();
  const read = await inbox.read('tv-1', 1, [0, 0, 0, 0], 1_000);
  assert.deepEqual(
    read,
    many.map((each) => each.notification),
  );
});

test('expired rows go, a bounded number at a time', async (t) => {
  const { log, inbox, clock } = open(t);
  const rows = Array.from({ length: 1_000 }, (_, i) =>
    row(notification(i + 1), i % 2 === 0 ? T0 + 1_000 : T0 + 5_000),
  );
  await inbox.write(rows);
  clock.moveTo(T0 + 1_000);
  // One sweep sees what was written since the last, twice over; then it begins anew.
  log.sweep();
  await log.committed();
  const left = await inbox.read('tv-1', 1, [0, 0, 0, 0], 2_000);
  assert.deepEqual(
    left.map((each) => each.sequence),
    Array.from({ length: 500 }, (_, i) => 2 * i + 2),
  );
  clock.moveTo(T0 + 5_000);
  log.sweep();
  await log.committed();
  assert.deepEqual(await inbox.read('tv-1', 1, [0, 0, 0, 0], 2_000), []);
});

test('rows are found before they are sorted, while they are, and after; the newest one holds', async (t) => {
  const { dir, log, inbox, clock } = open(t);
  const reader = openInboxReader(dir);
  t.after(() => reader.close());
  const devices = 50;
  const expected = new Map<string, number[]>();
  const of = (n: number, count = 1) =>
    row(notification(Math.floor(n / devices) + 1, { deviceId: `tv-${(n * 7) % devices}`, count }));
  const check = async () => {
    for (let n = 0; n < devices; n += 9) {
      const found = await reader.read(`tv-${n}`, 1, [0, 0, 0, 0], 1_000);
      assert.deepEqual(
        found.map(({ sequence }) => sequence),
        expected.get(`tv-${n}`),
      );
      assert.equal(found[0]!.count, 2);
    }
  };
  for (let from = 0; from < 12_000; from += 1_000) {
    const rows = Array.from({ length: 1_000 }, (_, i) => of(from + i));
    for (const { notification: each } of rows) {
      const list = expected.get(each.deviceId) ?? [];
      expected.set(each.deviceId, list);
      list.push(each.sequence);
    }
    // The first of each device is written again and again; some of them after they were sorted.
    const again = Array.from({ length: devices }, (_, n) => of(n, 2));
    await inbox.write([...rows, ...again]);
    await log.committed();
    if (from % 3_000 === 0) await check();
    log.sweep();
    await log.committed();
    await check();
  }
  clock.moveTo(T0 + 1_000);
  for (let n = 0; n < 60; n++) log.sweep();
  await log.committed();
  const left = (table: string) =>
    Number(log.connection.prepare(`SELECT count(*) AS n FROM ${table}`).get()!.n);
  assert.equal(left('inbox'), 0);
  assert.equal(left('inbox_keys'), 0);
  assert.deepEqual(await reader.read('tv-1', 1, [0, 0, 0, 0], 10), []);
  // Numbers of rows never come again: what is written now is found.
  await log.close();
  const again = openEmbeddedLog({ dir, clock });
  const later = openEmbeddedInbox(again);
  await later.write([row(notification(1))]);
  await again.committed();
  assert.equal((await later.read('tv-1', 1, [0, 0, 0, 0], 10)).length, 1);
  await later.close();
  await again.close();
});

test('a cursor is kept per device and epoch; an older epoch is void', async (t) => {
  const { inbox } = open(t);
  assert.equal(await inbox.acknowledged('tv-1', 1), null);
  await inbox.acknowledge('tv-1', 1, 'c1');
  await inbox.acknowledge('tv-2', 1, 'other');
  await inbox.acknowledge('tv-1', 1, 'c2');
  assert.equal(await inbox.acknowledged('tv-1', 1), 'c2');
  await inbox.acknowledge('tv-1', 2, 'c3');
  await inbox.acknowledge('tv-1', 1, 'late');
  assert.equal(await inbox.acknowledged('tv-1', 1), null);
  assert.equal(await inbox.acknowledged('tv-1', 2), 'c3');
  assert.equal(await inbox.acknowledged('tv-2', 1), 'other');
});

test('a reader needs a file, sees only what is committed, and cannot write', async (t) => {
  assert.throws(() => openInboxReader('/nowhere/at/all'), { code: 'CAR603' });
  const { dir, log, inbox } = open(t);
  const reader = openInboxReader(dir);
  t.after(() => reader.close());
  await reader.probe();
  await inbox.write([row(notification(1))]);
  assert.deepEqual(await reader.read('tv-1', 1, [0, 0, 0, 0], 10), []);
  await log.committed();
  assert.equal((await reader.read('tv-1', 1, [0, 0, 0, 0], 10)).length, 1);
});

test('over the bridge: inbox and registry, and an error when the worker ends', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'carillon-inbox-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const { port1, port2 } = new MessageChannel();
  const worker = new Worker(WORKER, { workerData: { dir, port: port2 }, transferList: [port2] });
  const log = new BridgedLog(port1);
  await log.probe();
  const inbox = log.inbox(dir);
  const rows = [notification(1), notification(2, { payload: Buffer.alloc(0) })];
  const outcomes = await inbox.write(rows.map((each) => row(each, Number.MAX_SAFE_INTEGER)));
  assert.deepEqual(outcomes, [{ kind: 'delivered' }, { kind: 'delivered' }]);
  assert.deepEqual(await inbox.read('tv-1', 1, [0, 0, 0, 0], 10), rows);
  await inbox.acknowledge('tv-1', 1, 'cursor');
  assert.equal(await inbox.acknowledged('tv-1', 1), 'cursor');
  const registry = log.registry();
  const id = await registry.register('events.a-value', '"string"');
  assert.equal(await registry.fetch(id), '"string"');
  assert.deepEqual(await registry.version('events.a-value', 'latest'), {
    id,
    version: 1,
    schema: '"string"',
  });
  assert.deepEqual(await registry.subjects(), ['events.a-value']);
  assert.deepEqual(await registry.versions('events.a-value'), [1]);
  await worker.terminate();
  await assert.rejects(log.probe(), { code: 'CAR610' });
  assert.deepEqual(
    (await inbox.write([row(rows[0]!)])).map((outcome) => outcome.kind),
    ['retry'],
  );
  await inbox.close();
  await log.close();
});

test("a topology's own priorities: rows in their order, marks by their number", async (t) => {
  const { log, inbox } = open(t, prioritiesNamed('flash', 'soon'));
  const of = (priority: string, sequence: number) => row(notification(sequence, { priority }));
  await inbox.write([of('soon', 1), of('soon', 2), of('flash', 1), of('flash', 2)]);
  await log.committed();
  const told = async (marks: readonly number[]) =>
    (await inbox.read('tv-1', 1, marks, 10)).map(({ priority, sequence }) => [priority, sequence]);
  assert.deepEqual(await told([1, 0]), [
    ['flash', 2],
    ['soon', 1],
    ['soon', 2],
  ]);
  const acked = (sequence: number) => {
    const cursor = emptyCursor(1, 0, inbox.priorities);
    add(cursor, 1, sequence);
    return formatCursor(cursor);
  };
  for (const sequence of [1, 2]) await inbox.acknowledge('tv-1', 1, acked(sequence));
  const stored = parseCursor((await inbox.acknowledged('tv-1', 1))!);
  assert.deepEqual(stored?.marks, [0, 2], 'both together');
  const [lost] = await inbox.write([of('critical', 1)]);
  assert.equal(lost?.kind, 'retry', 'a name of nobody is kept in its lane');
});
