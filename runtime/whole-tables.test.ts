/** `join` with a table that a process holds whole: by any field, from every partition. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { compile } from '../compiler/compile.ts';
import { sinks } from '../connectors/index.ts';
import { MemoryLog } from '../connectors/memory/log.ts';
import { BatchBuilder } from '../core/batch-builder.ts';
import type { Schemas } from '../core/schema.ts';
import { steps } from '../processors/index.ts';
import { type AvroRecord, schemaFolderOf } from '../schemas/folder.ts';
import { MemoryRegistry } from '../schemas/memory-registry.ts';
import { Driven } from '../test/kit/drive.ts';
import { WholeTables } from './whole-tables.ts';

const record = (name: string, fields: { readonly [field: string]: unknown }): AvroRecord => ({
  type: 'record',
  name,
  fields: Object.entries(fields).map(([field, type]) => ({ name: field, type }) as never),
});
const ORDER = record('Order', { orderId: 'string', productId: ['null', 'string'], amount: 'int' });
const PRODUCT = record('Product', { productId: 'string', title: 'string' });
const SEEN = record('Seen', { orderId: 'string', title: ['null', 'string'] });
const schemas = [ORDER, PRODUCT, SEEN];

const OR_NULL = "'value.product == null ? null : value.product.title'";

const topology = (join: string) => `topology: t
tables:
  products: { topic: tables.product, schema: Product, key: productId, whole: true }
streams:
  orders:
    id: or
    from: { topic: events.order, schema: Order }
    steps:
      - join: ${join}
      - map:
          fields:
            orderId: value.orderId
            title: ${join.includes('left') ? OR_NULL : 'value.product.title'}
    to: { topic: seen, schema: Seen }
`;
const INNER = topology('{ table: products, by: value.productId, as: product }');
const LEFT = topology('{ table: products, by: value.productId, type: left, as: product }');

const order = (orderId: string, productId: string | null) => ({ orderId, productId, amount: 1 });
const product = (productId: string, title: string) => ({ productId, title });
const seen = (driven: Driven) =>
  driven.of('seen').map(({ value }) => {
    const { orderId, title } = value as { orderId: string; title: string | null };
    return `${orderId} ${title}`;
  });

test('a row is found by a field, whichever partitions the two lie in', async () => {
  const driven = await Driven.open(INNER, { schemas, partitions: 5 });
  const ids = Array.from({ length: 20 }, (_, n) => `p${n}`);
  for (const id of ids) await driven.feed('tables.product', id, product(id, `title of ${id}`));
  for (const id of ids) await driven.feed('events.order', `o-${id}`, order(`o-${id}`, id));
  assert.deepEqual(seen(driven).sort(), ids.map((id) => `o-${id} title of ${id}`).sort());
  await driven.end();
});

const CASES: readonly (readonly [
  string,
  string,
  readonly (string | null)[],
  string[],
  string[],
])[] = [
  // what, topology, orders by product, told, dropped
  ['inner, no row', INNER, ['q'], [], ['orders/join no_match']],
  ['inner, null', INNER, [null], [], ['orders/join null_key']],
  ['left, no row', LEFT, ['q'], ['o0 null'], []],
  ['left, null', LEFT, [null], ['o0 null'], []],
  ['a row', INNER, ['p', 'p'], ['o0 a', 'o1 a'], []],
  ['a row that was deleted', INNER, ['gone'], [], ['orders/join no_match']],
];
for (const [what, text, orders, told, drops] of CASES) {
  test(what, async () => {
    const driven = await Driven.open(text, { schemas });
    await driven.feed('tables.product', 'p', product('p', 'a'));
    await driven.feed('tables.product', 'gone', product('gone', 'b'));
    await driven.raw('tables.product', 'gone', null);
    for (const [n, id] of orders.entries()) {
      await driven.feed('events.order', `k${n}`, order(`o${n}`, id));
    }
    assert.deepEqual([seen(driven), driven.drops], [told, drops]);
    await driven.end();
  });
}

test('changes are applied as they come, whatever their time; they send nothing', async () => {
  const driven = await Driven.open(INNER, { schemas });
  await driven.feed('tables.product', 'p', product('p', 'late'), { at: 90_000 });
  await driven.feed('events.order', 'k', order('o1', 'p'), { at: 1 });
  await driven.feed('tables.product', 'p', product('p', 'older'), { at: 2 });
  await driven.feed('events.order', 'k', order('o2', 'p'), { at: 3 });
  assert.deepEqual(seen(driven), ['o1 late', 'o2 older']);
  const rows = driven.driver.rows('tables/products');
  assert.equal(JSON.stringify(rows), JSON.stringify([['p', product('p', 'older')]]));
  await driven.driver.crash();
  await driven.feed('events.order', 'k', order('o3', 'p'));
  assert.deepEqual(seen(driven).at(-1), 'o3 older');
  await driven.end();
});

test('what lay in the topic before the start is there for the first record', async () => {
  const log = new MemoryLog();
  const registry = new MemoryRegistry();
  const before = await Driven.open(INNER, { schemas, log, registry, partitions: 3 });
  for (const id of ['a', 'b', 'c', 'd']) {
    await before.feed('tables.product', id, product(id, id.toUpperCase()));
  }
  await before.end();
  const driven = await Driven.open(INNER, { schemas, log, registry, partitions: 3 });
  for (const id of ['a', 'b', 'c', 'd']) await driven.feed('events.order', id, order(id, id));
  assert.deepEqual(seen(driven).sort(), ['a A', 'b B', 'c C', 'd D']);
  await driven.end();
});

/** The table alone, with a registry that the test answers for. */
function opened() {
  const log = new MemoryLog();
  const loaded = new Set<number>();
  const asked: number[] = [];
  const unreadable: string[] = [];
  const decoder = {
    decode: (bytes: Buffer, start: number, end: number) => {
      const text = bytes.toString('utf8', start + 5, end);
      if (text === 'broken') throw new Error('it is broken');
      return text;
    },
  };
  const answers: (() => void)[] = [];
  const of = {
    decoder: (id: number) => (loaded.has(id) ? decoder : undefined),
    load: (id: number) => {
      asked.push(id);
      return new Promise<void>((resolve) => {
        answers.push(() => {
          loaded.add(id);
          resolve();
        });
      });
    },
  } as unknown as Schemas;
  const tables = new WholeTables(log, of, (table, row, why) => {
    unreadable.push(`${table} ${row.key} ${why}`);
  });
  const put = async (key: string | null, id: number, text: string | null) => {
    const header = Buffer.from([0, 0, 0, 0, id]);
    const builder = new BatchBuilder('t', 0);
    builder.append(0, key, text === null ? null : Buffer.concat([header, Buffer.from(text)]));
    await (await log.producer()).send([builder.finish()]);
  };
  const answer = async () => {
    for (let turns = 0; answers.length === 0 && turns < 100; turns++) await nextTurn();
    answers.shift()?.();
    await nextTurn();
  };
  const topic = { name: 't', partitions: 1, cleanup: 'compact' } as const;
  const plan = { name: 'x', topic: 't', schema: 'S', key: 'k' };
  return { log, tables, put, answer, asked, unreadable, plan, topic };
}

test('the start waits for schemas; later rows wait behind a missing one, in their order', async () => {
  const { log, tables, put, answer, asked, plan, topic } = opened();
  await log.applyTopics([topic]);
  await put('a', 1, 'one');
  let isOpen = false;
  const open = tables.open([plan]).then(() => {
    isOpen = true;
  });
  await nextTurn();
  assert.equal(isOpen, false);
  await answer();
  await open;
  assert.deepEqual([...tables.get('x')!.rows()], [['a', 'one']]);
  await put('a', 2, 'two');
  await put('a', 1, 'three');
  await nextTurn();
  assert.equal(tables.get('x')!.get('a'), 'one', 'rows that are there serve meanwhile');
  await answer();
  await tables.settled();
  assert.equal(tables.get('x')!.get('a'), 'three');
  assert.deepEqual(asked, [1, 2]);
  await tables.open([plan]);
  await put('a', 1, null);
  assert.equal(tables.get('x')!.size, 0, 'once opened, it is not opened again');
  await tables.close();
});

test('a row that cannot be read is told, and the one before it stays', async () => {
  const { log, tables, put, answer, unreadable, plan, topic } = opened();
  await log.applyTopics([topic]);
  await put('a', 1, 'one');
  const open = tables.open([plan]);
  await answer();
  await open;
  await put('a', 1, 'broken');
  await put(null, 1, 'nobody');
  assert.deepEqual(unreadable, ['x a it is broken', 'x null it has no key']);
  assert.equal(tables.get('x')!.get('a'), 'one');
  await tables.close();
});

for (const [what, join, expected] of [
  ['by any field', '{ table: products, by: value.productId, as: product }', []],
  ['by a number', '{ table: products, by: value.amount, as: product }', ['CAR403']],
  ['by the key', '{ table: products, as: product }', []],
] as const) {
  test(`at the desk: ${what}`, () => {
    const folder = schemaFolderOf(
      new Map(schemas.map((one) => [one.name, { record: one, file: 'test' }])),
    );
    const options = { file: 't.yaml', catalog: { steps, sinks }, schemas: folder, env: {} };
    const { diagnostics } = compile(topology(join), options);
    assert.deepEqual(
      diagnostics.map(({ code }) => code),
      expected,
    );
  });
}
