import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pointInTime } from './point-in-time.ts';

const NOW = Date.UTC(2026, 0, 31, 12);
const rows: readonly [string, 'start' | 'end' | number][] = [
  ['start', 'start'],
  ['end', 'end'],
  ['10m', NOW - 600_000],
  ['1.5h', NOW - 5_400_000],
  ['2026-01-31T11:00:00Z', NOW - 3_600_000],
  ['1769860800000', 1_769_860_800_000],
];
for (const [text, at] of rows) {
  test(`${text} is a point in time`, () => assert.equal(pointInTime(text, NOW), at));
}
for (const text of ['yesterday', '10', '', '2026-13-45']) {
  test(`"${text}" is none`, () => assert.throws(() => pointInTime(text, NOW), { code: 'CAR910' }));
}
