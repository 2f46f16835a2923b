import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CarillonError } from '../../core/error.ts';
import { MemoryBudget, MemoryPart, type Sized } from './memory-budget.ts';

const NONE = Number.POSITIVE_INFINITY;

/** A store of so many rows, which can be full; without rows one that nobody can refuse. */
const store = (bytes: number, spare = 0, size?: number): Sized & { bytes: number } =>
  size === undefined ? { bytes, spare } : { bytes, spare, size, rowsMax: NONE };

function part(budget: MemoryBudget, ...stores: Sized[]): MemoryPart {
  const one = new MemoryPart(budget);
  for (const each of stores) one.add(each);
  one.look();
  return one;
}

for (const { it, limit, stores, isShort, isSpent, full } of [
  {
    it: 'nothing is said: no bound',
    limit: NONE,
    stores: [store(1e15, 0, 5)],
    ...{ isShort: false, isSpent: false, full: [NONE] },
  },
  {
    it: 'a byte below four fifths',
    limit: 1_000,
    stores: [store(799, 0, 500)],
    ...{ isShort: false, isSpent: false, full: [NONE] },
  },
  {
    it: 'four fifths: a store that has its share has no room for more rows',
    limit: 1_000,
    stores: [store(800, 0, 500)],
    ...{ isShort: true, isSpent: false, full: [500] },
  },
  {
    it: 'what is free to be used again is not needed',
    limit: 1_000,
    stores: [store(1_200, 401, 500)],
    ...{ isShort: false, isSpent: false, full: [NONE] },
  },
  {
    it: 'who has less than its share goes on',
    limit: 1_000,
    stores: [store(500, 0, 500), store(300, 0, 400), store(100, 0, 90)],
    ...{ isShort: true, isSpent: false, full: [500, 400, NONE] },
  },
  {
    it: 'a store that nobody can refuse has a share too',
    limit: 1_000,
    stores: [store(700), store(200, 0, 90)],
    ...{ isShort: true, isSpent: false, full: [undefined, NONE] },
  },
  {
    it: 'few rows fit always, however large they are',
    limit: 1_000,
    stores: [store(900, 0, 3)],
    ...{ isShort: true, isSpent: false, full: [64] },
  },
  {
    it: 'all is spent',
    limit: 1_000,
    stores: [store(990), store(10, 0, 100)],
    ...{ isShort: true, isSpent: true, full: [undefined, NONE] },
  },
]) {
  test(`memory: ${it}`, () => {
    const budget = new MemoryBudget(limit);
    const looked = part(budget, ...stores);
    assert.equal(looked.look(), isSpent);
    assert.equal(budget.isSpent, isSpent);
    assert.equal(budget.isShort, isShort);
    assert.deepEqual(
      stores.map(({ rowsMax }) => rowsMax),
      full,
    );
  });
}

test('memory is that of all parts, and what is closed gives its own back', () => {
  const budget = new MemoryBudget(1_000);
  const grows = store(300, 0, 100);
  const one = part(budget, grows);
  const other = part(budget, store(400, 0, 100));
  assert.equal(budget.used, 700);
  grows.bytes = 600;
  assert.equal(budget.used, 700, 'as of its last look');
  assert.equal(one.look(), true);
  assert.equal(budget.used, 1_000);
  assert.equal(grows.rowsMax, 100);
  other.close();
  assert.equal(budget.used, 600);
  assert.equal(one.look(), false);
  assert.equal(grows.rowsMax, NONE, 'it has room again');
  one.close();
  assert.deepEqual([budget.used, budget.stores], [0, 0]);
});

test('CAR697: what is read back may be a quarter more than the budget, and no more', () => {
  const budget = new MemoryBudget(1_000);
  const grows = store(1_249);
  const one = part(budget, grows);
  const readBatches = (n: number) => {
    for (let i = 0; i < n; i++) one.restored('t.dedup');
  };
  readBatches(64);
  grows.bytes = 1_250;
  readBatches(63);
  assert.throws(
    () => readBatches(1),
    (error) =>
      error instanceof CarillonError && error.code === 'CAR697' && error.where?.at === 't.dedup',
  );
});
