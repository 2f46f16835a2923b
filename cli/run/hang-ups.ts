/** SIGHUPs, one after the other; several that come while one is worked on are one. */
export class HangUps {
  #waiting = false;
  #wake: () => void = () => undefined;
  readonly #heard = () => {
    this.#waiting = true;
    this.#wake();
  };

  constructor() {
    process.on('SIGHUP', this.#heard);
  }

  /** Resolves at the next one, or at once for one that came since. */
  async next(): Promise<'SIGHUP'> {
    while (!this.#waiting) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#waiting = false;
    return 'SIGHUP';
  }

  close(): void {
    process.off('SIGHUP', this.#heard);
  }
}
