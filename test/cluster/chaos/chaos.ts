/**
 * Streams workers on three brokers under load, with faults at random: whatever happens, each
 * notification is in its lane once, numbers are dense and in order, everything goes on by itself,
 * and no member stays behind in a group.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { progress } from '../../kit/servers/progress.ts';
import { Chance } from '../../sim/chance.ts';
import { until } from '../pipeline.ts';
import { Arena } from './arena.ts';
import { FAULTS, type FaultName, SESSION_TIMEOUT_MS, WEIGHTS } from './faults.ts';
import { ProgressWatch } from './progress-watch.ts';
import { judge, type Verdict } from './verdict.ts';

export interface ChaosOptions {
  readonly seed: number;
  readonly faults: number;
  /** No fault begins later than so long after the load has. */
  readonly withinMs?: number;
  /** Only these kinds; all by default. */
  readonly kinds?: readonly FaultName[];
  /** A fault after which a part of the work stands still for longer is a trouble. */
  readonly standstillMs?: number;
  /** Where the workers' logs go in the end. */
  readonly keep?: string;
}

export interface ChaosResult {
  readonly verdict: Verdict;
  /** What was not as it must be while it ran. */
  readonly troubles: readonly string[];
  /** By fault: the longest time that a part of the work stood still, from its beginning on. */
  readonly standstills: readonly { readonly fault: string; readonly ms: number }[];
}

const WORKERS = 3;
/** Beyond the session time-out. */
const GRACE_MS = 10_000;
const LIMIT_MS = SESSION_TIMEOUT_MS + GRACE_MS;
const GIVE_UP_MS = 120_000;
/** Lines of a worker that say that an invariant of the engine is broken. */
const BROKEN = /CAR801|A task has ended|uncaught/i;

export async function chaos(options: ChaosOptions): Promise<ChaosResult> {
  const chance = new Chance(options.seed);
  const weights = { ...WEIGHTS };
  for (const name of Object.keys(weights) as FaultName[]) {
    if (options.kinds?.includes(name) === false) weights[name] = 0;
  }
  const standstillMs = options.standstillMs ?? LIMIT_MS;
  const troubles: string[] = [];
  const standstills: { fault: string; ms: number }[] = [];
  const arena = await Arena.start({ seed: options.seed, workers: WORKERS });
  const watch = new ProgressWatch(arena);
  try {
    await arena.movesOn(GIVE_UP_MS);
    watch.start();
    const untilMs = performance.now() + (options.withinMs ?? Number.POSITIVE_INFINITY);
    for (let n = 1; n <= options.faults && performance.now() < untilMs; n++) {
      const name = chance.weighted(weights);
      const startedAt = performance.now();
      watch.longestMs();
      const about = await FAULTS[name](arena, chance);
      const fault = `${n}: ${name}, ${about}`;
      await arena.movesOn(GIVE_UP_MS);
      const ms = Math.round(watch.longestMs());
      standstills.push({ fault, ms });
      progress(`fault ${fault}; the longest standstill ${ms} ms`, startedAt);
      if (ms > standstillMs) troubles.push(`${fault}: stood still for ${ms} ms`);
      await sameMembers(arena, arena.workers.length, troubles);
    }
    await watch.stop();
    await arena.load.stop();
    await arena.movesOn(GIVE_UP_MS);
    await sameMembers(arena, arena.workers.length, troubles);
    await arena.retire();
    await sameMembers(arena, 0, troubles);
    for (const worker of arena.everyone) {
      const line = worker.log.split('\n').find((one) => BROKEN.test(one));
      if (line !== undefined) troubles.push(line);
    }
    return { verdict: await judge(arena.log, arena.load.told), troubles, standstills };
  } finally {
    for (const worker of options.keep === undefined ? [] : arena.everyone) {
      writeFileSync(join(options.keep!, `worker-${worker.pid}.log`), worker.log);
    }
    await watch.stop();
    await arena.stop();
  }
}

/** Nobody is in a group but those that run; a ghost would outlive its session. */
async function sameMembers(arena: Arena, count: number, troubles: string[]): Promise<void> {
  let last: number[] = [];
  try {
    const isSo = async () => {
      last = await arena.members();
      return last.every((members) => members === count);
    };
    await until('all members are there', isSo, GIVE_UP_MS);
  } catch {
    troubles.push(`members ${last} where ${count} workers run`);
  }
}
