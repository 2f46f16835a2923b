import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Chance } from '../chance.ts';
import { CANARIES } from './canaries.ts';
import { disturbed, scenarioOf, simulate } from './simulate.ts';
import type { Way, World } from './world.ts';
import { WORLDS } from './worlds.ts';

/** Always the same ones, so that a change is seen; `npm run sim -- words 1000 500` tries others. */
const SEEDS = Array.from({ length: 10 }, (_, i) => i + 1);
/** A canary must be found within so many runs. */
const CANARY_SEEDS = SEEDS.slice(0, 8);
/** What is run in all ways. */
const SAME_SEED = 101;

for (const world of WORLDS) {
  for (const seed of SEEDS) {
    test(`${world.name}: seed ${seed} holds (npm run sim -- ${world.name} ${seed})`, async () => {
      assert.deepEqual((await simulate(world, scenarioOf(world, seed))).faults, []);
    });
  }
}

/**
 * Ways to run the same. Where the task's clock decides, what is taken again at another time comes
 * out otherwise: so nothing crashes there.
 */
const WAYS: readonly (Omit<Way, 'partitions'> & { readonly isDisturbed: boolean })[] = [
  { commitEvery: 1, workers: 1, isDisturbed: false },
  { commitEvery: 7, workers: 1, isDisturbed: false },
  { commitEvery: 1_000, workers: 1, isDisturbed: false },
  { commitEvery: 1, workers: 3, isDisturbed: false },
  { commitEvery: 1_000, workers: 3, isDisturbed: false },
  { commitEvery: 1, workers: 1, isDisturbed: true },
  { commitEvery: 7, workers: 3, isDisturbed: true },
  { commitEvery: 1_000, workers: 3, isDisturbed: true },
];

async function inAllWays(world: World, seed: number) {
  const partitions = 4;
  const drawn = world.draw(new Chance(seed), partitions);
  const crash = world.hasClock === true ? 0 : 8;
  const weights = { nothing: 82, commit: 3, restart: 3, rebalance: 4, crash };
  const of = [];
  for (const [n, { isDisturbed, ...way }] of WAYS.entries()) {
    const happenings = isDisturbed ? disturbed(drawn, new Chance(seed + n), weights) : drawn;
    const run = await simulate(world, { happenings, way: { ...way, partitions } });
    assert.deepEqual(run.faults, [], JSON.stringify(WAYS[n]));
    of.push({ way: JSON.stringify(WAYS[n]), lines: run.lines.toSorted(), rows: run.rows });
  }
  return of;
}

for (const world of WORLDS) {
  test(`${world.name}: batches of 1, 7 and 1000, one or three workers, with and without restarts: the same`, async () => {
    const [first, ...others] = await inAllWays(world, SAME_SEED);
    assert.ok(first!.lines.length > 10);
    for (const { way, lines, rows } of others) {
      assert.deepEqual({ lines, rows }, { lines: first!.lines, rows: first!.rows }, way);
    }
  });
}

test('the seeds see every way of running, and each of what happens', () => {
  const of = WORLDS.flatMap((world) => SEEDS.map((seed) => scenarioOf(world, seed)));
  const ways = of.map(({ way }) => way);
  assert.deepEqual([...new Set(ways.map(({ partitions }) => partitions))].sort(), [1, 2, 4]);
  assert.deepEqual([...new Set(ways.map(({ workers }) => workers))].sort(), [1, 3]);
  assert.equal(new Set(ways.map(({ commitEvery }) => commitEvery)).size, 4);
  const kinds = of.flatMap(({ happenings }) =>
    happenings.map((one) => (one.kind === 'crash' ? `crash ${one.worker}` : one.kind)),
  );
  const crashes = ['crash 0', 'crash 1', 'crash 2', 'crash all'];
  const all = ['advance', 'commit', ...crashes, 'feed', 'rebalance', 'restart'];
  assert.deepEqual([...new Set(kinds)].sort(), all);
});

for (const { what, world, broken } of CANARIES) {
  test(`a canary is found: ${what}`, async () => {
    for (const seed of CANARY_SEEDS) {
      const faults = await simulate(world, scenarioOf(world, seed), broken()).then(
        (run) => run.faults,
        (error) => [error],
      );
      if (faults.length > 0) return;
    }
    assert.fail(`none of ${CANARY_SEEDS.length} seeds found it`);
  });
}
