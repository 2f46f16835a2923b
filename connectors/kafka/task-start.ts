/** Where a task begins to read: asked when its former owner can change nothing any more. */
import { CarillonError } from '../../core/error.ts';
import type { GroupSpec } from '../../core/log.ts';
import type { Bounds, Committed, LogAdmin } from './admin.ts';
import {
  isStateGone,
  type Marks,
  markOf,
  type NotedEnds,
  readMarks,
  StateMarks,
} from './state-marks.ts';
import type { TopicSource } from './topic-watch.ts';

export interface Start {
  readonly offset: number;
  /** For tables and changelogs: restored when reading has come here. */
  readonly end: number;
}

export interface TaskStart {
  readonly offsets: ReadonlyMap<string, Start>;
  /** The engine's metadata, without our note. */
  readonly committed: ReadonlyMap<string, Committed>;
  readonly marks: StateMarks;
  /** By changelog: where the group has noted that it ended at its last commit. */
  readonly noted?: ReadonlyMap<string, number>;
}

export type StartAdmin = Pick<LogAdmin, 'bounds' | 'committed' | 'committedAll'> & {
  /**
   * How long an end before what is committed is doubted, as a leader that was stopped tells an old
   * one; default 0.
   */
  readonly staleMs?: number;
};

/** What is found where a group's position lies. */
export interface StartNotes {
  /** Offsets `first` to `last` were deleted unread. */
  missed(topic: string, partition: number, first: number, last: number): void;
  /** The position was beyond the end: the topic was made again, or has lost its tail. */
  beyond(topic: string, partition: number, committed: number, end: number): void;
}

/** Between two questions for an end that is doubted. */
const DOUBT_MS = 250;
const LOST: ReadonlySet<string> = new Set(['CAR630', 'CAR635']);
const NOTHING_COMMITTED: Committed = { offset: -1, metadata: '' };

export type Found = 'new' | 'kept' | 'deleted' | 'beyond';

/**
 * Where an input is read from, given its committed offset (-1: none). A position beyond the end
 * means that the topic was made again, or that its tail was lost. Where it still begins at 0 the
 * first is likelier, and everything is read: told twice is better than not at all. Where old
 * records were deleted already it is the old topic: reading goes on at its end.
 */
export function inputStart(
  committed: number,
  { low, end }: Bounds,
): { offset: number; found: Found } {
  if (committed < 0) return { offset: low, found: 'new' };
  if (committed < low) return { offset: low, found: 'deleted' };
  if (committed > end) return { offset: low === 0 ? 0 : end, found: 'beyond' };
  return { offset: committed, found: 'kept' };
}

/**
 * @param remade topics that were made again since: what is committed for them is of the old ones.
 * Rejects with CAR642 when a topic is not there, with CAR630 when a store's rows are gone.
 */
export async function startOf(
  admin: StartAdmin,
  topics: TopicSource,
  spec: GroupSpec,
  partition: number,
  remade: ReadonlySet<string>,
  notes: StartNotes,
): Promise<TaskStart> {
  const { group, inputs, tables, stores, transactional } = spec;
  const changelogs = stores.map((one) => one.changelog);
  const found = await admin.committed(group, inputs, partition);
  const { committed, marks, ends } = noted(found);
  const ids = changelogs.length === 0 ? new Map() : await topics.describe(changelogs);
  const offsets = new Map<string, Start>();
  await Promise.all(
    [...inputs, ...tables, ...changelogs].map(async (topic) => {
      const told = remade.has(topic) ? -1 : (committed.get(topic)?.offset ?? -1);
      const atLeast = Math.max(told, ends.get(markOf(topic)) ?? 0);
      const bounds = await boundsOf(admin, topic, partition, atLeast);
      if (bounds === undefined) {
        const at = `${topic}/${partition}`;
        throw new CarillonError('CAR642', `"${topic}" has no partition ${partition}.`, {
          where: { at },
        });
      }
      offsets.set(topic, { offset: bounds.low, end: writtenOf(bounds) });
    }),
  );
  for (const topic of changelogs) {
    const { end } = offsets.get(topic)!;
    if (remade.has(topic) || isStateGone(marks, topic, end, ids.get(topic)?.id ?? '')) {
      throw stateGone(group, partition, topic);
    }
    const atLeast = ends.get(markOf(topic)) ?? 0;
    if (end < atLeast) notes.beyond(topic, partition, atLeast, end);
  }
  for (const topic of inputs) {
    const { offset: low, end } = offsets.get(topic)!;
    const asked = remade.has(topic) ? -1 : (committed.get(topic)?.offset ?? -1);
    const { offset, found } = inputStart(asked, { low, end });
    if (found === 'deleted') notes.missed(topic, partition, asked, low - 1);
    if (found === 'beyond') notes.beyond(topic, partition, asked, end);
    // What was noted beside it speaks of offsets that are others now.
    if (found === 'beyond' || remade.has(topic)) committed.set(topic, NOTHING_COMMITTED);
    offsets.set(topic, { offset, end });
  }
  const known = new Map([...ids].map(([topic, facts]) => [topic, facts.id]));
  // Where commits are no transactions there are no end markers to count.
  const starts = transactional ? changelogs : [];
  const endsNow = new Map(starts.map((topic) => [topic, offsets.get(topic)!.end]));
  const notedEnds = new Map<string, number>();
  for (const topic of changelogs) {
    const end = ends.get(markOf(topic));
    if (end !== undefined) notedEnds.set(topic, end);
  }
  const stateMarks = new StateMarks(changelogs, marks, known, endsNow);
  return { offsets, committed, marks: stateMarks, noted: notedEnds };
}

/** Asked until it ends at `atLeast`, as long as an answer of an old leader is to be feared. */
async function boundsOf(
  admin: StartAdmin,
  topic: string,
  partition: number,
  atLeast: number,
): Promise<Bounds | undefined> {
  return (await boundsWith(admin, topic, new Map([[partition, atLeast]])))[partition];
}

/** @param atLeast by partition; one that is not there is not waited for */
async function boundsWith(
  admin: StartAdmin,
  topic: string,
  atLeast: ReadonlyMap<number, number>,
): Promise<readonly Bounds[]> {
  const untilMs = performance.now() + (admin.staleMs ?? 0);
  for (;;) {
    const bounds = await admin.bounds(topic);
    const isBelieved = [...atLeast].every(([partition, least]) => {
      const one = bounds[partition];
      return one === undefined || writtenOf(one) >= least;
    });
    if (isBelieved || performance.now() >= untilMs) return bounds;
    await new Promise((resolve) => setTimeout(resolve, DOUBT_MS));
  }
}

/** Also what is not told as committed yet, and what was aborted. */
const writtenOf = ({ end, written = end }: Bounds): number => written;

/**
 * Before a member joins: rejects with CAR630 when a store of any task has lost its rows, with
 * CAR635 when a task has rows and no position in any input, so that the process ends with it: to
 * read from the start would tell devices all kept events again, under new numbers. Whatever else is
 * wrong shows when the tasks open.
 *
 * @param read the committed records of a changelog
 */
export async function refuseLost(
  admin: StartAdmin,
  topics: TopicSource,
  { group, inputs, stores }: GroupSpec,
  read: (topic: string) => AsyncIterable<readonly { readonly partition: number }[]>,
): Promise<void> {
  if (stores.length === 0) return;
  const changelogs = stores.map((one) => one.changelog);
  try {
    const ids = await topics.describe(changelogs);
    const found = await admin.committedAll(group, inputs);
    for (const changelog of changelogs) {
      const marked = new Map([...found].map(([partition, of]) => [partition, noted(of).marks]));
      for (const [partition, marks] of marked) {
        if (!marks.has(markOf(changelog))) marked.delete(partition);
      }
      // Whoever has the task may commit meanwhile: its rows are written before its offsets are
      // told, and the end of what is committed may come to them only later.
      const least = new Map([...marked.keys()].map((partition) => [partition, 1]));
      const bounds = await boundsWith(admin, changelog, least);
      const id = ids.get(changelog)?.id ?? '';
      for (const [partition, marks] of marked) {
        const one = bounds[partition];
        if (one === undefined || !isStateGone(marks, changelog, writtenOf(one), id)) continue;
        throw stateGone(group, partition, changelog);
      }
      const lacking = new Set<number>();
      for (const [partition, one] of bounds.entries()) {
        const positions = [...(found.get(partition)?.values() ?? [])];
        const isUnread = positions.every(({ offset }) => offset < 0);
        if (isUnread && writtenOf(one) > one.low) lacking.add(partition);
      }
      if (lacking.size === 0) continue;
      // What was aborted takes room in the log, too.
      for await (const records of read(changelog)) {
        const row = records.find(({ partition }) => lacking.has(partition));
        if (row !== undefined) throw positionsGone(group, row.partition, changelog);
      }
    }
  } catch (error) {
    if (error instanceof CarillonError && LOST.has(error.code)) throw error;
  }
}

function noted(found: ReadonlyMap<string, Committed>): {
  committed: Map<string, Committed>;
  marks: Marks;
  ends: NotedEnds;
} {
  const committed = new Map<string, Committed>();
  const marks: Marks = new Map();
  const ends: NotedEnds = new Map();
  for (const [topic, { offset, metadata }] of found) {
    const read = readMarks(metadata);
    for (const [mark, id] of read.marks) marks.set(mark, id);
    for (const [mark, end] of read.ends) ends.set(mark, Math.max(end, ends.get(mark) ?? 0));
    committed.set(topic, { offset, metadata: read.metadata });
  }
  return { committed, marks, ends };
}

function stateGone(group: string, partition: number, changelog: string): CarillonError {
  const at = `${changelog}/${partition}`;
  const what =
    `Group "${group}" has committed what rests on rows of changelog "${changelog}", ` +
    `but they are gone: the topic is empty, or another one of the same name.`;
  return new CarillonError('CAR630', what, { where: { at } });
}

function positionsGone(group: string, partition: number, changelog: string): CarillonError {
  const what =
    `Group "${group}" has rows in changelog "${changelog}", but no position in any input of task ` +
    `${partition}: its offsets have expired, or were deleted.`;
  return new CarillonError('CAR635', what, { where: { at: `${group}/${partition}` } });
}
