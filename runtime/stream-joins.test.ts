/** `join_streams` from a topology's text to what is written: order, restarts, types, sums. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compile } from '../compiler/compile.ts';
import { sinks } from '../connectors/index.ts';
import { steps } from '../processors/index.ts';
import { type AvroRecord, schemaFolderOf } from '../schemas/folder.ts';
import { type Appended, Driven } from '../test/kit/drive.ts';
import { totalsGap } from './driver/totals.ts';

const record = (name: string, fields: { readonly [field: string]: unknown }): AvroRecord => ({
  type: 'record',
  name,
  fields: Object.entries(fields).map(([field, type]) => ({ name: field, type }) as never),
});
const ORDER = record('Order', { orderId: 'string', name: 'string' });
const PAYMENT = record('Payment', { orderId: 'string', name: 'string', cents: 'int' });
const PAIR = record('Pair', { own: ['null', 'string'], other: ['null', 'string'] });
const schemas = [ORDER, PAYMENT, PAIR];

const JOIN = (type: string, more = '') =>
  `- join_streams: { with: payments, within: 10ms, grace: 5ms, type: ${type}, own_as: order, as: payment${more} }`;
const orNull = (field: string) => `'value.${field} == null ? null : value.${field}.name'`;
const MAP = (own: string, other: string) => `- map: { fields: { own: ${own}, other: ${other} } }`;
const OUTER = [JOIN('outer'), MAP(orNull('order'), orNull('payment'))];
const LEFT = [JOIN('left'), MAP('value.order.name', orNull('payment'))];
const INNER = [JOIN('inner'), MAP('value.order.name', 'value.payment.name')];

const PAYMENTS = `  payments:
    id: pa
    from: { topic: events.payment, schema: Payment, key: value.orderId, start: earliest }
`;
const topology = (lines: readonly string[], others = PAYMENTS) => `topology: t
streams:
${others}  orders:
    id: or
    from: { topic: events.order, schema: Order, key: value.orderId, start: earliest }
    steps:
${lines.map((line) => `      ${line}\n`).join('')}    to: { topic: pairs, schema: Pair }
`;

const order = (name: string, orderId: string) => ({ orderId, name });
const payment = (name: string, orderId: string) => ({ orderId, name, cents: 1 });

const pairs = (driven: Driven) =>
  driven.of('pairs').map(({ key, value, timestamp }) => {
    const { own, other } = value as { own: string | null; other: string | null };
    return `${key}: ${own}+${other}@${timestamp % 100_000}`;
  });

/** Both sides, out of order by up to 12 ms; of one seed. */
function history(seed: number): Appended[] {
  let state = seed;
  const next = (n: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state >>> 8) % n;
  };
  return Array.from({ length: 400 }, (_, n) => {
    const key = `k${next(6)}`;
    const isOwn = next(2) === 0;
    const at = Math.max(0, n * 2 + next(13) - 6);
    return isOwn
      ? { topic: 'events.order', key, value: order(`a${n}`, key), at }
      : { topic: 'events.payment', key, value: payment(`b${n}`, key), at };
  });
}

/** What is the same however it is read: the batches, and where it was begun again. */
async function toldOf(
  lines: readonly string[],
  events: readonly Appended[],
  perBatch: number,
  cuts: readonly number[],
  partitions: number,
): Promise<{ readonly told: string[]; readonly rows: string }> {
  const driven = await Driven.open(topology(lines), { schemas, partitions });
  await driven.append(events, perBatch);
  await driven.driver.commit();
  for (const _ of cuts) await driven.driver.crash();
  const rows = JSON.stringify(
    driven.driver.rows('orders/join_streams').map(([key, row]) => {
      const { event, ...rest } = row as { event: { key: string } | null };
      return [key, event?.key ?? null, rest];
    }),
  );
  assert.equal(totalsGap(driven.driver.totals()), 0);
  const told = pairs(driven);
  await driven.end();
  return { told, rows };
}

for (const [type, lines] of [
  ['inner', INNER],
  ['left', LEFT],
  ['outer', OUTER],
] as const) {
  for (const partitions of [1, 3]) {
    test(`${type}, ${partitions} partitions: batches of 1, 7 and 1000, and crashes, tell the same`, async () => {
      const events = history(7);
      const first = await toldOf(lines, events, 1, [], partitions);
      assert.ok(first.told.length > 100, String(first.told.length));
      for (const [perBatch, cuts] of [
        [7, []],
        [1_000, []],
        [7, [1, 2]],
      ] as const) {
        assert.deepEqual(await toldOf(lines, events, perBatch, cuts, partitions), first);
      }
    });
  }
}

test('crashes between: what comes later is told as without them, by key', async () => {
  const events = history(11);
  const run = async (crashes: boolean) => {
    const driven = await Driven.open(topology(OUTER), { schemas });
    for (const { topic, key, value, at } of events) {
      await driven.feed(topic, key, value!, { at });
      if (crashes && Number(at) % 5 === 0) await driven.driver.crash();
    }
    const told = pairs(driven);
    await driven.end();
    return told;
  };
  assert.deepEqual(await run(true), await run(false));
});

test("the step's time is not forgotten by a restart: what was closed stays closed (S57)", async () => {
  const driven = await Driven.open(topology(OUTER), { schemas });
  await driven.feed('events.order', 'k', order('a1', 'k'), { at: 10 });
  await driven.feed('events.payment', 'x', payment('b1', 'x'), { at: 60 });
  assert.deepEqual(pairs(driven), ['k: a1+null@10']);
  await driven.driver.restart();
  await driven.feed('events.payment', 'k', payment('b2', 'k'), { at: 12 });
  assert.deepEqual(pairs(driven), ['k: a1+null@10']);
  assert.deepEqual(driven.drops, ['orders/join_streams late']);
  await driven.end();
});

test('poison of either side is a dead letter with its code, and keeps nobody waiting', async () => {
  const driven = await Driven.open(topology(INNER), { schemas });
  await driven.raw('events.payment', 'k', Buffer.from('no wire format'));
  await driven.feed('events.payment', null, payment('b', 'k'));
  await driven.feed('events.payment', 'other', payment('b', 'k'));
  await driven.raw('events.order', 'k', null);
  await driven.feed('events.order', 'k', order('a', 'k'), { at: 1 });
  await driven.feed('events.payment', 'k', payment('b', 'k'), { at: 2 });
  assert.deepEqual(pairs(driven), ['k: a+b@2']);
  assert.deepEqual(driven.letters, [
    'CAR501 payments/source events.payment/0@0',
    'CAR505 payments/source events.payment/0@1',
    'CAR505 payments/source events.payment/0@2',
    'CAR509 orders/source events.order/0@0',
  ]);
  await driven.end();
});

test('a time far ahead is a dead letter, and closes nothing (S58)', async () => {
  const driven = await Driven.open(topology(OUTER), { schemas });
  await driven.feed('events.order', 'k', order('a', 'k'), { at: 1 });
  await driven.feed('events.payment', 'x', payment('b', 'x'), { at: 3_600_000 });
  assert.deepEqual(pairs(driven), []);
  assert.deepEqual(driven.letters, ['CAR508 payments/source events.payment/0@0']);
  await driven.feed('events.payment', 'k', payment('b', 'k'), { at: 2 });
  assert.deepEqual(pairs(driven), ['k: a+b@2']);
  await driven.end();
});

/** Both sides read one topic, whole or by branches: record by record, whatever the batches. */
const ITSELF = topology(
  [JOIN('inner').replace('payments', 'again'), MAP('value.order.name', 'value.payment.name')],
  `  again:
    id: ag
    from: { topic: events.order, schema: Order, key: value.orderId, start: earliest }
`,
);

test('a topic is joined with itself, record by record', async () => {
  for (const perBatch of [1, 10]) {
    const driven = await Driven.open(ITSELF, { schemas });
    const events = ['a', 'b', 'c'].map((name, n) => {
      return { topic: 'events.order', key: 'k', value: order(name, 'k'), at: n * 8 };
    });
    await driven.append(events, perBatch);
    await driven.driver.commit();
    assert.deepEqual(pairs(driven), [
      'k: a+a@0',
      'k: a+b@8',
      'k: b+a@8',
      'k: b+b@8',
      'k: b+c@16',
      'k: c+b@16',
      'k: c+c@16',
    ]);
    await driven.end();
  }
});

for (const [what, lines, expected] of [
  ['inner', INNER, []],
  ['left', LEFT, []],
  ['outer', OUTER, []],
  [
    'a field that the other has not',
    [JOIN('inner'), MAP('value.order.name', 'value.payment.title')],
    ['CAR402'],
  ],
  [
    'the other may be null',
    [JOIN('left'), "- filter: { where: 'value.payment.cents > 1' }", ...LEFT.slice(1)],
    ['CAR316'],
  ],
  [
    'outer without own_as',
    [JOIN('outer').replace(', own_as: order', ''), MAP('value.name', orNull('payment'))],
    ['CAR263'],
  ],
  ['no window', [JOIN('inner').replace('within: 10ms, ', ''), ...INNER.slice(1)], ['CAR264']],
  ['two windows', [JOIN('inner', ', before: 1s'), ...INNER.slice(1)], ['CAR264']],
  ['no such stream', [JOIN('inner').replace('payments', 'payment'), ...INNER.slice(1)], ['CAR233']],
  ['itself', [JOIN('inner').replace('payments', 'orders'), ...INNER.slice(1)], ['CAR234']],
  ['no stream', [JOIN('inner').replace('with: payments, ', ''), ...INNER.slice(1)], ['CAR302']],
  [
    'a name twice',
    [
      JOIN('inner').replace('as: payment', 'as: order'),
      '- map: { fields: { own: value.order.name, other: value.order.name } }',
    ],
    ['CAR280'],
  ],
  [
    'a topic in place of the other',
    [JOIN('inner').replace('payments', '{ topic: events.payment }'), ...INNER.slice(1)],
    ['CAR303'],
  ],
] as const) {
  test(`at the desk: ${what}`, () => {
    const folder = schemaFolderOf(
      new Map(schemas.map((one) => [one.name, { record: one, file: 'test' }])),
    );
    const options = { file: 't.yaml', catalog: { steps, sinks }, schemas: folder, env: {} };
    const others = what === 'itself' ? '' : PAYMENTS;
    const { diagnostics } = compile(topology(lines, others), options);
    assert.deepEqual(
      diagnostics.map(({ code }) => code),
      expected,
    );
  });
}
