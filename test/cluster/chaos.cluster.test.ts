/** The short form of `npm run chaos`: a few faults, then what stands in the lanes is judged. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chaos } from './chaos/chaos.ts';
import { worldSkip } from './world.ts';

const SEED = Number(process.env.SEED ?? Date.now() % 1_000_000);
const FAULTS_MAX = 10;
/** No fault begins after; servers take their time before, and the verdict after. */
const WITHIN_MS = 40_000;
/** How fast work goes on is measured on a quiet machine (`npm run chaos`); here, that it does. */
const STANDSTILL_MS = 90_000;

test(`faults on three brokers lose and double nothing (SEED=${SEED})`, {
  skip: await worldSkip(),
  timeout: 480_000,
}, async () => {
  const { verdict, troubles } = await chaos({
    seed: SEED,
    faults: FAULTS_MAX,
    withinMs: WITHIN_MS,
    standstillMs: STANDSTILL_MS,
  });
  assert.deepEqual([...troubles, ...verdict.faults], []);
  assert.ok(verdict.found > 0);
});
