/**
 * `npm run bench -- aggregate-growth`: what the windows of `aggregate` cost at 10 thousand, 1
 * million and 10 million keys: bytes a key beside a Map of objects, events a CPU-second beside the
 * same at 10 thousand keys (there is no cliff), and commits with one changed window and with up to
 * a million. `KEYS=1000000` measures that size only.
 */
import { BatchBuilder } from '../../core/batch-builder.ts';
import { cpuUs, median, printFigure } from '../figure.ts';
import { random } from '../random.ts';
import { Engine } from './carillon.ts';
import { START_MS } from './events.ts';
import { openSchemas } from './load.ts';
import { planOf } from './queries.ts';

const SIZES = [10_000, 1_000_000, 10_000_000];
const ROUND = 1_000;
const COMMIT_EVERY = 10_000;
const ASKED = 500_000;
const SINGLE_COMMITS = 500;
const MANY = 1_000_000;
/** A Map of more keys takes gigabytes; what it costs by then is seen. */
const MAP_KEYS_MAX = 1_000_000;
const TOPIC = 'nexmark.bidder';

const only = Number(process.env.KEYS ?? 0);
const schemas = await openSchemas();
const plan = planOf({ name: 'growth' });
const encoder = schemas.encoder('Bidder');

/** After collection: windows are objects. */
function heapBytes(): number {
  for (let n = 0; n < 3; n++) globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

class Growth {
  readonly #engine = new Engine(plan, schemas, 'nexmark.growth');
  readonly #builder = new BatchBuilder(TOPIC, 0);

  /** Gives the step an event of each key; gives the CPU-µs without making them. */
  give(keys: Iterable<number>, commitEvery = COMMIT_EVERY): number {
    let us = 0;
    let sinceCommit = 0;
    const round = () => {
      const { bytes, count } = this.#builder.finish();
      const batch = Buffer.from(bytes);
      sinceCommit += count;
      us += cpuUs(() => {
        this.#engine.give(TOPIC, batch, count);
        this.#engine.run();
        if (sinceCommit >= commitEvery) this.#engine.commit();
      });
      if (sinceCommit >= commitEvery) sinceCommit = 0;
    };
    for (const key of keys) {
      this.#builder.appendEncoded(START_MS, `bidder-${key}`, encoder, { bidder: key });
      if (this.#builder.count === ROUND) round();
    }
    if (this.#builder.count > 0) round();
    return us;
  }

  /** CPU-µs. */
  commit(): number {
    return cpuUs(() => this.#engine.commit());
  }

  check(): void {
    this.#engine.check();
  }
}

function* upTo(n: number): Generator<number> {
  for (let i = 0; i < n; i++) yield i;
}

function* scattered(count: number, below: number): Generator<number> {
  const chance = random(1);
  for (let i = 0; i < count; i++) yield Math.floor(chance() * below);
}

interface Measured {
  readonly bytes: number;
  /** CPU-µs an event, of keys that are new and of those that are there. */
  readonly newUs: number;
  readonly knownUs: number;
  /** CPU-µs of a commit of one window, and CPU-µs a window of one of very many. */
  readonly singleUs: number;
  readonly manyUs: number;
}

function measure(size: number): Measured {
  const before = heapBytes();
  const growth = new Growth();
  const newUs = growth.give(upTo(size)) / size;
  growth.commit();
  const bytes = (heapBytes() - before) / size;
  const knownUs = growth.give(scattered(ASKED, size)) / ASKED;
  growth.commit();
  const singles = Array.from({ length: SINGLE_COMMITS }, (_, n) => {
    growth.give([n], Number.POSITIVE_INFINITY);
    return growth.commit();
  });
  const many = Math.min(size, MANY);
  growth.give(upTo(many), Number.POSITIVE_INFINITY);
  const manyUs = growth.commit() / many;
  growth.check();
  return { bytes, newUs, knownUs, singleUs: median(singles), manyUs };
}

/** Of objects that say as much as a window does. */
function mapBytes(size: number): number {
  const before = heapBytes();
  const map = new Map<string, object>();
  for (let n = 0; n < size; n++) {
    map.set(`bidder-${n}`, { start: START_MS, records: 1, maxMs: START_MS, bids: 1, most: n });
  }
  const bytes = (heapBytes() - before) / size;
  if (map.size !== size) throw new Error('the map has other keys');
  return bytes;
}

function print(size: number, of: Measured, small: Measured): void {
  const bench = `aggregate-growth/${size}`;
  const mapKeys = Math.min(size, MAP_KEYS_MAX);
  const beside = `a Map of objects, ${mapKeys} keys`;
  printFigure({ bench, value: of.bytes, unit: 'bytes a key', floor: mapBytes(mapKeys), beside });
  const rate = (us: number) => Math.round(1e6 / us);
  const atFirst = `the same at ${SIZES[0]} keys`;
  for (const [what, us, floorUs] of [
    ['new keys', of.newUs, small.newUs],
    ['known keys', of.knownUs, small.knownUs],
  ] as const) {
    const unit = `events/CPU-s, ${what}`;
    const aim = 'no cliff: at least a third';
    const met = us <= floorUs * 3;
    printFigure({ bench, value: rate(us), unit, floor: rate(floorUs), beside: atFirst, aim, met });
  }
  printFigure({
    ...{ bench, value: of.manyUs, unit: `CPU-µs a window, commit of ${Math.min(size, MANY)}` },
    ...{ floor: of.singleUs, beside: 'a commit of one window' },
  });
}

// The first one warms up, and is thrown away.
measure(SIZES[0]!);
const small = measure(SIZES[0]!);
for (const size of SIZES) {
  if (only !== 0 && only !== size) continue;
  print(size, size === SIZES[0] ? small : measure(size), small);
}
