/**
 * What an edit means for the groups of sinks. A sink that is renamed goes on where it was; one that
 * is new tells of what comes from now on, unless it keeps everything for later (an inbox), which
 * then has what is there.
 */
import type { GroupPosition, PositionReader } from '../../core/log.ts';
import type { Applied, AppliedLane } from './applied.ts';
import type { GroupEdit } from './planned-positions.ts';

export interface LaneEdit {
  readonly sink: string;
  readonly priority: string;
  readonly how: 'moves' | 'starts' | 'ends';
  readonly group: string;
  readonly from: AppliedLane | null;
  readonly to: AppliedLane | null;
  /** Topics whose records nobody reads after the edit, though a group of this sink did. */
  readonly left: readonly string[];
}

/** Groups that stay, with the same topics, are no edits. Null: nothing is stored of what ran. */
export function compareLanes(was: Applied | null, is: Applied): readonly LaneEdit[] {
  if (was === null) return [];
  const edits: LaneEdit[] = [];
  const gone = was.lanes.filter(({ group }) => !is.lanes.some((lane) => lane.group === group));
  const heirs = new Map<AppliedLane, AppliedLane>();
  for (const to of is.lanes) {
    const { sink, priority, group } = to;
    if (was.lanes.some((lane) => lane.group === group)) continue;
    const from = gone.find((lane) => isSameWork(lane, to) && ![...heirs.values()].includes(lane));
    if (from !== undefined) heirs.set(to, from);
    const how = from === undefined ? 'starts' : 'moves';
    edits.push({ sink, priority, how, group, from: from ?? null, to, left: [] });
  }
  const taken = new Set(heirs.values());
  for (const from of was.lanes) {
    const stays = is.lanes.find(({ group }) => group === from.group);
    const reads = stays ?? [...heirs].find(([, old]) => old === from)?.[0];
    const left = from.topics.filter((topic) => reads?.topics.includes(topic) !== true);
    if (taken.has(from) || (stays !== undefined && left.length === 0)) continue;
    const { sink, priority, group } = from;
    edits.push({ sink, priority, how: 'ends', group, from, to: stays ?? null, left });
  }
  return edits;
}

function isSameWork(a: AppliedLane, b: AppliedLane): boolean {
  return a.type === b.type && a.topics.join(' ') === b.topics.join(' ');
}

/** Records of the topics that were left which the group has not read; before its end. */
export async function unreadOf(
  positions: PositionReader,
  group: string,
  topics: readonly string[],
): Promise<number> {
  let unread = 0;
  for (const topic of topics) {
    const bounds = await positions.bounds(topic);
    if (bounds === undefined) continue;
    const committed = await positions.committed(group, [topic]);
    for (const [partition, { start, end }] of bounds.entries()) {
      const at = committed.find((one) => one.partition === partition)?.offset ?? -1;
      unread += Math.max(0, end - Math.max(start, at));
    }
  }
  return unread;
}

/** What the groups of sinks are to commit before anybody joins them. */
export async function lanePositions(
  positions: PositionReader,
  edits: readonly LaneEdit[],
): Promise<readonly GroupEdit[]> {
  const groups: GroupEdit[] = [];
  for (const { how, from, to } of edits) {
    if (to === null || how === 'ends' || (how === 'starts' && to.keeps)) continue;
    const set =
      from === null
        ? await endsOf(positions, to.topics)
        : (await positions.committed(from.group, to.topics)).filter(({ offset }) => offset >= 0);
    if (set.length > 0) groups.push({ group: to.group, set });
  }
  return groups;
}

async function endsOf(
  positions: PositionReader,
  topics: readonly string[],
): Promise<readonly GroupPosition[]> {
  const set: GroupPosition[] = [];
  for (const topic of topics) {
    for (const [partition, { start, end }] of ((await positions.bounds(topic)) ?? []).entries()) {
      if (end > start) set.push({ topic, partition, offset: end, metadata: '' });
    }
  }
  return set;
}
