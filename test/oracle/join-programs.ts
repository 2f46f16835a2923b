/** Programs of one join, made by chance: with a stream or a table, of records that come anyhow. */
import { DRIVER_START_MS } from '../../runtime/driver/driver.ts';
import type { Chance } from '../sim/chance.ts';
import type { Fed, Program } from './program.ts';

export interface StreamJoinProgram extends Program {
  readonly kind: 'stream-join';
  readonly type: 'inner' | 'left' | 'outer';
  readonly before: number;
  readonly after: number;
  readonly grace: number;
}

export interface TableJoinProgram extends Program {
  readonly kind: 'table-join';
  readonly type: 'inner' | 'left';
}

/** Of records that are only there so that all windows close, which no other record has. */
export const LAST_KEY = '~';
const KEYS = ['a', 'ab', 'b'];
/** The default of `max_future`: how far ahead of the clock a record may be. */
const MAX_FUTURE_MS = 600_000;
const DAY_MS = 86_400_000;
/** So far that by then all windows of all programs have closed. */
const END_MS = 5_000;

export function streamJoinProgram(chance: Chance): StreamJoinProgram {
  const bound = () => chance.pick([0, 1, 5, 10, 10, 16]);
  const before = bound();
  const isEven = chance.is(0.5);
  // Half of them take what comes late within the grace alone, so that nothing is too late.
  const grace = chance.pick([0, 1, 5, 20, 60, 60, 60]);
  const lateMs = chance.is(0.5) ? Math.min(grace, 30) : 30;
  return {
    kind: 'stream-join',
    type: chance.pick(['inner', 'left', 'outer']),
    before,
    after: isEven ? before : bound(),
    grace,
    ...records(chance, ['own', 'other'], lateMs, 'skip'),
  };
}

export function tableJoinProgram(chance: Chance): TableJoinProgram {
  return {
    kind: 'table-join',
    type: chance.pick(['inner', 'left']),
    ...records(chance, ['own', 'table'], 30, 'delete'),
  };
}

/** `nulls`: what a record without a value is on the side of the other. */
function records(
  chance: Chance,
  [own, other]: readonly [string, string],
  lateMs: number,
  nulls: 'skip' | 'delete',
): Pick<Program, 'base' | 'until' | 'records'> {
  const base = chance.is(0.3) ? 0 : DRIVER_START_MS;
  const until = DRIVER_START_MS + MAX_FUTURE_MS - base;
  const fed: Fed[] = [];
  let nowMs = chance.below(12);
  for (let n = 0, count = 16 + chance.below(24); n < count; n++) {
    nowMs += chance.weighted({ on: 6, jump: 1 }) === 'jump' ? chance.below(40) : chance.below(5);
    const topic = chance.pick([own, other]);
    const key = chance.pick(KEYS);
    const at = (atMs: number): Fed => [topic, key, atMs, [`${topic[0]}${n}`]];
    const how = chance.weighted({
      now: 12,
      late: 6,
      tied: 3,
      gone: nulls === 'delete' ? 3 : 1,
      odd: 1,
    });
    if (how === 'now') fed.push(at(nowMs));
    else if (how === 'late') fed.push(at(Math.max(0, nowMs - chance.below(lateMs + 1))));
    else if (how === 'tied') {
      fed.push([own, key, nowMs, [`o${n}`]], [other, key, nowMs, [`${other[0]}${n}t`]]);
    } else if (how === 'gone') fed.push([other, key, nowMs, null]);
    else {
      // The time of a row is its record's, and decides nothing.
      const timed = nulls === 'delete' ? own : topic;
      fed.push(
        chance.pick<Fed>([
          [timed, key, -base - 1 - chance.below(9), ['negative']],
          [timed, key, until + 1 + chance.below(DAY_MS), ['ahead']],
          [topic, null, nowMs, ['keyless']],
          [own, key, nowMs, null],
        ]),
      );
    }
  }
  if (nulls === 'skip') fed.push([own, LAST_KEY, END_MS, ['last']]);
  return { base, until, records: fed };
}
