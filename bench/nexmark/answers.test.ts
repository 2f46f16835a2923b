/** What our topologies tell, beside loops that say what NEXMark asks. */
import { equal, match, ok } from 'node:assert/strict';
import { test } from 'node:test';
import { type NexmarkEvent, nexmarkEvents } from './events.ts';
import { makeLoad, openSchemas } from './load.ts';
import { QUERIES } from './queries.ts';
import { difference, type Told, toldByCarillon } from './told.ts';

const SIZE_MS = 10_000;
const OPTIONS = { events: 4_000, seed: 7, perSecond: 100 };
const events = [...nexmarkEvents(OPTIONS)];
const schemas = await openSchemas();
const load = makeLoad(schemas, OPTIONS);

type Value = { readonly [field: string]: number };
const of = (kind: NexmarkEvent['kind']) =>
  events.filter((event) => event.kind === kind).map(({ value }) => value as Value);
const bids = of('bid');
const endMs = events.at(-1)!.atMs;

const queryOf = (name: string) => QUERIES.find((query) => query.name === name)!;
const toldOf = (name: string) => toldByCarillon(queryOf(name), load);
const read = ({ value }: Told) => schemas.decodeByWriter(value, 0, value.length) as Value;

/** Thousands of answers: the first two that differ say enough. */
function sameInOrder(told: readonly object[], asked: readonly object[]): void {
  const text = (value: object | undefined) => JSON.stringify(value);
  for (const [n, value] of told.entries()) equal(text(value), text(asked[n]), `no. ${n + 1}`);
  equal(told.length, asked.length);
}

function sameInAnyOrder(told: Iterable<object>, asked: readonly object[]): void {
  const sorted = (values: Iterable<object>) =>
    Array.from(values, (value) => [JSON.stringify(value)]).sort();
  sameInOrder(sorted(told), sorted(asked));
}

/** Of each closed window what `choose` makes of its bids. */
function windows(advanceMs: number, choose: (inIt: readonly Value[]) => object): object[] {
  const first = Math.floor(events[0]!.atMs / advanceMs) * advanceMs - SIZE_MS + advanceMs;
  const told: object[] = [];
  for (let start = first; start + SIZE_MS <= endMs; start += advanceMs) {
    const inIt = bids.filter(({ dateTime }) => dateTime! >= start && dateTime! < start + SIZE_MS);
    if (inIt.length > 0) told.push({ window: start, ...choose(inIt) });
  }
  return told;
}

/** The auction that ranks highest; of two that rank alike the greater one. */
function highest(ranks: Iterable<readonly [auction: number, rank: number]>) {
  return [...ranks].sort(([a, one], [b, other]) => other - one || b - a)[0]!;
}

test('query 0 tells each bid', () => {
  sameInOrder(toldOf('q0').map(read), bids);
});

test('query 1 tells each bid in euro', () => {
  const told = bids.map(({ auction, bidder, price, dateTime, extra }) => {
    return { auction, bidder, price: price! * 0.908, dateTime, extra };
  });
  sameInOrder(toldOf('q1').map(read), told);
});

test('query 2 tells the bids of some auctions', () => {
  const some = bids.filter(({ auction }) => auction! % 123 === 0);
  const told = some.map(({ auction, price }) => ({ auction, price }));
  ok(told.length > 0);
  sameInOrder(toldOf('q2').map(read), told);
});

test('query 5 tells last the auction with the most bids of a window', () => {
  const last = new Map(toldOf('q5').map((told) => [told.key, read(told)]));
  const told = windows(2_000, (inIt) => {
    const counts = new Map<number, number>();
    for (const { auction } of inIt) counts.set(auction!, (counts.get(auction!) ?? 0) + 1);
    const [auction, num] = highest(counts);
    return { auction, num };
  });
  equal(told.length, 21);
  sameInAnyOrder(last.values(), told);
});

test('query 7 tells the highest bid of a window', () => {
  const told = windows(SIZE_MS, (inIt) => {
    const [auction, price] = highest(inIt.map(({ auction, price }) => [auction!, price!]));
    return { auction, price };
  });
  // The second part closes a window with the first result of the next one.
  equal(told.length, 4);
  sameInAnyOrder(toldOf('q7').map(read), told.slice(0, -1));
});

test('query 8 tells who has joined and opened an auction in one window', () => {
  const windowOf = ({ dateTime }: Value) => dateTime! - (dateTime! % SIZE_MS);
  const opened = new Set(of('auction').map((one) => `${one.seller} ${windowOf(one)}`));
  const newcomers = of('person').filter((one) => opened.has(`${one.id} ${windowOf(one)}`));
  const told = newcomers.map((one) => ({ id: one.id, name: one.name, window: windowOf(one) }));
  ok(told.length > 0);
  sameInAnyOrder(toldOf('q8').map(read), told);
});

test('query 11 tells the bids of each bidder without a longer pause', () => {
  const sessions = new Map<number, { bids: number; starttime: number; endtime: number }[]>();
  for (const { bidder, dateTime } of bids) {
    const known = sessions.get(bidder!) ?? [];
    const open = known.at(-1);
    if (open !== undefined && dateTime! - open.endtime <= SIZE_MS) {
      open.bids++;
      open.endtime = dateTime!;
    } else known.push({ bids: 1, starttime: dateTime!, endtime: dateTime! });
    sessions.set(bidder!, known);
  }
  const told = [...sessions].flatMap(([bidder, all]) =>
    all.filter(({ endtime }) => endtime + SIZE_MS < endMs).map((one) => ({ bidder, ...one })),
  );
  ok(told.length > 0);
  sameInAnyOrder(toldOf('q11').map(read), told);
});

test('query 18 tells each bid that is the last of its bidder on its auction', () => {
  // They come in the order of their times, so that each is the last one when it comes.
  sameInOrder(toldOf('q18').map(read), bids);
});

test('the first difference is told', () => {
  const told = toldOf('q2');
  const [first, ...others] = told;
  const changed = { ...first!, value: Buffer.from(first!.value) };
  changed.value[changed.value.length - 1]! ^= 2;
  equal(difference(queryOf('q2'), schemas, told, told), undefined);
  match(difference(queryOf('q2'), schemas, told, others)!, /^q2: \d+ and \d+ answers; no. 1 /);
  match(difference(queryOf('q2'), schemas, told, [changed, ...others])!, /no. 1 /);
  const later = { ...first!, atMs: first!.atMs + 1 };
  match(difference(queryOf('q2'), schemas, told, [later, ...others])!, /no. 1 /);
  equal(difference(queryOf('q7'), schemas, told, [...others, first!]), undefined);
  equal(difference(queryOf('q5'), schemas, [first!, first!], [first!]), undefined);
  equal(difference(queryOf('q2'), schemas, [], []), 'q2: nothing was told');
});
