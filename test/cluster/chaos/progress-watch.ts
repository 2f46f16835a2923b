/** How long any part of the work stood still, seen from outside: by committed offsets. */
import type { Arena } from './arena.ts';

const EVERY_MS = 500;

export class ProgressWatch {
  readonly #arena: Pick<Arena, 'committed'>;
  #last: number[] = [];
  #since: number[] = [];
  #longestMs = 0;
  #stopped = false;
  #going: Promise<void> | null = null;

  /** The load must go on in every partition, so that there is always something to commit. */
  constructor(arena: Pick<Arena, 'committed'>) {
    this.#arena = arena;
  }

  start(): void {
    this.#going = this.#watch();
  }

  /** The longest time since the last call that a partition of a group stood still. */
  longestMs(): number {
    const nowMs = performance.now();
    const standing = Math.max(0, ...this.#since.map((since) => nowMs - since));
    const longest = Math.max(this.#longestMs, standing);
    this.#longestMs = 0;
    return longest;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#going;
  }

  async #watch(): Promise<void> {
    while (!this.#stopped) {
      // Brokers that do not tell have not moved anything, as far as anybody knows.
      const now = await this.#arena.committed().catch(() => null);
      const nowMs = performance.now();
      now?.forEach((offset, i) => {
        if (offset === this.#last[i]) return;
        const since = this.#since[i];
        if (since !== undefined) this.#longestMs = Math.max(this.#longestMs, nowMs - since);
        this.#last[i] = offset;
        this.#since[i] = nowMs;
      });
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    }
  }
}
