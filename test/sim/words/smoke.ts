/**
 * What Kafka Streams' own system test checks: of numbers by key the least, the greatest, their
 * distance, sum, count and average; sums over hopping windows; the least of a window once it has
 * closed; and a histogram, by a new key, of how many numbers keys had in a window.
 */
import { START_MS } from '../../kit/drive.ts';
import type { Chance } from '../chance.ts';
import {
  closersOf,
  type Happening,
  isCloser,
  lineOf,
  type Model,
  record,
  type World,
  writtenTo,
} from './world.ts';

const FEEDS = 120;
const KEYS = 12;
const WINDOW_MS = 400;
const HOP_MS = 200;
const HOUR_MS = 3_600_000;

const NUMBER = record('Number', { x: 'long', at: 'long' });
const STATS = record('Stats', {
  ...{ lo: ['null', 'long'], hi: ['null', 'long'], sum: ['null', 'long'], n: 'long' },
  avg: ['null', 'double'],
});
const ONE = record('One', { is: 'long' });
const WINDOW = record('Window', {
  ...{ window_start: 'long', window_end: 'long', is: ['null', 'long'] },
});
const COUNTED = record('Counted', { n: 'string' });

const FROM = 'topic: numbers, schema: Number, time: value.at';
const GRACE = 'grace: 10m';
const TOPOLOGY = `topology: smoke
streams:
  stats:
    id: st
    from: { ${FROM} }
    steps:
      - aggregate: { fields: { lo: min(value.x), hi: max(value.x), sum: sum(value.x), n: count(), avg: avg(value.x) } }
    branch:
      - { as: all }
  told:
    id: to
    from: { streams: [stats.all] }
    to: { topic: stats, schema: Stats }
  distance:
    id: di
    from: { streams: [stats.all] }
    steps:
      - map: { fields: { is: value.hi - value.lo } }
    to: { topic: distance, schema: One }
  hopping-sum:
    id: ho
    from: { ${FROM} }
    steps:
      - aggregate: { hopping: { size: ${WINDOW_MS}ms, advance: ${HOP_MS}ms }, ${GRACE}, fields: { is: sum(value.x) } }
    to: { topic: hopping-sum, schema: Window }
  window-min:
    id: wi
    from: { ${FROM} }
    steps:
      - aggregate: { tumbling: { size: ${WINDOW_MS}ms }, ${GRACE}, emit: final, fields: { is: min(value.x) } }
    to: { topic: window-min, schema: Window }
  histogram:
    id: hi
    from: { ${FROM} }
    steps:
      - aggregate: { tumbling: { size: ${WINDOW_MS}ms }, ${GRACE}, emit: final, fields: { is: count() } }
      - map: { fields: { n: string(value.is) } }
      - rekey: { by: value.n, schema: Counted }
      - { name: windows, aggregate: { fields: { is: count() } } }
    to: { topic: histogram, schema: One }
`;

interface Number {
  readonly x: number;
  readonly at: number;
}

class Smoke implements Model {
  readonly #numbers = new Map<string, Number[]>();

  act(happening: Happening): void {
    if (happening.kind !== 'feed') return;
    const { key, value, at } = happening;
    if (isCloser(key)) return;
    const { x } = value as { x: number };
    this.#numbers.set(key, [...(this.#numbers.get(key) ?? []), { x, at }]);
  }

  get lines(): readonly string[] {
    const histogram = new Map<number, number>();
    const lines = [...this.#numbers].flatMap(([key, all]) => {
      const windows = windowsOf(all, WINDOW_MS);
      for (const [, of] of windows) histogram.set(of.length, (histogram.get(of.length) ?? 0) + 1);
      return [...statsOf(key, all), ...minsOf(key, windows), ...hopsOf(key, all)];
    });
    const bars = [...histogram].map(([n, windows]) => `histogram ${n} is=${windows}`);
    return [...lines, ...bars];
  }
}

const xs = (all: readonly Number[]) => all.map(({ x }) => x);
const latest = (all: readonly Number[]) => Math.max(...all.map(({ at }) => at));
const sumOf = (all: readonly Number[]) => xs(all).reduce((a, b) => a + b);

function windowsOf(all: readonly Number[], every: number): Map<number, Number[]> {
  const windows = new Map<number, Number[]>();
  for (const one of all) {
    const start = Math.floor(one.at / every) * every;
    windows.set(start, [...(windows.get(start) ?? []), one]);
  }
  return windows;
}

function statsOf(key: string, all: readonly Number[]): string[] {
  const [lo, hi, sum] = [Math.min(...xs(all)), Math.max(...xs(all)), sumOf(all)];
  const stats = { lo, hi, sum, n: all.length, avg: sum / all.length };
  return [
    `${lineOf('stats', key, stats, latest(all))}, of ${all.length}`,
    `${lineOf('distance', key, { is: hi - lo }, latest(all))}, of ${all.length}`,
  ];
}

const windowLine = (topic: string, key: string, start: number, is: number, at: number) => {
  const from = START_MS + start;
  return lineOf(topic, key, { is, window_start: from, window_end: from + WINDOW_MS }, at);
};

function minsOf(key: string, windows: ReadonlyMap<number, Number[]>): string[] {
  return [...windows].map(([start, of]) =>
    windowLine('window-min', key, start, Math.min(...xs(of)), latest(of)),
  );
}

/** The last that was told of each window. */
function hopsOf(key: string, all: readonly Number[]): string[] {
  const starts = new Set(all.flatMap(({ at }) => hopsAt(at)));
  return [...starts].map((start) => {
    const of = all.filter(({ at }) => at >= start && at < start + WINDOW_MS);
    return windowLine('hopping-sum', key, start, sumOf(of), latest(of));
  });
}

function hopsAt(at: number): number[] {
  const last = Math.floor(at / HOP_MS) * HOP_MS;
  return [last - HOP_MS, last];
}

function draw(chance: Chance, partitions: number, feeds = FEEDS): Happening[] {
  const happenings: Happening[] = [];
  const feed = (key: string, x: number, at: number) =>
    happenings.push({ kind: 'feed', topic: 'numbers', key, value: { x, at: START_MS + at }, at });
  let nowMs = HOP_MS;
  for (let n = 0; n < feeds; n++) {
    nowMs += chance.below(20);
    const at = chance.is(0.3) ? Math.max(0, nowMs - chance.below(300)) : nowMs;
    feed(`k-${chance.below(KEYS)}`, chance.below(2_000) - 1_000, at);
  }
  happenings.push({ kind: 'commit' }, { kind: 'advance', ms: HOUR_MS });
  // All in one window, so that no window of theirs closes and is counted.
  for (const key of closersOf(partitions)) feed(key, 0, HOUR_MS);
  return happenings;
}

export const smoke: World = {
  name: 'smoke',
  topology: TOPOLOGY,
  schemas: [NUMBER, STATS, ONE, WINDOW, COUNTED],
  stores: ['stats/aggregate', 'hopping-sum/aggregate'],
  draw,
  model: () => new Smoke(),
  told(driven) {
    const counted = ['stats', 'distance'].flatMap((topic) => lastOf(writtenTo(driven, [topic]), 2));
    const hops = lastOf(writtenTo(driven, ['hopping-sum']), 4, false);
    const bars = lastOf(writtenTo(driven, ['histogram']), 2, false);
    return [
      ...counted,
      ...hops,
      ...writtenTo(driven, ['window-min']),
      ...bars.map((line) => line.replace(/ @.*/, '')),
    ];
  },
};

/** Of lines that agree in topic, key and, where four are asked for, window the last. */
function lastOf(lines: readonly string[], parts: 2 | 4, says = true): string[] {
  const last = new Map<string, { readonly line: string; readonly n: number }>();
  for (const line of lines) {
    const words = line.split(' ');
    const of = parts === 2 ? words.slice(0, 2) : [...words.slice(0, 2), ...words.slice(3, 5)];
    const name = of.join(' ');
    last.set(name, { line, n: (last.get(name)?.n ?? 0) + 1 });
  }
  return [...last.values()].map(({ line, n }) => (says ? `${line}, of ${n}` : line));
}
