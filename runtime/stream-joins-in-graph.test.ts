/** `join_streams` among branches, merges, hops, priorities and lanes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describe, mermaid } from '../compiler/describe.ts';
import { MemoryLog } from '../connectors/memory/log.ts';
import type { AvroRecord } from '../schemas/folder.ts';
import { type Appended, compiledOf, Driven, lanesWith } from '../test/kit/drive.ts';
import { streamsGroup } from './group-specs.ts';

const record = (name: string, fields: { readonly [field: string]: unknown }): AvroRecord => ({
  type: 'record',
  name,
  fields: Object.entries(fields).map(([field, type]) => ({ name: field, type }) as never),
});
const ORDER = record('Order', { orderId: 'string', memberId: 'string', amount: 'int' });
const PAYMENT = record('Payment', { paymentId: 'string', memberId: 'string', orderId: 'string' });
const PAIR = record('Pair', { memberId: 'string', words: 'string' });
const schemas = [ORDER, PAYMENT, PAIR];

const ORDERS =
  'from: { topic: events.order, schema: Order, key: value.memberId, id: value.orderId }';
const PAYMENTS =
  'from: { topic: events.payment, schema: Payment, key: value.memberId, id: value.paymentId }';
const text = (streams: string) => `topology: t
streams:
${streams}`;

const order = (orderId: string, memberId = 'm-1', amount = 1) => ({ orderId, memberId, amount });
const payment = (paymentId: string, orderId: string, memberId = 'm-1') => ({
  ...{ paymentId, memberId, orderId },
});
const words = (driven: Driven, topic = 'pairs') =>
  driven.of(topic).map(({ key, value }) => `${key} ${(value as { words: string }).words}`);
const PAIR_MAP = `- map: { fields: { memberId: value.o.memberId, words: 'value.o.orderId + "+" + value.p.paymentId' } }`;

const REKEYED = text(`  orders:
    id: or
    ${ORDERS}
    steps:
      - rekey: { by: value.orderId }
      - join_streams: { with: payments.paid, within: 10ms, as: p, own_as: o }
      ${PAIR_MAP}
    to: { topic: pairs, schema: Pair }
  payments:
    id: pa
    ${PAYMENTS}
    steps:
      - rekey: { by: value.orderId }
    branch: [{ when: 'value.paymentId != "no"', as: paid }]
`);

const LATE = text(`  orders:
    id: or
    ${ORDERS}
    steps:
      - join_streams: { with: payments, within: 10ms, late_to: late, as: p, own_as: o }
      ${PAIR_MAP}
    to: { topic: pairs, schema: Pair }
  payments:
    id: pa
    ${PAYMENTS}
`);

for (const partitions of [1, 3]) {
  test(`both behind a change of the key, one by a branch; ${partitions} partition(s)`, async () => {
    const driven = await Driven.open(REKEYED, { schemas, partitions });
    const behind = driven.plan.subTopologies.find(({ role }) => role === 'streams')!;
    assert.deepEqual(
      behind.streams.map(({ name, part }) => `${name}/${part}`),
      ['orders/rekey', 'payments/rekey'],
    );
    const { inOrder } = streamsGroup(driven.plan, behind, partitions);
    assert.equal(inOrder, true, 'an input that is empty is waited for');
    await driven.feed('events.order', 'm-1', order('o1'));
    await driven.feed('events.payment', 'm-2', payment('p1', 'o1', 'm-2'));
    await driven.feed('events.payment', 'm-2', payment('no', 'o1', 'm-2'));
    await driven.driver.crash();
    await driven.feed('events.order', 'm-3', order('o2', 'm-3'));
    await driven.feed('events.payment', 'm-4', payment('p2', 'o2', 'm-4'));
    assert.deepEqual(words(driven).sort(), ['o1 o1+p1', 'o2 o2+p2']);
    assert.deepEqual([...new Set(driven.drops)], ['payments/branch no_branch']);
    await driven.end();
  });
}

test('topics of different counts are refused before anything runs, with both counts', async () => {
  const log = new MemoryLog();
  await log.applyTopics([{ name: 'events.payment', partitions: 4, cleanup: 'delete' }]);
  await assert.rejects(Driven.open(LATE, { schemas, log, partitions: 3 }), {
    code: 'CAR604',
    message: 'CAR604 partitions-differ: topic events.payment has 4 partitions, not 3.',
  });
});

test('given values on both sides, and the other told alone with what it was given', async () => {
  const driven = await Driven.open(
    text(`  orders:
    id: or
    ${ORDERS}
    steps:
      - map: { fields: { memberId: value.memberId, name: value.orderId } }
      - join_streams: { with: payments, within: 10ms, type: outer, as: p, own_as: o }
      - name: words
        map:
          fields:
            memberId: key
            words: '(value.o == null ? "-" : value.o.name) + "+" + (value.p == null ? "-" : value.p.id)'
    to: { topic: pairs, schema: Pair }
  payments:
    id: pa
    ${PAYMENTS}
    steps: [{ map: { fields: { id: value.paymentId } } }]
`),
    { schemas },
  );
  await driven.feed('events.payment', 'm-1', payment('p1', ''), { at: 1 });
  await driven.feed('events.order', 'm-2', order('o1', 'm-2'), { at: 2 });
  await driven.feed('events.order', 'm-1', order('o2'), { at: 3 });
  await driven.driver.restart();
  await driven.feed('events.payment', 'm-3', payment('p2', '', 'm-3'), { at: 30 });
  await driven.feed('events.order', 'm-3', order('o3', 'm-3'), { at: 90 });
  assert.deepEqual(words(driven), ['m-1 o2+p1', 'm-2 o1+-', 'm-3 -+p2']);
  await driven.end();
});

test('late records of either side go aside as they came, with reason and lateness', async () => {
  const driven = await Driven.open(LATE, { schemas });
  await driven.feed('events.order', 'm-1', order('o1'), { at: 100 });
  await driven.feed('events.payment', 'm-1', payment('p1', 'o1'), { at: 89 });
  await driven.driver.crash();
  await driven.feed('events.order', 'm-1', order('o2'), { at: 50 });
  const late = driven.of('late').map(({ value, headers }) => {
    const { orderId, paymentId } = value as { orderId: string; paymentId?: string };
    const { 'carillon.reason': reason, 'carillon.behind-ms': behind } = headers;
    return [paymentId ?? orderId, reason, behind, headers['carillon.topic']];
  });
  assert.deepEqual(late, [
    ['p1', 'late', '11', 'events.payment'],
    ['o2', 'late', '50', 'events.order'],
  ]);
  assert.equal(driven.plan.topics.find(({ name }) => name === 'late')!.schema, undefined);
  await driven.end();
});

const told = (priority: string, other = priority) =>
  lanesWith(
    `  orders:
    id: or
    priority: ${priority}
    ${ORDERS}
    steps:
      - join_streams: { with: payments, within: 10ms, type: left, as: p }
      - fan_out: { table: devices }
    to: { lane: notifications, schema: Joined }
  payments:
    id: pa
    priority: ${other}
    ${PAYMENTS}
`,
  );
const JOINED = record('Joined', {
  orderId: 'string',
  memberId: 'string',
  amount: 'int',
  p: ['null', PAYMENT],
});

test('pairs are told to devices, once, under an id of their own', async () => {
  const driven = await Driven.open(told('{ as: high }'), { schemas: [...schemas, JOINED] });
  await driven.register('tv-1', 'm-1');
  const feed = async () => {
    await driven.feed('events.order', 'm-1', order('o1'), { at: 10 });
    await driven.feed('events.payment', 'm-1', payment('p1', 'o1'), { at: 11 });
    await driven.feed('events.payment', 'm-1', payment('p2', 'o1'), { at: 12 });
    await driven.feed('events.order', 'm-1', order('o2'), { at: 40 });
    await driven.feed('events.order', 'm-1', order('o3'), { at: 90 });
  };
  await feed();
  const ids = driven.notifications.map(({ id }) => id);
  assert.equal(new Set(ids).size, 3, 'two pairs, and one alone');
  const again = await Driven.open(told('{ as: high }'), { schemas: [...schemas, JOINED] });
  await again.register('tv-1', 'm-1');
  await again.feed('events.payment', 'm-1', payment('p2', 'o1'), { at: 12 });
  await again.feed('events.order', 'm-1', order('o1'), { at: 10 });
  assert.deepEqual(
    again.notifications.map(({ id }) => id),
    [ids[1]],
    'the same pair, whichever comes first',
  );
  await driven.end();
  await again.end();
});

for (const [own, other, why] of [
  ['{ as: high }', '{ as: low }', 'high, and those of "payments" low'],
  [
    '{ as: high, unless: [{ when: value.amount > 1, as: low }] }',
    '{ as: high }',
    'high, low, and those of "payments" high',
  ],
  [
    '{ as: high, unless: [{ when: value.memberId == "", as: low }] }',
    '{ as: high, unless: [{ when: value.memberId == "", as: low }] }',
    'high, low, and those of "payments" high, low',
  ],
] as const) {
  test(`records that may have different priorities are not joined: ${own} ${other}`, () => {
    const { diagnostics } = compiledOf(told(own, other), [...schemas, JOINED]);
    assert.deepEqual(
      diagnostics.map(({ code }) => code),
      ['CAR265'],
    );
    assert.ok(diagnostics[0]!.what.includes(why), diagnostics[0]!.what);
  });
}

/** Orders that come by two branches of one stream: what is large, and what is not. */
const BRANCHES = (last: string) =>
  text(`  orders:
    id: or
    ${ORDERS}
    branch: [{ when: value.amount >= 5, as: large }, { as: small }]
${last}`);
const OF_TWO_BRANCHES = BRANCHES(`  small:
    id: sm
    from: { streams: [orders.small] }
    steps:
      - join_streams: { with: orders.large, within: 3ms, type: left, as: p, own_as: o }
      - map:
          fields:
            memberId: key
            words: 'value.o.orderId + "+" + (value.p == null ? "-" : value.p.orderId)'
    to: { topic: pairs, schema: Pair }
`);
const WINDOWS_OF_A_MERGE = BRANCHES(`  both:
    id: bo
    from: { streams: [orders.small, orders.large] }
    steps:
      - aggregate: { tumbling: { size: 4ms }, emit: final, fields: { n: count() } }
      - map: { fields: { memberId: key, words: 'string(value.window_start) + "x" + string(value.n)' } }
    to: { topic: pairs, schema: Pair }
`);

for (const [what, topology] of [
  ['a join of two branches', OF_TWO_BRANCHES],
  ['windows over two branches that are merged', WINDOWS_OF_A_MERGE],
] as const) {
  test(`${what} goes by the order of the topic, whatever the batches`, async () => {
    const events: Appended[] = Array.from({ length: 60 }, (_, n) => {
      const value = order(`o${n}`, 'm-1', (n * 7) % 9);
      return { topic: 'events.order', key: 'm-1', value, at: n };
    });
    const toldBy = async (perBatch: number) => {
      const driven = await Driven.open(
        topology.replaceAll('id: value.orderId }', 'start: earliest, id: value.orderId }'),
        { schemas },
      );
      await driven.append(events, perBatch);
      await driven.driver.commit();
      assert.deepEqual(
        driven.drops.filter((drop) => drop.endsWith('late')),
        [],
      );
      const all = words(driven);
      await driven.end();
      return all;
    };
    const first = await toldBy(1);
    assert.ok(first.length > 10);
    for (const perBatch of [7, 1_000]) assert.deepEqual(await toldBy(perBatch), first);
  });
}

test('of one topic on two ways, the other alone has an id of its own', async () => {
  const topology = text(`  orders:
    id: or
    ${ORDERS}
    steps:
      - join_streams: { with: again, within: 1ms, type: outer, as: p, own_as: o }
      - map: { fields: { memberId: key, words: key } }
    to: { topic: pairs, schema: Pair }
  again:
    id: ag
    ${ORDERS}
`);
  const { plan } = compiledOf(topology, schemas);
  const [join] = plan!.subTopologies[0]!.streams[0]!.steps;
  assert.equal(join!.other!.mark, '@ag');
  assert.equal(
    compiledOf(LATE, schemas).plan!.subTopologies[0]!.streams[0]!.steps[0]!.other!.mark,
    undefined,
  );
});

test('a picture shows both sides', () => {
  const plan = compiledOf(REKEYED, schemas).plan!;
  const lines = describe(plan);
  assert.match(lines, /Processor: orders\/join_streams .*\n.*\n\s+<-- .*payments\/branch/);
  assert.match(mermaid(plan), /streams_pa_rekey -->\|paid\| streams_or_rekey/);
});

test('a join of streams stands in no sink, and a chain may hold one', () => {
  const inSink = told('{ as: high }').replace(
    'inbox: { from: { lane: notifications, transport: all },',
    'inbox: { from: { lane: notifications, transport: all }, steps: [{ join_streams: { with: payments, within: 1s, as: q } }],',
  );
  const codes = (of: string) =>
    compiledOf(of, [...schemas, JOINED]).diagnostics.map(({ code }) => code);
  assert.deepEqual(codes(inSink), ['CAR219']);
  const chained = LATE.replace(/ {6}- join_streams: (.*)\n/, '      - use: paired\n').replace(
    'streams:\n',
    'chains:\n  paired:\n    - join_streams: { with: payments, within: 10ms, as: p, own_as: o }\nstreams:\n',
  );
  assert.deepEqual(codes(chained), []);
});
