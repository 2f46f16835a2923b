import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Record } from '../core/record.ts';
import { StepBench } from '../test/kit/steps.ts';
import { flatMap } from './flat-map.ts';

const OPTIONS = { of: 'value.items' };
const facts = (bench: StepBench) => bench.takeOut().map(({ eventId, value }) => [eventId, value]);

const rows: readonly {
  readonly it: string;
  readonly options?: { readonly [name: string]: unknown };
  readonly items?: unknown;
  readonly verdict: string;
  readonly out?: readonly (readonly [string, unknown])[];
  readonly counts?: { readonly [name: string]: number };
}[] = [
  { it: 'one element', items: [{ a: 1 }], verdict: 'passed', out: [['e#0', { a: 1 }]] },
  {
    it: 'the order of the list is kept, of equal elements too',
    items: [{ a: 2 }, { a: 1 }, { a: 2 }],
    verdict: 'passed',
    out: [
      ['e#0', { a: 2 }],
      ['e#1', { a: 1 }],
      ['e#2', { a: 2 }],
    ],
  },
  { it: 'no element', items: [], verdict: 'dropped no_elements' },
  { it: 'a null list', items: null, verdict: 'dropped no_elements' },
  { it: 'an absent list', verdict: 'dropped no_elements' },
  {
    it: 'elements that are null keep the places of the others',
    items: [null, { a: 1 }, null, { a: 2 }],
    verdict: 'passed',
    out: [
      ['e#1', { a: 1 }],
      ['e#3', { a: 2 }],
    ],
    counts: { null_elements: 2 },
  },
  {
    it: 'nothing but null',
    items: [null, null],
    verdict: 'dropped no_elements',
    counts: { null_elements: 2 },
  },
  {
    it: 'an element under a field of its own',
    options: { as: 'tag' },
    items: ['x', '', 0, false],
    verdict: 'passed',
    out: [
      ['e#0', { tag: 'x' }],
      ['e#1', { tag: '' }],
      ['e#2', { tag: 0 }],
      ['e#3', { tag: false }],
    ],
  },
  {
    it: 'lists of lists, one at a time',
    options: { as: 'row' },
    items: [[1, 2], []],
    verdict: 'passed',
    out: [
      ['e#0', { row: [1, 2] }],
      ['e#1', { row: [] }],
    ],
  },
  {
    it: 'fields of the event beside it',
    options: { with: { flight: (record: Record) => record.value.flight } },
    items: [{ a: 1 }, { a: 2 }],
    verdict: 'passed',
    out: [
      ['e#0', { a: 1, flight: 'LH1' }],
      ['e#1', { a: 2, flight: 'LH1' }],
    ],
  },
  {
    it: 'an expression that fails sends nothing on',
    options: {
      with: {
        flight: () => {
          throw new Error('division by zero');
        },
      },
    },
    items: [{ a: 1 }],
    verdict: 'dead-lettered CAR506',
  },
  { it: 'a text is no list', items: 'abc', verdict: 'dead-lettered CAR506' },
  { it: 'an object is no list', items: { length: 1 }, verdict: 'dead-lettered CAR506' },
  {
    it: 'as many as are allowed',
    options: { elements_max: 2 },
    items: [{ a: 1 }, { a: 2 }],
    verdict: 'passed',
    out: [
      ['e#0', { a: 1 }],
      ['e#1', { a: 2 }],
    ],
  },
  {
    it: 'one too many',
    options: { elements_max: 2 },
    items: [{ a: 1 }, { a: 2 }, { a: 3 }],
    verdict: 'dead-lettered CAR281',
  },
  {
    it: 'one too many, the first kept',
    options: { elements_max: 2, on_excess: 'keep_first' },
    items: [{ a: 1 }, { a: 2 }, { a: 3 }],
    verdict: 'passed',
    out: [
      ['e#0', { a: 1 }],
      ['e#1', { a: 2 }],
    ],
    counts: { over_limit: 1 },
  },
];

for (const { it, options = {}, items, verdict, out = [], counts = {} } of rows) {
  test(it, () => {
    const bench = new StepBench(flatMap, { ...OPTIONS, ...options });
    const value = { flight: 'LH1', ...(items === undefined ? {} : { items }) };
    assert.equal(bench.feed({ key: 'f-1', value, eventId: 'e' }), verdict);
    assert.deepEqual(facts(bench), out);
    assert.deepEqual(Object.fromEntries(bench.counts.counted), counts);
    assert.equal(bench.counts.out, out.length);
  });
}

test('the envelope is that of the event, in each', () => {
  const bench = new StepBench(flatMap, OPTIONS);
  bench.feed({
    at: 5,
    time: -3,
    key: 'f-1',
    offset: 41,
    value: { items: [{ a: 1 }, { a: 2 }] },
    headers: [{ key: 'trace', value: Buffer.from('t') }],
    prepare(record) {
      record.deadlineMs = 9;
      record.count = 3;
      record.setTarget(5, null);
      record.setExcept('ph-1');
      record.transports = 6;
    },
  });
  const seen = bench.takeOut().map((record) => [
    [record.key, record.offset, record.timestamp, record.deadlineMs, record.count],
    [record.classMask, record.except, record.transports, String(record.headers![0]!.value)],
  ]);
  assert.equal(seen.length, 2);
  assert.deepEqual(seen[0], seen[1]);
  assert.deepEqual(seen[0]![1], [5, 'ph-1', 6, 't']);
  assert.deepEqual(seen[0]![0]!.slice(3), [9, 3]);
});

test('a repeat gives the same ids, and elements of elements have their own', () => {
  const bench = new StepBench(flatMap, OPTIONS);
  const fed = { key: 'f-1', value: { items: [{ a: 1 }] }, eventId: 'e#0' };
  bench.feed(fed);
  bench.feed(fed);
  assert.deepEqual(facts(bench), [
    ['e#0#0', { a: 1 }],
    ['e#0#0', { a: 1 }],
  ]);
});

test('without an id of its own an element is known by the origin of its event', () => {
  const bench = new StepBench(flatMap, OPTIONS);
  const value = { items: [{ a: 1 }, { a: 2 }] };
  bench.feed({ key: 'f-1', value, offset: 7, partition: 2, eventId: 'events.test/2/7' });
  assert.deepEqual(
    bench.takeOut().map(({ eventId }) => eventId),
    ['events.test/2/7#0', 'events.test/2/7#1'],
  );
});
