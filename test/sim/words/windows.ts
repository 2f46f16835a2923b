/**
 * Aggregates: windows that judge lateness exactly, where records lie in the order in which they
 * were fed; and behind a new key, where only what does not depend on the order is promised.
 */
import { partitionOfText } from '../../../core/partition.ts';
import { START_MS } from '../../kit/drive.ts';
import type { Chance } from '../chance.ts';
import {
  closersOf,
  type Happening,
  isCloser,
  lineOf,
  type Model,
  record,
  type Way,
  type World,
  writtenTo,
} from './world.ts';

const FEEDS = 80;
const SHOPS = ['a', 'b', 'c', 'd', 'e'];
const PRODUCTS = ['p', 'q', 'r'];
const SIZE_MS = 100;
const GRACE_MS = 40;
const HOP_MS = 200;
const GAP_MS = 60;
const HOUR_MS = 3_600_000;

const SALE = record('Sale', { product: 'string', x: ['null', 'long'], at: 'long' });
const bounds = { window_start: 'long', window_end: 'long' };
const SUMS = record('Sums', { ...bounds, n: 'long', sum: ['null', 'long'], lo: ['null', 'long'] });
const BOUGHT = record('Bought', {
  ...{ n: 'long', sum: ['null', 'long'], lo: ['null', 'long'], hi: ['null', 'long'] },
  avg: ['null', 'double'],
  ...{ first: ['null', 'long'], last: ['null', 'long'] },
});
const VISIT = record('Visit', { ...bounds, n: 'long', sum: ['null', 'long'] });

const FROM = 'topic: sales, schema: Sale, time: value.at';
const FIELDS = 'n: count(), sum: sum(value.x), lo: min(value.x)';
const TOPOLOGY = `topology: windows
streams:
  final:
    id: fi
    from: { ${FROM} }
    steps:
      - aggregate: { tumbling: { size: ${SIZE_MS}ms }, grace: ${GRACE_MS}ms, emit: final, late_to: late, fields: { ${FIELDS} } }
    to: { topic: final, schema: Sums }
  updates:
    id: up
    from: { ${FROM} }
    steps:
      - aggregate: { hopping: { size: ${HOP_MS}ms, advance: ${SIZE_MS}ms }, grace: ${GRACE_MS}ms, fields: { ${FIELDS} } }
    to: { topic: updates, schema: Sums }
  products:
    id: pr
    from: { ${FROM} }
    steps:
      - rekey: { by: value.product }
  bought:
    id: bo
    from: { streams: [products] }
    steps:
      - aggregate: { fields: { ${FIELDS}, hi: max(value.x), avg: avg(value.x), first: first(value.x), last: last(value.x) } }
    to: { topic: bought, schema: Bought }
  visits:
    id: vi
    from: { streams: [products] }
    steps:
      - aggregate: { session: { gap: ${GAP_MS}ms }, grace: 10m, emit: final, fields: { n: count(), sum: sum(value.x) } }
    to: { topic: visits, schema: Visit }
`;

interface Sale {
  readonly at: number;
  readonly x: number | null;
}

interface Window {
  readonly start: number;
  readonly sales: Sale[];
}

/** `n`, `sum` and `lo` of some sales; those without a number count, and are skipped otherwise. */
function sumsOf(sales: readonly Sale[]) {
  const numbers = sales.flatMap(({ x }) => (x === null ? [] : [x]));
  const orNull = (of: (all: readonly number[]) => number) =>
    numbers.length === 0 ? null : of(numbers);
  return {
    n: sales.length,
    sum: orNull((all) => all.reduce((a, b) => a + b)),
    lo: orNull((all) => Math.min(...all)),
    hi: orNull((all) => Math.max(...all)),
    avg: orNull((all) => all.reduce((a, b) => a + b) / all.length),
  };
}

const latest = (sales: readonly Sale[]) => Math.max(...sales.map(({ at }) => at));

class Windows implements Model {
  readonly dropped = { late: 0 };
  readonly #partitions: number;
  /** By partition. */
  readonly #streamMs = new Map<number, number>();
  readonly #final = new Map<string, Window>();
  readonly #hops = new Map<string, Window>();
  readonly #updates: string[] = [];
  readonly #products = new Map<string, Sale[]>();

  constructor({ partitions }: Way) {
    this.#partitions = partitions;
  }

  act(happening: Happening): void {
    if (happening.kind !== 'feed') return;
    const { key, value, at } = happening;
    const { product, x } = value as { product: string; x: number | null };
    const partition = partitionOfText(key, this.#partitions);
    const streamMs = Math.max(this.#streamMs.get(partition) ?? 0, at);
    this.#streamMs.set(partition, streamMs);
    if (isCloser(key)) return;
    const sale = { at, x };
    const start = Math.floor(at / SIZE_MS) * SIZE_MS;
    const isOpen = (from: number, size: number) => from + size + GRACE_MS > streamMs;
    if (isOpen(start, SIZE_MS)) put(this.#final, key, start, sale);
    else this.dropped.late++;
    const hops = [start - SIZE_MS, start].filter((from) => isOpen(from, HOP_MS));
    if (hops.length === 0) this.dropped.late++;
    for (const from of hops) {
      const { sales } = put(this.#hops, key, from, sale);
      this.#updates.push(windowLine('updates', key, from, HOP_MS, sales));
    }
    this.#products.set(product, [...(this.#products.get(product) ?? []), sale]);
  }

  get lines(): readonly string[] {
    const final = [...this.#final].map(([of, { start, sales }]) =>
      windowLine('final', of.split(' ')[0]!, start, SIZE_MS, sales),
    );
    const products = [...this.#products].flatMap(([product, sales]) => {
      const inTime = sales.filter(({ x }) => x !== null).toSorted((a, b) => a.at - b.at);
      const ends = { first: inTime[0]?.x ?? null, last: inTime.at(-1)?.x ?? null };
      const of = { ...sumsOf(sales), ...ends };
      const last = `${lineOf('bought', product, of, latest(sales))}, the last of ${sales.length}`;
      return [last, ...visitsOf(product, sales)];
    });
    return [...final, ...this.#updates, ...products];
  }
}

function put(windows: Map<string, Window>, key: string, start: number, sale: Sale): Window {
  const window = windows.get(`${key} ${start}`) ?? { start, sales: [] };
  windows.set(`${key} ${start}`, window);
  window.sales.push(sale);
  return window;
}

function windowLine(topic: string, key: string, start: number, size: number, sales: Sale[]) {
  const { n, sum, lo } = sumsOf(sales);
  const from = START_MS + start;
  const value = { n, sum, lo, window_start: from, window_end: from + size };
  return lineOf(topic, key, value, latest(sales));
}

/** Sales with no longer pause between them than the gap, all of them known. */
function visitsOf(product: string, all: readonly Sale[]): string[] {
  const visits: Sale[][] = [];
  for (const sale of all.toSorted((a, b) => a.at - b.at)) {
    const last = visits.at(-1);
    if (last !== undefined && sale.at - last.at(-1)!.at <= GAP_MS) last.push(sale);
    else visits.push([sale]);
  }
  return visits.map((sales) => {
    const { n, sum } = sumsOf(sales);
    const [start, end] = [sales[0]!.at + START_MS, latest(sales) + START_MS];
    return lineOf(
      'visits',
      product,
      { n, sum, window_start: start, window_end: end },
      latest(sales),
    );
  });
}

function draw(chance: Chance, partitions: number, feeds = FEEDS): Happening[] {
  const happenings: Happening[] = [];
  const used = new Set<number>();
  let nowMs = 300;
  const feed = (key: string, product: string, x: number | null, at: number) => {
    const value = { product, x, at: START_MS + at };
    happenings.push({ kind: 'feed', topic: 'sales', key, value, at });
  };
  for (let n = 0; n < feeds; n++) {
    nowMs += chance.is(0.1) ? chance.below(150) : chance.below(15);
    let at = chance.is(0.3) ? Math.max(0, nowMs - chance.below(250)) : nowMs;
    // No two of one time: which of them is first or last would be the order's to say.
    while (used.has(at)) at++;
    used.add(at);
    const x = chance.is(0.1) ? null : chance.below(200) - 100;
    feed(chance.pick(SHOPS), chance.pick(PRODUCTS), x, at);
  }
  // All of them lie behind the new key before time goes on: workers commit one after another.
  happenings.push({ kind: 'commit' }, { kind: 'advance', ms: HOUR_MS });
  const closers = closersOf(partitions);
  for (const key of closers) for (const product of closers) feed(key, product, 1, HOUR_MS);
  return happenings;
}

export const windows: World = {
  name: 'windows',
  topology: TOPOLOGY,
  schemas: [SALE, SUMS, BOUGHT, VISIT],
  stores: ['final/aggregate', 'updates/aggregate'],
  draw,
  model: (way) => new Windows(way),
  told(driven) {
    // Of each product the last value, and how many there were: which came between hangs on the
    // order.
    const last = new Map<string, { line: string; n: number }>();
    for (const line of writtenTo(driven, ['bought'])) {
      const product = line.split(' ')[1]!;
      last.set(product, { line, n: (last.get(product)?.n ?? 0) + 1 });
    }
    const bought = [...last.values()].map(({ line, n }) => `${line}, the last of ${n}`);
    return [...writtenTo(driven, ['final', 'updates', 'visits']), ...bought];
  },
};
