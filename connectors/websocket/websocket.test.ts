import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { HandClock } from '../../core/clock.ts';
import { CarillonError } from '../../core/error.ts';
import type { Delivery } from '../../core/outcome.ts';
import type { Sink } from '../../core/spec.ts';
import { DELIVER_OUTCOMES, encodeOutcomes } from '../../schemas/deliveries.ts';
import { OVERLOADED_FOR_MS, type Situation, sinkContract } from '../../test/contract/sink.ts';
import { FakeGateway, type GatewayAct } from './fake.ts';
import { type GatewayRow, websocket } from './websocket.ts';

const NOW = 1_767_225_600_000;
const TOKEN = 'an-internal-token-for-tests-which-is-long-enough';

const open = (
  rows: readonly GatewayRow[],
  settings: Readonly<Record<string, unknown>> = {},
  clock = new HandClock(NOW),
): Promise<Sink> => {
  const table = new Map(rows.map((row) => [row.gatewayId, row]));
  const gateways = { get: (id: string) => table.get(id), all: () => table.values() };
  const context = {
    name: 'websocket',
    clock,
    settings: { internalToken: TOKEN, requestTimeout: '800ms', ...settings },
    service: <T>() => gateways as T,
  };
  return websocket.open({}, context);
};

const row = (gatewayId: string, url: string, leaseUntil = NOW + 10_000): GatewayRow => ({
  gatewayId,
  url,
  leaseUntil,
});

let ids = 0;
const delivery = (connectionId: string | null, gatewayId = 'g-1'): Delivery => {
  const id = `n-${++ids}`;
  return {
    notification: { id } as Delivery['notification'],
    bytes: Buffer.from(id),
    device: undefined,
    joined: connectionId === null ? undefined : { gatewayId, connectionId },
    attempt: 1,
  };
};

const ACTS: Readonly<Record<Situation, GatewayAct>> = {
  accept: { act: 'answer', outcome: 'delivered' },
  slow: { act: 'slow', ms: 50 },
  dead: { act: 'answer', outcome: 'offline' },
  overloaded: { act: 'overloaded', afterSeconds: OVERLOADED_FOR_MS / 1000 },
  silent: { act: 'silent' },
  cut: { act: 'cut' },
};

async function start(token: string) {
  const fake = await FakeGateway.start(TOKEN);
  const sink = await open([row('g-1', fake.url)], { internalToken: token });
  return {
    sink,
    delivery: (n: number) => delivery(`c-${n}`),
    arrange: (n: number, situation: Situation) => fake.arrange(`c-${n}`, ACTS[situation]),
    attempts: () => fake.received,
    away: () => fake.close(),
    back: () => fake.listen(),
    openMost: () => 0,
    secrets: [TOKEN],
    async close() {
      await sink.close();
      await fake.close();
    },
  };
}

sinkContract({
  name: 'websocket',
  batchMax: websocket.batchMax,
  // `bounded` is told by batches here: a gateway gets one request for all of a call's records.
  capabilities: ['probe_refused', 'overloaded', 'timeout', 'cut', 'away'],
  start: () => start(TOKEN),
  startRefused: () => start('another-token-that-the-gateway-does-not-know'),
});

test('each answer of a gateway becomes an outcome', async () => {
  const fake = await FakeGateway.start(TOKEN);
  const sink = await open([row('g-1', fake.url)]);
  for (const outcome of DELIVER_OUTCOMES) fake.arrange(outcome, { act: 'answer', outcome });
  const got = await sink.deliver(DELIVER_OUTCOMES.map((outcome) => delivery(outcome)));
  assert.deepEqual(got, [
    { kind: 'delivered' },
    { kind: 'rejected', reason: 'offline' },
    { kind: 'rejected', reason: 'slow' },
    { kind: 'rejected', reason: 'moved' },
    { kind: 'retry', why: 'ahead', afterMs: 100, scope: 'device' },
    { kind: 'rejected', reason: 'expired' },
    { kind: 'rejected', reason: 'unreadable', deadLetter: true },
  ]);
  assert.equal(fake.requests, 1);
  await sink.close();
  await fake.close();
});

test('records of a device go together while they go to one connection', () => {
  const rows: readonly (readonly [Delivery, Delivery, boolean])[] = [
    [delivery('c-1'), delivery('c-1'), true],
    [delivery('c-1'), delivery('c-2'), false],
    [delivery('c-1'), delivery('c-1', 'g-2'), false],
    [delivery('c-1'), delivery(null), false],
  ];
  for (const [before, next, expected] of rows) {
    assert.equal(websocket.together?.(before, next), expected);
  }
});

test('D10: no presence, no gateway, a lapsed lease: offline, and nobody is asked', async () => {
  const fake = await FakeGateway.start(TOKEN);
  const clock = new HandClock(NOW);
  const sink = await open([row('g-1', fake.url), row('g-2', fake.url, NOW)], {}, clock);
  const offline = { kind: 'rejected', reason: 'offline' };
  assert.deepEqual(
    await sink.deliver([delivery(null), delivery('c', 'g-9'), delivery('c', 'g-2')]),
    [offline, offline, offline],
  );
  assert.equal(fake.requests, 0);
  assert.equal((await sink.deliver([delivery('c')]))[0]?.kind, 'delivered');
  clock.moveTo(NOW + 10_000);
  assert.deepEqual(await sink.deliver([delivery('c')]), [offline]);
  await sink.close();
  await fake.close();
});

test('one gateway that is away or silent holds up no other, and is not the lane’s fault', async () => {
  const [good, silent, away] = await Promise.all([
    FakeGateway.start(TOKEN),
    FakeGateway.start(TOKEN),
    FakeGateway.start(TOKEN),
  ]);
  await away.close();
  silent.arrange('c-2', { act: 'silent' });
  const sink = await open([row('g-1', good.url), row('g-2', silent.url), row('g-3', away.url)]);
  const outcomes = await sink.deliver([
    delivery('c-1', 'g-1'),
    delivery('c-2', 'g-2'),
    delivery('c-3', 'g-3'),
    delivery('c-4', 'g-1'),
  ]);
  assert.deepEqual(outcomes, [
    { kind: 'delivered' },
    { kind: 'retry', why: 'gateway away: no answer in time', ambiguous: true, scope: 'device' },
    { kind: 'retry', why: 'gateway away: ECONNREFUSED', ambiguous: false, scope: 'device' },
    { kind: 'delivered' },
  ]);
  assert.equal(good.requests, 1);
  const only = await sink.deliver([delivery('c-3', 'g-3')]);
  assert.ok(only[0]?.kind === 'retry' && only[0].scope === 'device');
  await sink.probe();
  await sink.close();
  await Promise.all([good.close(), silent.close()]);
});

test('a gateway that was not asked yet is not away: another’s death is no fault of the lane', async () => {
  const away = await FakeGateway.start(TOKEN);
  await away.close();
  const dead = row('g-1', away.url);
  const rows: readonly [string, GatewayRow, 'device' | 'lane'][] = [
    ['one that lives', row('g-2', 'http://127.0.0.1:1'), 'device'],
    ['one whose lease has lapsed', row('g-2', 'http://127.0.0.1:1', NOW), 'lane'],
  ];
  for (const [name, other, scope] of rows) {
    const sink = await open([dead, other]);
    const [outcome] = await sink.deliver([delivery('c-1', 'g-1')]);
    assert.ok(outcome?.kind === 'retry' && outcome.scope === scope, name);
    await sink.close();
  }
});

test('connections to a gateway are kept', async () => {
  const fake = await FakeGateway.start(TOKEN);
  const sink = await open([row('g-1', fake.url)]);
  for (let i = 0; i < 20; i++) await sink.deliver([delivery('c')]);
  assert.deepEqual([fake.requests, fake.connections], [20, 1]);
  await sink.close();
  await fake.close();
});

test('CAR722, CAR723: the probe says whether gateways are away or refuse us', async () => {
  const raises = (code: string) => (error: unknown) =>
    error instanceof CarillonError && error.code === code && !error.message.includes(TOKEN);
  await (await open([])).probe();
  const fake = await FakeGateway.start('another-token-of-the-gateway-itself-alone');
  const refused = await open([row('g-1', fake.url)]);
  await assert.rejects(refused.probe(), raises('CAR723'));
  const [outcome] = await refused.deliver([delivery('c')]);
  assert.ok(outcome?.kind === 'retry' && outcome.scope === 'lane');
  await fake.close();
  await assert.rejects(refused.probe(), raises('CAR722'));
  await refused.close();
  await assert.rejects(open([], { internalToken: '' }), raises('CAR723'));
});

/** What answers in a gateway's place: whatever stands in the body, it is no outcome. */
for (const status of [204, 302, 404, 500, 502]) {
  test(`HTTP ${status} is no answer: the gateway is away, and it is said how`, async () => {
    const server = createServer((incoming, response) => {
      incoming.resume();
      response.writeHead(status).end(status === 204 ? undefined : encodeOutcomes(['delivered']));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const sink = await open([row('g-1', `http://127.0.0.1:${port}`)]);
    const [outcome] = await sink.deliver([delivery('c-1')]);
    assert.equal(outcome?.kind, 'retry');
    assert.match((outcome as { why: string }).why, new RegExp(`HTTP ${status}`));
    await sink.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
}
