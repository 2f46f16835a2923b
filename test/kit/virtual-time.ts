/**
 * Timers and `performance.now` of this process, moved by the test: so that a time-out of 20 ms is
 * exactly that on a machine that stands still for a second. For what measures with the machine's
 * own timers because a socket or a broker is behind it.
 */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';

interface Timer {
  readonly atMs: number;
  readonly fire: () => void;
}

/** Turns of the event loop in which nothing happens before time goes on. */
const IDLE_TURNS = 12;
/** So often nothing, and no timer is set: the test would wait for ever. */
const IDLE_ROUNDS_MAX = 1_000;
/** A test that has not ended by then waits for what never comes. */
const MOST_MS = 3_600_000;

export class VirtualTime {
  #nowMs = 1_000;
  #ids = 0;
  readonly #timers = new Map<number, Timer>();

  /** Until the end of the test. Timers that were set before are not touched. */
  constructor(t: TestContext) {
    const set = (fire: (...args: unknown[]) => void, ms = 0, ...args: unknown[]) => {
      const id = ++this.#ids;
      const atMs = this.#nowMs + Math.max(1, ms);
      this.#timers.set(id, { atMs, fire: () => fire(...args) });
      return this.#handle(id);
    };
    const clear = (handle: unknown) => void this.#timers.delete(Number(handle));
    t.mock.method(globalThis, 'setTimeout', set as never);
    t.mock.method(globalThis, 'clearTimeout', clear as never);
    t.mock.method(performance, 'now', () => this.#nowMs);
  }

  /** Timers that are set. */
  get waiting(): number {
    return this.#timers.size;
  }

  /**
   * Goes on, and fires what is due in its order; what that leads to happens before the next one.
   */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    await idle();
    for (let next = this.#next(); next !== null && next[1].atMs <= endMs; next = this.#next()) {
      this.#fire(next);
      await idle();
    }
    this.#nowMs = endMs;
  }

  /**
   * Goes on by itself, whenever nothing else happens, until the work has ended. Not for sockets.
   */
  async while<T>(work: Promise<T>): Promise<T> {
    let isDone = false;
    const done = () => {
      isDone = true;
    };
    work.then(done, done);
    let idleRounds = 0;
    for (;;) {
      await idle();
      if (isDone) return work;
      const next = this.#next();
      if (next !== null) this.#fire(next);
      idleRounds = next === null ? idleRounds + 1 : 0;
      assert.ok(idleRounds < IDLE_ROUNDS_MAX, `nothing more comes at ${this.#nowMs} ms`);
    }
  }

  #next(): readonly [number, Timer] | null {
    let next: readonly [number, Timer] | null = null;
    for (const timer of this.#timers) if (timer[1].atMs < (next?.[1].atMs ?? MOST_MS)) next = timer;
    return next;
  }

  #fire([id, { atMs, fire }]: readonly [number, Timer]): void {
    this.#timers.delete(id);
    this.#nowMs = Math.max(this.#nowMs, atMs);
    fire();
  }

  #handle(id: number) {
    const handle = {
      ref: () => handle,
      unref: () => handle,
      hasRef: () => this.#timers.has(id),
      [Symbol.toPrimitive]: () => id,
    };
    return handle;
  }
}

async function idle(): Promise<void> {
  for (let n = 0; n < IDLE_TURNS; n++) await new Promise((resolve) => setImmediate(resolve));
}

type Closing = (() => Promise<void> | void)[];

/**
 * `test` for tests without sockets, in which time goes on by itself when nothing else happens. What
 * is in `closing` when a test ends is closed in its time too, the last one first.
 */
export function timedTest(closing: Closing = []) {
  return (name: string, body: (time: VirtualTime) => Promise<void> | void): void => {
    test(name, async (t) => {
      const time = new VirtualTime(t);
      const whole = async () => {
        try {
          await body(time);
        } finally {
          for (const close of closing.splice(0).reverse()) await close();
        }
      };
      await time.while(whole());
    });
  };
}
