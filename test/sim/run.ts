/**
 * Simulates the engine for one seed, or for many from a seed on, and says what does not hold.
 *
 *   node test/sim/run.ts 123           seed 123 of RENO's topology (npm run sim -- 123)
 *   node test/sim/run.ts 1 500         500 seeds from 1 on
 *   node test/sim/run.ts words 1 100   of each world of other words (words/worlds.ts)
 *   node test/sim/run.ts pairs 7       of one of them
 */
import { faultsOf } from './invariants.ts';
import { scenarioOf } from './scenario.ts';
import { simulate } from './simulation.ts';
import * as words from './words/simulate.ts';
import type { World } from './words/world.ts';
import { WORLDS } from './words/worlds.ts';

const USAGE = `Usage: npm run sim -- [words | ${WORLDS.map(({ name }) => name).join(' | ')}] <seed> [how many]\n`;

interface Judged {
  readonly of: string;
  readonly told: string;
  readonly faults: readonly string[];
}

async function reno(seed: number): Promise<Judged> {
  const scenario = scenarioOf(seed);
  const { actions, ...settings } = scenario;
  const run = await simulate(scenario);
  const { notifications, given } = run.driven;
  return {
    of: JSON.stringify({ ...settings, actions: actions.length }),
    told: `${notifications.length} notifications, ${given.length} deliveries, ${run.fingerprint}`,
    faults: faultsOf(run),
  };
}

async function ofWorld(world: World, seed: number): Promise<Judged> {
  const scenario = words.scenarioOf(world, seed);
  const { happenings, way } = scenario;
  const { lines, faults } = await words.simulate(world, scenario);
  const of = JSON.stringify({ world: world.name, seed, ...way, happenings: happenings.length });
  return { of, told: `${lines.length} lines`, faults };
}

function judgesOf(name: string | undefined): ((seed: number) => Promise<Judged>)[] {
  if (name === undefined) return [reno];
  const worlds = WORLDS.filter((world) => name === 'words' || world.name === name);
  return worlds.map((world) => (seed: number) => ofWorld(world, seed));
}

async function main(args: readonly string[]): Promise<number> {
  const name = /^[a-z]/.test(args[0] ?? '') ? args[0] : undefined;
  const [first = '1', count = '1'] = name === undefined ? args : args.slice(1);
  const [from, seeds] = [Number(first), Number(count)];
  const judges = judgesOf(name);
  if (!Number.isInteger(from) || !Number.isInteger(seeds) || seeds < 1 || judges.length === 0) {
    process.stderr.write(USAGE);
    return 2;
  }
  const beganMs = performance.now();
  let failed = 0;
  for (let seed = from; seed < from + seeds; seed++) {
    for (const judge of judges) {
      const { of, told, faults } = await judge(seed).catch((error: Error) => {
        const what = error.stack ?? error.message;
        return { of: `seed ${seed}`, told: '', faults: [what] };
      });
      if (faults.length > 0) failed++;
      if (faults.length === 0 && seeds > 1) continue;
      process.stdout.write(`${of}: ${faults.length === 0 ? 'holds' : 'FAILS'} ${told}\n`);
      for (const fault of faults) process.stdout.write(`  ${fault}\n`);
    }
  }
  const seconds = (performance.now() - beganMs) / 1_000;
  const rate = ((seeds * judges.length) / seconds).toFixed(1);
  process.stdout.write(
    `seeds from ${from} to ${from + seeds - 1}, ${failed} failed, ${rate} runs/s\n`,
  );
  return failed > 0 ? 1 : 0;
}

process.exitCode = await main(process.argv.slice(2));
