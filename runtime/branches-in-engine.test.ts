/** Streams that are shared out in branches and come together again, from a text to its outputs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AvroRecord } from '../schemas/folder.ts';
import { Driven, lanesWith, START_MS } from '../test/kit/drive.ts';

const ORDER: AvroRecord = {
  type: 'record',
  name: 'Order',
  fields: [
    { name: 'orderId', type: 'string' },
    { name: 'memberId', type: 'string' },
    { name: 'amount', type: 'long' },
    { name: 'note', type: ['null', 'string'], default: null },
  ],
};
const BRIEF: AvroRecord = {
  type: 'record',
  name: 'Brief',
  fields: [
    { name: 'memberId', type: 'string' },
    { name: 'kind', type: 'string' },
  ],
};
const schemas = [ORDER, BRIEF];

const order = (orderId: string, amount: number, memberId = 'm-1') => ({
  orderId,
  memberId,
  amount,
  note: null,
});

const FROM = '{ topic: events.order, schema: Order, key: value.memberId, id: value.orderId }';

const text = (streams: string) => `topology: t
streams:
${streams}`;

const SHARED = text(`  orders:
    id: or
    from: ${FROM}
    branch:
      - { when: value.amount >= 100, as: large }
      - { when: 100 / value.amount >= 2, as: small }
  large:
    id: la
    from: { streams: [orders.large] }
    to: { topic: orders.large, schema: Order }
  small:
    id: sm
    from: { streams: [orders.small] }
    steps: [{ filter: { where: 'value.orderId != "no"' } }]
    to: { topic: orders.small, schema: Order }
  also-large:
    id: al
    from: { streams: [orders.large] }
    to: { topic: orders.also-large, schema: Order }
`);

/** Order ids by topic, in order. */
const outOf = (driven: Driven, topic: string) =>
  driven.of(topic).map(({ value }) => (value as { orderId: string }).orderId);

async function ordersOf(driven: Driven): Promise<void> {
  await driven.feed('events.order', 'm-1', order('a', 100));
  await driven.feed('events.order', 'm-1', order('b', 50));
  await driven.feed('events.order', 'm-2', order('c', 70, 'm-2'));
  await driven.feed('events.order', 'm-1', order('d', 0));
  await driven.feed('events.order', 'm-1', order('no', 1));
  await driven.feed('events.order', 'm-1', order('e', 500));
}

for (const [partitions, commitEvery] of [
  [1, 1],
  [3, 100],
] as const) {
  test(`branches: first match, in order; ${partitions} partition(s), commits every ${commitEvery}`, async () => {
    const driven = await Driven.open(SHARED, { schemas, partitions, commitEvery });
    await ordersOf(driven);
    await driven.driver.crash();
    await driven.driver.commit();
    assert.deepEqual(outOf(driven, 'orders.large'), ['a', 'e']);
    assert.deepEqual(outOf(driven, 'orders.also-large'), ['a', 'e']);
    assert.deepEqual(outOf(driven, 'orders.small'), ['b']);
    const drops = new Set(driven.drops);
    assert.deepEqual([...drops].sort(), ['orders/branch no_branch', 'small/filter filtered']);
    assert.deepEqual(
      driven.letters.map((letter) => letter.split(' ')[0]),
      ['CAR506'],
    );
    const { in: read, passed, dropped, dead_letters } = driven.driver.totals();
    assert.deepEqual(
      { read, passed, dropped, dead_letters },
      { read: 12, passed: 9, dropped: { filtered: 1, no_branch: 1 }, dead_letters: 1 },
      'six events; two readers of large, one of small, read what came to them again',
    );
    await driven.end();
  });
}

test('a default takes what is left', async () => {
  const rest = SHARED.replace('when: 100 / value.amount >= 2, as: small', 'as: small');
  const driven = await Driven.open(rest, { schemas });
  await ordersOf(driven);
  assert.deepEqual(outOf(driven, 'orders.small'), ['b', 'c', 'd']);
  assert.deepEqual(driven.drops, ['small/filter filtered']);
  await driven.end();
});

test('a merge keeps the order of each, and state is of the merged stream', async () => {
  const merged = text(`  both:
    id: bo
    from: { streams: [first, second] }
    steps: [{ dedup: { by: [key, value.orderId], within: 1h } }]
    to: { topic: orders.both, schema: Order }
  first:
    id: fi
    from: ${FROM}
  second:
    id: se
    from: { topic: events.order-2, schema: Order, key: value.memberId, id: value.orderId }
    steps: [{ filter: { where: value.amount > 1 } }]
`);
  const driven = await Driven.open(merged, { schemas, partitions: 2 });
  await driven.feed('events.order', 'm-1', order('a', 1));
  await driven.feed('events.order-2', 'm-1', order('a', 2));
  await driven.feed('events.order-2', 'm-1', order('b', 2));
  await driven.feed('events.order-2', 'm-1', order('c', 1));
  await driven.driver.restart();
  await driven.feed('events.order', 'm-1', order('b', 3));
  assert.deepEqual(outOf(driven, 'orders.both'), ['a', 'b']);
  assert.deepEqual(driven.drops, [
    'both/dedup duplicate',
    'second/filter filtered',
    'both/dedup duplicate',
  ]);
  await driven.end();
});

test('given values come together, through a hop, to the devices of a lane', async () => {
  const brief = (kind: string) =>
    `[{ map: { fields: { memberId: value.memberId, kind: '"${kind}"' } } }]`;
  const streams = `  orders:
    id: or
    priority: { as: low, unless: [{ when: value.amount > 1000, as: high }] }
    from: ${FROM}
    branch: [{ when: value.amount >= 100, as: large }, { as: small }]
  large:
    id: la
    from: { streams: [orders.large] }
    steps: ${brief('large')}
  small:
    id: sm
    from: { streams: [orders.small] }
    steps: ${brief('small')}
  told:
    id: to
    from: { streams: [large, small] }
    steps:
      - coalesce: { by: [value.memberId, value.kind], quiet: 1s, at_most: 1m }
      - rekey: { by: value.memberId, schema: Brief }
      - fan_out: { table: devices }
    to: { lane: notifications }
`;
  const driven = await Driven.open(lanesWith(streams), { schemas, partitions: 3 });
  await driven.register('tv-1', 'm-1');
  await driven.register('tv-2', 'm-2');
  assert.deepEqual(
    driven.plan.subTopologies
      .filter(({ role }) => role.startsWith('streams'))
      .map(({ role, streams }) => [role, streams.length]),
    [
      ['streams/high/or', 4],
      ['streams/high', 1],
      ['streams/low/or', 4],
      ['streams/low', 1],
    ],
  );
  driven.driver.crashBehind('t.to.rekey-repartition');
  for (const [id, amount, member] of [
    ['a', 1, 'm-1'],
    ['b', 2, 'm-1'],
    ['c', 200, 'm-1'],
    ['d', 2_000, 'm-2'],
  ] as const) {
    await driven.feed('events.order', member, order(id, amount, member));
  }
  await driven.driver.advance(2_000);
  assert.deepEqual(
    driven.notifications.map(({ deviceId, lane, count }) => `${deviceId} ${lane} ${count}`).sort(),
    [
      'tv-1 notifications.low.inbox 1',
      'tv-1 notifications.low.inbox 2',
      'tv-2 notifications.high.inbox 1',
    ],
  );
  await driven.end();
});

test('a stream reads other fields than those before it, and event time stays', async () => {
  const driven = await Driven.open(
    text(`  orders:
    id: or
    from: ${FROM}
    steps: [{ filter: { where: value.amount > 0 } }]
  noted:
    id: no
    from: { streams: [orders] }
    steps: [{ filter: { where: 'value.note == null' } }, { dedup: { by: [value.orderId], within: 1h } }]
    to: { topic: orders.noted, schema: Order }
`),
    { schemas },
  );
  await driven.feed('events.order', 'm-1', order('a', 5), { at: 7 });
  await driven.feed('events.order', 'm-1', { ...order('b', 5), note: 'x' });
  const [out] = driven.of('orders.noted');
  assert.deepEqual([outOf(driven, 'orders.noted'), out!.timestamp], [['a'], START_MS + 7]);
  assert.deepEqual({ ...(out!.value as object) }, order('a', 5));
  assert.deepEqual(driven.drops, ['noted/filter filtered']);
  await driven.end();
});

test('one event that comes together with itself again is told twice, under two ids', async () => {
  const streams = `  orders:
    id: or
    priority: { as: low }
    from: ${FROM}
    branch: [{ when: value.amount >= 100, as: large }, { as: small }]
  thanks:
    id: th
    from: { streams: [orders.large] }
  invoice:
    id: iv
    from: { streams: [orders.large] }
  told:
    id: to
    from: { streams: [thanks, orders.small, invoice] }
    steps: [{ fan_out: { table: devices } }]
    to: { lane: notifications }
`;
  const driven = await Driven.open(lanesWith(streams), { schemas });
  await driven.register('tv-1', 'm-1');
  await driven.feed('events.order', 'm-1', order('a', 100));
  await driven.feed('events.order', 'm-1', order('a', 100));
  const ids = driven.notifications.map(({ id }) => id);
  assert.equal(new Set(ids.slice(0, 2)).size, 2);
  assert.deepEqual(ids.slice(2), ids.slice(0, 2), 'the same at a repeat');
  const marks = driven.plan.subTopologies
    .flatMap((sub) => sub.streams)
    .find(({ name }) => name === 'told')!
    .source.streams!.map(({ mark }) => mark);
  assert.deepEqual(marks, ['@th', '@or.small', '@iv']);
  await driven.end();
});

test('ways that no event takes together leave its id as it is', async () => {
  const streams = `  orders:
    id: or
    from: ${FROM}
    branch: [{ when: value.amount >= 100, as: large }, { as: small }]
  thanks:
    id: th
    from: { streams: [orders.large] }
  other:
    id: ot
    from: { topic: events.order-2, schema: Order, key: value.memberId, id: value.orderId }
  told:
    id: to
    from: { streams: [thanks, orders.small, other] }
    to: { topic: orders.told, schema: Order }
`;
  const driven = await Driven.open(text(streams), { schemas });
  const told = driven.plan.subTopologies[0]!.streams.find(({ name }) => name === 'told')!;
  assert.deepEqual(
    told.source.streams!.map(({ mark }) => mark),
    [undefined, undefined, undefined],
  );
  await driven.end();
});
