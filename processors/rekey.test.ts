import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Record } from '../core/record.ts';
import { StepBench } from '../test/kit/steps.ts';
import { rekey } from './rekey.ts';

const by = ({ value }: Record) => value.by;

const rows: readonly [given: unknown, told: string, key: string | null][] = [
  ['m-1', 'passed', 'm-1'],
  ['', 'passed', ''],
  [7n, 'passed', '7'],
  [9_007_199_254_740_991, 'passed', '9007199254740991'],
  [null, 'dropped null_key', 'old'],
  [undefined, 'dropped null_key', 'old'],
];
for (const [given, told, key] of rows) {
  test(`by gives ${typeof given} ${given}: ${told}, key ${key}`, () => {
    const bench = new StepBench(rekey, { by: () => given });
    const fate = bench.feed({ key: 'old', value: {} });
    assert.equal(fate, told);
    assert.deepEqual(
      bench.takeOut().map((one) => one.key),
      told === 'passed' ? [key] : [],
    );
  });
}

test('an expression that fails is the fault of its record', () => {
  const bench = new StepBench(rekey, { by });
  assert.deepEqual(
    bench.feedAll([
      { key: 'old', value: null },
      { key: 'old', value: { by: 'm-2' } },
    ]),
    ['dead-lettered CAR506', 'passed'],
  );
});
