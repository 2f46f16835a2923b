/**
 * Sliding windows: [start, start + d], both in it. Each record at t has the window that ends with
 * it, [t - d, t], and where a later record is within d of it also the one that begins behind it,
 * [t + 1, t + 1 + d]; so there are just the windows that have different records (S16 to S18). A
 * window that begins between two others is made of what one of them holds.
 */
import type { Key } from '../core/store.ts';
import type { Window, Windowing, WindowMaker, WindowReader } from './window-rows.ts';

export function slidingWindows(differenceMs: number, graceMs: number): Windowing {
  /** A window still takes a record at stream time `end + grace`. */
  const closeMs = ({ end }: Window) => end + graceMs + 1;
  return {
    isListed: true,
    hasBounds: true,
    changes(rows, group, atMs, streamMs, maker) {
      // Not even a window that would begin behind it could still be open.
      if (streamMs >= atMs + differenceMs + graceMs + 1) return { puts: [], merged: [], late: 1 };
      const record = new SlidingRecord(rows, group, atMs, differenceMs, maker);
      if (atMs < differenceMs) record.takeEarly();
      else record.take();
      const puts: Window[] = [];
      let late = 0;
      for (const window of record.windows()) {
        if (streamMs >= closeMs(window)) late++;
        else puts.push(window);
      }
      return { puts, merged: [], late };
    },
    closeMs,
    // Windows of records that may still come are made of windows that began 2d before them.
    forgetMs: ({ end }) => end + graceMs + 2 * differenceMs + 1,
  };
}

/** What one record does to the windows of its group, whether they are open or not. */
class SlidingRecord {
  readonly #rows: WindowReader;
  readonly #group: Key;
  readonly #atMs: number;
  readonly #differenceMs: number;
  readonly #maker: WindowMaker;
  readonly #puts = new Map<number, Window>();
  /** The windows that begin at most 2d before the record, and at most 1 behind it. */
  readonly #starts: readonly number[];

  constructor(
    rows: WindowReader,
    group: Key,
    atMs: number,
    differenceMs: number,
    maker: WindowMaker,
  ) {
    this.#rows = rows;
    this.#group = group;
    this.#atMs = atMs;
    this.#differenceMs = differenceMs;
    this.#maker = maker;
    const all = rows.starts(group);
    const last = atMs + 1;
    this.#starts = all.filter((start) => start >= atMs - 2 * differenceMs && start <= last);
  }

  /** What has changed, by start. */
  windows(): readonly Window[] {
    return [...this.#puts.values()].sort((a, b) => a.start - b.start);
  }

  take(): void {
    const atMs = this.#atMs;
    let behind: Window | undefined;
    let before: Window | undefined;
    let previousMs = -1;
    let hasOwn = false;
    for (const start of this.#starts.toReversed()) {
      if (start > atMs) continue;
      const window = this.#rows.get(this.#group, start)!;
      if (window.end < atMs) {
        before = window;
        previousMs = window.maxMs;
        break;
      }
      this.#put(this.#maker.with(window));
      if (window.end > atMs) {
        behind ??= window;
        continue;
      }
      // A record of the same time was there before: it has made all windows that there are to make.
      if (window.maxMs === atMs) return;
      hasOwn = true;
      previousMs = window.maxMs;
    }
    this.#beginBehind(previousMs);
    if (!hasOwn) {
      const isNear = previousMs >= atMs - this.#differenceMs;
      this.#begin(atMs - this.#differenceMs, isNear ? before : undefined);
    }
    this.#beginOwn(behind);
  }

  /** Windows do not begin before the epoch: records of its first d share the window [0, d]. */
  takeEarly(): void {
    const atMs = this.#atMs;
    let behind: Window | undefined;
    for (const start of this.#starts) {
      if (start === 0 || start > atMs) continue;
      behind = this.#rows.get(this.#group, start)!;
      this.#put(this.#maker.with(behind));
    }
    const shared = this.#rows.get(this.#group, 0);
    if (shared !== undefined && shared.maxMs > atMs) behind ??= shared;
    this.#beginOwn(behind);
    if (shared !== undefined && shared.maxMs < atMs) this.#beginBehind(shared.maxMs);
    this.#begin(0, shared);
  }

  #put(window: Window): void {
    this.#puts.set(window.start, window);
  }

  #begin(start: number, of: Window | undefined): void {
    const end = start + this.#differenceMs;
    const window = of ?? this.#maker.empty(start, end);
    this.#put(this.#maker.with({ ...window, start, end, isTold: false }));
  }

  /** The window that begins behind the record before this one, and has only this one in it. */
  #beginBehind(previousMs: number): void {
    const start = previousMs + 1;
    const isWithin = previousMs >= 0 && start + this.#differenceMs >= this.#atMs;
    if (isWithin && !this.#starts.includes(start)) this.#begin(start, undefined);
  }

  /** The window that begins behind this record: `of` has just what is to be in it. */
  #beginOwn(of: Window | undefined): void {
    const start = this.#atMs + 1;
    if (of === undefined || of.maxMs <= this.#atMs || this.#starts.includes(start)) return;
    this.#put({ ...of, start, end: start + this.#differenceMs, isTold: false });
  }
}
