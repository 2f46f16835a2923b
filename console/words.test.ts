import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compact, longCount, pairs, shortCount, shortRate, span, time } from './words.ts';

const rows: readonly [what: string, told: string, expected: string][] = [
  ...(
    [
      [0, '0'],
      [999, '999'],
      [9_999.4, '9999'],
      [9_999.5, '10.0k'],
      [10_000, '10.0k'],
      [99_949, '99.9k'],
      [99_950, '100k'],
      [999_499, '999k'],
      [999_500, '1.0M'],
      [1_000_000, '1.0M'],
      [25_400_000, '25.4M'],
      [999.5e6, '1.0G'],
      [1.2e12, '1200G'],
    ] as const
  ).map(([n, text]): [string, string, string] => [`count ${n}`, shortCount(n), text]),
  ...(
    [
      [0, '0'],
      [0.04, '<0.1'],
      [0.06, '0.1'],
      [9.94, '9.9'],
      [9.95, '10'],
      [12_345, '12.3k'],
    ] as const
  ).map(([n, text]): [string, string, string] => [`rate ${n}`, shortRate(n), text]),
  ...(
    [
      [0, '0 ms'],
      [999, '999 ms'],
      [1_000, '1.0 s'],
      [59_940, '59.9 s'],
      [59_990, '1 min'],
      [300_000, '5 min'],
      [7_200_000, '2 h'],
      [259_200_000, '3 d'],
      [Number.POSITIVE_INFINITY, '> 5 min'],
    ] as const
  ).map(([ms, text]): [string, string, string] => [`span ${ms}`, span(ms), text]),
  ['a long count', longCount(1_234_567), '1,234,567'],
  ['a time', time(1_767_225_600_123), '2026-01-01 00:00:00.123'],
  ['nothing', compact(null), 'null'],
  ['a text', compact('a"b'), '"a\\"b"'],
  ['fields', compact({ a: 1, b: ['x', true], c: {} }), '{ a: 1, b: ["x", true], c: {} }'],
  ['an absent field', compact({ a: undefined }), '{ a: null }'],
  [
    'pairs, most first',
    pairs({ late: 2, stale: 12_000, full: 0, a: 2 }),
    'stale 12.0k, a 2, late 2',
  ],
  ['no pairs', pairs({ late: 0 }), ''],
];
for (const [what, told, expected] of rows) {
  test(`${what} is read as ${expected}`, () => assert.equal(told, expected));
}
