/** What an edit does, in words: a line for each stream, step, sink and topic that it concerns. */
import { formatDuration } from '../../core/duration.ts';
import type { Applied } from './applied.ts';
import type { ClockBegin, ClockEdit } from './clock-edits.ts';
import { clockLines } from './clock-words.ts';
import type { StoreEdit, StreamEdit } from './compare.ts';
import { derivedLines } from './derived-edits.ts';
import type { LaneEdit } from './lane-edits.ts';
import type { StreamPosition } from './planned-positions.ts';
import { of, type Stakes } from './stakes.ts';
import { otherTopics } from './table-topics.ts';

export interface EditLine {
  readonly of: 'stream' | 'clock' | 'step' | 'sink' | 'table' | 'topic';
  readonly name: string;
  /** Of a step's state: a stream has one at each of its priorities. */
  readonly priority?: string;
  readonly how: Verb;
  /** Empty where there is nothing to add. */
  readonly what: string;
}

export type Verb =
  | 'keeps'
  | 'moves'
  | 'starts'
  | 'learns'
  | 'resets'
  | 'releases'
  | 'drains'
  | 'ends'
  | 'loses'
  | 'new'
  | 'changed'
  | 'orphaned';

export interface Told {
  readonly was: Applied | null;
  readonly is: Applied;
  readonly streams: readonly StreamEdit[];
  readonly lanes: readonly LaneEdit[];
  /** Empty: no log was asked. */
  readonly positions: readonly StreamPosition[];
  readonly stakes: Stakes;
  readonly clocks: readonly ClockEdit[];
  readonly begins: readonly ClockBegin[];
}

export function linesOf(told: Told): readonly EditLine[] {
  const { streams, lanes, stakes, clocks, begins } = told;
  const lines: EditLine[] = [];
  for (const edit of streams) {
    lines.push(streamLine(edit, told.positions), ...stepLines(edit));
    for (const { code, id, of: name, step, what } of stakes.losses) {
      if (id === edit.id) lines.push(lossLine('step', `${name}/${step}`, code, what));
    }
    for (const { id, stream, step, count } of stakes.releases) {
      if (id !== edit.id || count === 0) continue;
      const what = `lets go at once of the ${of(count, 'event')} that it holds`;
      lines.push({ of: 'step', name: `${stream}/${step}`, how: 'releases', what });
    }
  }
  lines.push(...clockLines(clocks, begins));
  for (const edit of lanes) {
    lines.push(laneLine(edit));
    const rest = stakes.lanes.find((one) => one.edit === edit);
    if (rest === undefined) continue;
    const what = `delivers the ${of(rest.count, 'notification')} first that it has not delivered yet`;
    lines.push({ of: 'sink', name: `${edit.sink}/${edit.priority}`, how: 'drains', what });
  }
  for (const { code, id, of: name, unit, what } of stakes.losses) {
    if (id !== undefined) continue;
    lines.push(lossLine(unit === 'rows' ? 'table' : 'sink', name, code, what));
  }
  return [...lines, ...derivedLines(told.was, told.is), ...topicLines(told)];
}

const lossLine = (kind: EditLine['of'], name: string, code: string, what: string): EditLine => {
  return { of: kind, name, how: 'loses', what: `${code} ${what}` };
};

function streamLine(edit: StreamEdit, positions: readonly StreamPosition[]): EditLine {
  const { name, how, was, is, readsAnother } = edit;
  const mine = positions.filter((one) => one.edit === edit);
  const unread = mine.reduce((sum, one) => sum + one.unread, 0);
  const reads = mine.length === 0 ? '' : `; ${of(unread, 'record')} to read`;
  const groups = (applied: typeof was) => applied!.instances.map(({ group }) => group).join(', ');
  const line = (what: string): EditLine => ({ of: 'stream', name, how, what });
  if (how === 'starts') return line(`in ${groups(is)}${reads}`);
  if (how === 'ends') return line(`it was in ${groups(was)}`);
  const topicOf = (of: typeof was) => of!.topic || 'other streams';
  if (readsAnother) return line(`from ${topicOf(was)} to ${topicOf(is)}${reads}`);
  if (how === 'moves') return line(`from ${groups(was)} to ${groups(is)}${reads}`);
  return line(`in ${groups(is)}${reads}`);
}

function stepLines(edit: StreamEdit): readonly EditLine[] {
  return edit.stores.map((store) => {
    const [how, what] = stepWords(edit, store);
    const line = { of: 'step', name: `${edit.name}/${store.step}`, how, what } as const;
    return store.priority === '' ? line : { ...line, priority: store.priority };
  });
}

function stepWords({ how, is }: StreamEdit, store: StoreEdit): readonly [Verb, string] {
  switch (store.how) {
    case 'keeps':
      return store.spans === undefined
        ? ['keeps', 'its state']
        : ['changed', `it keeps its state; ${spanWords(store)}`];
    case 'moves': {
      const spans = store.spans === undefined ? '' : `; ${spanWords(store)}`;
      return ['moves', `its state goes along to ${store.to}${spans}`];
    }
    case 'joins':
      return ['learns', `what ${store.from} knows`];
    case 'begins':
      return ['starts', how === 'starts' ? '' : `with empty state${at(store)}`];
    case 'resets':
      return ['resets', `it begins with empty state: ${store.why}`];
    case 'ends':
      return ['ends', is === null ? '' : `its state goes (${store.from})${forgotten(store)}`];
  }
}

/** What a step remembers is lost with it; what it holds is told as a loss of its own. */
const forgotten = ({ holds }: StoreEdit) =>
  holds ? '' : ': what it has seen is forgotten, and repeats of it may pass';

function spanWords({ holds, spans = [] }: StoreEdit): string {
  const all = spans.map(({ option, wasMs, isMs }) => {
    return `${option} ${formatDuration(wasMs)} → ${formatDuration(isMs)}`;
  });
  const isShorter = !holds && spans.some(({ wasMs, isMs }) => isMs < wasMs);
  const so = isShorter ? ': it forgets sooner, and repeats that are further apart may pass' : '';
  return `${all.join(', ')}${so}`;
}

const at = ({ to }: StoreEdit) => (to === null ? '' : ` (${to})`);

function laneLine({ sink, priority, how, from, left }: LaneEdit): EditLine {
  const line = (what: string): EditLine => ({ of: 'sink', name: `${sink}/${priority}`, how, what });
  if (how === 'starts') return line('');
  if (how === 'moves') return line(`it goes on where "${from!.sink}" was`);
  return line(`it reads ${left.join(', ')} no more`);
}

function topicLines({ was, is }: Told): readonly EditLine[] {
  if (was === null) return [];
  const former = new Map(was.topics.map(({ name, cleanup }) => [name, cleanup]));
  const lines: EditLine[] = [];
  for (const { name, cleanup } of is.topics) {
    const before = former.get(name);
    former.delete(name);
    if (before === undefined) lines.push({ of: 'topic', name, how: 'new', what: cleanup });
    else if (before !== cleanup) {
      lines.push({ of: 'topic', name, how: 'changed', what: `cleanup ${before} → ${cleanup}` });
    }
  }
  for (const name of former.keys()) {
    lines.push({ of: 'topic', name, how: 'orphaned', what: 'nothing reads or writes it any more' });
  }
  // The engine goes on writing those of its own.
  const looked = new Set(is.lookups?.map(({ topic }) => topic));
  const left = new Set(otherTopics(was, is).map((other) => other.was));
  for (const name of left) {
    if (looked.has(name) || !is.topics.some((topic) => topic.name === name)) continue;
    lines.push({ of: 'topic', name, how: 'orphaned', what: 'no step looks up in it any more' });
  }
  return lines;
}

/** In one sentence, for the log of a process. */
export function sentenceOf({ of: kind, name, priority, how, what }: EditLine): string {
  const at = priority === undefined ? '' : ` of priority ${priority}`;
  return `${kind} "${name}"${at} ${how}${what === '' ? '' : `: ${what}`}`;
}
