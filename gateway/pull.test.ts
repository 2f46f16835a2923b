import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { deviceMark, emptyCursor, formatCursor, parseCursor } from '../core/cursor.ts';
import { Bench, eventually, NOW } from '../test/kit/gateway-bench.ts';

let bench: Bench;
let device = '';
let token = '';
let number = 0;

before(async () => {
  bench = await Bench.open();
});
after(() => bench.close());
beforeEach(async () => {
  device = `tv-${++number}`;
  token = await bench.token(device);
});

const pull = (query = '', bearer = token) =>
  bench.call('GET', `/v1/devices/${device}/notifications${query}`, { token: bearer });

test('pull: pages until there is no more, expired ones as skipped', async () => {
  await bench.own(device);
  for (let sequence = 1; sequence <= 5; sequence++) {
    const deadline = sequence === 2 ? NOW - 1 : 0;
    bench.inbox.put(bench.notification(device, sequence, { deadline }));
  }
  const first = await pull('?limit=3');
  assert.equal(first.status, 200);
  assert.deepEqual(
    first.body.notifications.map(({ sequence }: { sequence: number }) => sequence),
    [1, 3],
  );
  assert.deepEqual(first.body.skipped, [
    { priority: 'normal', sequence: 2, id: `${device}/normal/2`, reason: 'expired' },
  ]);
  assert.deepEqual(first.body.notifications[0].value.planTo, 'premium');
  assert.equal(first.body.more, true);
  const second = await pull(`?limit=3&after=${first.body.cursor}`);
  assert.deepEqual([second.body.notifications.length, second.body.more], [2, false]);
  const third = await pull(`?after=${second.body.cursor}`);
  assert.deepEqual([third.body.notifications, third.body.cursor], [[], second.body.cursor]);
});

test('D5: what arrives late below the mark of others is not hidden', async () => {
  await bench.own(device);
  bench.inbox.put(bench.notification(device, 1), bench.notification(device, 3));
  const first = await pull();
  bench.inbox.put(bench.notification(device, 2), bench.notification(device, 4));
  const second = await pull(`?after=${first.body.cursor}`);
  assert.deepEqual(
    second.body.notifications.map(({ sequence }: { sequence: number }) => sequence),
    [2, 4],
  );
});

test('pull: acknowledgements are kept, merged, told as outcomes, and used when there is no cursor', async () => {
  await bench.own(device);
  for (const sequence of [1, 2, 3]) bench.inbox.put(bench.notification(device, sequence));
  const { body } = await pull('?limit=2');
  const path = `/v1/devices/${device}/acknowledgements`;
  const ack = (cursor: unknown) => bench.call('POST', path, { token, body: { cursor } });
  assert.equal((await ack(body.cursor)).status, 204);
  assert.equal((await ack(formatCursor(emptyCursor(1, deviceMark(device))))).status, 204);
  const outcomes = () => bench.values('outcomes').filter(({ deviceId }) => deviceId === device);
  await eventually(() => outcomes().length === 2, 'two outcomes');
  assert.deepEqual(
    outcomes().map(({ notificationId, sink, outcome }) => [notificationId, sink, outcome]),
    [1, 2].map((sequence) => [`${device}/normal/${sequence}`, 'inbox', 'acknowledged']),
  );
  const next = await pull();
  assert.deepEqual(
    next.body.notifications.map(({ sequence }: { sequence: number }) => sequence),
    [3],
  );
  assert.deepEqual(
    [(await ack('x')).body.code, (await ack(undefined)).body.code],
    ['CAR714', 'CAR710'],
  );
});

test('D4: a cursor of an older epoch is answered from the start of the current one', async () => {
  await bench.own(device, 2);
  bench.inbox.put(
    bench.notification(device, 1, { epoch: 1 }),
    bench.notification(device, 1, { epoch: 2 }),
  );
  const old = emptyCursor(1, deviceMark(device));
  old.marks[2] = 9;
  const { body } = await pull(`?after=${formatCursor(old)}`);
  assert.equal(body.notifications.length, 1);
  assert.equal(parseCursor(body.cursor)?.epoch, 2);
});

test('pull refuses: unknown and deleted devices, bad cursors and limits, an inbox that is away', async () => {
  assert.deepEqual([(await pull()).status, (await pull()).body.code], [404, 'CAR713']);
  await bench.own(device, 1, 'DELETED');
  assert.equal((await pull()).body.code, 'CAR713');
  await bench.own(device, 2);
  assert.equal((await pull('?after=x')).body.code, 'CAR714');
  for (const limit of ['0', '501', 'x', '1.5']) {
    assert.equal((await pull(`?limit=${limit}`)).body.code, 'CAR721');
  }
  bench.inbox.away = true;
  const away = await pull();
  bench.inbox.away = false;
  assert.deepEqual(
    [away.status, away.body.code, away.headers.get('retry-after')],
    [503, 'CAR715', '1'],
  );
});
