/**
 * Says whether a lane may deliver. It judges by rate: it opens when nearly all of the last answers
 * say that the service is in trouble, so that one that refuses every second call is still used. It
 * lets one try through after a growing pause, and closes at the first success.
 *
 *   closed ──4 of 5 in trouble──▶ open ──pause over──▶ half-open ──success──▶ closed
 *                                  ▲──────trouble──────────┘
 */
const WINDOW_ANSWERS = 40;
const WINDOW_MS = 60_000;
/** Fewer say nothing. */
const ANSWERS_MIN = 5;
const TROUBLE_SHARE = 0.8;
/** From here on health says so, though the lane goes on. */
const TOLD_SHARE = 0.1;
const PAUSE_FIRST_MS = 200;
const PAUSE_MAX_MS = 5_000;

export interface Trouble {
  readonly why: string;
  /** How long the service asked us to wait; 0: it did not. */
  readonly afterMs: number;
  /** True: nobody gets through before that. */
  readonly opens: boolean;
}

export class Breaker {
  /** Of the newest answers, oldest first: when, and whether it told of trouble. */
  #answers: { readonly atMs: number; readonly bad: boolean }[] = [];
  #openings = 0;
  #openUntilMs = 0;
  /** Opened at once, so a late success of a try from before does not close it. */
  #forced = false;
  #why = '';

  /** Null while it is closed; else what the service said last. */
  get trouble(): string | null {
    return this.#openings === 0 ? null : this.#why;
  }

  /** What health tells: as `trouble`, and how many tries fail while the lane goes on. */
  told(nowMs: number): string | null {
    if (this.#openings > 0) return this.#why;
    this.#forget(nowMs);
    const bad = this.#bad;
    const all = this.#answers.length;
    if (all < ANSWERS_MIN || bad < all * TOLD_SHARE) return null;
    return `${bad} of the last ${all} tries failed: ${this.#why}`;
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

  success(nowMs: number): void {
    if (this.#forced && nowMs < this.#openUntilMs) return;
    // What was before it opened is no sign of how the service is now.
    if (this.#openings > 0) this.#answers = [];
    this.#openings = 0;
    this.#openUntilMs = 0;
    this.#forced = false;
    this.#add(nowMs, false);
  }

  /** `chance` in [0, 1) spreads the tries. */
  failure(nowMs: number, { why, afterMs, opens }: Trouble, chance: number): void {
    this.#why = why;
    this.#add(nowMs, true);
    if (opens) this.#forced = true;
    if (this.#openings > 0 && nowMs < this.#openUntilMs) {
      // One of those that were under way when it opened.
      this.#openUntilMs = Math.max(this.#openUntilMs, nowMs + afterMs);
      return;
    }
    if (this.#openings === 0 && !opens && !this.#isRuined(nowMs)) return;
    const pause = Math.min(PAUSE_MAX_MS, PAUSE_FIRST_MS * 2 ** Math.min(this.#openings, 10));
    this.#openings++;
    this.#openUntilMs = nowMs + Math.max(afterMs, pause * (0.5 + chance / 2));
  }

  #isRuined(nowMs: number): boolean {
    this.#forget(nowMs);
    const all = this.#answers.length;
    return all >= ANSWERS_MIN && this.#bad >= all * TROUBLE_SHARE;
  }

  get #bad(): number {
    return this.#answers.reduce((sum, { bad }) => sum + (bad ? 1 : 0), 0);
  }

  #add(atMs: number, bad: boolean): void {
    this.#answers.push({ atMs, bad });
    if (this.#answers.length > WINDOW_ANSWERS) this.#answers.shift();
  }

  #forget(nowMs: number): void {
    while (this.#answers.length > 0 && this.#answers[0]!.atMs <= nowMs - WINDOW_MS) {
      this.#answers.shift();
    }
  }
}
