/**
 * Says whether a lane may deliver. It opens when the service itself is in trouble, lets one try
 * through after a growing pause, and closes at the first success.
 *
 *   closed ──trouble ×3──▶ open ──pause over──▶ half-open ──success──▶ closed
 *                            ▲──────trouble──────────┘
 */
const OPEN_AFTER_TROUBLES = 3;
const PAUSE_FIRST_MS = 200;
const PAUSE_MAX_MS = 5_000;

export class Breaker {
  #troubles = 0;
  #openings = 0;
  #openUntilMs = 0;
  #why = '';

  /** Null while it is closed; else what the service said last. */
  get trouble(): string | null {
    return this.#openings === 0 ? null : this.#why;
  }

  /** When a try may be made; 0: now. */
  get openUntilMs(): number {
    return this.#openUntilMs;
  }

  /** How many deliveries may be in flight: all, none, or the one that tries. */
  allows(nowMs: number, inFlight: number): boolean {
    if (this.#openings === 0) return true;
    return nowMs >= this.#openUntilMs && inFlight === 0;
  }

  success(): void {
    this.#troubles = 0;
    this.#openings = 0;
    this.#openUntilMs = 0;
  }

  /** `notBeforeMs`: how long the service asked us to wait; `chance` in [0, 1) spreads the tries. */
  failure(nowMs: number, why: string, notBeforeMs: number, chance: number): void {
    this.#troubles++;
    this.#why = why;
    if (this.#openings === 0 && this.#troubles < OPEN_AFTER_TROUBLES && notBeforeMs === 0) return;
    const pause = Math.min(PAUSE_MAX_MS, PAUSE_FIRST_MS * 2 ** Math.min(this.#openings, 10));
    this.#openings++;
    this.#openUntilMs = nowMs + Math.max(notBeforeMs, pause * (0.5 + chance / 2));
  }
}
