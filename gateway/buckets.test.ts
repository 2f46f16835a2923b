import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HandClock } from '../core/clock.ts';
import { Buckets, OwnBudget } from './buckets.ts';

const NOW = 1_000_000;
const open = (keysMax = 10) => {
  const clock = new HandClock(NOW);
  return { clock, buckets: new Buckets(clock, { burst: 3, perSecond: 2 }, keysMax) };
};

test('a burst, then what comes back with time; each key has its own', () => {
  const { clock, buckets } = open();
  assert.deepEqual(
    [1, 2, 3, 4].map(() => buckets.spend('a')),
    [0, 0, 0, 500],
  );
  assert.equal(buckets.spend('b'), 0);
  clock.moveTo(NOW + 499);
  assert.equal(buckets.spend('a'), 1);
  clock.moveTo(NOW + 500);
  assert.deepEqual([buckets.spend('a'), buckets.spend('a')], [0, 500]);
});

test('a bucket is never more than full, however long nobody comes', () => {
  const { clock, buckets } = open();
  buckets.spend('a');
  clock.moveTo(NOW + 3_600_000);
  assert.deepEqual([buckets.spend('a', 3), buckets.spend('a')], [0, 500]);
});

test('amounts: all or nothing; more than the burst goes when the bucket is full', () => {
  const { clock, buckets } = open();
  assert.equal(buckets.spend('a', 2), 0);
  assert.equal(buckets.spend('a', 2), 500);
  assert.equal(buckets.spend('a', 1), 0);
  assert.equal(buckets.spend('a', 100), 1_500);
  clock.moveTo(NOW + 1_500);
  assert.equal(buckets.spend('a', 100), 0);
  // It is in debt now: a hundred are paid before the next.
  assert.equal(buckets.spend('a', 1), 49_000);
});

test('wait says what spend would, and spends nothing', () => {
  const { buckets } = open();
  assert.equal(buckets.wait('a'), 0);
  for (let i = 0; i < 3; i++) buckets.spend('a');
  assert.deepEqual([buckets.wait('a'), buckets.wait('a'), buckets.spend('a')], [500, 500, 500]);
});

test('keys are bounded: the one of longest ago begins anew', () => {
  const { buckets } = open(2);
  for (const key of ['a', 'a', 'a', 'b', 'b', 'b', 'a']) buckets.spend(key);
  buckets.spend('c');
  assert.deepEqual([buckets.wait('a'), buckets.wait('b')], [500, 0]);
});

test('a clock that is set back takes nothing away', () => {
  const { clock, buckets } = open();
  buckets.spend('a', 3);
  clock.moveTo(NOW + 500);
  assert.equal(buckets.spend('a'), 0);
  const own = new OwnBudget({ burst: 2, perSecond: 1 }, NOW);
  assert.equal(own.spend(1, NOW - 60_000), true);
  assert.equal(own.spend(1, NOW - 60_000), true);
  assert.equal(own.spend(1, NOW - 60_000), false);
});

test('what is earned is up to the burst', () => {
  const own = new OwnBudget({ burst: 2, perSecond: 1 }, NOW);
  own.earn(10);
  assert.deepEqual([own.spend(2, NOW), own.spend(1, NOW)], [true, false]);
  own.earn(1);
  assert.deepEqual([own.spend(1, NOW), own.spend(1, NOW)], [true, false]);
});
