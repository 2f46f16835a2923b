/**
 * A sink's rate, shared by its lanes in this process (`rate_max`): a provider counts a project, not
 * a lane. The whole is split by partitions: a process may use as much of it as it owns of them, so
 * that all processes together stay below it, and none asks another.
 */
const MINUTE_MS = 60_000;
/** What was not used is kept for so long: a pause is no credit for a burst. */
const BURST_MS = 1_000;
/** From a tenth to the whole in a minute, as FCM asks of senders that begin (scale-fcm). */
const RAMP_MS = 60_000;
const RAMP_FROM = 0.1;

export class Pace {
  readonly #perMs: number;
  /** Tasks of all its lanes that this process has, and all that there are. */
  #owned = 0;
  readonly #all: number;
  #tokens = 0;
  #atMs = Number.NEGATIVE_INFINITY;
  #sinceMs = 0;

  /** `tasks`: partitions times priorities, over all processes. */
  constructor(rateMax: number, tasks: number) {
    this.#perMs = rateMax / MINUTE_MS;
    this.#all = tasks;
  }

  opened(): void {
    this.#owned++;
  }

  closed(): void {
    this.#owned--;
  }

  /** True: one more may go now. */
  take(nowMs: number): boolean {
    this.#fill(nowMs);
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }

  /** When the next may go, at the earliest. */
  nextMs(nowMs: number): number {
    this.#fill(nowMs);
    const perMs = this.#share(nowMs);
    if (this.#tokens >= 1) return nowMs;
    return perMs === 0 ? nowMs + BURST_MS : nowMs + Math.ceil((1 - this.#tokens) / perMs);
  }

  #fill(nowMs: number): void {
    if (this.#atMs === Number.NEGATIVE_INFINITY) {
      this.#sinceMs = nowMs;
      this.#tokens = 1;
    } else {
      const perMs = this.#share(nowMs);
      const most = Math.max(1, perMs * BURST_MS);
      this.#tokens = Math.min(most, this.#tokens + (nowMs - this.#atMs) * perMs);
    }
    this.#atMs = nowMs;
  }

  #share(nowMs: number): number {
    const ramp = Math.min(1, RAMP_FROM + ((1 - RAMP_FROM) * (nowMs - this.#sinceMs)) / RAMP_MS);
    return (this.#perMs * ramp * this.#owned) / this.#all;
  }
}
