import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StepBench } from '../test/kit/steps.ts';
import { peek } from './peek.ts';

test('passes all, and counts tombstones', () => {
  const bench = new StepBench(peek);
  assert.deepEqual(bench.feedAll([{ value: {} }, { value: null }]), ['passed', 'passed']);
  assert.equal(bench.counted('tombstones'), 1);
  assert.equal(bench.takeOut().length, 2);
});
