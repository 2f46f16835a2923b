/** Pulls that wait: a device that can hold no stream is told at once all the same. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { Bench, eventually } from '../test/kit/gateway-bench.ts';

const LIMITS = { pollLookMs: 50, fillAgainMs: 20, pollLingerMs: 400, heartbeatMs: 640 };

let bench: Bench;
let device = '';
let token = '';
let number = 0;

before(async () => {
  bench = await Bench.open({ limits: LIMITS });
});
after(() => bench.close());
beforeEach(async () => {
  device = `tv-${++number}`;
  token = await bench.token(device);
  await bench.own(device);
});

const poll = (query: string, of = bench, bearer = token) =>
  of.call('GET', `/v1/devices/${device}/notifications?${query}`, { token: bearer });

// biome-ignore lint/suspicious/noExplicitAny: tests look into whatever came.
const connections = (of = bench): any[] =>
  of.values('events.connections').filter((row) => row.deviceId === device);

/** The id of its connection, once sinks can know of it. */
async function connected(count = 1, of = bench): Promise<string> {
  const known = () => connections(of).filter(({ action }) => action === 'CONNECTED');
  await eventually(() => known().length >= count, 'its row in the log');
  return known().at(-1)!.connectionId;
}

const sequences = (body: { notifications: { sequence: number }[] }) =>
  body.notifications.map(({ sequence }) => sequence);

const live = async (connectionId: string, ...numbers: number[]) =>
  bench.deliver(
    numbers.map((sequence) => ({
      connectionId,
      notification: bench.notification(device, sequence),
    })),
  );

test('what is there comes at once; what comes later is told when it comes, in the same form', async () => {
  bench.inbox.put(bench.notification(device, 1));
  const first = await poll('wait=30');
  assert.deepEqual(sequences(first.body), [1]);
  assert.deepEqual(connections(), [], 'nobody waited');
  const pending = poll(`wait=30&after=${first.body.cursor}`);
  const id = await connected();
  assert.deepEqual(await live(id, 2, 3), ['delivered', 'delivered']);
  const { status, body } = await pending;
  assert.deepEqual([status, sequences(body), body.more, body.epoch], [200, [2, 3], false, 1]);
  bench.inbox.put(bench.notification(device, 2), bench.notification(device, 3));
  const pulled = await poll(`after=${first.body.cursor}`);
  assert.deepEqual(body, pulled.body, 'a pull says the same');
});

test('it goes on where it was, as one connection', async () => {
  const first = await poll('wait=1');
  assert.deepEqual([first.status, sequences(first.body), first.body.more], [200, [], false]);
  const id = await connected();
  let { cursor } = first.body;
  // Between two polls it counts as connected: what comes is kept for the next.
  assert.deepEqual(await live(id, 1), ['delivered']);
  for (const sequence of [1, 2, 3]) {
    const pending = poll(`wait=30&after=${cursor}`);
    if (sequence > 1) assert.deepEqual(await live(id, sequence), ['delivered']);
    const { body } = await pending;
    assert.deepEqual(sequences(body), [sequence]);
    cursor = body.cursor;
  }
  assert.equal(connections().length, 1);
  await eventually(() => connections().at(-1).action === 'CLOSED', 'it asks no more');
  assert.deepEqual([connections().at(-1).connectionId, connections().at(-1).closeCode], [id, 1001]);
  assert.deepEqual(await live(id, 4), ['offline']);
});

test('what is not pushed to connections is found in the inbox, between polls too', async () => {
  const pending = poll('wait=30');
  await connected();
  await new Promise((resolve) => setTimeout(resolve, 2 * LIMITS.fillAgainMs));
  bench.inbox.put(bench.notification(device, 1));
  const first = await pending;
  assert.deepEqual(sequences(first.body), [1]);
  bench.inbox.put(bench.notification(device, 2));
  const second = await poll(`wait=30&after=${first.body.cursor}`);
  assert.deepEqual(sequences(second.body), [2]);
  assert.equal(connections().length, 1);
});

test('while nothing happens the inbox is looked into once in a while, and not between polls', async () => {
  const rare = await Bench.open({ limits: { ...LIMITS, pollLookMs: 400 } });
  try {
    await rare.own(device);
    const first = await poll('wait=1', rare);
    await connected(1, rare);
    const { reads } = rare.inbox;
    const second = await poll(`wait=1&after=${first.body.cursor}`, rare);
    assert.deepEqual(sequences(second.body), []);
    // Four priorities are read as one: at the start, and at 0.4 and 0.8 s.
    assert.equal(rare.inbox.reads - reads, 3);
    assert.equal(connections(rare).length, 1);
  } finally {
    await rare.close();
  }
});

test('an answer that was lost is told again, from the inbox', async () => {
  const { cursor } = (await poll('wait=1')).body;
  const id = await connected();
  const lost = poll(`wait=30&after=${cursor}`);
  assert.deepEqual(await live(id, 1), ['delivered']);
  assert.deepEqual(sequences((await lost).body), [1]);
  bench.inbox.put(bench.notification(device, 1));
  const again = await poll(`wait=30&after=${cursor}`);
  assert.deepEqual(sequences(again.body), [1]);
  await eventually(() => connections().at(-1).action === 'CLOSED', 'the one that told it');
});

test('who hangs up counts no more as connected', async () => {
  const controller = new AbortController();
  const address = `${bench.gateway.url}/v1/devices/${device}/notifications?wait=30`;
  const headers = { authorization: `Bearer ${token}` };
  const asked = fetch(address, { headers, signal: controller.signal }).catch(() => 'hung up');
  const id = await connected();
  controller.abort();
  assert.equal(await asked, 'hung up');
  await eventually(() => connections().at(-1).action === 'CLOSED', 'its close');
  assert.deepEqual(await live(id, 1), ['offline']);
});

test('of two polls the older ends with nothing; a newer stream ends it with CAR740', async () => {
  const older = poll('wait=30');
  await connected();
  const newer = poll('wait=30');
  const { status, body } = await older;
  assert.deepEqual([status, sequences(body)], [200, []]);
  await connected(2);
  await bench.connect(device);
  const replaced = await newer;
  assert.deepEqual([replaced.status, replaced.body.code], [409, 'CAR740']);
});

test('a page has `limit` notifications, and the rest follows at once', async () => {
  const { cursor } = (await poll('wait=1')).body;
  const id = await connected();
  await live(id, 1, 2, 3);
  const first = await poll(`wait=30&limit=2&after=${cursor}`);
  assert.deepEqual([sequences(first.body), first.body.more], [[1, 2], true]);
  const second = await poll(`wait=30&limit=2&after=${first.body.cursor}`);
  assert.deepEqual([sequences(second.body), second.body.more], [[3], false]);
});

test('what expired meanwhile is told as skipped', async () => {
  const rare = await Bench.open({ limits: { ...LIMITS, pollLookMs: 60_000 } });
  try {
    await rare.own(device);
    const pending = poll('wait=30', rare);
    const connectionId = await connected(1, rare);
    // Behind the looks of its begin, which would tell it alone.
    await eventually(() => rare.inbox.reads === 3, 'the page and two looks');
    const expired = rare.notification(device, 1, { deadline: 1 });
    const next = rare.notification(device, 2);
    const items = [expired, next].map((notification) => ({ connectionId, notification }));
    assert.deepEqual(await rare.deliver(items), ['expired', 'delivered']);
    const { body } = await pending;
    assert.deepEqual(sequences(body), [2]);
    assert.deepEqual(body.skipped, [
      { priority: 'normal', sequence: 1, id: expired.id, reason: 'expired' },
    ]);
  } finally {
    await rare.close();
  }
});

test('a token that expires, or a device that moves, ends the wait, and the next poll is told', async () => {
  const short = await bench.token(device, undefined, 60_000);
  const expiring = poll('wait=30', bench, short);
  await connected();
  bench.clock.moveTo(bench.clock.now() + 120_000);
  assert.deepEqual(sequences((await expiring).body), []);
  assert.equal((await poll('wait=30', bench, short)).body.code, 'CAR703');
  token = await bench.token(device);
  const moving = poll('wait=30');
  await connected(2);
  await bench.own(device, 2);
  assert.equal((await moving).status, 200);
  bench.inbox.put(bench.notification(device, 1, { epoch: 2 }));
  const { body } = await poll('wait=30');
  assert.deepEqual([body.epoch, sequences(body)], [2, [1]]);
});

for (const wait of ['31', '-1', '1.5', 'x', '']) {
  test(`CAR721: wait=${wait}`, async () => {
    const { status, body } = await poll(`wait=${wait}`);
    assert.deepEqual([status, body.code], [400, 'CAR721']);
  });
}

test('an admin pulls, but does not wait: it would count as the device', async () => {
  const admin = await bench.token('root', 'admin');
  assert.equal((await poll('wait=0', bench, admin)).status, 200);
  const { status, body } = await poll('wait=1', bench, admin);
  assert.deepEqual([status, body.code], [403, 'CAR704']);
});

test('so many wait and no more; a gateway that stops says when to come back', async () => {
  const small = await Bench.open({ limits: { ...LIMITS, pollersMax: 1, comeBackMs: 4_000 } });
  await small.own('other');
  await small.own(device);
  const other = await small.token('other');
  const waits = small.call('GET', '/v1/devices/other/notifications?wait=30', { token: other });
  await eventually(() => small.values('events.connections').length === 1, 'the one that waits');
  const full = await poll('wait=30', small);
  assert.deepEqual(
    [full.status, full.body.code, full.headers.get('retry-after')],
    [503, 'CAR716', '1'],
  );
  assert.equal((await poll('', small)).status, 200, 'who does not wait is served');
  await small.close();
  const { status, body, headers } = await waits;
  assert.deepEqual([status, body.code, headers.get('retry-after')], [503, 'CAR716', '1']);
});

test('a wait of 0 is a pull: it is answered at once', async () => {
  const page = await poll('wait=0');
  assert.deepEqual([page.status, page.body.notifications], [200, []]);
});
