import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Record } from '../core/record.ts';
import { StepBench } from '../test/kit/steps.ts';
import { map } from './map.ts';

const fields = {
  who: (record: Record) => record.key,
  twice: (record: Record) => {
    if (record.value.n < 0) throw new Error('negative');
    return record.value.n * 2;
  },
};

test('the value is new, the envelope stays', () => {
  const bench = new StepBench(map, { fields });
  assert.equal(bench.feed({ at: 1, key: 'm-1', value: { n: 4, x: 1 }, eventId: 'e-1' }), 'passed');
  const [record] = bench.takeOut();
  assert.deepEqual(record!.value, { who: 'm-1', twice: 8 });
  assert.deepEqual([record!.key, record!.eventId, record!.offset], ['m-1', 'e-1', 0]);
});

test('an expression that fails makes a dead letter, and nothing goes on', () => {
  const bench = new StepBench(map, { fields });
  assert.equal(bench.feed({ key: 'm-1', value: { n: -1 } }), 'dead-lettered CAR506');
  assert.deepEqual(bench.takeOut(), []);
});
