import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AggregateCall } from './aggregate-call.ts';

test('the hash of a plan tells exact sums from others: a row of one is none of the other', () => {
  const call = (isWhole: boolean) => new AggregateCall('sum(value.x)', 'sum', null, 0, isWhole);
  assert.deepEqual(JSON.parse(JSON.stringify({ sum: call(false) })), { sum: 'sum(value.x)' });
  assert.deepEqual(JSON.parse(JSON.stringify({ sum: call(true) })), { sum: 'sum(value.x):whole' });
});
