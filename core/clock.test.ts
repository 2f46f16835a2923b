import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SteadyClock } from './clock.ts';

const HOUR_MS = 3_600_000;

/** By step: how much time passes, by how much the machine's clock is moved beside it. */
const rows: readonly {
  readonly it: string;
  readonly steps: readonly (readonly [passedMs: number, movedMs: number])[];
  /** The clock after each step, from its start. */
  readonly at: readonly number[];
  readonly ahead: readonly number[];
}[] = [
  {
    it: 'follows the machine',
    steps: [
      [5, 0],
      [1_000, 0],
    ],
    at: [5, 1_005],
    ahead: [0, 0],
  },
  { it: 'takes a step forward at once', steps: [[10, HOUR_MS]], at: [HOUR_MS + 10], ahead: [0] },
  {
    it: 'goes on when the machine is set back, at nine tenths',
    steps: [
      [1_000, 0],
      [0, -HOUR_MS],
      [10_000, 0],
      [10_000, 0],
    ],
    at: [1_000, 1_000, 10_000, 19_000],
    ahead: [0, HOUR_MS, HOUR_MS - 1_000, HOUR_MS - 2_000],
  },
  {
    it: 'is with the machine again when that has caught up',
    steps: [
      [0, -100],
      [999, 0],
      [1, 0],
      [1, 0],
      [50, 0],
    ],
    at: [0, 899, 900, 901, 951],
    ahead: [100, 0, 0, 0, 0],
  },
  {
    it: 'set back and forth, and twice',
    steps: [
      [0, -500],
      [100, 500],
      [0, -300],
      [100, -300],
      [0, 600],
    ],
    at: [0, 100, 100, 190, 200],
    ahead: [500, 0, 300, 590, 0],
  },
  {
    it: 'stands still when no time passes',
    steps: [
      [0, -1],
      [0, 0],
    ],
    at: [0, 0],
    ahead: [1, 1],
  },
];

for (const { it, steps, at, ahead } of rows) {
  test(it, () => {
    let machineMs = 1_000_000;
    let passed = 77.25;
    const clock = new SteadyClock({ now: () => machineMs }, () => passed);
    const seen = steps.map(([passedMs, movedMs]) => {
      machineMs += passedMs + movedMs;
      passed += passedMs;
      return [clock.now() - 1_000_000, Math.floor(clock.aheadMs())];
    });
    assert.deepEqual(
      seen,
      at.map((ms, n) => [ms, ahead[n]]),
    );
  });
}
