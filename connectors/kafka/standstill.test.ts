import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Standstill } from './standstill.ts';

const AFTER_MS = 10;

describe('a partition that is read', () => {
  /** A look: when, where reading is (null: not read now), the log's end; and whether it stands. */
  type Look = readonly [atMs: number, position: number | null, end: number, stands: boolean];
  const table: readonly [what: string, looks: readonly Look[]][] = [
    [
      'that moves is well, however far its end',
      [
        [0, 5, 100, false],
        [10, 6, 100, false],
        [20, 7, 100, false],
      ],
    ],
    [
      'at its end is well',
      [
        [0, 5, 5, false],
        [10, 5, 5, false],
        [50, 5, 5, false],
      ],
    ],
    [
      'before its end stands still after a while, and is told once',
      [
        [0, 5, 9, false],
        [9, 5, 9, false],
        [10, 5, 9, true],
        [30, 5, 9, false],
        [60, 5, 9, false],
      ],
    ],
    [
      'that stands still is told again when there is more',
      [
        [0, 5, 9, false],
        [10, 5, 9, true],
        [15, 5, 12, false],
        [20, 5, 12, true],
      ],
    ],
    [
      'that was paused begins anew',
      [
        [0, 5, 9, false],
        [5, null, 9, false],
        [10, 5, 9, false],
        [19, 5, 9, false],
        [20, 5, 9, true],
      ],
    ],
  ];
  for (const [what, looks] of table) {
    test(what, () => {
      const standstill = new Standstill(AFTER_MS);
      for (const [atMs, position, end, expected] of looks) {
        const readings = position === null ? [] : [{ topic: 't', partition: 0, position }];
        const suspects = standstill.suspects(readings, atMs);
        const stands = suspects.some((one) => standstill.stands(one, end, atMs));
        assert.equal(stands, expected, `at ${atMs}`);
      }
    });
  }

  test('has as long again after a rebalance, and is not told again of the same', () => {
    const standstill = new Standstill(AFTER_MS);
    const reading = { topic: 't', partition: 0, position: 5 };
    const stands = (atMs: number) =>
      standstill.suspects([reading], atMs).some((one) => standstill.stands(one, 9, atMs));
    assert.equal(stands(0), false);
    standstill.restart(9);
    assert.equal(stands(18), false);
    assert.equal(stands(19), true);
    standstill.restart(20);
    assert.equal(stands(40), false);
  });
});
