/** Priorities of a topology's own, as devices that pull meet them. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { add, deviceMark, emptyCursor, formatCursor, parseCursor } from '../core/cursor.ts';
import { prioritiesNamed, RENO_PRIORITIES } from '../core/priority.ts';
import { Bench } from '../test/kit/gateway-bench.ts';

const OWN = prioritiesNamed('flash', 'soon');
const DEVICE = 'tv-1';
const PATH = `/v1/devices/${DEVICE}`;

let bench: Bench;
let token = '';

before(async () => {
  bench = await Bench.open();
  bench.inbox.priorities = OWN;
  token = await bench.token(DEVICE);
  await bench.own(DEVICE);
  const of = (priority: string, sequence: number) =>
    bench.notification(DEVICE, sequence, { priority });
  bench.inbox.put(of('soon', 1), of('flash', 1), of('soon', 2));
});
after(() => bench.close());

async function pulled(after?: string) {
  const query = after === undefined ? '' : `?after=${after}`;
  const { body } = await bench.call('GET', `${PATH}/notifications${query}`, { token });
  const of: { priority: string; sequence: number }[] = body.notifications;
  return {
    cursor: String(body.cursor),
    told: of.map(({ priority, sequence }) => `${priority} ${sequence}`),
  };
}

const acknowledge = (cursor: string) =>
  bench.call('POST', `${PATH}/acknowledgements`, { token, body: { cursor } });

test('most urgent first, and the cursor counts by them', async () => {
  const { told, cursor } = await pulled();
  assert.deepEqual(told, ['flash 1', 'soon 1', 'soon 2']);
  const parsed = parseCursor(cursor);
  assert.deepEqual([parsed?.set, parsed?.marks], [OWN.mark, [1, 2]]);
  assert.deepEqual((await pulled(cursor)).told, []);
});

test('a cursor of other priorities says nothing: all is told again, and nothing acknowledged', async () => {
  for (const other of [RENO_PRIORITIES, prioritiesNamed('soon', 'flash')]) {
    const cursor = emptyCursor(1, deviceMark(DEVICE), other);
    for (const priority of other.names.keys()) add(cursor, priority, 1);
    const text = formatCursor(cursor);
    assert.deepEqual((await pulled(text)).told, ['flash 1', 'soon 1', 'soon 2']);
    assert.deepEqual((await acknowledge(text)).body.reason, 'not_given');
    assert.equal(await bench.inbox.acknowledged(DEVICE, 1), null);
  }
});

test('nor is anything acknowledged by it over the socket', async () => {
  const client = await bench.connect(DEVICE);
  await client.take(3);
  const other = emptyCursor(1, deviceMark(DEVICE));
  add(other, 0, 1);
  const cursor = formatCursor(other);
  client.send({ type: 'ack', cursor });
  const answer = await client.next();
  assert.deepEqual(answer, { type: 'unacknowledged', reason: 'not_given', asked: cursor });
  assert.equal(await bench.inbox.acknowledged(DEVICE, 1), null);
});

test('priorities that were added behind them leave cursors and acknowledgements good', async () => {
  const { cursor } = await pulled();
  assert.equal((await acknowledge(cursor)).status, 204);
  bench.inbox.priorities = prioritiesNamed('flash', 'soon', 'later');
  bench.inbox.put(bench.notification(DEVICE, 1, { priority: 'later' }));
  assert.deepEqual((await pulled(cursor)).told, ['later 1']);
  const { told, cursor: newer } = await pulled();
  assert.deepEqual(told, ['later 1']);
  assert.deepEqual(parseCursor(newer)?.marks, [1, 2, 1]);
  assert.equal((await acknowledge(newer)).status, 204);
  assert.deepEqual((await pulled()).told, []);
});
