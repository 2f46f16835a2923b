import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NEVER } from '../core/store.ts';
import { shown, WindowMap } from '../test/kit/windows.ts';
import { NO_WINDOWS, timeWindows } from './time-windows.ts';

for (const [what, size, advance, atMs, starts] of [
  ['tumbling', 10, 10, 0, [0]],
  ['tumbling, the last of a window', 10, 10, 9, [0]],
  ['tumbling, the first of the next', 10, 10, 10, [10]],
  ['hopping, near the epoch', 10, 5, 3, [0]],
  ['hopping', 10, 5, 7, [0, 5]],
  ['hopping, on a start', 10, 5, 10, [5, 10]],
  ['hopping, advance is no part of the size', 10, 4, 11, [4, 8]],
  ['hopping, the same, near the epoch', 10, 4, 9, [0, 4, 8]],
  ['hopping, by one', 3, 1, 7, [5, 6, 7]],
] as const) {
  test(`S8: ${what}`, () => {
    const { puts, late } = new WindowMap(timeWindows(size, advance, 0)).feed(atMs);
    assert.deepEqual(
      puts.map(({ start }) => start),
      starts,
    );
    assert.ok(puts.every(({ start, end }) => end - start === size));
    assert.equal(late, 0);
  });
}

test('S10, S11: late by window, from grace behind its end on', () => {
  const map = new WindowMap(timeWindows(10, 5, 3));
  map.feed(17);
  assert.deepEqual(map.feed(7).puts.map(shown), ['[0,10] 7', '[5,15] 7'].slice(1));
  assert.equal(map.feed(7).late, 1);
  map.feed(18);
  assert.deepEqual(map.feed(7), { puts: [], merged: [], late: 2 });
});

test('without windows there is one, and it never closes', () => {
  const map = new WindowMap(NO_WINDOWS);
  map.feed(9e12);
  const { puts } = map.feed(0);
  assert.deepEqual([puts[0]!.records, NO_WINDOWS.closeMs(puts[0]!)], [2, NEVER]);
});
