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
import { printFigure } from './figure.ts';

const SIZES = [10_000, 1_000_000, 10_000_000];
const SLICE = 512;
const ASKED = 1_000_000;
const COMMIT_ROWS = 5_000;
const AT_MS = Date.UTC(2026, 0, 1);
const TOPIC = 'events.viewing-activity';
const rows = columns({ atMs: 'double', offset: 'int', partition: 'int', topic: 'name' });
type Store = RowStore<(typeof rows)['columns']>;

interface Seen {
  atMs: number;
  offset: number;
  partition: number;
  topic: string;
}

function cpuSeconds(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

function residentBytes(): number {
  globalThis.gc?.();
  return process.memoryUsage().rss;
}

/** Numbers from 0 to `below`, in an order that no cache foresees. */
function* scattered(count: number, below: number): Generator<number> {
  let state = 12_345;
  for (let n = 0; n < count; n++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield Math.floor((state / 2 ** 32) * below);
  }
}

/** The keys of a slice, as the engine makes them from the records. */
class SliceKeys {
  readonly hashes = new Int32Array(SLICE);
  readonly #key = new KeyBytes();
  readonly #ends = new Int32Array(SLICE);

  constructor() {
    this.#key.ofText('x'.repeat(64 * SLICE));
  }

  fill(ids: readonly number[]): void {
    let at = 0;
    const { bytes, view } = this.#key;
    ids.forEach((id, n) => {
      const start = at;
      at += bytes.write(`sva-${id}`, at, 'latin1');
      this.#ends[n] = at;
      this.hashes[n] = hashKey(view, start, at);
    });
  }

  at(n: number): KeyBytes {
    const key = this.#key;
    key.start = n === 0 ? 0 : this.#ends[n - 1]!;
    key.end = this.#ends[n]!;
    key.hash = this.hashes[n]!;
    return key;
  }
}

function* slices(ids: Iterable<number>): Generator<number[]> {
  let slice: number[] = [];
  for (const id of ids) {
    slice.push(id);
    if (slice.length < SLICE) continue;
    yield slice;
    slice = [];
  }
  if (slice.length > 0) yield slice;
}

function* upTo(size: number): Generator<number> {
  for (let n = 0; n < size; n++) yield n;
}

/** Remembers ids; commits as it goes. Gives the changelog, and the longest slice in ms. */
function fill(store: Store, ids: Iterable<number>): { log: LogBatch[]; longestMs: number } {
  const keys = new SliceKeys();
  const log: LogBatch[] = [];
  let longestMs = 0;
  let offset = 0;
  for (const slice of slices(ids)) {
    const began = performance.now();
    keys.fill(slice);
    store.warm(keys.hashes, slice.length);
    for (let n = 0; n < slice.length; n++) remember(store, keys.at(n), offset++);
    longestMs = Math.max(longestMs, performance.now() - began);
    if (store.changedCount >= COMMIT_ROWS) log.push(commit(store));
  }
  if (store.changedCount > 0) log.push(commit(store));
  return { log, longestMs };
}

function remember(store: Store, key: KeyBytes, offset: number): void {
  if (store.get(key) !== undefined) store.renew();
  const row = store.put(key);
  row.atMs = AT_MS + offset / 20;
  row.offset = offset;
  row.partition = 3;
  row.topic = TOPIC;
}

function commit(store: Store): LogBatch {
  const builder = new BatchBuilder('changelog', 0);
  store.writeChanged(builder, AT_MS);
  return wholeBatch('changelog', 0, builder.finish().bytes, 0);
}

/** CPU-seconds of asking for keys that are there, and putting their rows anew. */
function ask(store: Store, size: number): number {
  const keys = new SliceKeys();
  const asked = [...slices(scattered(ASKED, size))];
  let making = 0;
  const all = cpuSeconds(() => {
    for (const slice of asked) {
      keys.fill(slice);
      store.warm(keys.hashes, slice.length);
      for (let n = 0; n < slice.length; n++) remember(store, keys.at(n), n);
    }
  });
  making = cpuSeconds(() => {
    for (const slice of asked) keys.fill(slice);
  });
  commit(store);
  return all - making;
}

function askMap(map: Map<string, Seen>, size: number): number {
  const asked = [...slices(scattered(ASKED, size))].map((slice) => slice.map((id) => `sva-${id}`));
  return cpuSeconds(() => {
    for (const slice of asked) {
      for (const key of slice) {
        // Put anew, so that it is behind all others, as `renew` does.
        if (map.has(key)) map.delete(key);
        map.set(key, { atMs: AT_MS, offset: 1, partition: 3, topic: TOPIC });
      }
    }
  });
}

function measure(size: number): void {
  const store: Store = new RowStore('dedup', rows);
  const before = residentBytes();
  let filled = { log: [] as LogBatch[], longestMs: 0 };
  const fillCpu = cpuSeconds(() => {
    filled = fill(store, upTo(size));
  });
  const { log, longestMs } = filled;
  const logBytes = log.reduce((sum, { bytes }) => sum + bytes.buffer.byteLength, 0);
  const resident = residentBytes() - before - logBytes;
  const askCpu = ask(store, size);
  const single = oneRow(store);
  const everything = allRows(store, size);
  const restoreCpu = restore(log, size);
  const map = new Map<string, Seen>();
  const mapBefore = residentBytes();
  for (const id of upTo(Math.min(size, MAP_MAX))) {
    map.set(`sva-${id}`, { atMs: AT_MS, offset: id, partition: 3, topic: TOPIC });
  }
  const mapResident = (residentBytes() - mapBefore) / map.size;
  const mapAsk = askMap(map, map.size);
  const beside = map.size < size ? `a Map of objects, at ${map.size} keys` : 'a Map of objects';
  const at = `state, ${size} keys`;
  const perKey = resident / size;
  const table = { tableBytes: store.bytes / size, longestSliceMs: longestMs };
  const aim = size === 1_000_000 ? { aim: 'at most 100', met: perKey <= 100 } : {};
  const unit = 'bytes resident a key';
  printFigure({ bench: at, value: perKey, unit, floor: mapResident, beside, ...aim, more: table });
  const askUs = (askCpu / ASKED) * 1e6;
  const mapUs = (mapAsk / ASKED) * 1e6;
  const fillUs = (fillCpu / size) * 1e6;
  printFigure({
    bench: at,
    value: askUs,
    unit: 'CPU-µs a get, renew and put',
    floor: mapUs,
    beside,
    more: { fillAndCommitUs: fillUs },
  });
  const perSecond = size / restoreCpu;
  const restoreAim = size === 1_000_000 ? { aim: '1 M, 2 M', met: perSecond >= 1e6 } : {};
  printFigure({
    bench: at,
    value: perSecond,
    unit: 'rows restored a CPU-s',
    floor: 0,
    beside: 'nothing',
    ...restoreAim,
  });
  printFigure({
    bench: at,
    value: everything.us,
    unit: `CPU-µs a row, committing ${everything.rows} changed ones`,
    floor: single,
    beside: 'a commit of one changed row, CPU-µs',
  });
}

const MAP_MAX = 1_000_000;
const SINGLE_COMMITS = 2_000;

/** CPU-µs of a commit of one changed row. */
function oneRow(store: Store): number {
  const cpu = cpuSeconds(() => {
    for (let n = 0; n < SINGLE_COMMITS; n++) {
      store.put(store.key(`sva-${n}`)).offset = n;
      commit(store);
    }
  });
  return (cpu / SINGLE_COMMITS) * 1e6;
}

/** CPU-µs a row of a commit in which up to a million rows changed. */
function allRows(store: Store, size: number): { rows: number; us: number } {
  const changed = Math.min(size, 1_000_000);
  for (const id of upTo(changed)) store.put(store.key(`sva-${id}`)).offset = id;
  const cpu = cpuSeconds(() => {
    commit(store);
  });
  return { rows: changed, us: (cpu / changed) * 1e6 };
}

function restore(log: readonly LogBatch[], size: number): number {
  const store: Store = new RowStore('dedup', rows);
  const cpu = cpuSeconds(() => {
    for (const batch of log) store.restore(batch);
    store.restored();
  });
  if (store.size !== size) throw new Error(`${store.size} rows came back of ${size}`);
  return cpu;
}

const only = Number(process.env.KEYS ?? 0);
for (const size of SIZES) if (only === 0 || only === size) measure(size);
