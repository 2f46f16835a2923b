/** Topologies without lanes, steps that fail, and the law of conservation, through the engine. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CarillonError } from '../core/error.ts';
import { IDENTITY, path, paths } from '../core/path-options.ts';
import type { StepSpec } from '../core/spec.ts';
import { defineEach, defineExpand, defineOperator, defineTimed } from '../core/spec.ts';
import { columns } from '../core/store.ts';
import { dropped, HELD, PASSED } from '../core/verdict.ts';
import type { AvroRecord } from '../schemas/folder.ts';
import { Driven } from '../test/kit/drive.ts';

const NUMBER: AvroRecord = {
  type: 'record',
  name: 'Number',
  fields: [
    { name: 'n', type: 'int' },
    { name: 'text', type: ['null', 'string'], default: null },
  ],
};
const SMALL: AvroRecord = {
  type: 'record',
  name: 'Small',
  fields: [{ name: 'half', type: 'int' }],
};
const schemas = [NUMBER, SMALL];

const graph = (steps: string, to = '{ topic: out, schema: Number }') => `topology: t
streams:
  numbers:
    id: numbers
    from: { topic: numbers, schema: Number }
    steps:
${steps}
    to: ${to}
`;

async function run(
  text: string,
  numbers: readonly number[],
  more: readonly StepSpec[] = [],
): Promise<Driven> {
  const driven = await Driven.open(text, { schemas, steps: more });
  for (const n of numbers) await driven.feed('numbers', `k-${n % 3}`, { n, text: null });
  return driven;
}

const outOf = (driven: Driven) => driven.of('out').map(({ value }) => ({ ...(value as object) }));

const FAILING = '      - filter: { where: 10 / value.n > 2 }';

for (const [what, steps, to, numbers, expected, drops, letters] of [
  [
    'filter',
    '      - filter: { where: value.n > 1 }',
    undefined,
    [1, 2, 3],
    [
      { n: 2, text: null },
      { n: 3, text: null },
    ],
    1,
    [],
  ],
  ['peek', '      - peek: {}', undefined, [5], [{ n: 5, text: null }], 0, []],
  [
    'sample',
    '      - sample: { keep: 100, of: 100 }',
    undefined,
    [1, 2],
    [
      { n: 1, text: null },
      { n: 2, text: null },
    ],
    0,
    [],
  ],
  [
    'map',
    "      - map: { fields: { half: 'value.n / 2' } }",
    '{ topic: out, schema: Small }',
    [6, 8],
    [{ half: 3 }, { half: 4 }],
    0,
    [],
  ],
  [
    'a step that throws',
    FAILING,
    undefined,
    [1, 0, 2],
    [
      { n: 1, text: null },
      { n: 2, text: null },
    ],
    0,
    ['CAR506 numbers/filter numbers/0@1'],
  ],
  [
    'what does not fit the output',
    "      - map: { fields: { half: 'value.n * 2' } }",
    '{ topic: out, schema: Small }',
    [1, 2_000_000_000, 2],
    [{ half: 2 }, { half: 4 }],
    0,
    ['CAR511 numbers/to numbers/0@1'],
  ],
] as const) {
  test(`without lanes: ${what}`, async () => {
    const driven = await run(graph(steps, to), numbers);
    await driven.end();
    assert.deepEqual(outOf(driven), expected);
    assert.equal(driven.drops.length, drops);
    assert.deepEqual(driven.letters, letters);
  });
}

test('bytes that no step has changed go on as they came, with key, time and headers', async () => {
  const driven = await Driven.open(graph('      - peek: {}'), { schemas, partitions: 3 });
  const value = driven.schemas.encoder('Number').toBuffer({ n: 7, text: 'x' });
  const headers = [{ key: 'trace', value: Buffer.from('abc') }];
  await driven.driver.feed({ topic: 'numbers', key: 'k', value, timestamp: 12_345, headers });
  await driven.end();
  const [out] = driven.of('out');
  assert.deepEqual({ ...(out!.value as object) }, { n: 7, text: 'x' });
  assert.deepEqual([out!.key, out!.timestamp, out!.headers], ['k', 12_345, { trace: 'abc' }]);
});

const emitsThenFails = defineExpand({
  type: 'emits_then_fails',
  summary: 'Sends on, and then fails.',
  config: { at: path('Where the number is.', ['int'], 'value.n') },
  example: '- emits_then_fails: {}',
  open:
    ({ at }) =>
    (record, emit) => {
      emit(record);
      emit(record);
      if (at.read(record) === 2) throw new Error('half-way');
      return PASSED;
    },
});

test('a step that fails half-way has sent nothing', async () => {
  const driven = await run(graph('      - emits_then_fails: {}'), [1, 2, 3], [emitsThenFails]);
  await driven.end();
  assert.deepEqual(
    driven.of('out').map(({ value }) => (value as { n: number }).n),
    [1, 1, 3, 3],
  );
  assert.deepEqual(driven.letters, ['CAR506 numbers/emits_then_fails numbers/0@1']);
  const [letter] = driven.of('dead-letters');
  assert.equal(letter!.headers['carillon.reason'], 'half-way');
});

/** Holds every record for a second; `settles` says how many it accounts for when one is due. */
const holding = (settles: number) =>
  defineTimed({
    type: 'holding',
    summary: 'Holds.',
    config: { by: paths('What makes a record.', IDENTITY, ['value.n']) },
    drops: { counted: 'It was only counted.' },
    example: '- holding: {}',
    rows: columns({ held: 'record' }),
    keyedBy: 'by',
    open: (_config, { store, clock, settle }) => ({
      record(record, _emit, key) {
        store.put(key!).held.hold(record);
        store.setDue(clock.now() + 1_000);
        return HELD;
      },
      due() {
        store.delete();
        settle(dropped('counted'), settles);
      },
    }),
  });

test('a step that settles what it held keeps the law', async () => {
  const driven = await run(graph('      - holding: {}'), [0, 3, 1], [holding(1)]);
  await driven.driver.restart();
  assert.equal(driven.driver.totals().held, 3);
  await driven.driver.advance(1_000);
  assert.deepEqual(driven.driver.totals().dropped, { counted: 3 });
  await driven.end();
});

const losing = defineOperator({
  type: 'losing',
  summary: 'Gives back another record than it took.',
  config: {},
  drops: { not_emitted: 'It did not come out.' },
  example: '- losing: {}',
  open: () => (source) => source,
});

test('a custom operator is counted from outside', async () => {
  const driven = await run(graph('      - losing: {}'), [1, 2], [losing]);
  await driven.end();
  assert.equal(driven.of('out').length, 2);
});

for (const [what, spec, numbers] of [
  ['settles more than it held', holding(2), [0]],
  ['settles less than it held', holding(0), [0, 3]],
] as const) {
  test(`CAR801: a step that ${what} is found at the next commit`, async () => {
    const driven = await run(graph('      - holding: {}'), numbers, [spec]);
    await assert.rejects(
      driven.driver.advance(1_000),
      (error: unknown) => error instanceof CarillonError && error.code === 'CAR801',
    );
  });
}

const swallowing = defineEach({
  type: 'swallowing',
  summary: 'Drops whatever comes.',
  config: {},
  drops: { swallowed: 'It does so with all.' },
  example: '- swallowing: {}',
  open: () => () => dropped('swallowed'),
});

test('a drop is counted by its reason and named with its record', async () => {
  const driven = await run(graph('      - swallowing: {}'), [1], [swallowing]);
  await driven.end();
  assert.deepEqual(driven.drops, ['numbers/swallowing swallowed']);
  assert.deepEqual(driven.driver.totals().dropped, { swallowed: 1 });
});
