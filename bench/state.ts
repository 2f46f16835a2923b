/**
 * What a task's state costs: the rows of `dedup` (a time, an origin) under ids, at 10 thousand, 1
 * million and 10 million keys, beside a Map of objects under texts that is asked the same. A key is
 * asked for as the engine does it: slices of 512, read ahead. `KEYS=1000000` measures that size
 * only.
 */
import { BatchBuilder } from '../core/batch-builder.ts';
import type { LogBatch } from '../core/log.ts';
import { wholeBatch } from '../core/record-batch.ts';
import { columns } from '../core/store.ts';
import { KeyBytes } from '../runtime/state/key-bytes.ts';
import { hashKey } from '../runtime/state/key-hash.ts';
import { RowStore } from '../runtime/state/row-store.ts';
import { cpuUs, median, printFigure } from './figure.ts';

const SIZES = [10_000, 1_000_000, 10_000_000];
const SLICE = 512;
const ASKED = 500_000;
const ROUNDS = 3;
const COMMIT_ROWS = 5_000;
const SINGLE_COMMITS = 2_000;
const MANY_ROWS = 1_000_000;
/** A Map of more keys takes gigabytes; what it costs by then is seen. */
const MAP_KEYS_MAX = 1_000_000;
const ID_BYTES_MAX = 16;
const AT_MS = Date.UTC(2026, 0, 1);
const TOPIC = 'events.viewing-activity';
const rows = columns({ atMs: 'double', offset: 'int', partition: 'int', topic: 'name' });
type Store = RowStore<(typeof rows)['columns']>;

/** Buffers that are garbage are given back by the collection after the one that found them. */
function residentBytes(): number {
  for (let n = 0; n < 3; n++) globalThis.gc?.();
  return process.memoryUsage().rss;
}

const idOf = (n: number) => `sva-${n}`;

/** Numbers from 0 to `below`, in an order that no cache foresees. */
function scattered(count: number, below: number): number[] {
  let state = 12_345;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  });
}

/** The keys of a slice, as the engine has them from the records. */
class SliceKeys {
  readonly hashes = new Int32Array(SLICE);
  size = 0;
  readonly #key = new KeyBytes().ofText('x'.repeat(ID_BYTES_MAX * SLICE));
  readonly #ends = new Int32Array(SLICE);

  clear(): void {
    this.size = 0;
  }

  add(id: string): void {
    const { bytes, view } = this.#key;
    const n = this.size++;
    const start = n === 0 ? 0 : this.#ends[n - 1]!;
    const end = start + bytes.write(id, start, 'latin1');
    this.#ends[n] = end;
    this.hashes[n] = hashKey(view, start, end);
  }

  at(n: number): KeyBytes {
    const key = this.#key;
    key.start = n === 0 ? 0 : this.#ends[n - 1]!;
    key.end = this.#ends[n]!;
    key.hash = this.hashes[n]!;
    return key;
  }
}

function remember(store: Store, keys: SliceKeys, offset: number): void {
  store.warm(keys.hashes, keys.size);
  for (let n = 0; n < keys.size; n++) {
    const row = store.get(keys.at(n)) ?? store.put(keys.at(n));
    row.atMs = AT_MS + (offset + n) / 20;
    row.offset = offset + n;
    row.partition = 3;
    row.topic = TOPIC;
    store.changed();
  }
}

function commit(store: Store): LogBatch {
  const builder = new BatchBuilder('changelog', 0);
  store.writeChanged(builder, AT_MS);
  return wholeBatch('changelog', 0, builder.finish().bytes, 0);
}

/** Remembers ids from 0 on, and commits as it goes; gives the longest slice, in CPU-ms. */
function fill(store: Store, size: number): number {
  const keys = new SliceKeys();
  let longestMs = 0;
  for (let from = 0; from < size; from += SLICE) {
    keys.clear();
    for (let n = from; n < Math.min(size, from + SLICE); n++) keys.add(idOf(n));
    const us = cpuUs(() => remember(store, keys, from));
    longestMs = Math.max(longestMs, us / 1e3);
    if (store.changedCount >= COMMIT_ROWS) commit(store);
  }
  commit(store);
  return longestMs;
}

/** CPU-µs of asking for a key that is there and changing its row, without making the key. */
function ask(store: Store, size: number): number {
  const keys = new SliceKeys();
  const ids = scattered(ASKED, size).map(idOf);
  const rounds = Array.from({ length: ROUNDS }, () => {
    let us = 0;
    for (let from = 0; from < ASKED; from += SLICE) {
      keys.clear();
      for (let n = from; n < Math.min(ASKED, from + SLICE); n++) keys.add(ids[n]!);
      us += cpuUs(() => remember(store, keys, from));
    }
    commit(store);
    return us / ASKED;
  });
  return Math.min(...rounds);
}

interface MapFigures {
  readonly bytes: number;
  readonly askUs: number;
}

function measureMap(size: number): MapFigures {
  const before = residentBytes();
  const map = new Map<string, object>();
  const seen = (offset: number) => ({ atMs: AT_MS, offset, partition: 3, topic: TOPIC });
  for (let n = 0; n < size; n++) map.set(idOf(n), seen(n));
  const bytes = (residentBytes() - before) / size;
  const ids = scattered(ASKED, size).map(idOf);
  const us = cpuUs(() => {
    ids.forEach((id, n) => {
      if (map.get(id) !== undefined) map.set(id, seen(n));
    });
  });
  return { bytes, askUs: us / ASKED };
}

/** CPU-µs of a commit of one changed row, and CPU-µs a row of one of a million. */
function measureCommits(store: Store, size: number): { single: number; row: number; n: number } {
  const singles = Array.from({ length: SINGLE_COMMITS }, (_, n) => {
    store.put(store.key(idOf(n))).offset = n;
    return cpuUs(() => commit(store));
  });
  const changed = Math.min(size, MANY_ROWS);
  for (let n = 0; n < changed; n++) store.put(store.key(idOf(n))).offset = n;
  const us = cpuUs(() => commit(store));
  return { single: median(singles), row: us / changed, n: changed };
}

/**
 * Rows a CPU-second, of a changelog that has each row once, and what they take when they are back:
 * then there is nothing beside them that was written on the way.
 */
function measureRestore(store: Store, size: number): { perSecond: number; resident: number } {
  const log: LogBatch[] = [];
  for (let n = 0; n < size; n++) {
    store.put(store.key(idOf(n))).offset = n;
    if (store.changedCount === COMMIT_ROWS) log.push(commit(store));
  }
  log.push(commit(store));
  let resident = Number.POSITIVE_INFINITY;
  const rounds = Array.from({ length: size > MANY_ROWS ? 1 : ROUNDS }, () => {
    const before = residentBytes();
    const back: Store = new RowStore('dedup', rows);
    const us = cpuUs(() => {
      for (const batch of log) back.restore(batch);
      back.restored();
    });
    if (back.size !== size) throw new Error(`${back.size} rows came back of ${size}`);
    resident = Math.min(resident, (residentBytes() - before) / size);
    return us;
  });
  return { perSecond: (size / Math.min(...rounds)) * 1e6, resident };
}

function measure(size: number): void {
  const isAimed = size === 1_000_000;
  const store: Store = new RowStore('dedup', rows);
  const longestMs = fill(store, size);
  const table = { tableBytes: store.bytes / size };
  const askUs = ask(store, size);
  const commits = measureCommits(store, size);
  const { perSecond, resident } = measureRestore(store, size);
  const map = measureMap(Math.min(size, MAP_KEYS_MAX));
  const bench = `state/${size}`;
  const beside = `a Map of objects, ${Math.min(size, MAP_KEYS_MAX)} keys`;
  printFigure({
    ...{ bench, value: resident, unit: 'bytes resident a key', floor: map.bytes, beside },
    ...(isAimed ? { aim: '150, 100', met: resident <= 100 } : {}),
    more: table,
  });
  printFigure({ bench, value: askUs, unit: 'CPU-µs a get and put', floor: map.askUs, beside });
  printFigure({
    ...{ bench, value: perSecond, unit: 'rows restored a CPU-s', floor: 0, beside: 'nothing' },
    ...(isAimed ? { aim: '1 M, 2 M', met: perSecond >= 1e6 } : {}),
  });
  printFigure({
    ...{ bench, value: commits.row, unit: `CPU-µs a row, of a commit of ${commits.n}` },
    ...{ floor: commits.single, beside: 'a commit of one row' },
  });
  printFigure({
    bench,
    value: longestMs,
    unit: 'CPU-ms, longest slice',
    floor: 0,
    beside: 'nothing',
  });
}

const only = Number(process.env.KEYS ?? 0);
for (const size of SIZES) if (only === 0 || only === size) measure(size);
