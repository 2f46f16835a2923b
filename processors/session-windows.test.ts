import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shown, WindowMap } from '../test/kit/windows.ts';
import { Chance } from '../test/sim/chance.ts';
import { sessionWindows } from './session-windows.ts';

const HOUR_MS = 3_600_000;

test('S19: a pause of gap still joins, one more does not', () => {
  const map = new WindowMap(sessionWindows(5, HOUR_MS));
  for (const atMs of [0, 10, 16]) map.feed(atMs);
  assert.deepEqual([...map.windows.values()].map(shown), ['[0,0] 0', '[10,10] 10', '[16,16] 16']);
  const { puts, merged } = map.feed(5);
  assert.deepEqual(
    [puts, merged].map((all) => all.map(shown)),
    [['[0,10] 0 5 10'], ['[0,0] 0', '[10,10] 10']],
  );
});

test('S20: what falls inside replaces no session', () => {
  const map = new WindowMap(sessionWindows(5, HOUR_MS));
  for (const atMs of [0, 4]) map.feed(atMs);
  assert.deepEqual(map.feed(2).merged, []);
  assert.deepEqual(map.feed(4).merged, []);
});

test('S21: judged after merging', () => {
  const map = new WindowMap(sessionWindows(5, 5));
  map.feed(30);
  assert.equal(map.feed(19).late, 1);
  assert.equal(map.feed(20).late, 0);
  assert.deepEqual(map.feed(15).puts.map(shown), ['[15,20] 15 20']);
  assert.equal(map.feed(9).late, 1);
});

/** Records that no pause longer than gap parts. */
function sessionsOf(times: readonly number[], gapMs: number): string[] {
  const sessions: number[][] = [];
  for (const atMs of times.toSorted((a, b) => a - b)) {
    const last = sessions.at(-1);
    if (last !== undefined && atMs - last.at(-1)! <= gapMs) last.push(atMs);
    else sessions.push([atMs]);
  }
  return sessions.map((all) => [`[${all[0]},${all.at(-1)}]`, ...all].join(' '));
}

test('whatever the order, sessions are what pauses part', () => {
  const chance = new Chance(7);
  for (let run = 0; run < 200; run++) {
    const map = new WindowMap(sessionWindows(5, HOUR_MS));
    const times = Array.from({ length: 1 + chance.below(25) }, () => chance.below(120));
    for (const atMs of times) map.feed(atMs);
    const told = map.starts().map((start) => shown(map.windows.get(start)!));
    assert.deepEqual(told, sessionsOf(times, 5), times.join());
  }
});
