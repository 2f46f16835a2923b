/** When a task commits: what it has done since the last time, and what the policy says of that. */
import type { Clock } from '../core/clock.ts';
import type { CommitPolicy } from './scheduler.ts';

export class CommitClock {
  readonly #policy: CommitPolicy;
  readonly #clock: Clock;
  #records = 0;
  #firstMs = 0;
  #lastCommitMs = 0;

  constructor(policy: CommitPolicy, clock: Clock) {
    this.#policy = policy;
    this.#clock = clock;
  }

  /** True: something was done since the last commit. */
  get pending(): boolean {
    return this.#records > 0;
  }

  did(records: number): void {
    if (this.#records === 0) this.#firstMs = this.#clock.now();
    this.#records += records;
  }

  committed(): void {
    this.#records = 0;
    this.#lastCommitMs = this.#clock.now();
  }

  /** `quiet`: nothing waits in the queues. `outputs`: there is more to write than offsets. */
  isDue(quiet: boolean, outputs: boolean): boolean {
    if (this.#records >= this.#policy.recordsMax) return true;
    return this.#clock.now() >= this.dueMs(quiet, outputs);
  }

  dueMs(quiet: boolean, outputs: boolean): number {
    const { minMs, maxMs, offsetsOnlyMs } = this.#policy;
    if (offsetsOnlyMs !== undefined && !outputs) return this.#firstMs + offsetsOnlyMs;
    const latest = this.#firstMs + maxMs;
    return quiet ? Math.min(latest, this.#lastCommitMs + minMs) : latest;
  }
}
