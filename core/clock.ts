/**
 * Time comes in as an argument (production: the machine's; tests: moved by hand; replay: the
 * journal's). Nothing outside a wiring file reads the machine's clock itself.
 */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
  /** How far it is ahead of the machine's, which was set back; left out: it never is. */
  aheadMs?(): number;
}

export const systemClock: Clock = { now: () => Date.now() };

/** In place of the machine's time while that is behind: what is due comes a tenth later. */
const CATCH_UP_RATE = 0.9;

/**
 * The machine's time, but that it never goes back: when that is set back, this clock goes on at
 * nine tenths of the pace until the two agree. So what waits for a time waits as long as it should,
 * and not until the machine is there again. A step forward it takes at once: a machine that has
 * slept has its due times behind it.
 */
export class SteadyClock implements Clock {
  readonly #system: Clock;
  readonly #monotonicMs: () => number;
  #atMs: number;
  #sinceMs: number;

  /** `monotonicMs`: counts the time that has passed, whatever the clock says. */
  constructor(system: Clock, monotonicMs: () => number) {
    this.#system = system;
    this.#monotonicMs = monotonicMs;
    this.#atMs = system.now();
    this.#sinceMs = monotonicMs();
  }

  now(): number {
    this.#move();
    return Math.floor(this.#atMs);
  }

  aheadMs(): number {
    return this.#move();
  }

  #move(): number {
    const systemMs = this.#system.now();
    const monotonicMs = this.#monotonicMs();
    const slowMs = this.#atMs + (monotonicMs - this.#sinceMs) * CATCH_UP_RATE;
    this.#sinceMs = monotonicMs;
    this.#atMs = Math.max(systemMs, slowMs);
    return this.#atMs - systemMs;
  }
}

export const steadyClock = (): Clock => new SteadyClock(systemClock, () => performance.now());

/** A clock that stands still until it is moved. It never goes back. */
export class HandClock implements Clock {
  #nowMs: number;

  constructor(startMs: number) {
    this.#nowMs = startMs;
  }

  now(): number {
    return this.#nowMs;
  }

  /** Moves to `atMs`; an earlier time is ignored, as a task's clock never goes back. */
  moveTo(atMs: number): void {
    if (atMs > this.#nowMs) this.#nowMs = atMs;
  }
}
