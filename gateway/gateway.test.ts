/** A gateway's life: start, lease, heartbeat, slow readers, drain. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { parseCursor } from '../core/cursor.ts';
import { CarillonError } from '../core/error.ts';
import { RENO_PRIORITIES } from '../core/priority.ts';
import { Bench, eventually, INTERNAL, NOW, SECRET } from '../test/kit/gateway-bench.ts';
import { FakeLog } from '../test/kit/gateway-fakes.ts';
import type { GatewayOptions } from './gateway-options.ts';

async function withBench(
  options: Partial<GatewayOptions>,
  work: (bench: Bench) => Promise<void>,
): Promise<void> {
  const bench = await Bench.open(options);
  try {
    await work(bench);
  } finally {
    await bench.close();
  }
}

const raises = (code: string, message: RegExp) => (error: unknown) =>
  error instanceof CarillonError && error.code === code && message.test(error.what);

test('CAR718: the port is taken: one that is free is named, and not one that is taken too', async () => {
  const { ports, close } = await takenInARow();
  const [port] = ports;
  const error = await Bench.open({ port: port! }).then(
    () => assert.fail('it listens'),
    (failed: CarillonError) => failed,
  );
  assert.ok(raises('CAR718', new RegExp(`port ${port} of 127.0.0.1`))(error));
  const named = Number(/`http: \{ port: (\d+) \}`/.exec(error.mend)?.[1]);
  assert.ok(named > ports[1]!, error.mend);
  const bench = await Bench.open({ port: named });
  assert.equal(bench.gateway.port, named);
  await bench.close();
  close();
});

/** Two ports beside each other, both taken: the next one is not always free. */
async function takenInARow(): Promise<{ ports: number[]; close: () => void }> {
  for (;;) {
    const first = createServer().listen(0, '127.0.0.1');
    await once(first, 'listening');
    const { port } = first.address() as { port: number };
    const second = createServer().listen(port + 1, '127.0.0.1');
    const taken = await once(second, 'listening').then(
      () => true,
      () => false,
    );
    const close = () => {
      first.close();
      second.close();
    };
    if (taken && port < 65_000) return { ports: [port, port + 1], close };
    close();
  }
}

test('CAR719: secrets that are too short, or fit no header, are not printed', async () => {
  const rows: readonly [string, string, RegExp][] = [
    ['short', INTERNAL, /^auth.secret has fewer than 32 characters/],
    [SECRET, 'short', /^auth.internalToken has fewer/],
    [SECRET, 'ü'.repeat(32), /^auth.internalToken has more than printable ASCII/],
  ];
  for (const [secret, internalToken, what] of rows) {
    await assert.rejects(
      Bench.open({ auth: { secret, internalToken } }),
      (error: Error) => raises('CAR719', what)(error) && !/short|ü/.test(error.message.slice(40)),
    );
  }
});

test('CAR712: a topic that is not there is told at the start', async () => {
  const log = new FakeLog({ missing: ['tables.gateways'] });
  await assert.rejects(Bench.open({}, log), raises('CAR712', /topic tables.gateways is not there/));
});

test('the lease: taken at the start, renewed, given back at the end', async () => {
  const bench = await Bench.open({ limits: { leaseMs: 30 } });
  const rows = () => bench.values('tables.gateways');
  bench.clock.moveTo(NOW + 1000);
  await eventually(() => rows().length >= 2, 'a renewal');
  await bench.close();
  const { url } = bench.gateway;
  assert.deepEqual(rows()[0], {
    gatewayId: 'gateway-1',
    url,
    startedAt: NOW,
    leaseUntil: NOW + 30,
  });
  assert.equal(rows()[1].leaseUntil, NOW + 1030);
  assert.equal(rows().at(-1), null);
});

test('drain: devices are asked to reconnect, their closes are in the log before the lease goes', async () => {
  const bench = await Bench.open({ limits: { closeMs: 100 } });
  await bench.own('tv-1');
  await bench.own('tv-2');
  const polite = await bench.connect('tv-1');
  const stuck = await bench.connect('tv-2');
  stuck.socket.pause();
  await bench.gateway.close();
  const { order } = bench.log;
  assert.equal(order.at(-1), 'tables.gateways');
  assert.equal(order.filter((topic) => topic === 'events.connections').length, 4);
  await polite.until(() => polite.closed !== undefined);
  // Each is told when to come back, spread over the time that a stop gives.
  assert.deepEqual(await polite.next(), { type: 'going-away', afterMs: 0 });
  assert.deepEqual(polite.closed, { code: 3001, reason: 'going-away' });
  const closed = bench.values('events.connections').filter(({ action }) => action === 'CLOSED');
  assert.deepEqual(closed.map(({ deviceId, closeCode }) => [deviceId, closeCode]).toSorted(), [
    ['tv-1', 3001],
    ['tv-2', 3001],
  ]);
  stuck.socket.terminate();
});

test('drain: a close that waits for the log goes before the lease too', async () => {
  const bench = await Bench.open();
  for (const device of ['tv-1', 'tv-2']) await bench.own(device);
  const [first, second] = [await bench.connect('tv-1'), await bench.connect('tv-2')];
  const facts = () => bench.values('events.connections').length;
  await eventually(() => facts() === 2, 'both connects');
  bench.log.hold();
  const { sends } = bench.log;
  await first.close();
  await eventually(() => bench.log.sends > sends, 'the first close, which the log does not take');
  const closing = bench.gateway.close();
  await second.until(() => second.closed !== undefined);
  // The drain is over: what is written now waits for the log, in whatever order it was asked.
  const sockets = () => bench.gateway.httpConnections();
  await eventually(async () => (await sockets()) === 0, 'the end of the sockets');
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  bench.log.release();
  await closing;
  const last = bench.log.order.slice(-3);
  assert.deepEqual(last, ['events.connections', 'events.connections', 'tables.gateways']);
});

test('drain: the devices of a gateway come back one after another', async () => {
  const bench = await Bench.open({ limits: { comeBackMs: 10_000 } });
  const clients = [];
  for (const device of ['a', 'b', 'c', 'd']) {
    await bench.own(device);
    clients.push(await bench.connect(device));
  }
  await bench.gateway.close();
  const last = await Promise.all(clients.map((client) => client.next()));
  assert.deepEqual(
    last.map((frame) => (frame.type === 'going-away' ? frame.afterMs : frame)),
    [0, 2_500, 5_000, 7_500],
  );
  await bench.close();
});

test('CAR716: over its connections the gateway refuses', async () => {
  await withBench({ limits: { connectionsMax: 1 } }, async (bench) => {
    await bench.own('tv-1');
    await bench.own('tv-2');
    const first = await bench.connect('tv-1');
    const second = bench.client(`?access_token=${await bench.token('tv-2')}`);
    await second.until(() => second.refused !== undefined);
    assert.equal(second.refused?.status, 503);
    assert.equal(JSON.parse(second.refused?.body ?? '').code, 'CAR716');
    await first.close();
    await bench.connect('tv-2');
    assert.equal(bench.gateway.connections(), 1);
  });
});

test('heartbeat: who does not answer is closed, who does stays', async () => {
  await withBench({ limits: { heartbeatMs: 512 } }, async (bench) => {
    await bench.own('tv-1');
    await bench.own('tv-2');
    const alive = await bench.connect('tv-1');
    let pings = 0;
    alive.socket.on('ping', () => pings++);
    const dead = await bench.connect('tv-2');
    dead.socket.pause();
    await eventually(() => bench.gateway.connections() === 1, 'the dead one is gone');
    const last = () => bench.values('events.connections').at(-1);
    await eventually(() => last()?.action === 'CLOSED', 'its close');
    assert.deepEqual([last().deviceId, last().closeCode], ['tv-2', 3002]);
    // The third comes only to who has answered the two before it, and by pongs alone.
    await eventually(() => pings >= 3 || alive.closed !== undefined, 'it is pinged on');
    assert.equal(alive.closed, undefined);
  });
});

test('a token that expires closes its connection with a reconnect code', async () => {
  await withBench({ limits: { heartbeatMs: 64 } }, async (bench) => {
    await bench.own('tv-1');
    const client = await bench.connect('tv-1');
    bench.clock.moveTo(NOW + 3_600_001);
    await client.until(() => client.closed !== undefined);
    assert.deepEqual(client.closed, { code: 3006, reason: 'token-expired' });
  });
});

test('recycling: asked by age and chance, served until the next heartbeat, then closed', async () => {
  const chances = [0, 0.5, 0.999];
  const limits = { heartbeatMs: 128, lifetimeMs: 60_000, lifetimeSpreadMs: 10_000 };
  await withBench({ limits, random: () => chances.shift() ?? 0 }, async (bench) => {
    const clients = [];
    for (const device of ['a', 'b', 'c']) {
      await bench.own(device);
      clients.push(await bench.connect(device));
    }
    const [first, second, third] = clients;
    bench.clock.moveTo(NOW + 60_000);
    assert.deepEqual(await first!.next(), { type: 'going-away', afterMs: 0 });
    const { connectionId } = first!;
    const one = { connectionId, notification: bench.notification('a', 1) };
    assert.deepEqual(await bench.deliver([one]), ['delivered']);
    assert.equal((await first!.next()).type, 'notification');
    await first!.until(() => first!.closed !== undefined);
    assert.deepEqual(first!.closed, { code: 3001, reason: 'going-away' });
    bench.clock.moveTo(NOW + 65_000);
    await second!.until(() => second!.closed !== undefined);
    assert.deepEqual([third!.waiting, third!.closed], [0, undefined]);
    bench.clock.moveTo(NOW + 69_990);
    await third!.until(() => third!.closed !== undefined);
  });
});

test('recycling: 0 is never', async () => {
  const limits = { heartbeatMs: 64, lifetimeMs: 0 };
  await withBench({ limits }, async (bench) => {
    await bench.own('a');
    const client = await bench.connect('a');
    let pings = 0;
    client.socket.on('ping', () => pings++);
    bench.clock.moveTo(NOW + 3_599_000);
    await eventually(() => pings >= 3, 'heartbeats');
    assert.deepEqual([client.waiting, client.closed], [0, undefined]);
  });
});

test('a slow reader is closed when its queue is full, and has all after it comes back', async () => {
  await withBench({ limits: { queueBytesMax: 4096, closeMs: 50 } }, async (bench) => {
    await bench.own('tv-1');
    const slow = await bench.connect('tv-1');
    slow.socket.pause();
    const encoder = bench.schemas.encoder('PlanChange');
    const planTo = 'x'.repeat(30_000);
    const event = {
      eventId: 'e',
      memberId: 'm-1',
      planFrom: null,
      planTo,
      streamsMax: 1,
      changedAt: NOW,
    };
    const payload = encoder.toBuffer(event).subarray(5);
    const { connectionId } = slow;
    const outcomes: string[] = [];
    // The kernel's buffers take some hundred frames before the queue is seen to grow.
    for (let sequence = 1; sequence <= 2000 && !outcomes.includes('slow'); sequence++) {
      const notification = bench.notification('tv-1', sequence, { payload });
      bench.inbox.put(notification);
      outcomes.push(...(await bench.deliver([{ connectionId, notification }])));
    }
    assert.equal(outcomes.at(-1), 'slow');
    assert.deepEqual(
      await bench.deliver([{ connectionId, notification: bench.notification('tv-1', 1) }]),
      ['offline'],
    );
    const last = () => bench.values('events.connections').at(-1);
    await eventually(() => last()?.action === 'CLOSED', 'its close');
    assert.equal(last().closeCode, 3003);
    const back = await bench.connect('tv-1');
    const frames = await back.take(outcomes.length);
    const cursor = (frames.at(-1) as { cursor: string }).cursor;
    assert.deepEqual(
      parseCursor(cursor)?.marks[RENO_PRIORITIES.numberOf('normal')],
      outcomes.length,
    );
  });
});

test('a device that asks for pongs and never reads them is closed as slow', async () => {
  const budgets = { frames: { burst: 1e9, perSecond: 1 } };
  await withBench({ budgets, limits: { queueBytesMax: 4096, closeMs: 50 } }, async (bench) => {
    await bench.own('tv-1');
    const device = await bench.connect('tv-1');
    device.socket.pause();
    const closed = () =>
      bench.values('events.connections').some(({ action }) => action === 'CLOSED');
    // The kernel's buffers take some hundred thousand pongs before the queue is seen to grow.
    for (let round = 0; round < 400 && !closed(); round++) {
      for (let i = 0; i < 5_000; i++) device.send({ type: 'ping' });
      await new Promise<void>((resolve) => device.socket.send('{"type":"ping"}', () => resolve()));
    }
    await eventually(closed, 'its close');
    assert.equal(bench.values('events.connections').at(-1).closeCode, 3003);
  });
});

test('a log that is away delays presence, and loses none of it', async () => {
  await withBench({}, async (bench) => {
    await bench.own('tv-1');
    bench.log.away = true;
    const client = await bench.connect('tv-1');
    await client.close();
    await eventually(() => bench.said.length > 0, 'that it was said');
    bench.log.away = false;
    const actions = () => bench.values('events.connections').map(({ action }) => action);
    await eventually(() => actions().length === 2, 'both records');
    assert.deepEqual(actions(), ['CONNECTED', 'CLOSED']);
    assert.equal(bench.gateway.reportsLost(), 0);
  });
});

test('roles: what is not served is not there', async () => {
  await withBench({ roles: { devices: false, ingest: true } }, async (bench) => {
    const token = await bench.token('tv-1');
    const pull = await bench.call('GET', '/v1/devices/tv-1/notifications', { token });
    assert.deepEqual([pull.status, pull.body.code], [404, 'CAR705']);
    assert.deepEqual(bench.values('tables.gateways'), []);
  });
  await withBench({ roles: { devices: true, ingest: false } }, async (bench) => {
    const token = await bench.token('p', 'producer');
    const got = await bench.call('POST', '/v1/events/plan-change', { token, body: {} });
    assert.deepEqual([got.status, got.body.code], [404, 'CAR705']);
  });
});
