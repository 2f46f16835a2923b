import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Record } from '../core/record.ts';
import { StepBench } from '../test/kit/steps.ts';
import { filter } from './filter.ts';

test('what holds passes, what does not is dropped, what throws is a dead letter', () => {
  const where = (record: Record) => {
    if (record.value.n === undefined) throw new Error('no such key: n');
    return record.value.n > 1;
  };
  const bench = new StepBench(filter, { where });
  assert.deepEqual(bench.feedAll([{ value: { n: 2 } }, { value: { n: 1 } }, { value: {} }]), [
    'passed',
    'dropped filtered',
    'dead-lettered CAR506',
  ]);
  assert.equal(bench.takeOut().length, 1);
});

test('only true holds', () => {
  const bench = new StepBench(filter, { where: (record: Record) => record.value.v });
  assert.deepEqual(bench.feedAll([1, 'x', null, true].map((v) => ({ value: { v } }))), [
    'dropped filtered',
    'dropped filtered',
    'dropped filtered',
    'passed',
  ]);
});
