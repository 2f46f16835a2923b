/** Programs of one aggregate, made by chance: any window, and records that come as they like. */
import { DRIVER_START_MS } from '../../runtime/driver/driver.ts';
import type { Chance } from '../sim/chance.ts';
import type { Fed, Program } from './program.ts';

export type AggregateWindow =
  | readonly ['none']
  | readonly ['tumbling' | 'sliding' | 'session', number]
  | readonly ['hopping', number, number];

export interface AggregateProgram extends Program {
  readonly kind: 'aggregate';
  readonly window: AggregateWindow;
  readonly grace: number;
  readonly emit: 'updates' | 'final';
}

/** The key of the last record, which is only there so that all other windows close. */
export const LAST_KEY = '~';
const KEYS = ['a', 'ab', 'b', 'c'];
/** The default of `max_future`: how far ahead of the clock a record may be. */
const MAX_FUTURE_MS = 600_000;
const DAY_MS = 86_400_000;
/** So far that by then all windows of all programs have closed. */
const END_MS = 5_000;

function windowOf(chance: Chance): AggregateWindow {
  const size = chance.pick([1, 5, 10, 16]);
  switch (chance.weighted({ none: 1, tumbling: 3, hopping: 4, sliding: 5, session: 5 })) {
    case 'none':
      return ['none'];
    case 'tumbling':
      return ['tumbling', size];
    case 'hopping':
      return ['hopping', size, 1 + chance.below(size)];
    case 'sliding':
      return ['sliding', size];
    default:
      return ['session', size];
  }
}

export function aggregateProgram(chance: Chance): AggregateProgram {
  const window = windowOf(chance);
  const grace = chance.pick([0, 0, 1, 5, 20]);
  const isFinal = window[0] !== 'none' && chance.is(0.5);
  // From the epoch on, where windows cannot begin earlier, or from a time of today.
  const base = chance.is(0.3) ? 0 : DRIVER_START_MS;
  const until = DRIVER_START_MS + MAX_FUTURE_MS - base;
  const records: Fed[] = [];
  let nowMs = chance.below(12);
  for (let rest = 12 + chance.below(20); rest > 0; rest--) {
    nowMs += chance.weighted({ on: 6, jump: 1 }) === 'jump' ? chance.below(40) : chance.below(4);
    records.push(...recordsAt(chance, nowMs, until, base));
  }
  records.push(['in', LAST_KEY, END_MS, [0]]);
  return {
    kind: 'aggregate',
    base,
    until,
    window,
    grace,
    emit: isFinal ? 'final' : 'updates',
    records,
  };
}

function recordsAt(chance: Chance, nowMs: number, until: number, base: number): readonly Fed[] {
  const key = chance.pick(KEYS);
  const x = chance.is(0.1) ? null : chance.below(200) - 100;
  const how = chance.weighted({ now: 12, late: 6, tied: 2, twice: 1, odd: 2 });
  if (how === 'late') return [['in', key, Math.max(0, nowMs - chance.below(30)), [x]]];
  if (how === 'tied') return KEYS.map((each): Fed => ['in', each, nowMs, [x]]);
  if (how === 'twice')
    return [
      ['in', key, nowMs, [x]],
      ['in', key, nowMs, [x]],
    ];
  if (how === 'now') return [['in', key, nowMs, [x]]];
  return [
    chance.pick<Fed>([
      ['in', key, -base - 1 - chance.below(9), [x]],
      ['in', key, until + 1 + chance.below(DAY_MS), [x]],
      ['in', key, nowMs, null],
      ['in', null, nowMs, [x]],
    ]),
  ];
}
