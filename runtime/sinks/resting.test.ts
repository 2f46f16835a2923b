import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Resting } from './resting.ts';

test('a device rests until its time, and no longer; a later word counts', () => {
  const resting = new Resting();
  assert.equal(resting.untilMs('a', 0), 0);
  resting.rest('a', 100);
  assert.equal(resting.untilMs('a', 99), 100);
  assert.equal(resting.untilMs('b', 99), 0);
  resting.rest('a', 200);
  assert.equal(resting.untilMs('a', 150), 200);
  assert.equal(resting.untilMs('a', 200), 0);
  assert.equal(resting.size, 0);
});

test('of more than 10,000 the one that was told first is forgotten', () => {
  const resting = new Resting();
  for (let i = 0; i < 10_000; i++) resting.rest(`d${i}`, 100);
  resting.rest('d0', 100);
  resting.rest('one more', 100);
  assert.equal(resting.size, 10_000);
  assert.equal(resting.untilMs('d0', 0), 100);
  assert.equal(resting.untilMs('d1', 0), 0);
});
