/**
 * Budgets that fill again with time (token buckets), one for each key. Bounded: beyond `keysMax`
 * the key of longest ago is forgotten, and begins anew with a full bucket when it comes again.
 */
import type { Clock } from '../core/clock.ts';

export interface Budget {
  /** What may be spent at once. */
  readonly burst: number;
  /** What comes back each second. */
  readonly perSecond: number;
}

interface Bucket {
  left: number;
  /** Epoch ms of the last time that it was filled. */
  at: number;
}

export class Buckets {
  readonly #clock: Clock;
  readonly #budget: Budget;
  readonly #keysMax: number;
  readonly #buckets = new Map<string, Bucket>();

  constructor(clock: Clock, budget: Budget, keysMax: number) {
    this.#clock = clock;
    this.#budget = budget;
    this.#keysMax = keysMax;
  }

  /** 0: it is spent. Else nothing is, and it is the milliseconds until there is enough. */
  spend(key: string, amount = 1): number {
    const bucket = this.#bucket(key);
    const wait = waitOf(bucket, amount, this.#budget);
    if (wait === 0) bucket.left -= amount;
    return wait;
  }

  /** As `spend`, and spends nothing. */
  wait(key: string, amount = 1): number {
    const known = this.#buckets.has(key);
    return known ? waitOf(this.#bucket(key), amount, this.#budget) : 0;
  }

  #bucket(key: string): Bucket {
    const now = this.#clock.now();
    const known = this.#buckets.get(key);
    const bucket = known ?? { left: this.#budget.burst, at: now };
    fill(bucket, this.#budget, now);
    if (known !== undefined) this.#buckets.delete(key);
    else if (this.#buckets.size >= this.#keysMax) {
      this.#buckets.delete(this.#buckets.keys().next().value!);
    }
    this.#buckets.set(key, bucket);
    return bucket;
  }
}

function fill(bucket: Bucket, { burst, perSecond }: Budget, nowMs: number): void {
  // A clock that was set back takes nothing away.
  const passed = Math.max(0, nowMs - bucket.at);
  bucket.left = Math.min(burst, bucket.left + (passed * perSecond) / 1_000);
  bucket.at = nowMs;
}

/** What is larger than the burst is let through when the bucket is full, or it never would be. */
function waitOf({ left }: Bucket, amount: number, { burst, perSecond }: Budget): number {
  const needed = Math.min(amount, burst);
  // Sums of fractions are a little off: a millionth is neither waited for nor missed.
  const lacks = needed - left - 1e-6;
  return lacks <= 0 ? 0 : Math.ceil((lacks * 1_000) / perSecond);
}

/** The budget of one holder, which keeps it itself: a connection's frames. */
export class OwnBudget {
  readonly #budget: Budget;
  readonly #bucket: Bucket;

  constructor(budget: Budget, nowMs: number) {
    this.#budget = budget;
    this.#bucket = { left: budget.burst, at: nowMs };
  }

  /** False: there is not enough, and nothing is spent. */
  spend(amount: number, nowMs: number): boolean {
    fill(this.#bucket, this.#budget, nowMs);
    if (waitOf(this.#bucket, amount, this.#budget) > 0) return false;
    this.#bucket.left -= amount;
    return true;
  }

  /** Up to the burst. */
  earn(amount: number): void {
    this.#bucket.left = Math.min(this.#budget.burst, this.#bucket.left + amount);
  }
}
