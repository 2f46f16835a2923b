/**
 * How much an edit of a topology puts at stake: events that a step holds, events and notifications
 * that nobody has read, rows whose meaning is another. Each is a loss with its code until somebody
 * says what becomes of it.
 */
import type { ErrorCode } from '../../core/error-table.ts';
import type { Log, PositionReader } from '../../core/log.ts';
import { type AppliedInstance, type AppliedStore, rekeyOf } from './applied.ts';
import type { StoreEdit, StreamEdit } from './compare.ts';
import { type LaneEdit, unreadOf } from './lane-edits.ts';
import { formerPositions } from './planned-positions.ts';
import { countHeld, countRows, readRows } from './state-rows.ts';

/** What can be lost, and how many. */
export interface Loss {
  readonly code: ErrorCode;
  /** Of a stream; a sink and a table have none. */
  readonly id?: string;
  /** A stream, a sink, or a table. */
  readonly of: string;
  readonly step: string;
  /** Of the step in one instance of the stream; empty for what is unread. */
  readonly changelog: string;
  readonly before?: AppliedStore['before'];
  readonly count: number;
  /** `held`: by a step. `unread`: in a topic. `rows`: of a table, or a step that holds none. */
  /** `devices`: nobody knows how many. */
  readonly unit: 'held' | 'unread' | 'rows' | 'devices';
  readonly what: string;
}

/** Stores of former groups whose held records are to be let go. */
export interface Release {
  readonly group: string;
  readonly changelog: string;
  readonly id: string;
  readonly stream: string;
  readonly step: string;
  readonly count: number;
}

/** What a sink that ends has not delivered yet: it is delivered first, unless it is dropped. */
export interface LaneRest {
  readonly edit: LaneEdit;
  readonly count: number;
}

export interface Stakes {
  readonly losses: readonly Loss[];
  readonly lanes: readonly LaneRest[];
  /** Let go without being asked: what follows is as it was, and nothing is lost. */
  readonly releases: readonly Release[];
  /** Groups of the former topology that must read their inputs to one position. */
  readonly aligns: readonly string[];
}

export interface StakesLog extends Pick<Log, 'read' | 'partitionsOf'> {
  readonly positions: PositionReader;
}

export async function stakesOf(
  log: StakesLog,
  streams: readonly StreamEdit[],
  lanes: readonly LaneEdit[],
): Promise<Stakes> {
  const losses: Loss[] = [];
  const releases: Release[] = [];
  const aligns = new Set<string>();
  for (const edit of streams) {
    for (const store of edit.stores) {
      // What a step has only remembered is of no use without it.
      const matters = store.how === 'resets' || (store.how === 'ends' && store.holds);
      if (!matters) continue;
      const rows = await readRows(log, store.from!);
      const count = store.holds ? countHeld(rows, store.before) : countRows(rows);
      if (count === 0) continue;
      if (isReleased(edit, store)) releases.push(releaseOf(edit, store, count));
      else losses.push(...storeLoss(edit, store, count));
    }
    // What it lets go may come to a step behind it, which then holds it.
    const letting = new Set(releases.filter((r) => r.stream === edit.name).map((r) => r.group));
    for (const store of edit.stores) {
      const isAhead = store.holds && store.how === 'ends' && letting.has(store.fromGroup ?? '');
      if (isAhead && !releases.some(({ changelog }) => changelog === store.from)) {
        releases.push(releaseOf(edit, store, 0));
      }
    }
    if (edit.is === null || edit.readsAnother) losses.push(...(await unreadLoss(log, edit)));
    if (edit.aligns && !(await areAligned(log, edit))) {
      for (const { group } of edit.was!.instances) aligns.add(group);
    }
  }
  const rests: LaneRest[] = [];
  for (const edit of lanes) {
    const { how, group, left } = edit;
    const count = how === 'ends' ? await unreadOf(log.positions, group, left) : 0;
    if (count > 0) rests.push({ edit, count });
  }
  return { losses, releases, lanes: rests, aligns: [...aligns] };
}

/** Without a log: what would be lost if there were something. */
export function possibleStakes(streams: readonly StreamEdit[]): Stakes {
  const losses: Loss[] = [];
  const loss = (
    code: ErrorCode,
    { id, name }: StreamEdit,
    step: string,
    unit: Loss['unit'],
    what: string,
  ) => {
    losses.push({ code, id, of: name, step, changelog: '', count: 0, unit, what });
  };
  for (const edit of streams) {
    const { is, was, readsAnother } = edit;
    for (const store of edit.stores) {
      const { step, holds, how, why } = store;
      if (how === 'resets') {
        loss(
          'CAR812',
          edit,
          step,
          holds ? 'held' : 'rows',
          `what it keeps is of what it no longer is (${why}).`,
        );
      } else if (how === 'ends' && holds && !isReleased(edit, store)) {
        loss(is === null ? 'CAR811' : 'CAR810', edit, step, 'held', 'what it holds.');
      }
    }
    if (is === null && was!.topic !== '')
      loss(
        rekeyOf(was!) === undefined ? 'CAR811' : 'CAR825',
        edit,
        'source',
        'unread',
        `what it has not read of ${was!.topic}.`,
      );
    if (readsAnother && was!.topic !== '')
      loss('CAR815', edit, 'source', 'unread', `what it has not read of ${was!.topic}.`);
  }
  return { losses, releases: [], lanes: [], aligns: [] };
}

/** The stores of which something is held that `--drain` lets go. */
export function drained(streams: readonly StreamEdit[]): readonly Release[] {
  return streams.flatMap((edit) =>
    edit.stores
      .filter(({ how, holds }) => holds && (how === 'ends' || how === 'resets'))
      .map((store) => releaseOf(edit, store, 0)),
  );
}

/** An instance has no heir, but its step stands elsewhere as before. */
function isReleased({ is, released }: StreamEdit, { step, fromGroup }: StoreEdit): boolean {
  if (is === null || !released.some(({ group }) => group === fromGroup)) return false;
  return is.instances.some(({ stores }) => stores.some((store) => store.step === step));
}

function releaseOf({ id, name }: StreamEdit, store: StoreEdit, count: number): Release {
  const { fromGroup, from, step } = store;
  return { group: fromGroup!, changelog: from!, id, stream: name, step, count };
}

function storeLoss({ id, is, name }: StreamEdit, store: StoreEdit, count: number): readonly Loss[] {
  const { step, holds, how, why, before } = store;
  const own = before === undefined ? {} : { before };
  const at = { id, of: name, step, count, changelog: store.from!, ...own };
  if (how === 'resets') {
    const what = `stream "${name}": ${of(count, holds ? 'event' : 'row')} of step "${step}" ${are(count)} kept by what it no longer is (${why}).`;
    return [{ ...at, code: 'CAR812', unit: holds ? 'held' : 'rows', what }];
  }
  if (is === null) {
    const what = `stream "${name}" is removed: its step "${step}" holds ${of(count, 'event')}.`;
    return [{ ...at, code: 'CAR811', unit: 'held', what }];
  }
  const what = `stream "${name}": step "${step}" is no more, and holds ${of(count, 'event')}.`;
  return [{ ...at, code: 'CAR810', unit: 'held', what }];
}

async function unreadLoss(log: StakesLog, edit: StreamEdit): Promise<readonly Loss[]> {
  const { was, is, name, id } = edit;
  if (was === null || was.topic === '') return [];
  let count = 0;
  const bounds = (await log.positions.bounds(was.topic)) ?? [];
  // What one instance has passed by, another has read: the furthest back says what is left.
  const all = await Promise.all(
    was.instances.map((one) => formerPositions(log.positions, id, was.topic, one)),
  );
  for (const [p, { start, end }] of bounds.entries()) {
    const least = Math.min(...all.map((offsets) => offsets[p] ?? -1));
    count += Math.max(0, end - Math.max(start, least));
  }
  if (count === 0) return [];
  const rest = { id, of: name, step: 'source', changelog: '', count, unit: 'unread' as const };
  const left = `${of(count, 'event')} of ${was.topic} ${are(count)} not read yet.`;
  const rekey = rekeyOf(was);
  if (rekey !== undefined) {
    const what = `stream "${name.split('/')[0]}": step "${rekey}" is no more: ${left}`;
    return [{ ...rest, code: 'CAR825', what }];
  }
  if (is === null)
    return [{ ...rest, code: 'CAR811', what: `stream "${name}" is removed: ${left}` }];
  const what = `stream "${name}" reads ${is.topic || 'other streams'} now: ${left}`;
  return [{ ...rest, code: 'CAR815', what }];
}

async function areAligned(log: StakesLog, { was, id }: StreamEdit): Promise<boolean> {
  const { instances, topic } = was!;
  if (topic === '') return true;
  const ask = (one: AppliedInstance) => formerPositions(log.positions, id, topic, one);
  const [first, ...others] = await Promise.all(instances.map(ask));
  return others.every((other) => other.every((offset, p) => offset === first![p]));
}

export const of = (count: number, noun: string) => `${count} ${noun}${count === 1 ? '' : 's'}`;
const are = (count: number) => (count === 1 ? 'is' : 'are');
