/** Streams that end in a topic: schema, key, lanes beside them, and each record once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { partitionOfText } from '../core/partition.ts';
import type { AvroRecord } from '../schemas/folder.ts';
import { compiledOf, Driven, lanesWith, START_MS } from '../test/kit/drive.ts';

const ORDER: AvroRecord = {
  type: 'record',
  name: 'Order',
  fields: [
    { name: 'orderId', type: 'string' },
    { name: 'memberId', type: 'string' },
    { name: 'cents', type: 'int' },
  ],
};
const BILL: AvroRecord = {
  type: 'record',
  name: 'Bill',
  fields: [
    { name: 'orderId', type: 'string' },
    { name: 'euros', type: 'double' },
  ],
};
const schemas = [ORDER, BILL];
const PARTITIONS = 3;

/** Every order is told to its member's devices, and billed under its own key. */
const BOTH = lanesWith(`  orders:
    id: or
    priority: { as: high }
    from: { topic: events.order, schema: Order, key: value.memberId, id: value.orderId }
  told:
    id: te
    from: { streams: [orders] }
    steps: [{ fan_out: { table: devices } }]
    to: { lane: notifications }
  billed:
    id: bi
    from: { streams: [orders] }
    steps:
      - map: { fields: { orderId: value.orderId, euros: double(value.cents) / 100.0 } }
      - rekey: { by: value.orderId }
    to: { topic: bills, schema: Bill }
`);

const ORDERS = ['o1', 'o2', 'o3', 'o4', 'o5', 'o6', 'o7'].map((orderId, n) => {
  return { orderId, memberId: `m-${n % 2}`, cents: n * 50 };
});

for (const [commitEvery, ...crashesBehind] of [[1], [3, 2, 4], [100, 1, 6]] as const) {
  test(`commits every ${commitEvery}, crashes behind ${crashesBehind}: one record an event, by its own key and schema`, async () => {
    const driven = await Driven.open(BOTH, { schemas, partitions: PARTITIONS, commitEvery });
    for (const n of [0, 1]) await driven.register(`tv-${n}`, `m-${n}`);
    await driven.driver.commit();
    for (const [n, order] of ORDERS.entries()) {
      await driven.feed('events.order', order.memberId, order, { at: n });
      if ((crashesBehind as readonly number[]).includes(n)) await driven.driver.crash();
    }
    await driven.driver.commit();
    const bills = driven.of('bills').map(({ key, partition, value, timestamp }) => {
      assert.equal(partition, partitionOfText(key!, PARTITIONS));
      return [key, { ...(value as object) }, timestamp];
    });
    assert.deepEqual(
      bills.sort(([a], [b]) => (a! < b! ? -1 : 1)),
      ORDERS.map(({ orderId, cents }, n) => [
        orderId,
        { orderId, euros: cents / 100 },
        START_MS + n,
      ]),
    );
    assert.deepEqual(driven.notifications.length, ORDERS.length, 'told beside it, once each');
    await driven.end();
  });
}

const two = (schema: string) => `topology: t
streams:
  first:
    id: fi
    from: { topic: events.order, schema: Order, key: value.memberId }
    to: { topic: orders, schema: Order }
  second:
    id: se
    from: { topic: events.order-2, schema: ${schema}, key: value.orderId }
    to: { topic: orders, schema: ${schema} }
`;

test('several streams may write to one topic, with one schema', () => {
  const codes = (schema: string) =>
    compiledOf(two(schema), schemas).diagnostics.map(({ code }) => code);
  assert.deepEqual(codes('Order'), []);
  assert.deepEqual(codes('Bill'), ['CAR215']);
});
