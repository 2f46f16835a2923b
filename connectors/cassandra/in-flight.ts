/** At most so many requests at once, over all callers; the others wait in order. */
export class InFlight {
  readonly #max: number;
  #now = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(max: number) {
    this.#max = max;
  }

  async run<T>(request: () => Promise<T>): Promise<T> {
    if (this.#now < this.#max) this.#now += 1;
    // A place that gets free is handed on, so the count stays as it is.
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await request();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#now -= 1;
      else next();
    }
  }
}
