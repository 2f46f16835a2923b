/**
 * Simulates the engine for one seed, or for many from a seed on, and says what does not hold.
 *
 *   node test/sim/run.ts 123        seed 123 (npm run sim -- 123)
 *   node test/sim/run.ts 1 500      500 seeds from 1 on
 */
import { faultsOf } from './invariants.ts';
import { scenarioOf } from './scenario.ts';
import { simulate } from './simulation.ts';

async function main([first = '1', count = '1']: readonly string[]): Promise<number> {
  const [from, seeds] = [Number(first), Number(count)];
  if (!Number.isInteger(from) || !Number.isInteger(seeds) || seeds < 1) {
    process.stderr.write('Usage: npm run sim -- <seed> [how many]\n');
    return 2;
  }
  const beganMs = performance.now();
  let failed = 0;
  for (let seed = from; seed < from + seeds; seed++) {
    const scenario = scenarioOf(seed);
    let faults: string[];
    let told = '';
    try {
      const run = await simulate(scenario);
      faults = faultsOf(run);
      const { notifications, given } = run.driven;
      told = `${notifications.length} notifications, ${given.length} deliveries, ${run.fingerprint}`;
    } catch (error) {
      faults = [error instanceof Error ? (error.stack ?? error.message) : String(error)];
    }
    if (faults.length > 0) failed++;
    if (faults.length === 0 && seeds > 1) continue;
    const { actions, ...settings } = scenario;
    const of = JSON.stringify({ ...settings, actions: actions.length });
    process.stdout.write(`${of}: ${faults.length === 0 ? 'holds' : 'FAILS'} ${told}\n`);
    for (const fault of faults) process.stdout.write(`  ${fault}\n`);
  }
  const seconds = (performance.now() - beganMs) / 1_000;
  const rate = (seeds / seconds).toFixed(1);
  process.stdout.write(`${seeds} seeds, ${failed} failed, ${rate} seeds/s\n`);
  return failed > 0 ? 1 : 0;
}

process.exitCode = await main(process.argv.slice(2));
