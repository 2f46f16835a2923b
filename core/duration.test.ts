import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatDuration, parseDuration, roundedDuration } from './duration.ts';

const durations: readonly [number, string, string][] = [
  [0, '0ms', '0ms'],
  [1, '1ms', '1ms'],
  [999, '999ms', '999ms'],
  [1_499, '1499ms', '1s'],
  [59_600, '59600ms', '1m'],
  [120_000, '2m', '2m'],
  [600_001, '600001ms', '10m'],
  [9_936_500, '9936500ms', '3h'],
  [86_399_990, '86399990ms', '1d'],
  [90_000_000, '25h', '1d'],
  [2_591_999_967, '2591999967ms', '30d'],
];
for (const [ms, exact, rounded] of durations) {
  test(`${ms} ms is ${exact}, about ${rounded}`, () => {
    assert.equal(formatDuration(ms), exact);
    assert.equal(parseDuration(exact), ms);
    assert.equal(roundedDuration(ms), rounded);
  });
}
