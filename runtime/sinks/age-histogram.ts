/** How old events were when something happened to them: counts by bucket, cheap enough for each. */
export const AGE_BUCKETS_MS = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 300_000,
] as const;

export class AgeHistogram {
  /** One more than the bounds: the last counts what is above all. */
  readonly buckets: number[] = new Array(AGE_BUCKETS_MS.length + 1).fill(0);
  sumMs = 0;
  count = 0;

  add(ageMs: number): void {
    let i = 0;
    while (i < AGE_BUCKETS_MS.length && ageMs > AGE_BUCKETS_MS[i]!) i++;
    this.buckets[i]!++;
    this.sumMs += ageMs;
    this.count++;
  }

  /** The bound of the bucket in which the quantile lies; 0 when nothing was counted. */
  quantile(q: number): number {
    let rest = this.count * q;
    for (let i = 0; i < this.buckets.length; i++) {
      rest -= this.buckets[i]!;
      if (rest <= 0 && this.count > 0) return AGE_BUCKETS_MS[i] ?? Number.POSITIVE_INFINITY;
    }
    return 0;
  }
}
