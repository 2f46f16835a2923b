/**
 * The records of both sides of a join, by key, in the order in which they came. Part 0 of a key is
 * its head, which says which parts there are; parts from 1 on hold them. A row of no key has stream
 * time, and how many records there are.
 */
import type { Record } from '../core/record.ts';
import { type ColumnStore, columns, type Key } from '../core/store.ts';

export const joinRows = columns(
  {
    n: 'int',
    side: 'int',
    matched: 'int',
    first: 'int',
    next: 'int',
    size: 'int',
    timeMs: 'double',
    event: 'record',
  },
  'step',
);

/** A record of the stream, or of the other topic. */
export const OWN = 0;
export const OTHER = 1;
export type Side = typeof OWN | typeof OTHER;

const HEAD = 0;
/** Stands under the bare empty key, which no part of a key is. */
const SUMS = '';

export class KeptRecords {
  readonly #store: ColumnStore<(typeof joinRows)['columns']>;

  constructor(store: ColumnStore<(typeof joinRows)['columns']>) {
    this.#store = store;
  }

  /** Stream time; -Infinity: no record has come. */
  get timeMs(): number {
    return this.#store.get(this.#sums())?.timeMs ?? Number.NEGATIVE_INFINITY;
  }

  /** Moves stream time on, never back; gives it. */
  moveTo(atMs: number): number {
    const store = this.#store;
    const row = store.get(this.#sums()) ?? store.put(this.#sums());
    if (atMs > row.timeMs) {
      row.timeMs = atMs;
      store.changed();
    }
    return row.timeMs;
  }

  get size(): number {
    return this.#store.get(this.#sums())?.size ?? 0;
  }

  /**
   * Calls `work` with each record of a side that is as old as that, ends included, as the current
   * row: by time, of equal ones in the order in which they came. Gives how many there were.
   */
  each(key: string, side: Side, fromMs: number, toMs: number, work: () => void): number {
    const store = this.#store;
    const head = store.get(this.#part(key, HEAD));
    if (head === undefined) return 0;
    const { first, next } = head;
    const found: { readonly n: number; readonly atMs: number }[] = [];
    for (let n = first; n < next; n++) {
      const row = store.get(this.#part(key, n));
      if (row === undefined || row.side !== side) continue;
      const atMs = row.event.timestamp;
      if (atMs >= fromMs && atMs <= toMs) found.push({ n, atMs });
    }
    for (const { n } of found.sort((a, b) => a.atMs - b.atMs || a.n - b.n)) {
      store.get(this.#part(key, n));
      work();
    }
    return found.length;
  }

  /** Holds a record until stream time is later than `closesMs`. */
  add(key: string, record: Record, side: Side, isMatched: boolean, closesMs: number): void {
    const store = this.#store;
    const head = store.put(this.#part(key, HEAD));
    const n = Math.max(1, head.next);
    if (head.size === 0) head.first = n;
    head.next = n + 1;
    head.size++;
    const row = store.put(this.#part(key, n));
    row.n = n;
    row.side = side;
    row.matched = isMatched ? 1 : 0;
    row.event.hold(record);
    store.setDue(closesMs + 1);
    store.put(this.#sums()).size++;
  }

  /** Removes the current row's record. */
  remove(): void {
    const store = this.#store;
    const { n } = store.row();
    const key = store.wholeKey();
    store.delete();
    let { size, first, next } = store.get(store.part(key, HEAD))!;
    size--;
    if (size === 0) store.delete();
    else {
      if (n === first)
        while (first < next && store.get(store.part(key, first)) === undefined) first++;
      const head = store.put(store.part(key, HEAD));
      head.size = size;
      head.first = first;
    }
    store.put(this.#sums()).size--;
  }

  /** Goes to the record that has been held longest; false: there is none. */
  oldest(): boolean {
    const store = this.#store;
    if (this.size === 0) return false;
    while (store.oldest()!.n === 0) store.renew();
    return true;
  }

  #part(key: string, n: number): Key {
    return this.#store.part(this.#store.key(key), n);
  }

  #sums(): Key {
    return this.#store.key(SUMS);
  }
}
