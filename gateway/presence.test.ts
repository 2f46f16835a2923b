/** The lease, and who is online where (rule D10). */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { HandClock } from '../core/clock.ts';
import { deviceMark, emptyCursor, formatCursor } from '../core/cursor.ts';
import type { NotificationFrame } from '../schemas/frames.ts';
import { Bench, eventually, NOW } from '../test/kit/gateway-bench.ts';
import { FakeLog } from '../test/kit/gateway-fakes.ts';
import type { LogWriter } from './log-writer.ts';
import { Presence } from './presence.ts';
import { noLog } from './problem.ts';

const LEASE_MS = 15_000;

async function open(t: TestContext) {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const clock = new HandClock(NOW);
  const facts = { clock, leases: [] as number[], lapses: 0, away: false };
  const writer = {
    async write(_topic: string, _schema: string, [record]: { value: { leaseUntil: number } }[]) {
      if (facts.away) throw new Error('away');
      facts.leases.push(record!.value.leaseUntil - NOW);
      return [{ partition: 0, offset: 0 }];
    },
  } as unknown as LogWriter;
  const options = {
    gatewayId: 'g',
    url: 'http://g',
    leaseMs: LEASE_MS,
    connectionsTopic: 'c',
    gatewaysTopic: 'g',
    queueMax: 10,
    onLapse: () => {
      facts.lapses++;
    },
  };
  await new Presence(options, writer, clock, noLog).open();
  /** The clock and the timers; a frozen process sees its timers late, and once. */
  const pass = async (ms: number) => {
    clock.moveTo(clock.now() + ms);
    t.mock.timers.tick(Math.min(ms, LEASE_MS / 3));
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { facts, pass };
}

test('the lease is renewed at a third of its length', async (t) => {
  const { facts, pass } = await open(t);
  assert.deepEqual(facts.leases, [LEASE_MS]);
  await pass(4_999);
  assert.deepEqual(facts.leases, [LEASE_MS]);
  await pass(1);
  await pass(5_000);
  assert.deepEqual(facts.leases, [LEASE_MS, LEASE_MS + 5_000, LEASE_MS + 10_000]);
  assert.equal(facts.lapses, 0);
});

/** Ms between two renewals that the log took, and whether somebody may have missed the first. */
const frozen: readonly [number, number][] = [
  [5_000, 0],
  [10_000, 0],
  [13_499, 0],
  [13_500, 1],
  [15_000, 1],
  [25_000, 1],
  [3_600_000, 1],
];
for (const [ms, lapses] of frozen) {
  test(`frozen for ${ms} ms of a lease of 15 s: ${lapses === 0 ? 'held' : 'lapsed'}`, async (t) => {
    const { facts, pass } = await open(t);
    await pass(ms);
    assert.equal(facts.lapses, lapses);
    await pass(5_000);
    assert.equal(facts.lapses, lapses, 'told once');
  });
}

test('a log that is away for longer than the lease is a lapse too, a shorter time is none', async (t) => {
  const { facts, pass } = await open(t);
  facts.away = true;
  await pass(5_000);
  await pass(5_000);
  facts.away = false;
  await pass(1_000);
  await pass(4_000);
  assert.deepEqual([facts.leases.length, facts.lapses], [2, 1]);
  facts.away = true;
  await pass(5_000);
  facts.away = false;
  await pass(5_000);
  assert.deepEqual([facts.leases.length, facts.lapses], [3, 1]);
});

test('who stays connected over a lapse is filled from the inbox, twice', async () => {
  const bench = await Bench.open({ limits: { leaseMs: 600, fillAgainMs: 20 } });
  try {
    await bench.own('tv-1');
    await bench.own('tv-2');
    const clients = [await bench.connect('tv-1'), await bench.connect('tv-2')];
    // Both looks of the connect are over.
    await eventually(() => bench.inbox.reads >= 4, 'the fills of the connects');
    for (const id of ['tv-1', 'tv-2']) bench.inbox.put(bench.notification(id, 1));
    bench.inbox.afterRead = (id) => {
      bench.inbox.afterRead = () => undefined;
      bench.inbox.put(bench.notification(id, 2));
    };
    bench.clock.moveTo(NOW + 25_000);
    for (const client of clients) {
      assert.equal(((await client.next()) as NotificationFrame).sequence, 1);
    }
    await eventually(() => clients.some(({ waiting }) => waiting === 1), 'the second look');
    assert.equal(bench.gateway.counts.leasesLapsed, 1);
    assert.equal(bench.gateway.connections(), 2);
    assert.ok(bench.said.some((line) => line.includes('lapsed')));
  } finally {
    await bench.close();
  }
});

test('of two connections on two gateways the newer wins, whatever comes first', async () => {
  const bench = await Bench.open();
  try {
    const rows: readonly [string, number, boolean][] = [
      ['newer', 1, true],
      ['newer by far', 900, true],
      ['the same record', 0, false],
      ['older', -1, false],
    ];
    for (const [name, ahead, closed] of rows) {
      const device = `tv-${name}`.replaceAll(' ', '-');
      await bench.own(device);
      const client = await bench.connect(device);
      const record = () =>
        bench.log.records('events.connections').findLast(({ key }) => key === device);
      await eventually(() => record() !== undefined, 'the connect record');
      await bench.online(device, 'another', record()!.offset + ahead);
      client.send({ type: 'ping' });
      if (closed) {
        await client.until(() => client.closed !== undefined);
        assert.deepEqual(client.closed, { code: 3501, reason: 'replaced' }, name);
      } else assert.deepEqual(await client.next(), { type: 'pong' }, name);
    }
  } finally {
    await bench.close();
  }
});

test('a rival that is seen before the own record is in the log waits for it', async () => {
  const bench = await Bench.open();
  try {
    await bench.own('tv-1');
    await bench.own('tv-2');
    bench.log.hold();
    const [old, fresh] = [await bench.connect('tv-1'), await bench.connect('tv-2')];
    // Both wait for the log; the rival of the first is newer than any record, the other's older.
    const told = [bench.online('tv-1', 'another', 99), bench.online('tv-2', 'another', -1)];
    bench.log.release();
    await Promise.all(told);
    await old.until(() => old.closed !== undefined);
    assert.equal(old.closed?.code, 3501);
    fresh.send({ type: 'ping' });
    assert.deepEqual(await fresh.next(), { type: 'pong' });
  } finally {
    await bench.close();
  }
});

test('a topology without presence has no rivals', async () => {
  const bench = await Bench.open({}, new FakeLog({ missing: ['tables.presence'] }));
  await bench.own('tv-1');
  await bench.connect('tv-1');
  await bench.close();
});

test('of two connections on one gateway the newer wins, whichever is open first', async () => {
  const bench = await Bench.open({ limits: { fillAgainMs: 20 } });
  try {
    await bench.own('tv-1');
    bench.inbox.hold();
    // Its cursor is checked against the inbox, which takes its time; who comes later has none.
    const cursor = emptyCursor(1, deviceMark('tv-1'));
    cursor.marks[2] = 5;
    const query = `?after=${formatCursor(cursor)}`;
    const headers = { authorization: `Bearer ${await bench.token('tv-1')}` };
    const older = bench.client(query, { headers });
    await eventually(() => bench.inbox.reading === 1, 'the check of its cursor');
    const newer = await bench.connect('tv-1');
    bench.inbox.release();
    await older.until(() => older.closed !== undefined);
    assert.deepEqual(older.closed, { code: 3501, reason: 'replaced' });
    newer.send({ type: 'ping' });
    assert.deepEqual(await newer.next(), { type: 'pong' });
    const told = bench.values('events.connections').map(({ action }) => action);
    assert.deepEqual(told, ['CONNECTED']);
  } finally {
    bench.inbox.release();
    await bench.close();
  }
});

test('fills: at most so many read the inbox at one time, and all are filled', async () => {
  const bench = await Bench.open({ limits: { fillsMax: 2, fillAgainMs: 20 } });
  try {
    bench.inbox.hold();
    const clients = [];
    for (const device of ['a', 'b', 'c', 'd', 'e']) {
      await bench.own(device);
      bench.inbox.put(bench.notification(device, 1));
      clients.push(await bench.connect(device));
    }
    assert.deepEqual([bench.inbox.reading, bench.inbox.readingMost], [2, 2]);
    bench.inbox.release();
    for (const client of clients) {
      assert.equal(((await client.next()) as NotificationFrame).sequence, 1);
    }
    assert.equal(bench.inbox.readingMost, 2);
    // Each place is free again: the second looks come too.
    await eventually(() => bench.inbox.reads >= 10, 'all second looks');
  } finally {
    bench.inbox.release();
    await bench.close();
  }
});
