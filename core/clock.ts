/**
 * Time comes in as an argument (production: the machine's; tests: moved by hand; replay: the
 * journal's). Nothing outside a wiring file reads the machine's clock itself.
 */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };

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
