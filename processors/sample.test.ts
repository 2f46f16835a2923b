import assert from 'node:assert/strict';
import { test } from 'node:test';
import { partitionOfText } from '../core/partition.ts';
import { StepBench } from '../test/kit/steps.ts';
import { sample } from './sample.ts';

function keptOf(keys: readonly (string | null)[], options: object): number {
  const bench = new StepBench(sample, { ...options });
  return bench.feedAll(keys.map((key) => ({ key, value: {} }))).filter((told) => told === 'passed')
    .length;
}

const keys = Array.from({ length: 10_000 }, (_, n) => `m-${n}`);

test('a key is kept always or never', () => {
  const bench = new StepBench(sample, { keep: 30 });
  const once = bench.feedAll(keys.map((key) => ({ key, value: {} })));
  bench.restart();
  assert.deepEqual(bench.feedAll(keys.map((key) => ({ key, value: {} }))), once);
});

// Four standard deviations of a fair draw of 10,000.
const rows: readonly [object, number, number][] = [
  [{ keep: 5 }, 500, 88],
  [{ keep: 50 }, 5000, 200],
  [{ keep: 100 }, 10_000, 0],
  [{ keep: 1, of: 12 }, 833, 111],
];
for (const [options, expected, tolerance] of rows) {
  test(`${JSON.stringify(options)} keeps about ${expected} of 10,000`, () => {
    const kept = keptOf(keys, options);
    assert.ok(Math.abs(kept - expected) <= tolerance, `${kept}`);
  });
}

test('the sample does not lean on the partition', () => {
  for (let partition = 0; partition < 12; partition++) {
    const there = keys.filter((key) => partitionOfText(key, 12) === partition);
    const share = keptOf(there, { keep: 1, of: 12 }) / there.length;
    assert.ok(share > 0.04 && share < 0.13, `partition ${partition}: ${share}`);
  }
});

test('records without a key are sampled by offset', () => {
  const kept = keptOf(Array<null>(10_000).fill(null), { keep: 50 });
  assert.ok(Math.abs(kept - 5000) <= 200, `${kept}`);
});
