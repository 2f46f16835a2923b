import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backoffMs, retryAfterOf } from './backoff.ts';

const NOW_MS = Date.UTC(2026, 0, 1);

const IN_30_S = 'Thu, 01 Jan 2026 00:00:30 GMT';
for (const [header, ms, date] of [
  ['7', 7_000],
  [' 7 ', 7_000],
  ['007', 7_000],
  ['99999', 3_600_000],
  ['9'.repeat(400), 3_600_000],
  [IN_30_S, 30_000],
  ['Thursday, 01-Jan-26 00:00:30 GMT', 30_000],
  ['Thu Jan  1 00:00:30 2026', 30_000],
  // The provider's clock is 5 minutes ahead, behind, or says nonsense.
  [IN_30_S, 5_000, 'Thu, 01 Jan 2026 00:00:25 GMT'],
  ['Thu, 01 Jan 2026 00:05:30 GMT', 30_000, 'Thu, 01 Jan 2026 00:05:00 GMT'],
  ['Wed, 31 Dec 2025 23:55:30 GMT', 30_000, 'Wed, 31 Dec 2025 23:55:00 GMT'],
  [IN_30_S, 30_000, 'yesterday'],
  // What says no pause leaves the floor to hold.
  ['0', undefined],
  ['-5', undefined],
  ['+5', undefined],
  ['1.5', undefined],
  ['1e3', undefined],
  ['0x10', undefined],
  ['7s', undefined],
  ['7, 9', undefined],
  ['', undefined],
  ['soon', undefined],
  ['2026', 2_026_000],
  ['2026-01-01T00:00:30Z', undefined],
  ['Thu, 01 Jan 2026 00:00:30 +0000', undefined],
  ['Thu, 01 Jan 2026 99:99:99 GMT', undefined],
  ['Wed, 31 Dec 2025 00:00:00 GMT', undefined],
  ['Thu, 01 Jan 2026 00:00:00 GMT', undefined],
  [IN_30_S, undefined, 'Thu, 01 Jan 2026 00:00:30 GMT'],
  [['7', '9'], undefined],
  [undefined, undefined],
] as const) {
  test(`Retry-After ${header}, Date ${date}`, () => {
    assert.equal(retryAfterOf({ 'retry-after': header, date }, NOW_MS), ms);
  });
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
