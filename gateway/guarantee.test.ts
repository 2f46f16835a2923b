/**
 * Use cases that have to be acknowledged: who comes back is told again, and everybody can look it
 * up.
 */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { deviceMark, emptyCursor, formatCursor, parseCursor } from '../core/cursor.ts';
import type { NotificationFrame } from '../schemas/frames.ts';
import { Bench, type Client, eventually, NOW } from '../test/kit/gateway-bench.ts';

let bench: Bench;
let device = '';
let number = 0;

before(async () => {
  bench = await Bench.open({ acked: new Set(['must']), limits: { fillAgainMs: 20 } });
});
after(() => bench.close());
beforeEach(async () => {
  device = `tv-${++number}`;
  await bench.own(device);
});

const NORMAL = 2;
/** Of 1 to 4, two and four are to be acknowledged; four's deadline has passed. */
const put = () =>
  bench.inbox.put(
    bench.notification(device, 1),
    bench.notification(device, 2, { useCase: 'must' }),
    bench.notification(device, 3),
    bench.notification(device, 4, { useCase: 'must', deadline: NOW - 1 }),
  );
const cursor = (mark: number, of = deviceMark(device)) => {
  const made = emptyCursor(1, of);
  made.marks[NORMAL] = mark;
  return formatCursor(made);
};
const sequences = async (client: Client, count: number) =>
  ((await client.take(count)) as NotificationFrame[]).map(({ sequence }) => sequence);
/** Nothing more has come before this. */
const isQuiet = async (client: Client) => {
  client.send({ type: 'ping' });
  assert.equal((await client.next()).type, 'pong');
};
const table = () =>
  bench
    .values('tables.acknowledgements')
    .filter(({ deviceId }) => deviceId === device)
    .map(({ epoch, cursor: text }) => [epoch, parseCursor(text)!.marks[NORMAL]]);

test('who comes back is told again what it has had and has not acknowledged', async () => {
  put();
  const client = await bench.connect(device, cursor(4));
  const [frame] = (await client.take(1)) as NotificationFrame[];
  assert.equal(frame?.sequence, 2);
  // What it says that it has stays so.
  assert.equal(parseCursor(frame!.cursor)?.marks[NORMAL], 4);
  await isQuiet(client);
});

test('and then what it has not had', async () => {
  put();
  bench.inbox.put(bench.notification(device, 5));
  const client = await bench.connect(device, cursor(4));
  assert.deepEqual(await sequences(client, 2), [2, 5]);
  await isQuiet(client);
});

test('what is acknowledged is not told again', async () => {
  put();
  await bench.inbox.acknowledge(device, 1, cursor(2, 0));
  const client = await bench.connect(device, cursor(4));
  await isQuiet(client);
});

test('live once more: told until it is acknowledged, and nothing is put in doubt', async () => {
  put();
  bench.inbox.acknowledge(device, 1, cursor(1, 0));
  const client = await bench.connect(device, cursor(4));
  assert.deepEqual(await sequences(client, 1), [2]);
  const { connectionId } = client;
  const notification = bench.notification(device, 2, { useCase: 'must' });
  assert.deepEqual(await bench.deliver([{ connectionId, notification }]), ['delivered']);
  assert.deepEqual(await sequences(client, 1), [2]);
  client.send({ type: 'ack', ids: [notification.id] });
  await eventually(() => table().length > 0, 'the table has it');
  const { doubles } = bench.gateway.counts;
  assert.deepEqual(await bench.deliver([{ connectionId, notification }]), ['delivered']);
  assert.equal(bench.gateway.counts.doubles, doubles + 1);
  await isQuiet(client);
});

test('acknowledged by a socket or by a pull, the table has all that is', async () => {
  put();
  await bench.inbox.acknowledge(device, 1, cursor(1, 0));
  const path = `/v1/devices/${device}/acknowledgements`;
  const token = await bench.token(device);
  const { status } = await bench.call('POST', path, { token, body: { cursor: cursor(2) } });
  assert.equal(status, 204);
  await eventually(() => table().length === 1, 'the table has it');
  assert.deepEqual(table(), [[1, 2]]);
  const client = await bench.connect(device, cursor(2));
  await sequences(client, 1);
  client.send({ type: 'ack', cursor: cursor(3) });
  await eventually(() => table().length === 2, 'the table has both');
  assert.deepEqual(table().at(-1), [1, 3]);
});

test('where nothing has to be acknowledged, nothing is written', async () => {
  const plain = await Bench.open();
  try {
    await plain.own(device);
    plain.inbox.put(plain.notification(device, 1, { useCase: 'must' }));
    const client = await plain.connect(device);
    await client.take(1);
    client.send({ type: 'ack', cursor: cursor(1) });
    await eventually(() => plain.gateway.counts.acknowledged === 1, 'it is acknowledged');
    const again = await plain.connect(device, cursor(1));
    await isQuiet(again);
    assert.deepEqual(plain.log.records('tables.acknowledgements'), []);
  } finally {
    await plain.close();
  }
});
