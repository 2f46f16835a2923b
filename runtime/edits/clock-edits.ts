/**
 * What an edit means for the clocks of a topology. A clock that is new, or plans other times than
 * before, begins when it is applied, in all partitions at once: its position is set then, so that
 * no task has to say when it first looked. What is done with missed times changes no position.
 */
import type { Plan } from '../../compiler/plan.ts';
import { scheduleOf } from '../../compiler/schedule.ts';
import type { GroupPosition, PositionReader } from '../../core/log.ts';
import { notePosition, readPosition } from '../streams/ticker.ts';
import type { Applied } from './applied.ts';
import type { GroupEdit } from './planned-positions.ts';

export interface AppliedClock {
  /** Of the use case. */
  readonly id: string;
  /** Of the stream. */
  readonly name: string;
  readonly group: string;
  readonly topic: string;
  readonly cron: string;
  readonly zone: string;
  readonly missed: string;
}

export interface ClockEdit {
  readonly how: 'starts' | 'keeps' | 'changed' | 'ends';
  readonly was: AppliedClock | null;
  readonly is: AppliedClock | null;
  /** It plans other times: its position is set anew. */
  readonly begins: boolean;
}

/** What is known of a clock that begins, once the log was asked. */
export interface ClockBegin {
  readonly edit: ClockEdit;
  /** Its first time; epoch milliseconds. */
  readonly nextMs: number;
  /** Times that the former plan had, and nobody has told. */
  readonly left: number;
}

/** More are not counted. */
const LEFT_MAX = 1_000;

export function clocksOf({ subTopologies }: Plan): readonly AppliedClock[] {
  return subTopologies.flatMap(({ group, clock }) => {
    if (clock === undefined) return [];
    const { useCase: id, stream: name, topic, schedule, missed } = clock;
    return [{ id, name, group, topic, cron: schedule.cron, zone: schedule.zone, missed }];
  });
}

export function compareClocks(was: Applied | null, is: Applied): readonly ClockEdit[] {
  const former = new Map(was?.clocks?.map((clock) => [clock.id, clock]));
  const edits = (is.clocks ?? []).map((clock): ClockEdit => {
    const before = former.get(clock.id) ?? null;
    former.delete(clock.id);
    if (before === null) return { how: 'starts', was: null, is: clock, begins: true };
    const begins = before.cron !== clock.cron || before.zone !== clock.zone;
    const how = begins || before.missed !== clock.missed ? 'changed' : 'keeps';
    return { how, was: before, is: clock, begins };
  });
  const ended = [...former.values()].map((clock): ClockEdit => {
    return { how: 'ends', was: clock, is: null, begins: false };
  });
  return [...edits, ...ended];
}

/** `isKept`: nothing is stored of what ran, and what a group has committed stands. */
export async function clockPositions(
  positions: PositionReader,
  edits: readonly ClockEdit[],
  isKept: boolean,
  nowMs: number,
): Promise<{ readonly groups: readonly GroupEdit[]; readonly begins: readonly ClockBegin[] }> {
  const groups: GroupEdit[] = [];
  const begins: ClockBegin[] = [];
  for (const edit of edits) {
    if (!edit.begins || edit.is === null) continue;
    const { group, topic, cron, zone } = edit.is;
    const bounds = (await positions.bounds(topic)) ?? [];
    const set: GroupPosition[] = [];
    let toldToMs = nowMs;
    for (const { partition, offset, metadata } of await positions.committed(group, [topic])) {
      const position = readPosition(metadata);
      if (position !== undefined) toldToMs = Math.min(toldToMs, position.toldToMs);
      if (isKept && position !== undefined) continue;
      const at = offset >= 0 ? offset : (bounds[partition]?.end ?? 0);
      const note = notePosition({ toldToMs: nowMs, offset: at });
      set.push({ topic, partition, offset: at, metadata: note });
    }
    if (set.length > 0) groups.push({ group, set });
    const left = edit.was === null ? 0 : plannedIn(edit.was, toldToMs, nowMs);
    begins.push({ edit, nextMs: nextOf({ cron, zone }, nowMs), left });
  }
  return { groups, begins };
}

type Written = Pick<AppliedClock, 'cron' | 'zone'>;

/** Infinity also for what another version of the platform cannot read. */
function nextOf({ cron, zone }: Written, afterMs: number): number {
  const schedule = scheduleOf(cron, zone);
  return typeof schedule === 'string' ? Number.POSITIVE_INFINITY : schedule.next(afterMs);
}

/** How many planned times lie in (fromMs, toMs]; at most `LEFT_MAX`. */
function plannedIn({ cron, zone }: Written, fromMs: number, toMs: number): number {
  const schedule = scheduleOf(cron, zone);
  if (typeof schedule === 'string') return 0;
  let n = 0;
  for (let at = schedule.next(fromMs); at <= toMs && n < LEFT_MAX; at = schedule.next(at)) n++;
  return n;
}
