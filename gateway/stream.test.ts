import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import {
  add,
  copyCursor,
  deviceMark,
  emptyCursor,
  formatCursor,
  parseCursor,
} from '../core/cursor.ts';
import type { NotificationFrame, ServerFrame } from '../schemas/frames.ts';
import { Bench, eventually, INTERNAL, NOW } from '../test/kit/gateway-bench.ts';
import { GATEWAY_LIMITS } from './limits.ts';

let bench: Bench;
let device = '';
let number = 0;

before(async () => {
  bench = await Bench.open({ limits: { fillAgainMs: 20, ownerWaitMs: 50, closeMs: 200 } });
});
after(() => bench.close());
beforeEach(async () => {
  device = `tv-${++number}`;
  await bench.own(device);
});

const sequences = (frames: readonly ServerFrame[]) =>
  frames.map((frame) => (frame as NotificationFrame).sequence);
const connections = () =>
  bench.values('events.connections').filter(({ deviceId }) => deviceId === device);

test('the welcome says who, which epoch, how often it pings, and where it starts', async () => {
  const client = bench.client('', {
    headers: { authorization: `Bearer ${await bench.token(device)}` },
  });
  const welcome = await client.next();
  assert.deepEqual(welcome, {
    type: 'welcome',
    connectionId: (welcome as { connectionId: string }).connectionId,
    deviceId: device,
    epoch: 1,
    heartbeatMs: GATEWAY_LIMITS.heartbeatMs,
    cursor: formatCursor(emptyCursor(1, deviceMark(device))),
  });
});

test('a token comes as header, as sub-protocol or in the address', async () => {
  const token = await bench.token(device);
  for (const client of [
    bench.client('', { headers: { authorization: `Bearer ${token}` } }),
    bench.client('', { protocols: ['carillon.v1', `bearer.${token}`] }),
    bench.client(`?access_token=${token}`),
  ]) {
    assert.equal((await client.next()).type, 'welcome');
  }
});

test('what is wrong with an upgrade is answered with status and code', async () => {
  const good = await bench.token(device);
  const producer = await bench.token('p', 'producer');
  const expired = await bench.token(device, 'device', -60_000);
  const rows: readonly [string, string, string, number, string][] = [
    ['no JWT', '', 'abc', 401, 'CAR702'],
    ['another signature', '', `${good.slice(0, -2)}xx`, 401, 'CAR702'],
    ['expired', '', expired, 401, 'CAR703'],
    ['another scope', '', producer, 403, 'CAR704'],
    ['a bad cursor', '?after=nonsense', good, 400, 'CAR714'],
  ];
  for (const [name, query, token, status, code] of rows) {
    const client = bench.client(query, { headers: { authorization: `Bearer ${token}` } });
    await client.until(() => client.refused !== undefined);
    assert.equal(client.refused?.status, status, name);
    assert.equal(JSON.parse(client.refused?.body ?? '').code, code, name);
    assert.doesNotMatch(client.refused?.body ?? '', /at .*\.ts|node:/);
  }
});

test('a GET without upgrade is told to upgrade', async () => {
  const { status, body } = await bench.call('GET', '/v1/stream');
  assert.deepEqual([status, body.code], [426, 'CAR724']);
});

test('the inbox fills what the acknowledgement does not cover, most urgent first', async () => {
  bench.inbox.put(
    bench.notification(device, 1),
    bench.notification(device, 2),
    bench.notification(device, 1, { priority: 'critical' }),
    bench.notification(device, 3),
  );
  const acked = emptyCursor(1);
  add(acked, 2, 2);
  await bench.inbox.acknowledge(device, 1, formatCursor(acked));
  const client = await bench.connect(device);
  const frames = (await client.take(3)) as NotificationFrame[];
  assert.deepEqual(
    frames.map(({ priority, sequence }) => [priority, sequence]),
    [
      ['critical', 1],
      ['normal', 1],
      ['normal', 3],
    ],
  );
  const { cursor, ...first } = frames[0]!;
  assert.deepEqual(first, {
    type: 'notification',
    id: `${device}/critical/1`,
    sequence: 1,
    previous: 0,
    priority: 'critical',
    useCase: 'plc',
    count: 1,
    born: NOW,
    deadline: 0,
    value: {
      eventId: 'e-1',
      memberId: 'm-1',
      planFrom: null,
      planTo: 'premium',
      streamsMax: 4,
      changedAt: NOW,
    },
  });
  assert.deepEqual(parseCursor(cursor)?.marks, [1, 0, 0, 0]);
  assert.deepEqual(parseCursor(frames[2]!.cursor)?.marks, [1, 0, 3, 0]);
});

test('a cursor goes before the stored acknowledgement; one of an older epoch starts anew', async () => {
  for (const sequence of [1, 2, 3]) bench.inbox.put(bench.notification(device, sequence));
  const cursor = emptyCursor(1, deviceMark(device));
  add(cursor, 2, 1);
  const first = await bench.connect(device, formatCursor(cursor));
  assert.deepEqual(sequences(await first.take(2)), [2, 3]);
  const old = emptyCursor(0, deviceMark(device));
  add(old, 2, 1);
  add(old, 2, 2);
  const second = await bench.connect(device, formatCursor(old));
  assert.deepEqual(sequences(await second.take(3)), [1, 2, 3]);
});

test('more than a page is filled whole, also with more gaps than a cursor remembers', async () => {
  const wanted = Array.from({ length: 250 }, (_, i) => 2 * i + 2);
  for (const sequence of wanted) bench.inbox.put(bench.notification(device, sequence));
  const client = await bench.connect(device);
  assert.deepEqual(sequences(await client.take(250)), wanted);
});

/** Does something once, when the first fill of the device has read the inbox. */
function afterFirstFill(act: () => void): void {
  bench.inbox.afterRead = (deviceId) => {
    if (deviceId !== device) return;
    bench.inbox.afterRead = () => undefined;
    act();
  };
}

test('D10: a second look finds what came between gate and connect', async () => {
  afterFirstFill(() => bench.inbox.put(bench.notification(device, 1)));
  const client = await bench.connect(device);
  assert.deepEqual(sequences(await client.take(1)), [1]);
});

test('live frames come at once, and neither fill nor sink doubles them', async () => {
  const [first, second, third] = [1, 2, 3].map((n) => bench.notification(device, n));
  const { doubles } = bench.gateway.counts;
  // The second fill finds the first two; the first of them has come live, or comes live after it.
  afterFirstFill(() => bench.inbox.put(first!, second!));
  const client = await bench.connect(device);
  const { connectionId } = client;
  const items = [first!, first!, third!].map((notification) => ({ connectionId, notification }));
  assert.deepEqual(await bench.deliver(items), ['delivered', 'delivered', 'delivered']);
  const got = sequences(await client.take(3));
  assert.deepEqual(got.toSorted(), [1, 2, 3]);
  client.send({ type: 'ping' });
  assert.deepEqual(await client.next(), { type: 'pong' });
  assert.ok(bench.gateway.counts.doubles > doubles);
});

test('D6: what expired on the way is told with the next frame', async () => {
  const client = await bench.connect(device);
  const { connectionId } = client;
  const outcomes = await bench.deliver([
    { connectionId, notification: bench.notification(device, 1, { deadline: NOW - 1 }) },
    { connectionId, notification: bench.notification(device, 2) },
  ]);
  assert.deepEqual(outcomes, ['expired', 'delivered']);
  const frame = (await client.next()) as NotificationFrame;
  assert.equal(frame.sequence, 2);
  assert.deepEqual(frame.skipped, [
    { priority: 'normal', sequence: 1, id: `${device}/normal/1`, reason: 'expired' },
  ]);
});

test('D6: a fill that has nothing but expired ones tells them in a frame of their own', async () => {
  bench.inbox.put(
    bench.notification(device, 1, { deadline: NOW - 1 }),
    bench.notification(device, 2, { payload: Buffer.alloc(0), payloadSchemaId: 0 }),
    bench.notification(device, 3, { payload: Buffer.from([1]) }),
  );
  const client = await bench.connect(device);
  const frame = await client.next();
  assert.ok(frame.type === 'skipped');
  assert.deepEqual(
    frame.skipped.map(({ sequence, reason }) => [sequence, reason]),
    [
      [1, 'expired'],
      [2, 'withdrawn'],
      [3, 'unreadable'],
    ],
  );
});

test('deliveries: each record has an outcome of its own', async () => {
  const client = await bench.connect(device);
  const { connectionId } = client;
  const ours = (sequence: number, more = {}) => bench.notification(device, sequence, more);
  assert.deepEqual(
    await bench.deliver([
      { connectionId, notification: ours(1) },
      { connectionId: 'gone', notification: ours(2) },
      { connectionId, notification: ours(3, { epoch: 0 }) },
      { connectionId, notification: ours(3, { epoch: 2 }) },
      { connectionId, notification: bench.notification('another', 3) },
      { connectionId, notification: ours(4, { payloadSchemaId: 999 }) },
    ]),
    ['delivered', 'offline', 'moved', 'ahead', 'offline', 'unreadable'],
  );
});

test('deliveries are for sinks only', async () => {
  const path = '/internal/v1/deliver';
  const type = 'application/vnd.carillon.deliveries';
  const rows: readonly [string, object, number, string][] = [
    ['no token', { raw: 'x', type }, 401, 'CAR701'],
    ['a device', { raw: 'x', type, token: await bench.token(device, 'admin') }, 401, 'CAR702'],
    ['not deliveries', { raw: 'x', type, token: btoa(INTERNAL) }, 401, 'CAR702'],
    ['JSON', { body: {}, token: 'x' }, 401, 'CAR702'],
  ];
  for (const [name, options, status, code] of rows) {
    const got = await bench.call('POST', path, options);
    assert.deepEqual([got.status, got.body.code], [status, code], name);
  }
});

test('acknowledged by id: stored, and an outcome each', async () => {
  const client = await bench.connect(device);
  const { connectionId } = client;
  for (const sequence of [1, 2, 3]) {
    await bench.deliver([{ connectionId, notification: bench.notification(device, sequence) }]);
  }
  await client.take(3);
  client.send({ type: 'ack', ids: [`${device}/normal/1`, `${device}/normal/3`, 'unknown'] });
  client.send({ type: 'ack', ids: [`${device}/normal/1`] });
  const outcomes = () => bench.values('outcomes').filter(({ deviceId }) => deviceId === device);
  await eventually(() => outcomes().length === 2, 'two outcomes');
  assert.deepEqual(outcomes()[1], {
    notificationId: `${device}/normal/3`,
    deviceId: device,
    useCase: 'plc',
    priority: 'normal',
    sink: 'websocket',
    attempt: 1,
    outcome: 'acknowledged',
    reason: '',
    ambiguous: false,
    at: NOW,
    ageMs: 0,
  });
  const stored = parseCursor((await bench.inbox.acknowledged(device, 1)) ?? '');
  assert.deepEqual([stored?.marks[2], stored?.ranges[2]], [1, [3, 3]]);
});

test('acknowledged by cursor', async () => {
  const client = await bench.connect(device);
  const { connectionId } = client;
  for (const sequence of [1, 2]) {
    await bench.deliver([{ connectionId, notification: bench.notification(device, sequence) }]);
  }
  const [, second] = (await client.take(2)) as NotificationFrame[];
  client.send({ type: 'ack', cursor: second!.cursor });
  const outcomes = () => bench.values('outcomes').filter(({ deviceId }) => deviceId === device);
  await eventually(() => outcomes().length === 2, 'two outcomes');
  const stored = copyCursor(parseCursor(second!.cursor)!, 0);
  assert.equal(await bench.inbox.acknowledged(device, 1), formatCursor(stored));
});

test('a ping is answered', async () => {
  const client = await bench.connect(device);
  client.send({ type: 'ping' });
  assert.deepEqual(await client.next(), { type: 'pong' });
});

const badFrames: readonly [string, string | Buffer, number][] = [
  ['not JSON', '{', 3503],
  ['null', 'null', 3503],
  ['another type', '{"type":"hello"}', 3503],
  ['ids that are none', '{"type":"ack","ids":[1]}', 3503],
  ['too many ids', JSON.stringify({ type: 'ack', ids: Array(1001).fill('x') }), 3503],
  ['no cursor', '{"type":"ack","cursor":"x"}', 3503],
  ['binary', Buffer.from([1, 2]), 3503],
  ['over 64 KiB', 'x'.repeat(64 * 1024 + 1), 1009],
];
for (const [name, frame, code] of badFrames) {
  test(`CAR720: a bad frame closes: ${name}`, async () => {
    const client = await bench.connect(device);
    client.socket.send(frame);
    await client.until(() => client.closed !== undefined);
    // A peer that is cut while it still writes may miss the close frame; the log has the code.
    assert.ok(client.closed?.code === code || (code === 1009 && client.closed?.code === 1006));
    await eventually(() => connections().length === 2, 'the close in the log');
    assert.equal(connections()[1].closeCode, code);
  });
}

test('presence: a record per connect and close, keyed by device', async () => {
  const client = await bench.connect(device);
  await client.close();
  await eventually(() => connections().length === 2, 'two records');
  const { connectionId } = client;
  const same = { deviceId: device, gatewayId: 'gateway-1', connectionId, occurredAt: NOW };
  assert.deepEqual(connections(), [
    { ...same, action: 'CONNECTED', closeCode: 0 },
    { ...same, action: 'CLOSED', closeCode: 1000 },
  ]);
});

test('a new connection replaces the old one, whose close comes after', async () => {
  const old = await bench.connect(device);
  const fresh = await bench.connect(device);
  await old.until(() => old.closed !== undefined);
  assert.deepEqual(old.closed, { code: 3501, reason: 'replaced' });
  const notification = bench.notification(device, 1);
  assert.deepEqual(
    await bench.deliver([
      { connectionId: old.connectionId, notification },
      { connectionId: fresh.connectionId, notification },
    ]),
    ['offline', 'delivered'],
  );
  await eventually(() => connections().length === 3, 'three records');
  // The late close of the older one has taken nothing of the newer: it still is the device's.
  await bench.own(device, 2);
  await fresh.until(() => fresh.closed !== undefined);
  assert.equal(fresh.closed?.code, 3004);
});

test('a registration in a new epoch, and a deletion, close the connection', async () => {
  for (const [epoch, status, code] of [
    [2, 'ACTIVE', 3004],
    [3, 'DELETED', 3502],
  ] as const) {
    const client = await bench.connect(device);
    await bench.own(device, epoch, status);
    await client.until(() => client.closed !== undefined);
    assert.equal(client.closed?.code, code);
  }
  const late = bench.client(`?access_token=${await bench.token(device)}`);
  await late.until(() => late.closed !== undefined);
  assert.equal(late.closed?.code, 3502);
});

test('a device that is just being registered is waited for, an unknown one is sent away', async () => {
  const unknown = bench.client(`?access_token=${await bench.token('nobody')}`);
  await unknown.until(() => unknown.closed !== undefined);
  assert.equal(unknown.closed?.code, 3007);
  const soon = bench.client(`?access_token=${await bench.token('soon')}`);
  await bench.own('soon');
  assert.equal((await soon.next()).type, 'welcome');
});

test('an inbox that is away: connect later; a fill is tried again', async () => {
  bench.inbox.away = true;
  try {
    const client = bench.client(`?access_token=${await bench.token(device)}`);
    await client.until(() => client.closed !== undefined);
    assert.equal(client.closed?.code, 3005);
  } finally {
    bench.inbox.away = false;
  }
  const failed = bench.gateway.counts.fillsFailed;
  afterFirstFill(() => {
    bench.inbox.away = true;
  });
  const client = await bench.connect(device);
  await eventually(() => bench.gateway.counts.fillsFailed > failed, 'a failed fill');
  bench.inbox.put(bench.notification(device, 1));
  bench.inbox.away = false;
  assert.deepEqual(sequences(await client.take(1)), [1]);
});
