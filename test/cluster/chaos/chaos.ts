/**
 * Streams workers on three brokers under load, with faults at random: whatever happens, each
 * notification is in its lane once, numbers are dense and in order, everything goes on by itself,
 * and no member stays behind in a group.
 */
import { progress } from '../../kit/servers/progress.ts';
import { Chance } from '../../sim/chance.ts';
import { until } from '../pipeline.ts';
import { Arena } from './arena.ts';
import { FAULTS, type FaultName, SESSION_TIMEOUT_MS, WEIGHTS } from './faults.ts';
import { judge, type Verdict } from './verdict.ts';

export interface ChaosOptions {
  readonly seed: number;
  readonly faults: number;
  /** Only these kinds; all by default. */
  readonly kinds?: readonly FaultName[];
}

export interface ChaosResult {
  readonly verdict: Verdict;
  /** What was not as it must be while it ran. */
  readonly troubles: readonly string[];
  /** By fault: how long until all was committed that was there when its cause was over. */
  readonly recoveries: readonly { readonly fault: string; readonly ms: number }[];
}

const WORKERS = 3;
/** Beyond the session time-out. */
const GRACE_MS = 10_000;
const GIVE_UP_MS = 120_000;
/** Lines of a worker that say that an invariant of the engine is broken. */
const BROKEN = /CAR801|A task has ended|uncaught/i;

export async function chaos(options: ChaosOptions): Promise<ChaosResult> {
  const chance = new Chance(options.seed);
  const weights = { ...WEIGHTS };
  for (const name of Object.keys(weights) as FaultName[]) {
    if (options.kinds?.includes(name) === false) weights[name] = 0;
  }
  const troubles: string[] = [];
  const recoveries: { fault: string; ms: number }[] = [];
  const arena = await Arena.start({ seed: options.seed, workers: WORKERS });
  try {
    await arena.movesOn(GIVE_UP_MS);
    for (let n = 1; n <= options.faults; n++) {
      const name = chance.weighted(weights);
      const startedAt = performance.now();
      const about = await FAULTS[name](arena, chance);
      const fault = `${n}: ${name}, ${about}`;
      const ms = await recovered(arena, fault, troubles);
      recoveries.push({ fault, ms });
      progress(`fault ${fault}; moves on after ${Math.round(ms)} ms`, startedAt);
    }
    await arena.load.stop();
    await arena.movesOn(GIVE_UP_MS);
    await sameMembers(arena, arena.workers.length, troubles);
    await arena.retire();
    await sameMembers(arena, 0, troubles);
    for (const worker of arena.everyone) {
      const line = worker.log.split('\n').find((one) => BROKEN.test(one));
      if (line !== undefined) troubles.push(line);
    }
    return { verdict: await judge(arena.log, arena.load.told), troubles, recoveries };
  } finally {
    await arena.stop();
  }
}

async function recovered(arena: Arena, fault: string, troubles: string[]): Promise<number> {
  const limitMs = SESSION_TIMEOUT_MS + GRACE_MS;
  const ms = await arena.movesOn(GIVE_UP_MS);
  if (ms > limitMs) troubles.push(`${fault}: stood still for ${Math.round(ms)} ms`);
  await sameMembers(arena, arena.workers.length, troubles);
  return ms;
}

/** Nobody is in a group but those that run; a ghost would outlive its session. */
async function sameMembers(arena: Arena, count: number, troubles: string[]): Promise<void> {
  let last: number[] = [];
  try {
    const isSo = async () => {
      last = await arena.members();
      return last.every((members) => members === count);
    };
    await until('all members are there', isSo, 2 * SESSION_TIMEOUT_MS + GRACE_MS);
  } catch {
    troubles.push(`members ${last} where ${count} workers run`);
  }
}
