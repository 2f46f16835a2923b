/**
 * Windows of one group in a map, for the part tests of kinds of windows: a window's state is the
 * list of the records in it.
 */
import type { Key } from '../../core/store.ts';
import type {
  Changes,
  Window,
  Windowing,
  WindowMaker,
  WindowReader,
} from '../../processors/window-rows.ts';

/** There is one group only, and nothing looks at its key. */
const GROUP: Key = {
  bytes: Buffer.alloc(0),
  view: new DataView(new ArrayBuffer(0)),
  start: 0,
  end: 0,
  hash: 0,
};

export class WindowMap implements WindowReader {
  readonly windows = new Map<number, Window>();
  readonly #of: Windowing;
  #streamMs = -1;

  constructor(of: Windowing) {
    this.#of = of;
  }

  get(_group: Key, start: number): Window | undefined {
    return this.windows.get(start);
  }

  starts(): readonly number[] {
    return [...this.windows.keys()].sort((a, b) => a - b);
  }

  /** A record comes, and what has closed is forgotten. */
  feed(atMs: number): Changes {
    this.#streamMs = Math.max(this.#streamMs, atMs);
    for (const [start, window] of this.windows) {
      if (this.#of.forgetMs(window) <= this.#streamMs) this.windows.delete(start);
    }
    const changes = this.#of.changes(this, GROUP, atMs, this.#streamMs, makerFor(atMs));
    for (const { start } of changes.merged) this.windows.delete(start);
    for (const window of changes.puts) this.windows.set(window.start, window);
    return changes;
  }
}

/** `[0,10] 1 2 3`: bounds and records. */
export function shown({ start, end, states }: Window): string {
  return [`[${start},${end}]`, ...[...states].sort((a, b) => Number(a) - Number(b))].join(' ');
}

function makerFor(atMs: number): WindowMaker {
  return {
    empty(start, end) {
      const none = { key: 'k', parts: [], records: 0, maxMs: -1, states: [], isTold: false };
      return { ...none, start, end };
    },
    with(window) {
      const records = window.records + 1;
      const maxMs = Math.max(window.maxMs, atMs);
      return { ...window, records, maxMs, states: [...window.states, atMs] };
    },
    merged: (earlier, later) => ({
      ...earlier,
      end: later.end,
      records: earlier.records + later.records,
      maxMs: Math.max(earlier.maxMs, later.maxMs),
      states: [...earlier.states, ...later.states],
    }),
  };
}
