import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NEVER } from '../core/store.ts';
import { shown, WindowMap } from '../test/kit/windows.ts';
import { Chance } from '../test/sim/chance.ts';
import { slidingWindows } from './sliding-windows.ts';

const HOUR_MS = 3_600_000;
const D = 10;

const inOrder = (map: WindowMap) => map.starts().map((start) => shown(map.windows.get(start)!));

/**
 * S16, S18: of each record the window that ends with it, or [0, d], and the one that begins behind
 * it, where that has a record.
 */
function windowsOf(times: readonly number[]): string[] {
  const starts = new Set<number>();
  for (const atMs of times) {
    starts.add(Math.max(0, atMs - D));
    if (times.some((other) => other > atMs && other <= atMs + 1 + D)) starts.add(atMs + 1);
  }
  return [...starts]
    .sort((a, b) => a - b)
    .map((start) => {
      const inside = times.filter((atMs) => atMs >= start && atMs <= start + D);
      return [`[${start},${start + D}]`, ...inside.toSorted((a, b) => a - b)].join(' ');
    });
}

test('S17: the example of the rules', () => {
  const map = new WindowMap(slidingWindows(D, HOUR_MS));
  const told = [20, 25, 23].map((atMs) => map.feed(atMs).puts.map(shown));
  assert.deepEqual(told, [
    ['[10,20] 20'],
    ['[15,25] 20 25', '[21,31] 25'],
    ['[13,23] 20 23', '[15,25] 20 23 25', '[21,31] 23 25', '[24,34] 25'],
  ]);
});

for (const [what, from] of [
  ['from the epoch on', 0],
  ['later', 1_000],
] as const) {
  test(`whatever the order, windows are those with different records, ${what}`, () => {
    const chance = new Chance(11);
    for (let run = 0; run < 300; run++) {
      const map = new WindowMap(slidingWindows(D, HOUR_MS));
      const times = Array.from({ length: 1 + chance.below(14) }, () => from + chance.below(45));
      for (const atMs of times) map.feed(atMs);
      assert.deepEqual(inOrder(map), windowsOf(times), times.join());
    }
  });
}

test('what is forgotten is never asked for again', () => {
  const chance = new Chance(13);
  for (let run = 0; run < 300; run++) {
    const grace = chance.below(6);
    const windows = slidingWindows(D, grace);
    const forgetting = new WindowMap(windows);
    const keeping = new WindowMap({ ...windows, forgetMs: () => NEVER });
    let nowMs = 100;
    for (let rest = 30; rest > 0; rest--) {
      nowMs += chance.below(5);
      const atMs = nowMs - chance.below(30);
      const [one, other] = [forgetting.feed(atMs), keeping.feed(atMs)];
      assert.deepEqual([one.puts.map(shown), one.late], [other.puts.map(shown), other.late]);
    }
    assert.ok(forgetting.windows.size < keeping.windows.size);
  }
});

test('S18: each window is open until stream time is grace behind its end, which is in it', () => {
  const map = new WindowMap(slidingWindows(D, 5));
  for (const atMs of [100, 95]) map.feed(atMs);
  const own = map.feed(90);
  assert.deepEqual(
    [own.puts.map(shown), own.late],
    [['[85,95] 90 95', '[90,100] 90 95 100', '[91,101] 95 100'], 1],
  );
  const other = map.feed(84);
  assert.deepEqual(other, { puts: [], merged: [], late: 1 });
});
