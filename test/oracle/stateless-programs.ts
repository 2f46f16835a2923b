/** Programs of the words that keep nothing, made by chance: a few steps, branches, and a merge. */
import { DRIVER_START_MS } from '../../runtime/driver/driver.ts';
import type { Chance } from '../sim/chance.ts';
import type { Fed, Program } from './program.ts';

export type StatelessStep =
  | readonly ['filter' | 'map', number]
  | readonly ['flat_map']
  | readonly ['rekey'];

/** A value is `[x, to, xs]`: a number, the key of `rekey`, and what `flat_map` takes apart. */
export interface StatelessProgram extends Program {
  readonly kind: 'stateless';
  readonly steps: readonly StatelessStep[];
  /** The least x of each branch, the first of which that fits takes a record; null: none. */
  readonly branch: readonly number[] | null;
  /** Whether what no branch takes is one more. */
  readonly rest: boolean;
}

const KEYS = ['a', 'ab', 'b'];
const OTHERS = ['p', 'pq', 'q'];
/** The default of `max_future`: how far ahead of the clock a record may be. */
const MAX_FUTURE_MS = 600_000;
const DAY_MS = 86_400_000;

export function statelessProgram(chance: Chance): StatelessProgram {
  const base = chance.is(0.3) ? 0 : DRIVER_START_MS;
  const until = DRIVER_START_MS + MAX_FUTURE_MS - base;
  const branch = chance.is(0.3) ? null : branchesOf(chance);
  const rest = chance.is(0.5);
  const steps = stepsOf(chance);
  const records = Array.from({ length: 12 + chance.below(20) }, (_, n) =>
    fed(chance, n, base, until),
  );
  return { kind: 'stateless', base, until, steps, branch, rest, records };
}

/** Descending or not: one that stands behind a wider one gets nothing. */
function branchesOf(chance: Chance): number[] {
  const all = new Set(Array.from({ length: 1 + chance.below(3) }, () => chance.below(80) - 40));
  return chance.is(0.7) ? [...all].sort((a, b) => b - a) : [...all];
}

function stepsOf(chance: Chance): StatelessStep[] {
  const steps: StatelessStep[] = [];
  const once = new Set<string>();
  for (let rest = 1 + chance.below(5); rest > 0; rest--) {
    const name = chance.weighted({ filter: 3, map: 3, flat_map: 2, rekey: 2 });
    if (name === 'filter') steps.push([name, chance.below(80) - 60]);
    else if (name === 'map') steps.push([name, chance.below(40) - 20]);
    else if (!once.has(name)) steps.push([name]);
    once.add(name);
  }
  return steps;
}

function fed(chance: Chance, n: number, base: number, until: number): Fed {
  const xs = Array.from({ length: chance.below(4) }, () => chance.below(100) - 50);
  const to = chance.is(0.1) ? null : chance.pick(OTHERS);
  const value = [chance.below(100) - 50, to, xs];
  const key = chance.pick(KEYS);
  const how = chance.weighted({ now: 14, late: 3, keyless: 1, empty: 1, negative: 1, ahead: 1 });
  if (how === 'late') return ['in', key, Math.max(0, 4 * n - chance.below(30)), value];
  if (how === 'keyless') return ['in', null, 4 * n, value];
  if (how === 'empty') return ['in', key, 4 * n, null];
  if (how === 'negative') return ['in', key, -base - 1 - chance.below(9), value];
  if (how === 'ahead') return ['in', key, until + 1 + chance.below(DAY_MS), value];
  return ['in', key, 4 * n, value];
}
