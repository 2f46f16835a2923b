/** How the reference client gets through, and back, whatever lies between. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  App,
  closeLater,
  Front,
  forward,
  GATEWAY_LIMITS,
  proxy,
  TRANSPORTS,
} from '../test/kit/device-app.ts';
import { acked, bench, device, live, put, setScene } from '../test/kit/device-scene.ts';
import { Bench, eventually } from '../test/kit/gateway-bench.ts';
import type { FakeLog } from '../test/kit/gateway-fakes.ts';

setScene();

for (const [name, letsEvents, expected] of [
  ['no WebSocket', true, 'sse'],
  ['neither WebSockets nor events', false, 'poll'],
] as const) {
  test(`behind a proxy that lets through ${name} it takes ${expected}`, async () => {
    const url = await proxy((request, reply) => {
      const isEvents = request.url!.startsWith('/v1/stream');
      if (isEvents && !letsEvents) reply.writeHead(200, { 'content-type': 'text/html' }).end('no');
      else forward(bench.gateway.url, request, reply).catch(() => reply.destroy());
    });
    put(1);
    const app = new App(bench, device).open({ url });
    await app.untilTold(1);
    await eventually(() => acked() === 1, 'its acknowledgement');
    assert.deepEqual(app.transports, [expected]);
    await app.client.stop();
  });
}

test('503 with Retry-After is waited out, and counted from full jitter; then back to the first', async () => {
  let asked = 0;
  const url = await proxy((request, reply) => {
    asked++;
    const headers = { 'content-type': 'application/json', 'retry-after': '7' };
    const body = { code: 'CAR716', what: 'full.' };
    if (asked === 1) reply.writeHead(503, headers).end(JSON.stringify(body));
    else forward(bench.gateway.url, request, reply).catch(() => reply.destroy());
  });
  const app = new App(bench, device).open({
    url,
    random: () => 0.5,
    limits: { backoffFirstMs: 8, backoffMaxMs: 40 },
  });
  await app.until(({ states }) => states.length === 3, 'its third wait');
  // Two handshakes that say nothing, 8 × 0.5 and 16 × 0.5 ms; then the pause beside 32 × 0.5.
  const waits = app.states.map((state) => (state.is === 'waiting' ? state.againMs : state.is));
  assert.deepEqual(waits, [4, 8, 7_016]);
  await app.client.stop();
});

test('backoff doubles up to its most, by chance, while nobody is there', async () => {
  const front = new Front(1);
  const url = await front.listen();
  front.lets = false;
  const limits = { backoffFirstMs: 2, backoffMaxMs: 12 };
  const app = new App(bench, device).open({ url, random: () => 0.5, limits });
  await app.until(({ states }) => states.length >= 6, 'six waits');
  const waits = app.states.slice(0, 6).map((state) => state.is === 'waiting' && state.againMs);
  assert.deepEqual(waits, [1, 2, 4, 6, 6, 6]);
  await app.client.stop();
});

test('a connection that was cut is taken up again, and what came between is told once', async () => {
  const front = new Front(bench.gateway.port);
  const app = new App(bench, device).open({ url: await front.listen(), transports: ['websocket'] });
  await app.until(({ transports }) => transports.length === 1, 'the first');
  put(1);
  await live(1);
  await app.untilTold(1);
  front.lets = false;
  front.cut();
  await app.until(({ states }) => states.length > 4, 'some that failed');
  put(2);
  front.lets = true;
  await app.untilTold(1, 2);
  await eventually(() => acked() === 2, 'its acknowledgement');
  await app.client.stop();
});

test('a peer that has become silent is found out', async () => {
  const quiet = await Bench.open({ limits: { ...GATEWAY_LIMITS, heartbeatMs: 60 } });
  closeLater(quiet);
  await quiet.own(device);
  const front = new Front(quiet.gateway.port);
  const url = await front.listen();
  for (const transport of ['websocket', 'sse'] as const) {
    front.swallows = false;
    const app = new App(quiet, device).open({ url, transports: [transport] });
    await app.until(({ transports }) => transports.length === 1, 'the first');
    front.swallows = true;
    await app.until(({ states }) => states.some((state) => state.is === 'waiting'), 'silence');
    const waiting = app.states.find((state) => state.is === 'waiting')!;
    assert.deepEqual([waiting.code, waiting.reason], [1006, 'silence']);
    await app.client.stop();
  }
});

for (const transport of TRANSPORTS) {
  test(`${transport}: a gateway that is drained sends it to the next, nothing lost or doubled`, async () => {
    const pair = await drainable();
    const app = new App(pair.first, device).open({ url: pair.url, transports: [transport] });
    pair.put(1, 2);
    await app.untilTold(1, 2);
    pair.front.target = pair.second.gateway.port;
    pair.put(3);
    const closing = pair.first.close();
    pair.put(4);
    await closing;
    await app.untilTold(1, 2, 3, 4);
    // A poll that is answered is sent elsewhere the next time.
    if (transport !== 'poll') assert.match(JSON.stringify(app.states), /"code":3001/);
    await app.client.stop();
  });
}

/** Two gateways on one log and inbox, and what leads to one of them. */
async function drainable() {
  const first = await Bench.open({ limits: { ...GATEWAY_LIMITS, comeBackMs: 40 } });
  await first.own(device);
  const { inbox, log } = first;
  const second = await Bench.open(
    { limits: GATEWAY_LIMITS, inbox, gatewayId: 'gateway-2' },
    log as FakeLog,
  );
  closeLater(second);
  const front = new Front(first.gateway.port);
  return {
    first,
    second,
    front,
    url: await front.listen(),
    put: (...numbers: number[]) =>
      inbox.put(...numbers.map((sequence) => first.notification(device, sequence))),
  };
}

test('a connection that is recycled closes when its work is done, and comes back by its spread', async () => {
  const limits = { ...GATEWAY_LIMITS, heartbeatMs: 64, lifetimeMs: 60_000 };
  const old = closeLater(await Bench.open({ limits }));
  await old.own(device);
  const slow = Promise.withResolvers<void>();
  const frames: string[] = [];
  const app = new App(old, device);
  app.open({
    random: () => 0.5,
    limits: { spreadMs: 30 },
    onFrame: ({ type }) => frames.push(type),
    onNotification: async ({ sequence }) => {
      await slow.promise;
      app.told.push(sequence);
    },
  });
  app.put(1);
  await eventually(() => frames.includes('notification'), 'what keeps it busy');
  old.clock.moveTo(old.clock.now() + 120_000);
  await eventually(() => frames.includes('going-away'), 'the wish that it goes');
  assert.deepEqual([app.states.length, app.acked], [1, 0]);
  slow.resolve();
  await app.until(({ states }) => states.length === 2, 'its end');
  const waiting = { is: 'waiting', code: 3001, reason: 'going-away', againMs: 15 };
  assert.deepEqual([app.states[1], app.told], [waiting, [1]]);
  await app.untilAcked(1);
  await app.client.stop();
});

test('devices of a gateway that stops come back when it says, each at another time', async () => {
  const one = await Bench.open({ limits: { ...GATEWAY_LIMITS, comeBackMs: 400 } });
  const apps: App[] = [];
  for (const name of [device, `${device}-b`]) {
    await one.own(name);
    const app = new App(one, name).open({ random: () => 0.5, limits: { spreadMs: 30 } });
    await app.until(({ states }) => states.length === 1, 'its welcome');
    apps.push(app);
  }
  await one.close();
  for (const [i, app] of apps.entries()) {
    await app.until(({ states }) => states.length > 1, 'its end');
    const { againMs } = app.states[1] as { againMs: number };
    assert.equal(againMs, i * 200 + 15);
    await app.client.stop();
  }
});

test('a newer connection of the device ends it for good', async () => {
  const app = new App(bench, device).open();
  await app.until(({ transports }) => transports.length === 1, 'the first');
  await eventually(
    () => bench.values('events.connections').some((row) => row.deviceId === device),
    'its row',
  );
  const newer = await bench.connect(device);
  await app.until(({ states }) => states.at(-1)?.is === 'stopped', 'the end');
  assert.deepEqual(app.states.at(-1), { is: 'stopped', code: 3501, reason: 'replaced' });
  newer.socket.close();
});
