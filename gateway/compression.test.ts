/**
 * permessage-deflate: for whom there is room, for frames that are worth it, never beyond bounds.
 */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { NotificationFrame } from '../schemas/frames.ts';
import { Bench, type Client, eventually } from '../test/kit/gateway-bench.ts';

const BYTES_MIN = 2_000;
let bench: Bench;
let device = '';
let number = 0;
before(async () => {
  bench = await Bench.open({ compression: { bytesMin: BYTES_MIN, connectionsMax: 2 } });
});
beforeEach(async () => {
  device = `tv-${++number}`;
  await bench.own(device);
});
after(() => bench.close());

const isPacked = ({ socket }: Client) => socket.extensions.startsWith('permessage-deflate');
/** What has come over TCP. */
const received = ({ socket }: Client) =>
  (socket as unknown as { _socket: { bytesRead: number } })._socket.bytesRead;
/** Of an event of so many characters, told live; and how many bytes came for it. */
async function told(client: Client, sequence: number, size: number) {
  const encoder = bench.schemas.encoder('PlanChange');
  const plan = { planFrom: null, planTo: 'x'.repeat(size), streamsMax: 1, changedAt: 1 };
  const payload = encoder.toBuffer({ eventId: 'e', memberId: 'm-1', ...plan }).subarray(5);
  const notification = bench.notification(device, sequence, { payload });
  const before = received(client);
  const { connectionId } = client;
  assert.deepEqual(await bench.deliver([{ connectionId, notification }]), ['delivered']);
  const frame = (await client.next()) as NotificationFrame;
  assert.equal((frame.value as { planTo: string }).planTo.length, size);
  return received(client) - before;
}

test('large frames are packed, small ones go as they are', async () => {
  const headers = { authorization: `Bearer ${await bench.token(device)}` };
  const client = bench.client('', { headers });
  let agreed: string | undefined;
  client.socket.once('upgrade', (answer) => {
    agreed = answer.headers['sec-websocket-extensions'];
  });
  const welcome = await client.next();
  assert.ok(welcome.type === 'welcome');
  client.connectionId = welcome.connectionId;
  assert.deepEqual(agreed?.split('; ').sort(), [
    'client_no_context_takeover',
    'permessage-deflate',
    'server_max_window_bits=10',
    'server_no_context_takeover',
  ]);
  assert.ok((await told(client, 1, 1_000)) > 1_000);
  assert.ok((await told(client, 2, 50_000)) < 1_000);
  // None leans on the one before: the second costs as much as the first.
  const [one, two] = [await told(client, 3, 50_000), await told(client, 4, 50_000)];
  assert.ok(Math.abs(one - two) < 20, `${one} and ${two}`);
  await client.close();
});

test('over its bound a device is served as it is; a place that is free again is taken', async () => {
  const ids = ['a', 'b', 'c', 'd'].map((name) => `${device}-${name}`);
  for (const id of ids) await bench.own(id);
  const [a, b, c] = [
    await bench.connect(ids[0]!),
    await bench.connect(ids[1]!),
    await bench.connect(ids[2]!),
  ];
  assert.deepEqual([a, b, c].map(isPacked), [true, true, false]);
  c.send({ type: 'ping' });
  assert.equal((await c.next()).type, 'pong');
  await a.close();
  await eventually(() => bench.gateway.connections() === 2, 'it is gone');
  const d = await bench.connect(ids[3]!);
  assert.ok(isPacked(d));
  for (const client of [b, c, d]) await client.close();
});

test('who does not offer it has it not, nor has anybody where it is not set', async () => {
  const plain = await Bench.open();
  try {
    await plain.own(device);
    assert.equal((await plain.connect(device)).socket.extensions, '');
  } finally {
    await plain.close();
  }
});

test('a small frame that unpacks to a large one is too large (1009)', async () => {
  const client = await bench.connect(device);
  assert.ok(isPacked(client));
  client.send({ type: 'ping', more: 'x'.repeat(10_000_000) });
  await client.until(() => client.closed !== undefined);
  assert.equal(client.closed?.code, 1009);
});
