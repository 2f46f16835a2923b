import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CANARIES } from './canaries.ts';
import { faultsOf } from './invariants.ts';
import { scenarioOf } from './scenario.ts';
import { simulate } from './simulation.ts';

/** Always the same ones, so that a change is seen; `npm run sim -- 1000 500` tries others. */
const SEEDS = Array.from({ length: 32 }, (_, i) => i + 1);
/** A canary must be found within so many runs. */
const CANARY_SEEDS = SEEDS.slice(0, 10);

for (const seed of SEEDS) {
  test(`seed ${seed} holds (npm run sim -- ${seed})`, async () => {
    assert.deepEqual(faultsOf(await simulate(scenarioOf(seed))), []);
  });
}

test('the seeds see every way of running', () => {
  const of = SEEDS.map(scenarioOf);
  const ways = new Set(of.map((one) => `${one.coalesces} ${one.sinksFail}`));
  assert.equal(ways.size, 4);
  const kinds = of.map(({ actions }) => new Set(actions.map(({ kind }) => kind)));
  assert.ok(
    kinds.some((seen) => !seen.has('crash') && !seen.has('restart')),
    'a calm one',
  );
  assert.deepEqual([...new Set(of.map(({ partitions }) => partitions))].sort(), [1, 2, 4]);
  assert.deepEqual([...new Set(of.map(({ commitEvery }) => commitEvery))].sort(), [1, 12, 3]);
});

test('the same seed gives the same run, byte for byte', async () => {
  for (const seed of SEEDS.slice(0, 8)) {
    const scenario = { ...scenarioOf(seed), sinksHang: false };
    const [first, second] = [await simulate(scenario), await simulate(scenario)];
    assert.equal(first.fingerprint, second.fingerprint, `seed ${seed}`);
  }
});

for (const { what, spec } of CANARIES) {
  test(`a canary is found: ${what}`, async () => {
    for (const seed of CANARY_SEEDS) {
      const found = await simulate(scenarioOf(seed), [spec()]).then(faultsOf, (error) => [error]);
      if (found.length > 0) return;
    }
    assert.fail(`none of ${CANARY_SEEDS.length} seeds found it`);
  });
}
