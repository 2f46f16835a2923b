/** `join` with a table of the task's own partition, from a topology's text to what is written. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compile } from '../compiler/compile.ts';
import { sinks } from '../connectors/index.ts';
import { steps } from '../processors/index.ts';
import { type AvroRecord, schemaFolderOf } from '../schemas/folder.ts';
import { type Appended, Driven } from '../test/kit/drive.ts';

const record = (name: string, fields: { readonly [field: string]: unknown }): AvroRecord => ({
  type: 'record',
  name,
  fields: Object.entries(fields).map(([field, type]) => ({ name: field, type }) as never),
});
const ORDER = record('Order', { orderId: 'string', customerId: 'string', amount: 'int' });
const CUSTOMER = record('Customer', { customerId: 'string', tier: 'string', credit: 'int' });
const SEEN = record('Seen', { orderId: 'string', tier: ['null', 'string'], amount: 'int' });
const schemas = [ORDER, CUSTOMER, SEEN];

const MAP =
  "- map: { fields: { orderId: value.orderId, tier: 'value.customer.tier', amount: value.amount } }";
const LEFT_MAP = `- map:
          fields:
            orderId: value.orderId
            tier: 'value.customer == null ? null : value.customer.tier'
            amount: value.amount`;

const topology = (lines: readonly string[], tables = '') => `topology: t
tables:
  customers: { topic: tables.customer, schema: Customer, key: customerId }
${tables}streams:
  orders:
    id: or
    from: { topic: events.order, schema: Order, key: value.customerId, start: earliest }
    steps:
${lines.map((line) => `      ${line}\n`).join('')}    to: { topic: seen, schema: Seen }
`;
const JOIN = '- join: { table: customers, as: customer }';
const LEFT = '- join: { table: customers, by: value.customerId, type: left, as: customer }';

const order = (orderId: string, customerId: string, amount = 1) => ({
  orderId,
  customerId,
  amount,
});
const customer = (customerId: string, tier: string, credit = 0) => ({ customerId, tier, credit });

/** `o1 c1` an order, `c1=gold` a row, `c1=` a tombstone, `crash`, `restart`. */
async function told(text: string, feed: string): Promise<Driven> {
  const driven = await Driven.open(text, { schemas });
  for (const word of feed.split(',').map((one) => one.trim())) {
    if (word === 'crash') await driven.driver.crash();
    else if (word === 'restart') await driven.driver.restart();
    else if (word.includes('=')) {
      const [key = '', tier] = word.split('=');
      if (tier === '') await driven.raw('tables.customer', key, null);
      else await driven.feed('tables.customer', key, customer(key, tier!));
    } else {
      const [id = '', key = ''] = word.split(' ');
      await driven.feed('events.order', key, order(id, key));
    }
  }
  return driven;
}

const seen = (driven: Driven) =>
  driven.of('seen').map(({ key, value }) => {
    const { orderId, tier } = value as { orderId: string; tier: string | null };
    return `${orderId} ${key} ${tier}`;
  });

const NO_MATCH = 'orders/join no_match';
/** Semantics S32; what is written, and what is dropped. */
const CASES: readonly (readonly [string, string, string, string, string])[] = [
  ['inner: a row that is there', 'inner', 'c1=gold, o1 c1', 'o1 c1 gold', ''],
  ['inner: no row', 'inner', 'o1 c1', '', NO_MATCH],
  ['inner: a row of another key', 'inner', 'c2=gold, o1 c1', '', NO_MATCH],
  ['inner: a row that comes later changes nothing', 'inner', 'o1 c1, c1=gold', '', NO_MATCH],
  ['inner: the row as it was then', 'inner', 'c1=a, o1 c1, c1=b, o2 c1', 'o1 c1 a|o2 c1 b', ''],
  ['inner: a tombstone', 'inner', 'c1=a, o1 c1, c1=, o2 c1', 'o1 c1 a', NO_MATCH],
  ['inner: a tombstone of nothing', 'inner', 'c1=, o1 c1', '', NO_MATCH],
  ['inner: after a tombstone a row', 'inner', 'c1=a, c1=, c1=b, o1 c1', 'o1 c1 b', ''],
  ['inner: rows live over a crash', 'inner', 'c1=a, crash, o1 c1', 'o1 c1 a', ''],
  [
    'inner: and over a restart',
    'inner',
    'c1=a, c2=b, c1=, restart, o1 c1, o2 c2',
    'o2 c2 b',
    NO_MATCH,
  ],
  ['a table alone sends nothing', 'left', 'c1=a, c1=b, c1=', '', ''],
  ['left: a row', 'left', 'c1=a, o1 c1', 'o1 c1 a', ''],
  ['left: no row', 'left', 'o1 c1, c1=a, o2 c1', 'o1 c1 null|o2 c1 a', ''],
  ['left: a tombstone', 'left', 'c1=a, c1=, o1 c1', 'o1 c1 null', ''],
];

for (const [what, type, feed, written, drops] of CASES) {
  test(what, async () => {
    const text = type === 'inner' ? topology([JOIN, MAP]) : topology([LEFT, LEFT_MAP]);
    const driven = await told(text, feed);
    assert.equal(seen(driven).join('|'), written);
    assert.equal(driven.drops.join('|'), drops);
    assert.deepEqual(driven.letters, []);
    await driven.end();
  });
}

test('a row that cannot be read, or has no key, is a dead letter, and the row before it stays', async () => {
  const driven = await told(topology([JOIN, MAP]), 'c1=a');
  await driven.raw('tables.customer', 'c1', Buffer.from('no wire format'));
  const cut = driven.schemas.encoder('Customer').toBuffer(customer('c1', 'b')).subarray(0, 8);
  await driven.raw('tables.customer', 'c1', cut);
  await driven.raw(
    'tables.customer',
    null,
    driven.schemas.encoder('Customer').toBuffer(customer('c1', 'c')),
  );
  await driven.feed('events.order', 'c1', order('o1', 'c1'));
  assert.deepEqual(seen(driven), ['o1 c1 a']);
  assert.deepEqual(
    driven.letters,
    [1, 2, 3].map((offset) => `CAR503 streams/table customers tables.customer/0@${offset}`),
  );
  const rows = driven.driver.rows('t.streams.table--tables.customer');
  assert.equal(JSON.stringify(rows), JSON.stringify([['c1', customer('c1', 'a')]]));
  await driven.end();
});

test('an event whose key is null is a dead letter, inner and left', async () => {
  for (const text of [topology([JOIN, MAP]), topology([LEFT, LEFT_MAP])]) {
    const driven = await told(text, 'c1=a');
    await driven.feed('events.order', null, order('o1', 'c1'));
    assert.deepEqual(driven.letters, ['CAR505 orders/source events.order/0@0']);
    await driven.end();
  }
});

test('an expression that fails on the row is the dead letter of that one event', async () => {
  const where = "- filter: { where: '100 / value.customer.credit > 1' }";
  const driven = await Driven.open(topology([JOIN, where, MAP]), { schemas });
  await driven.feed('tables.customer', 'c1', customer('c1', 'a', 0));
  await driven.feed('tables.customer', 'c2', customer('c2', 'b', 10));
  await driven.feed('events.order', 'c1', order('o1', 'c1'));
  await driven.feed('events.order', 'c2', order('o2', 'c2'));
  assert.deepEqual(seen(driven), ['o2 c2 b']);
  assert.deepEqual(driven.letters, ['CAR506 orders/filter events.order/0@0']);
  await driven.end();
});

test('joined topics have equally many partitions: both counts are said before anything runs', async () => {
  const driven = await Driven.open(topology([JOIN, MAP]), { schemas, partitions: 2 });
  await driven.end();
  const log = driven.log;
  await assert.rejects(
    Driven.open(topology([JOIN, MAP]), { schemas, partitions: 3, log }),
    /has 2 partitions, not 3/,
  );
});

test('a row that was written later takes the place of the one before, whatever its time', async () => {
  const driven = await Driven.open(topology([JOIN, MAP]), { schemas });
  await driven.feed('tables.customer', 'c1', customer('c1', 'new'), { at: 50 });
  await driven.feed('tables.customer', 'c1', customer('c1', 'old'), { at: 10 });
  await driven.feed('events.order', 'c1', order('o1', 'c1'), { at: 60 });
  assert.deepEqual(seen(driven), ['o1 c1 old']);
  await driven.end();
});

/** Both topics from their starts: an event meets the row as it was then (S3), tables first. */
function history(): Appended[] {
  const events: Appended[] = [];
  for (let at = 0; at < 600; at++) {
    const key = `c${at % 5}`;
    if (at % 3 === 0) {
      const value = at % 21 === 0 ? null : customer(key, `t${at}`);
      events.push({ topic: 'tables.customer', key, value, at });
    }
    events.push({ topic: 'events.order', key, value: order(`o${at}`, key), at });
  }
  return events;
}

/** What a loop over one history says. */
function expectedOf(events: readonly Appended[]): string[] {
  const rows = new Map<string, string>();
  const told: string[] = [];
  for (const { topic, key, value } of events) {
    if (topic === 'events.order') told.push(`${value!.orderId} ${key} ${rows.get(key) ?? null}`);
    else if (value === null) rows.delete(key);
    else rows.set(key, value.tier as string);
  }
  return told;
}

for (const partitions of [1, 3]) {
  for (const perBatch of [1, 7, 1_000]) {
    for (const restarts of [false, true]) {
      const how = restarts ? ' with crashes' : '';
      test(`an event meets the row of its time: ${partitions} partitions, batches of ${perBatch}${how}`, async () => {
        const events = history();
        const driven = await Driven.open(topology([LEFT, LEFT_MAP]), { schemas, partitions });
        const parts = restarts
          ? [events.slice(0, 250), events.slice(250, 400), events.slice(400)]
          : [events];
        for (const part of parts) {
          await driven.append(part, perBatch);
          await driven.driver.commit();
          if (restarts) await driven.driver.crash();
        }
        const byKey = (lines: readonly string[]) =>
          [0, 1, 2, 3, 4].map((c) => lines.filter((line) => line.includes(` c${c} `)));
        assert.deepEqual(byKey(seen(driven)), byKey(expectedOf(events)));
        await driven.end();
      });
    }
  }
}

test('a row is read at its own millisecond, and an older event before it', async () => {
  const driven = await Driven.open(topology([LEFT, LEFT_MAP]), { schemas });
  const row = (at: number, tier: string) => ({
    topic: 'tables.customer',
    key: 'c',
    value: customer('c', tier),
    at,
  });
  const event = (at: number, id: string) => ({
    topic: 'events.order',
    key: 'c',
    value: order(id, 'c'),
    at,
  });
  await driven.append(
    [event(4, 'o1'), event(5, 'o2'), event(6, 'o3'), row(5, 'a'), row(6, 'b')],
    10,
  );
  await driven.driver.commit();
  assert.deepEqual(seen(driven), ['o1 c null', 'o2 c a', 'o3 c b']);
  await driven.end();
});

/** What follows a join is checked against its row. */
for (const [what, lines, tables, expected] of [
  ['a field of the row', [JOIN, MAP], '', []],
  ['a field of the event', [JOIN, '- filter: { where: value.amount > 1 }', MAP], '', []],
  [
    'no such field of the row',
    [JOIN, "- filter: { where: 'value.customer.age > 1' }", MAP],
    '',
    ['CAR402'],
  ],
  [
    'three steps later',
    [
      JOIN,
      '- peek: {}',
      '- sample: { keep: 1, of: 2 }',
      '- dedup: { by: [value.customer.id], within: 1m }',
      MAP,
    ],
    '',
    ['CAR402'],
  ],
  [
    'a wrong type',
    [JOIN, '- filter: { where: \'value.customer.credit == "x"\' }', MAP],
    '',
    ['CAR311'],
  ],
  [
    'the row may be null',
    [LEFT, "- filter: { where: 'value.customer.credit > 1' }", LEFT_MAP],
    '',
    ['CAR316'],
  ],
  ['no such table', ['- join: { table: customer, as: customer }', MAP], '', ['CAR201']],
  [
    'a field that is there',
    ['- join: { table: customers, as: amount }', '- peek: {}'],
    '',
    ['CAR280'],
  ],
  ['a name that is none', ['- join: { table: customers, as: "a b" }', MAP], '', ['CAR108']],
  ['no name', ['- join: { table: customers }', MAP], '', ['CAR302']],
  ['outer', ['- join: { table: customers, type: outer, as: customer }', MAP], '', ['CAR306']],
  [
    'by another field',
    ['- join: { table: customers, by: value.orderId, as: customer }', MAP],
    '',
    ['CAR220'],
  ],
  [
    'twice under two names',
    [JOIN, '- { name: again, join: { table: customers, as: again } }', MAP],
    '',
    [],
  ],
  [
    'the table of a stream',
    [JOIN.replace('customers', 'orders'), MAP.replace('customer.tier', 'customer.orderId')],
    '  orders: { topic: events.order, schema: Order, key: customerId }\n',
    ['CAR260'],
  ],
  ['it goes out as it is', [JOIN], '', ['CAR406']],
] as const) {
  test(`at the desk: ${what}`, () => {
    const folder = schemaFolderOf(
      new Map(schemas.map((one) => [one.name, { record: one, file: 'test' }])),
    );
    const options = { file: 't.yaml', catalog: { steps, sinks }, schemas: folder, env: {} };
    const { diagnostics } = compile(topology(lines, tables), options);
    assert.deepEqual(
      diagnostics.map(({ code }) => code),
      expected,
    );
  });
}
