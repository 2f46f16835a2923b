/** Programs of one join of two tables, made by chance, of rows that come anyhow. */
import { DRIVER_START_MS } from '../../runtime/driver/driver.ts';
import type { Chance } from '../sim/chance.ts';
import type { Fed, Program } from './program.ts';

/** By their keys. */
export interface TablePairProgram extends Program {
  readonly kind: 'table-pair';
  readonly type: 'inner' | 'left' | 'outer';
}

/** By the key of the right row that a left one names; a left value has a name and that key. */
export interface ForeignJoinProgram extends Program {
  readonly kind: 'foreign-join';
  readonly type: 'inner' | 'left';
}

const KEYS = ['a', 'ab', 'b'];
/** Of right rows; the last is hardly ever there. */
const FOREIGN_KEYS = ['p', 'pq', 'q'];
const DAY_MS = 86_400_000;
/** Rows of any time are judged: a table has no lateness. */
const UNTIL_MS = 400 * DAY_MS;

export function tablePairProgram(chance: Chance): TablePairProgram {
  const named = (name: string) => [name];
  return {
    kind: 'table-pair',
    type: chance.pick(['inner', 'left', 'outer']),
    ...records(chance, KEYS, named),
  };
}

export function foreignJoinProgram(chance: Chance): ForeignJoinProgram {
  const named = (name: string, isLeft: boolean) => {
    if (!isLeft) return [name];
    const how = chance.weighted({ some: 8, none: 1 });
    return [name, how === 'none' ? null : chance.pick(FOREIGN_KEYS)];
  };
  return {
    kind: 'foreign-join',
    type: chance.pick(['inner', 'left']),
    ...records(chance, FOREIGN_KEYS, named),
  };
}

function records(
  chance: Chance,
  rightKeys: readonly string[],
  named: (name: string, isLeft: boolean) => readonly unknown[],
): Pick<Program, 'base' | 'until' | 'records'> {
  const base = chance.is(0.3) ? 0 : DRIVER_START_MS;
  const fed: Fed[] = [];
  let nowMs = chance.below(12);
  for (let n = 0, count = 16 + chance.below(24); n < count; n++) {
    nowMs += chance.weighted({ on: 6, jump: 1 }) === 'jump' ? chance.below(40) : chance.below(5);
    const isLeft = chance.is(0.6);
    const topic = isLeft ? 'left' : 'right';
    const key = chance.pick(isLeft ? KEYS : rightKeys);
    const value = named(`${topic[0]}${n}`, isLeft);
    const how = chance.weighted({ now: 12, late: 6, twice: 2, gone: 4, keyless: 1, ahead: 1 });
    if (how === 'now') fed.push([topic, key, nowMs, value]);
    else if (how === 'late') fed.push([topic, key, Math.max(0, nowMs - chance.below(30)), value]);
    else if (how === 'twice') fed.push([topic, key, nowMs, value], [topic, key, nowMs, value]);
    else if (how === 'gone') fed.push([topic, key, nowMs, null]);
    else if (how === 'keyless') fed.push([topic, null, nowMs, value]);
    else fed.push([topic, key, nowMs + DAY_MS + chance.below(DAY_MS), value]);
  }
  return { base, until: UNTIL_MS, records: fed };
}
