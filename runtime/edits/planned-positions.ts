/** Where each stream of a topology goes on: per group, input and partition. */
import type { StartRule } from '../../compiler/plan.ts';
import type { GroupPosition, PositionReader, TopicBounds } from '../../core/log.ts';
import { noteStreamPositions, readStreamPositions } from '../streams/stream-positions.ts';
import type { AppliedInstance, AppliedOther } from './applied.ts';
import type { StreamEdit } from './compare.ts';

export interface StreamPosition {
  readonly edit: StreamEdit;
  /** What it is noted under: the stream's id, or that of another input of a step. */
  readonly id: string;
  readonly group: string;
  readonly topic: string;
  /** By partition. */
  readonly offsets: readonly number[];
  /** How many offsets lie between there and the end. */
  readonly unread: number;
  /** It goes on by its `start` rule. */
  readonly isStart: boolean;
}

/** What a group is to commit before anybody joins it; without `set` it stands right. */
export interface GroupEdit {
  readonly group: string;
  readonly set: readonly GroupPosition[];
}

export interface PlannedPositions {
  readonly streams: readonly StreamPosition[];
  /** Only those where something changes. */
  readonly groups: readonly GroupEdit[];
}

export interface PositionQuestion {
  readonly edits: readonly StreamEdit[];
  readonly positions: PositionReader;
  /** By use case. */
  readonly starts: ReadonlyMap<string, StartRule>;
  /**
   * False: nothing says what ran before, but a pipeline did; a stream without a position is then
   * one that has read nothing yet, and reads its topic from the start as it would have.
   */
  readonly isFresh: boolean;
  readonly nowMs: number;
}

export async function plannedPositions(question: PositionQuestion): Promise<PlannedPositions> {
  const asked = new Asked(question.positions);
  const streams: StreamPosition[] = [];
  const moved = new Set<string>();
  for (const edit of question.edits) {
    const { is } = edit;
    if (is === null) continue;
    for (const { to, from } of edit.positions) {
      const found = await positionOf(question, asked, edit, to, from);
      const ends = await asked.ends(is.topic);
      const unread = found.offsets.reduce((sum, at, p) => sum + Math.max(0, ends[p]! - at), 0);
      streams.push({ edit, id: is.id, group: to.group, topic: is.topic, unread, ...found });
      if (found.isMoved) moved.add(to.group);
      for (const other of is.others ?? []) {
        const found = await otherPosition(question, asked, edit, other, to, from);
        streams.push({
          edit,
          id: other.id,
          group: to.group,
          topic: other.topic,
          unread: 0,
          ...found,
        });
        if (found.isMoved) moved.add(to.group);
      }
    }
  }
  const groups: GroupEdit[] = [];
  for (const group of moved) {
    const set = await positionsToSet(asked, group, streams);
    if (set.length > 0) groups.push({ group, set });
  }
  return { streams, groups };
}

/**
 * Of a stream of the former topology in one of its groups: by partition; -1 where there is none.
 */
export async function formerPositions(
  positions: PositionReader,
  useCase: string,
  topic: string,
  { group }: Pick<AppliedInstance, 'group'>,
): Promise<readonly number[]> {
  const found = await positions.committed(group, [topic]);
  const offsets: number[] = [];
  for (const { partition, offset, metadata } of found) {
    const own = readStreamPositions(metadata).get(useCase) ?? 0;
    offsets[partition] = offset < 0 ? -1 : Math.max(offset, own);
  }
  return offsets;
}

async function positionOf(
  question: PositionQuestion,
  asked: Asked,
  { id, is, was }: StreamEdit,
  to: AppliedInstance,
  from: AppliedInstance | null,
): Promise<{ offsets: readonly number[]; isStart: boolean; isMoved: boolean }> {
  const { topic } = is!;
  const bounds = await asked.bounds(topic);
  const starts = bounds.map(({ start }) => start);
  // Nothing is stored of what ran: what a group has committed stands for its streams.
  const former = from ?? (was === null && !question.isFresh ? to : null);
  if (former !== null) {
    const found = await formerPositions(asked.positions, id, topic, former);
    const offsets = starts.map((start, p) => Math.max(start, found[p] ?? -1));
    return { offsets, isStart: false, isMoved: former.group !== to.group };
  }
  const rule = question.starts.get(id) ?? { kind: 'latest' };
  const offsets = await startOffsets(rule, topic, bounds, question);
  return { offsets, isStart: true, isMoved: true };
}

/** It goes along with its stream, under whatever name its step has now. */
async function otherPosition(
  question: PositionQuestion,
  asked: Asked,
  { was }: StreamEdit,
  { id, topic }: AppliedOther,
  to: AppliedInstance,
  from: AppliedInstance | null,
): Promise<{ offsets: readonly number[]; isStart: boolean; isMoved: boolean }> {
  const bounds = await asked.bounds(topic);
  const same = was?.others?.find((one) => one.id === id && one.topic === topic);
  const old = same ?? was?.others?.find((one) => one.topic === topic);
  const former = from ?? (was === null && !question.isFresh ? to : null);
  if (former !== null && (old !== undefined || was === null)) {
    const found = await formerPositions(asked.positions, old?.id ?? id, topic, former);
    const offsets = bounds.map(({ start }, p) => Math.max(start, found[p] ?? -1));
    const isMoved = former.group !== to.group || (old !== undefined && old.id !== id);
    return { offsets, isStart: false, isMoved };
  }
  const rule = question.starts.get(id) ?? { kind: 'latest' };
  const offsets = await startOffsets(rule, topic, bounds, question);
  return { offsets, isStart: true, isMoved: true };
}

async function startOffsets(
  rule: StartRule,
  topic: string,
  bounds: readonly TopicBounds[],
  { positions, nowMs }: PositionQuestion,
): Promise<readonly number[]> {
  if (rule.kind !== 'ago') {
    return bounds.map(({ start, end }) => (rule.kind === 'earliest' ? start : end));
  }
  if (bounds.length === 0) return [];
  const found = await positions.offsetsAt(topic, nowMs - rule.ms);
  return bounds.map(({ start, end }, p) => Math.min(end, Math.max(start, found[p] ?? end)));
}

/** One offset for each partition: that of the stream furthest back, with a note of the others. */
async function positionsToSet(
  asked: Asked,
  group: string,
  streams: readonly StreamPosition[],
): Promise<readonly GroupPosition[]> {
  const mine = streams.filter((stream) => stream.group === group);
  const set: GroupPosition[] = [];
  for (const topic of new Set(mine.map((stream) => stream.topic))) {
    const reading = mine.filter((stream) => stream.topic === topic);
    const committed = await asked.positions.committed(group, [topic]);
    for (const [partition, { start }] of (await asked.bounds(topic)).entries()) {
      const offsets = new Map(reading.map((one) => [one.id, one.offsets[partition]!]));
      const offset = Math.min(...offsets.values());
      const metadata = noteStreamPositions(offsets, offset);
      const has = committed.find((one) => one.partition === partition);
      // Without a position a group reads from the start; but rows that move along need one, and
      // there can be none where nothing was ever read.
      const stands =
        has === undefined || has.offset < 0
          ? offset === 0 && start === 0 && metadata === ''
          : has.offset === offset && has.metadata === metadata;
      if (!stands) set.push({ topic, partition, offset, metadata });
    }
  }
  return set;
}

/** Asks for the bounds of a topic once. */
class Asked {
  readonly positions: PositionReader;
  readonly #bounds = new Map<string, readonly TopicBounds[]>();

  constructor(positions: PositionReader) {
    this.positions = positions;
  }

  /** A topic that is not there yet is empty, and has no partitions. */
  async bounds(topic: string): Promise<readonly TopicBounds[]> {
    let bounds = this.#bounds.get(topic);
    if (bounds === undefined) {
      bounds = (await this.positions.bounds(topic)) ?? [];
      this.#bounds.set(topic, bounds);
    }
    return bounds;
  }

  async ends(topic: string): Promise<readonly number[]> {
    return (await this.bounds(topic)).map(({ end }) => end);
  }
}
