import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StepBench } from '../test/kit/steps.ts';
import { join } from './join.ts';

const PLANS = { a: { id: 'a', price: 1 }, b: { id: 'b', price: 2 } };
const KEY = { table: 'plans', as: 'plan' };
const BY = { ...KEY, by: 'value.ref' };

const rows: readonly [string, object, string | null, object, string, unknown?][] = [
  // what, options, key, value, verdict, the value that goes on
  ['a row', KEY, 'a', { n: 1 }, 'passed', { n: 1, plan: PLANS.a }],
  ['no row', KEY, 'c', { n: 1 }, 'dropped no_match'],
  ['no row, left', { ...KEY, type: 'left' }, 'c', { n: 1 }, 'passed', { n: 1, plan: null }],
  ['a null key', KEY, null, { n: 1 }, 'dropped null_key'],
  ['a null key, left', { ...KEY, type: 'left' }, null, {}, 'passed', { plan: null }],
  ['by a field', BY, 'x', { ref: 'b' }, 'passed', { ref: 'b', plan: PLANS.b }],
  ['by a field whose row is not there', BY, 'a', { ref: 'c' }, 'dropped no_match'],
  ['by null', BY, 'a', { ref: null }, 'dropped null_key'],
  ['by nothing', BY, 'a', {}, 'dropped null_key'],
  [
    'by null, left',
    { ...BY, type: 'left' },
    'a',
    { ref: null },
    'passed',
    { ref: null, plan: null },
  ],
  ['by a name that objects have', BY, 'a', { ref: 'constructor' }, 'dropped no_match'],
];

for (const [it, options, key, value, verdict, expected] of rows) {
  test(`${it}: ${verdict}`, () => {
    const bench = new StepBench(join, { ...options }, { tables: { plans: PLANS } });
    assert.equal(bench.feed({ key, value, eventId: 'e-1' } as never), verdict);
    const out = bench.takeOut();
    assert.deepEqual(
      out.map((one) => one.value),
      expected === undefined ? [] : [expected],
    );
    for (const one of out) assert.equal(one.key, key);
    const left = (expected as { plan?: unknown } | undefined)?.plan === null;
    assert.equal(bench.counted('unmatched'), left ? 1 : 0);
  });
}

test('the record that came keeps its value', () => {
  const bench = new StepBench(join, KEY, { tables: { plans: PLANS } });
  const value = { n: 1 };
  bench.feed({ key: 'a', value });
  assert.deepEqual(value, { n: 1 });
});
