import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Concurrency } from './concurrency.ts';

/** The limits after each round in which `troubles` of 100 answers are of trouble. */
function limits(max: number, rounds: readonly number[]): number[] {
  const concurrency = new Concurrency(max);
  return rounds.map((share) => {
    const size = Math.max(10, concurrency.limit);
    const bad = Math.floor((size * share) / 100);
    for (let i = 0; i < size; i++) concurrency.answered(i < bad);
    return concurrency.limit;
  });
}

for (const [what, max, rounds, expected] of [
  ['it begins where the topology allows it', 256, [], []],
  ['all well: as many as may be', 256, [0, 0], [256, 256]],
  ['a few refusals are no overload', 256, [2, 10], [256, 256]],
  ['exactly a tenth is none either', 100, [10, 11], [100, 50]],
  ['halved at each round in trouble', 256, [11, 50, 100], [128, 64, 32]],
  ['never below a thirty-second', 256, [50, 50, 50, 50, 50, 50, 50], [128, 64, 32, 16, 8, 8, 8]],
  ['back up in steps', 256, [50, 0, 0, 0], [128, 136, 144, 152]],
  ['never above the bound', 256, [0, 0, 0], [256, 256, 256]],
  ['one is never none', 1, [100, 100], [1, 1]],
  ['small bounds', 8, [50, 50, 50, 50, 0], [4, 2, 1, 1, 2]],
] as const) {
  test(what, () => assert.deepEqual(limits(max, rounds), expected));
}

test('it is judged once a round: as many answers as are in flight, at least 10', () => {
  const concurrency = new Concurrency(64);
  for (let i = 0; i < 63; i++) concurrency.answered(true);
  assert.equal(concurrency.limit, 64);
  concurrency.answered(true);
  assert.equal(concurrency.limit, 32);
});
