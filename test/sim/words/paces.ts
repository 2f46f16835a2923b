/**
 * throttle, digest, coalesce and quiet_hours: what waits on the clock of its task. What was not
 * committed is taken back by a crash and done again on the clock of that moment, in each partition
 * for itself.
 */
import { partitionOfText } from '../../../core/partition.ts';
import { START_MS } from '../../kit/drive.ts';
import type { Chance } from '../chance.ts';
import {
  type Happening,
  lineOf,
  type Model,
  record,
  type Way,
  type World,
  writtenTo,
} from './world.ts';

const FEEDS = 90;
const KEYS = ['a', 'b', 'c', 'd', 'e'];
const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;

const MAX = 2;
const PER_MS = 10 * SECOND_MS;
const DELAYED_MAX = 3;
const WITHIN_MS = 15 * SECOND_MS;
const EVENTS_MAX = 4;
const QUIET_MS = 2 * SECOND_MS;
const AT_MOST_MS = 5 * SECOND_MS;
/** After midnight, when the clock begins. */
const NIGHT_MS = { from: 2 * MINUTE_MS, to: 4 * MINUTE_MS };

const NEWS = record('News', { id: 'string', at: 'long' });
const TOLD = record('Told', { ids: { type: 'array', items: 'string' } });

const ALONE = `- map: { fields: { ids: '[value.id]' } }`;
const stream = (name: string, steps: string) => `  ${name}:
    id: ${name}
    from: { topic: news, schema: News, time: value.at, id: value.id }
    steps:
      ${steps}
    to: { topic: ${name}, schema: Told }
`;
const TOPOLOGY = `topology: paces
streams:
${[
  stream('few', `- throttle: { by: [key], max: ${MAX}, per: 10s }\n      ${ALONE}`),
  stream(
    'later',
    `- throttle: { by: [key], max: ${MAX}, per: 10s, on_excess: delay, delayed_max: ${DELAYED_MAX} }\n      ${ALONE}`,
  ),
  stream(
    'digests',
    `- digest: { by: [key], within: 15s, events_max: ${EVENTS_MAX} }\n      - map: { fields: { ids: 'value.events.map(e, e.id)' } }`,
  ),
  stream('newest', `- coalesce: { by: [key], quiet: 2s, at_most: 5s }\n      ${ALONE}`),
  stream('awake', `- quiet_hours: { from: "00:02", to: "00:04" }\n      ${ALONE}`),
].join('')}`;

interface News {
  readonly id: string;
  readonly at: number;
}

/** What the steps keep of a key. */
interface Kept {
  /** When records went on, of `few` and `later`. */
  readonly few: number[];
  readonly later: number[];
  readonly waiting: News[];
  digest: { readonly dueMs: number; readonly events: News[] } | null;
  burst: { readonly firstMs: number; lastMs: number; newest: News } | null;
  readonly held: News[];
}

/** Of a partition: everything that a transaction covers. */
interface State {
  readonly keys: { [key: string]: Kept };
  readonly lines: string[];
  readonly dropped: { throttled: number; overflow: number; digested: number; superseded: number };
}

const fresh = (): State => ({
  keys: {},
  lines: [],
  dropped: { throttled: 0, overflow: 0, digested: 0, superseded: 0 },
});

class Paces implements Model {
  readonly #commitEvery: number;
  readonly #states: State[];
  #committed: State[];
  #pending: (News & { readonly key: string })[][];
  #uncommitted = 0;
  #nowMs = 0;

  constructor({ partitions, commitEvery }: Way) {
    this.#commitEvery = commitEvery;
    this.#states = Array.from({ length: partitions }, fresh);
    this.#committed = structuredClone(this.#states);
    this.#pending = this.#states.map(() => []);
  }

  act(happening: Happening, lost: readonly number[]): void {
    if (happening.kind === 'feed') {
      const { key, value, at } = happening;
      const partition = partitionOfText(key, this.#states.length);
      const news = { key, id: (value as { id: string }).id, at };
      this.#pending[partition]!.push(news);
      this.#take(this.#states[partition]!, news);
      this.#uncommitted++;
      if (this.#uncommitted >= this.#commitEvery) this.#commit();
    } else if (happening.kind === 'advance') {
      this.#advanceTo(this.#nowMs + happening.ms);
      if (this.#uncommitted === 0) this.#commit();
    } else if (happening.kind === 'crash') {
      for (const p of lost) {
        const state = structuredClone(this.#committed[p]!);
        this.#states[p] = state;
        this.#fire(state);
        for (const news of this.#pending[p]!) this.#take(state, news);
      }
      if (this.#uncommitted === 0) this.#commit();
    } else this.#commit();
  }

  get lines(): readonly string[] {
    return this.#committed.flatMap(({ lines }) => lines);
  }

  get dropped(): State['dropped'] {
    const sum = fresh().dropped;
    for (const { dropped } of this.#committed) {
      for (const reason of Object.keys(sum) as (keyof typeof sum)[]) sum[reason] += dropped[reason];
    }
    return sum;
  }

  get held(): number {
    const kept = this.#committed.flatMap(({ keys }) => Object.values(keys));
    return kept.reduce((sum, { waiting, digest, burst, held }) => {
      return sum + waiting.length + (digest?.events.length ?? 0) + (burst ? 1 : 0) + held.length;
    }, 0);
  }

  #commit(): void {
    this.#committed = structuredClone(this.#states);
    this.#pending = this.#states.map(() => []);
    this.#uncommitted = 0;
  }

  /** Each thing at its own time: what is let go now decides what may go next. */
  #advanceTo(atMs: number): void {
    for (;;) {
      const next = Math.min(...this.#states.flatMap(dueTimes).filter((due) => due > this.#nowMs));
      if (next > atMs) break;
      this.#nowMs = next;
      for (const state of this.#states) this.#fire(state);
    }
    this.#nowMs = atMs;
  }

  #take(state: State, { key, ...news }: News & { readonly key: string }): void {
    const none = { few: [], later: [], waiting: [], digest: null, burst: null, held: [] };
    state.keys[key] ??= none;
    const kept = state.keys[key];
    const nowMs = this.#nowMs;
    if (turnOf(kept.few) <= nowMs) {
      kept.few.push(nowMs);
      tell(state, 'few', key, [news], news);
    } else state.dropped.throttled++;
    if (kept.waiting.length === 0 && turnOf(kept.later) <= nowMs) {
      kept.later.push(nowMs);
      tell(state, 'later', key, [news], news);
    } else if (kept.waiting.length < DELAYED_MAX) kept.waiting.push(news);
    else state.dropped.overflow++;
    kept.digest ??= { dueMs: nowMs + WITHIN_MS, events: [] };
    kept.digest.events.push(news);
    if (kept.digest.events.length === EVENTS_MAX) sendDigest(state, key, kept);
    if (kept.burst === null) kept.burst = { firstMs: nowMs, lastMs: nowMs, newest: news };
    else {
      state.dropped.superseded++;
      kept.burst.lastMs = nowMs;
      if (news.at >= kept.burst.newest.at) kept.burst.newest = news;
    }
    if (nowMs >= NIGHT_MS.from && nowMs < NIGHT_MS.to) kept.held.push(news);
    else tell(state, 'awake', key, [news], news);
  }

  #fire(state: State): void {
    const nowMs = this.#nowMs;
    for (const [key, kept] of Object.entries(state.keys)) {
      while (kept.waiting.length > 0 && turnOf(kept.later) <= nowMs) {
        const news = kept.waiting.shift()!;
        kept.later.push(nowMs);
        tell(state, 'later', key, [news], news);
      }
      if (kept.digest !== null && kept.digest.dueMs <= nowMs) sendDigest(state, key, kept);
      if (kept.burst !== null && burstDueMs(kept.burst) <= nowMs) {
        tell(state, 'newest', key, [kept.burst.newest], kept.burst.newest);
        kept.burst = null;
      }
      if (nowMs >= NIGHT_MS.to) {
        for (const news of kept.held.splice(0)) tell(state, 'awake', key, [news], news);
      }
    }
  }
}

/** When the next may go on, by when those before it have. */
const turnOf = (passed: readonly number[]) => (passed.length < MAX ? 0 : passed.at(-MAX)! + PER_MS);

const burstDueMs = ({ firstMs, lastMs }: NonNullable<Kept['burst']>) =>
  Math.min(firstMs + AT_MOST_MS, lastMs + QUIET_MS);

function dueTimes({ keys }: State): number[] {
  return Object.values(keys).flatMap(({ later, waiting, digest, burst, held }) => [
    ...(waiting.length > 0 ? [turnOf(later)] : []),
    ...(digest === null ? [] : [digest.dueMs]),
    ...(burst === null ? [] : [burstDueMs(burst)]),
    ...(held.length > 0 ? [NIGHT_MS.to] : []),
  ]);
}

function sendDigest(state: State, key: string, kept: Kept): void {
  const { events } = kept.digest!;
  let newest = events[0]!;
  for (const event of events) if (event.at >= newest.at) newest = event;
  state.dropped.digested += events.length - 1;
  tell(state, 'digests', key, events, newest);
  kept.digest = null;
}

function tell(state: State, topic: string, key: string, of: readonly News[], newest: News): void {
  state.lines.push(lineOf(topic, key, { ids: of.map(({ id }) => id) }, newest.at));
}

function draw(chance: Chance): Happening[] {
  const happenings: Happening[] = [];
  let nowMs = 0;
  const advance = (ms: number) => {
    happenings.push({ kind: 'advance', ms });
    nowMs += ms;
  };
  for (let n = 0; n < FEEDS; n++) {
    if (chance.is(0.6)) advance(chance.below(chance.is(0.1) ? MINUTE_MS : 5 * SECOND_MS));
    const at = Math.max(0, nowMs - (chance.is(0.2) ? chance.below(5 * SECOND_MS) : 0));
    const value = { id: `n-${n}`, at: START_MS + at };
    happenings.push({ kind: 'feed', topic: 'news', key: chance.pick(KEYS), value, at });
  }
  // A crash takes back what was let go and lets it go again: so in pieces, of which each may.
  for (let n = 0; n < 8; n++) advance(MINUTE_MS);
  return happenings;
}

export const paces: World = {
  name: 'paces',
  topology: TOPOLOGY,
  schemas: [NEWS, TOLD],
  hasClock: true,
  stores: ['few/throttle', 'later/throttle', 'digests/digest'],
  draw,
  model: (way) => new Paces(way),
  told: (driven) => writtenTo(driven, ['few', 'later', 'digests', 'newest', 'awake']),
};
