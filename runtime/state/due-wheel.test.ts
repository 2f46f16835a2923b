import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { NEVER } from '../../core/store.ts';
import { DueWheel } from './due-wheel.ts';

const START_MS = Date.UTC(2026, 0, 1);
const SECOND = 1_000;
const DAY = 86_400 * SECOND;

/** Slots of equal due time come out by number, the greatest first: an order that no put has. */
const wheel = () => new DueWheel((a, b) => a > b);

class Model {
  readonly dues = new Map<number, number>();

  next(): number {
    return Math.min(NEVER, ...this.dues.values());
  }

  take(nowMs: number): number {
    const next = this.next();
    if (next > nowMs) return -1;
    const slot = Math.max(...[...this.dues].filter(([, due]) => due === next).map(([of]) => of));
    this.dues.delete(slot);
    return slot;
  }
}

const spans = [
  1,
  3,
  250,
  256,
  257,
  2 * SECOND,
  65_535,
  65_536,
  70 * SECOND,
  DAY,
  40 * DAY,
  400 * DAY,
];
const span = fc.oneof(
  fc.constantFrom(...spans),
  fc.nat(300),
  fc.nat(3 * SECOND),
  fc.nat(100 * DAY),
  fc.constant(50 * 365 * DAY),
);
const act = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.constant('set'), fc.nat(90), span) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('late'), fc.nat(90), span) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('remove'), fc.nat(90), fc.constant(0)) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('move'), fc.constant(0), span) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('back'), fc.constant(0), span) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('takeOne'), fc.constant(0), span) },
);

for (const startMs of [0, START_MS, 2 ** 40 - 5 * SECOND]) {
  test(`slots come out as from a sorted list, from ${startMs} on`, () => {
    fc.assert(
      fc.property(fc.array(act, { maxLength: 150 }), (acts) => {
        const dues = wheel();
        const model = new Model();
        let nowMs = startMs;
        for (const [what, slot, ms] of acts) {
          if (what === 'set' || what === 'late') {
            const dueMs = what === 'set' ? nowMs + ms : Math.max(0, nowMs - ms);
            dues.set(slot, dueMs);
            model.dues.set(slot, dueMs);
          } else if (what === 'remove') {
            dues.remove(slot);
            model.dues.delete(slot);
          } else if (what === 'back') {
            nowMs = Math.max(0, nowMs - ms);
          } else {
            nowMs += ms;
            for (;;) {
              const taken = dues.take(nowMs);
              assert.equal(taken, model.take(nowMs));
              if (taken < 0 || what === 'takeOne') break;
            }
          }
          assert.equal(dues.nextDueMs(), model.next());
          assert.equal(dues.dueOf(slot), model.dues.get(slot) ?? NEVER);
        }
      }),
      { numRuns: 400 },
    );
  });
}

test('NEVER takes a time off', () => {
  const dues = wheel();
  dues.set(5, 10);
  dues.set(5, NEVER);
  assert.deepEqual([dues.dueOf(5), dues.nextDueMs(), dues.take(100)], [NEVER, NEVER, -1]);
});

test('a slot that is due again while others wait takes its turn among them', () => {
  const dues = wheel();
  for (const [slot, dueMs] of [
    [1, 10],
    [2, 20],
    [3, 30],
  ] as const)
    dues.set(slot, dueMs);
  assert.equal(dues.take(100), 1);
  dues.set(1, 25);
  assert.deepEqual([dues.take(100), dues.take(100), dues.take(100)], [2, 1, 3]);
});
