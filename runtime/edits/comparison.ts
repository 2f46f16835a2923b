/**
 * A topology beside what is stored of the one that runs: what each start asks, and `plan` shows.
 */
import { type Plan, partId, type StartRule } from '../../compiler/plan.ts';
import type { Log, PositionReader } from '../../core/log.ts';
import {
  type Applied,
  type AppliedTable,
  appliedTopic,
  decodeApplied,
  isOfStreams,
} from './applied.ts';
import { type ClockBegin, type ClockEdit, clockPositions, compareClocks } from './clock-edits.ts';
import { compareTopologies, type StreamEdit } from './compare.ts';
import { cutOff } from './cut-off.ts';
import { derivedLosses } from './derived-edits.ts';
import { compareLanes, type LaneEdit, lanePositions } from './lane-edits.ts';
import { type GroupEdit, plannedPositions, type StreamPosition } from './planned-positions.ts';
import { type Loss, possibleStakes, type Stakes, stakesOf } from './stakes.ts';
import { begunTables, tablePositions } from './table-edits.ts';
import { possibleTableLosses, tableLosses } from './table-topics.ts';
import { type EditLine, linesOf } from './words.ts';

export interface Comparison {
  /** Null: nothing is stored of what ran. */
  readonly was: Applied | null;
  readonly is: Applied;
  readonly streams: readonly StreamEdit[];
  readonly lanes: readonly LaneEdit[];
  /** Tables that are joined where they were not. */
  readonly tables: readonly AppliedTable[];
  readonly clocks: readonly ClockEdit[];
  /** Of the clocks that begin; empty: no log was asked. */
  readonly begins: readonly ClockBegin[];
  readonly positions: readonly StreamPosition[];
  readonly groups: readonly GroupEdit[];
  readonly stakes: Stakes;
  /** A line for each thing that the edit concerns. */
  readonly lines: readonly EditLine[];
}

/** What can be looked at beside a pipeline that runs. */
export interface StoredLog extends Pick<Log, 'read' | 'partitionsOf'> {
  readonly positions: PositionReader;
}

/** Null: none was stored, or one in a form of another version of Carillon. */
export async function readApplied(
  log: Pick<Log, 'read' | 'partitionsOf'>,
  topology: string,
): Promise<Applied | null> {
  const { name } = appliedTopic(topology);
  if ((await log.partitionsOf(name)) === undefined) return null;
  let applied: Applied | null = null;
  for await (const records of log.read(name, { from: 'start', follow: false })) {
    for (const { key, valueBytes } of records) {
      if (key !== topology) continue;
      applied = valueBytes === null ? null : (decodeApplied(valueBytes) ?? null);
    }
  }
  return applied;
}

export async function compareWithStored(
  log: StoredLog,
  plan: Plan,
  is: Applied,
  nowMs: number,
): Promise<Comparison> {
  return compare(log, await readApplied(log, plan.topology), plan, is, nowMs);
}

export async function compare(
  log: StoredLog,
  was: Applied | null,
  plan: Plan,
  is: Applied,
  nowMs: number,
): Promise<Comparison> {
  const streams = compareTopologies(was, is);
  const lanes = compareLanes(was, is);
  const { positions } = log;
  const isFresh = was !== null || !(await hasRun(positions, is));
  const starts = startsOf(plan);
  const planned = await plannedPositions({ edits: streams, positions, starts, isFresh, nowMs });
  const tables = begunTables(was, is);
  const clocks = compareClocks(was, is);
  const begun = await clockPositions(positions, clocks, was === null, nowMs);
  const groups = [
    ...planned.groups,
    ...begun.groups,
    ...(await lanePositions(positions, lanes)),
    ...(await tablePositions(positions, tables)),
  ];
  const more = [
    ...cutOff(was, is),
    ...derivedLosses(was, is),
    ...(await tableLosses(log, was, is)),
  ];
  const stakes = withLosses(await stakesOf(log, streams, lanes), more);
  const { begins } = begun;
  const own = { clocks, begins, positions: planned.streams, groups, stakes };
  const found = { was, is, streams, lanes, tables, ...own };
  return { ...found, lines: linesOf(found) };
}

/** Two files beside one another, without a log: what may be lost is said, and not counted. */
export function compareFiles(was: Applied, is: Applied): Comparison {
  const streams = compareTopologies(was, is);
  const lanes = compareLanes(was, is);
  const stakes = withLosses(possibleStakes(streams), [
    ...cutOff(was, is),
    ...derivedLosses(was, is),
    ...possibleTableLosses(was, is),
  ]);
  const tables = begunTables(was, is);
  const none = { begins: [], positions: [], groups: [] };
  const clocks = compareClocks(was, is);
  const found = { was, is, streams, lanes, tables, clocks, ...none, stakes };
  return { ...found, lines: linesOf(found) };
}

const withLosses = (stakes: Stakes, more: readonly Loss[]): Stakes => ({
  ...stakes,
  losses: [...stakes.losses, ...more],
});

function startsOf({ subTopologies }: Plan): ReadonlyMap<string, StartRule> {
  const streams = subTopologies.filter(isOfStreams).flatMap((sub) => sub.streams);
  return new Map(streams.map((stream) => [partId(stream), stream.start]));
}

/** A pipeline of before there was anything stored of it has left positions. */
async function hasRun(positions: PositionReader, { streams }: Applied): Promise<boolean> {
  for (const { topic, instances } of streams) {
    if (topic === '') continue;
    for (const { group } of instances) {
      const found = await positions.committed(group, [topic]);
      if (found.some(({ offset }) => offset >= 0)) return true;
    }
  }
  return false;
}
