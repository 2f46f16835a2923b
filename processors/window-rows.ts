/**
 * The windows of a step as rows: one a window, under its group and its start, and for windows whose
 * starts cannot be reckoned one a group that lists them. Stream time and the number of windows are
 * a row too, so that a restart forgets neither (S57).
 */
import { type ColumnStore, columns, type Key } from '../core/store.ts';

/** `n`: windows, and `atMs`: stream time, in the one row that is of no group. */
export const windowRows = columns({ n: 'int', atMs: 'double', window: 'value' }, 'step');

/** A window, or a group without one; never changed in place. */
export interface Window {
  /** The key of its records, and the other parts that it is grouped by. */
  readonly key: string;
  readonly parts: readonly unknown[];
  /** Epoch milliseconds. */
  readonly start: number;
  readonly end: number;
  /** Records in it, and the latest event time of them. */
  readonly records: number;
  readonly maxMs: number;
  /** What its functions keep, in their order. */
  readonly states: readonly unknown[];
  /** It has been told, and is kept only for what neighbours are made of. */
  readonly isTold: boolean;
}

/** How a window is made and goes on; the functions of the aggregate. */
export interface WindowMaker {
  /** Of the record that is being taken, without it. */
  empty(start: number, end: number): Window;
  /** With the record. */
  with(window: Window): Window;
  /** Of two sessions that become one, the earlier first. */
  merged(earlier: Window, later: Window): Window;
}

/** What a record does to the windows of its group. */
export interface Changes {
  /** Windows as they are now, by start. */
  readonly puts: readonly Window[];
  /** Sessions that have become part of another one, by start. */
  readonly merged: readonly Window[];
  /** Windows that have closed before the record came. */
  readonly late: number;
}

/** Reads the rows of windows. */
export interface WindowReader {
  get(group: Key, start: number): Window | undefined;
  starts(group: Key): readonly number[];
}

export interface Windowing {
  /** Whether the starts of a group's windows are listed. */
  readonly isListed: boolean;
  /** Whether results have the bounds of a window. */
  readonly hasBounds: boolean;
  /** `streamMs`: stream time, with the record's own time in it. */
  changes(
    rows: WindowReader,
    group: Key,
    atMs: number,
    streamMs: number,
    maker: WindowMaker,
  ): Changes;
  /** The first stream time at which it takes no record any more; NEVER: it takes all. */
  closeMs(window: Window): number;
  /** The first stream time at which nothing is made of it any more. */
  forgetMs(window: Window): number;
}

/** Stands under the bare empty key, which no part of a key is. */
const SUMS = '';
/** The part that lists the starts of a group; windows stand one behind their start. */
const LIST = 0;

export class WindowRows {
  readonly #store: ColumnStore<(typeof windowRows)['columns']>;
  /** Whether groups have lists. */
  readonly #isListed: boolean;

  constructor(store: ColumnStore<(typeof windowRows)['columns']>, isListed: boolean) {
    this.#store = store;
    this.#isListed = isListed;
  }

  get count(): number {
    return this.#sums()?.n ?? 0;
  }

  /** -1: no record has come. */
  get streamMs(): number {
    return (this.#sums()?.atMs ?? 0) - 1;
  }

  set streamMs(atMs: number) {
    // One more than it is, as a row that is new says 0.
    this.#store.put(this.#store.key(SUMS)).atMs = atMs + 1;
  }

  #sums() {
    return this.#store.get(this.#store.key(SUMS));
  }

  get(group: Key, start: number): Window | undefined {
    return this.#store.get(this.#store.part(group, start + 1))?.window as Window | undefined;
  }

  /** The starts of a group's windows, ascending. */
  starts(group: Key): readonly number[] {
    const list = this.#store.get(this.#store.part(group, LIST));
    return (list?.window as readonly number[] | undefined) ?? [];
  }

  /** `dueMs`: the stream time at which something is to be done with it. */
  put(group: Key, window: Window, dueMs: number): void {
    const { start } = window;
    const store = this.#store;
    const { size } = store;
    store.put(store.part(group, start + 1)).window = window;
    store.setDue(dueMs);
    if (store.size === size) return;
    this.#add(1);
    if (this.#isListed) this.#relist(group, withStart(this.starts(group), start));
  }

  delete(group: Key, start: number): void {
    const store = this.#store;
    store.get(store.part(group, start + 1));
    store.delete();
    this.#add(-1);
    if (!this.#isListed) return;
    this.#relist(
      group,
      this.starts(group).filter((one) => one !== start),
    );
  }

  #add(n: number): void {
    this.#store.put(this.#store.key(SUMS)).n += n;
  }

  #relist(group: Key, starts: readonly number[]): void {
    const key = this.#store.part(group, LIST);
    if (starts.length > 0) this.#store.put(key).window = starts;
    else if (this.#store.get(key) !== undefined) this.#store.delete();
  }
}

function withStart(starts: readonly number[], start: number): readonly number[] {
  let at = starts.length;
  while (at > 0 && starts[at - 1]! > start) at--;
  return [...starts.slice(0, at), start, ...starts.slice(at)];
}
