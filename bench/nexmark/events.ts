/**
 * NEXMark's events from a seed: of fifty one person joins, three auctions open, and 46 bids are
 * made, 10,000 events in a second of event time unless it is said. Half of the bids go to one hot
 * auction of the last hundred, three of four are by one hot bidder of the last hundred persons, and
 * three of four auctions are a hot seller's.
 */
import { random } from '../random.ts';

export type EventKind = 'person' | 'auction' | 'bid';

export interface NexmarkEvent {
  readonly kind: EventKind;
  /** Of a person its id, of an auction its id, of a bid its auction. */
  readonly key: string;
  readonly atMs: number;
  readonly value: { readonly [field: string]: string | number };
}

const PERSONS = 1;
const AUCTIONS = 3;
/** Persons, auctions, and bids. */
const ROUND = 50;
const FIRST_ID = 1_000;
const HOT_OF = 100;
const AUCTIONS_OPEN = 100;
const PERSONS_ACTIVE = 1_000;
/** Ids that are named before they are there. */
const LEAD = 10;
const CATEGORIES = 5;
const PRICE_DIGITS = 6;
const LAST_AFTER_MS = 2_000;
const EXPIRES_MS_MAX = 2_000;
/** As texts, of NEXMark's sizes: a person about 200 bytes, an auction 500, a bid 100. */
const EXTRA_BYTES = { person: 90, auction: 320, bid: 40 };
export const START_MS = Date.UTC(2026, 0, 1);

const FIRST_NAMES = ['Ada', 'Ben', 'Cem', 'Dora', 'Emil', 'Fay', 'Gus', 'Hana', 'Ivo', 'Jo', 'Kim'];
const LAST_NAMES = ['Abel', 'Bauer', 'Costa', 'Diaz', 'Eder', 'Frank', 'Gross', 'Hahn', 'Ito'];
const CITIES = ['Phoenix', 'Seattle', 'Portland', 'Boise', 'Bend', 'Cheyenne', 'Kent'];
const STATES = ['AZ', 'CA', 'ID', 'OR', 'WA', 'WY'];
const CHANNELS = ['apple', 'google', 'baidu', 'facebook'];

export interface EventOptions {
  readonly events: number;
  readonly seed: number;
  /** Events in a second of event time: how full windows are. */
  readonly perSecond: number;
}

/**
 * The events, and one more bid, `LAST_AFTER_MS` after them: a contender that lets go of what has
 * closed only once in a while does so then.
 */
export function* nexmarkEvents(options: EventOptions): Generator<NexmarkEvent> {
  const { events, seed, perSecond } = options;
  const chance = new Chance(seed);
  const timeOf = (n: number) => START_MS + Math.floor((n * 1_000) / perSecond);
  for (let n = 0; n < events; n++) {
    const atMs = timeOf(n);
    const place = n % ROUND;
    if (place < PERSONS) yield person(n, atMs, chance);
    else if (place < PERSONS + AUCTIONS) yield auction(n, atMs, chance);
    else yield bid(n, atMs, chance);
  }
  yield bid(events, timeOf(events) + LAST_AFTER_MS, chance);
}

class Chance {
  readonly #next: () => number;
  /** Texts are cut out of it: making each letter by letter would take longer than a query. */
  readonly #letters: string;

  constructor(seed: number) {
    this.#next = random(seed);
    const letter = () => String.fromCharCode(97 + this.below(26));
    this.#letters = Array.from({ length: 8_192 }, letter).join('');
  }

  /** A whole number from 0 on. */
  below(n: number): number {
    return Math.floor(this.#next() * n);
  }

  of<T>(all: readonly T[]): T {
    return all[this.below(all.length)]!;
  }

  letters(size: number): string {
    const start = this.below(this.#letters.length - size);
    return this.#letters.slice(start, start + size);
  }

  /** Cents, as often of each order of magnitude. */
  price(): number {
    return Math.round(10 ** (this.#next() * PRICE_DIGITS) * 100);
  }
}

/** The newest person at an event, counted from 0. */
const lastPerson = (n: number) => Math.floor(n / ROUND);

/** The newest auction at an event, counted from 0; before the first one that. */
function lastAuction(n: number): number {
  const auctions = Math.min(Math.max((n % ROUND) - PERSONS + 1, 0), AUCTIONS);
  return Math.max(0, Math.floor(n / ROUND) * AUCTIONS + auctions - 1);
}

/** One of the last `many`, or of those that come next. */
function near(last: number, many: number, chance: Chance): number {
  const first = Math.max(last - many, 0);
  return first + chance.below(last - first + 1 + LEAD);
}

function person(n: number, atMs: number, chance: Chance): NexmarkEvent {
  const id = FIRST_ID + lastPerson(n);
  const [first, last] = [chance.of(FIRST_NAMES), chance.of(LAST_NAMES)];
  const value = {
    id,
    name: `${first} ${last}`,
    emailAddress: `${chance.letters(7)}@${chance.letters(5)}.example`,
    creditCard: String(chance.below(1e16)).padStart(16, '0'),
    city: chance.of(CITIES),
    state: chance.of(STATES),
    dateTime: atMs,
    extra: chance.letters(EXTRA_BYTES.person),
  };
  return { kind: 'person', key: String(id), atMs, value };
}

function auction(n: number, atMs: number, chance: Chance): NexmarkEvent {
  const id = FIRST_ID + lastAuction(n);
  const newest = lastPerson(n);
  const isHot = chance.below(4) > 0;
  const seller = isHot ? newest - (newest % HOT_OF) : near(newest, PERSONS_ACTIVE, chance);
  const initialBid = chance.price();
  const value = {
    id,
    itemName: chance.letters(20),
    description: chance.letters(100),
    initialBid,
    reserve: initialBid + chance.price(),
    dateTime: atMs,
    expires: atMs + 1 + chance.below(EXPIRES_MS_MAX),
    seller: FIRST_ID + seller,
    category: 10 + chance.below(CATEGORIES),
    extra: chance.letters(EXTRA_BYTES.auction),
  };
  return { kind: 'auction', key: String(id), atMs, value };
}

function bid(n: number, atMs: number, chance: Chance): NexmarkEvent {
  const newest = lastAuction(n);
  const isHot = chance.below(2) > 0;
  const of = FIRST_ID + (isHot ? newest - (newest % HOT_OF) : near(newest, AUCTIONS_OPEN, chance));
  const last = lastPerson(n);
  // The second of a hundred, so that hot bidders are no hot sellers.
  const isHotBidder = chance.below(4) > 0;
  const bidder = isHotBidder ? last - (last % HOT_OF) + 1 : near(last, PERSONS_ACTIVE, chance);
  const channel = chance.of(CHANNELS);
  const value = {
    auction: of,
    bidder: FIRST_ID + bidder,
    price: chance.price(),
    channel,
    url: `https://${channel}.example/item?id=${of}`,
    dateTime: atMs,
    extra: chance.letters(EXTRA_BYTES.bid),
  };
  return { kind: 'bid', key: String(of), atMs, value };
}
