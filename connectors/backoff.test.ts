import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backoffMs, retryAfterMs } from './backoff.ts';

const NOW_MS = Date.UTC(2026, 0, 1);

for (const [header, ms] of [
  ['7', 7_000],
  [' 7 ', 7_000],
  ['0', 0],
  ['99999', 3_600_000],
  ['Thu, 01 Jan 2026 00:00:30 GMT', 30_000],
  ['Wed, 31 Dec 2025 00:00:00 GMT', 0],
  ['soon', undefined],
  ['-5x', undefined],
  [undefined, undefined],
] as const) {
  test(`Retry-After ${header}`, () => assert.equal(retryAfterMs(header, NOW_MS), ms));
}

test('the wait doubles from the base to the cap, plus up to a quarter, the same at each run', () => {
  for (const [attempt, ms] of [
    [1, 1_000],
    [2, 2_000],
    [4, 8_000],
    [5, 10_000],
    [99, 10_000],
  ] as const) {
    const waits = Array.from({ length: 50 }, (_, n) =>
      backoffMs(1_000, 10_000, attempt, `id-${n}`),
    );
    assert.ok(waits.every((wait) => wait >= ms && wait <= ms * 1.25));
    assert.ok(new Set(waits).size > 40, 'they spread');
    assert.equal(backoffMs(1_000, 10_000, attempt, 'id-0'), waits[0]);
  }
});
