import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Record } from '../core/record.ts';
import { Slice } from '../core/slice.ts';
import { RowStore } from '../runtime/state/row-store.ts';
import { joinRows, KeptRecords, OTHER, OWN } from './kept-records.ts';

const opened = () => {
  const store = new RowStore('t', joinRows);
  return { store, kept: new KeptRecords(store) };
};

function recordAt(timestamp: number): Record {
  const slice = new Slice(0, 1);
  slice.resetOwn('t', 0);
  slice.n = 1;
  slice.clearSlots(0);
  slice.headersAt[0] = -1;
  const record = new Record(slice, 0);
  record.key = 'k';
  record.value = { timestamp };
  record.timestamp = timestamp;
  return record;
}

test('the time goes on, and never back', () => {
  const { kept } = opened();
  assert.equal(kept.timeMs, Number.NEGATIVE_INFINITY);
  assert.deepEqual(
    [5, 9, 7].map((atMs) => kept.moveTo(atMs)),
    [5, 9, 9],
  );
  assert.equal(kept.timeMs, 9);
});

test('records of a side and a key, within times, by their times', () => {
  const { store, kept } = opened();
  for (const [key, side, atMs] of [
    ['a', OWN, 30],
    ['a', OTHER, 20],
    ['b', OWN, 20],
    ['a', OWN, 10],
    ['a', OWN, 40],
    ['a', OWN, 30],
  ] as const) {
    kept.add(key, recordAt(atMs), side, false, atMs + 5);
  }
  const seen: string[] = [];
  const see = () => seen.push(`${store.row().n}@${store.row().event.timestamp}`);
  assert.equal(kept.each('a', OWN, 10, 39, see), 3);
  assert.deepEqual(seen, ['3@10', '1@30', '5@30']);
  assert.equal(kept.each('a', OTHER, 20, 20, see), 1);
  assert.equal(kept.each('c', OWN, 0, 99, see), 0);
});

test('what is removed leaves no row, whichever goes first', () => {
  for (const order of [
    [10, 20, 30],
    [30, 20, 10],
    [20, 10, 30],
  ]) {
    const { store, kept } = opened();
    for (const atMs of [10, 20, 30]) kept.add('a', recordAt(atMs), OWN, false, atMs);
    for (const [n, atMs] of order.entries()) {
      kept.each('a', OWN, atMs, atMs, () => {});
      kept.remove();
      assert.equal(kept.size, 2 - n);
      assert.equal(store.held, 2 - n);
    }
    assert.equal(store.size, 1, 'the row of all');
    kept.add('a', recordAt(40), OWN, false, 40);
    assert.equal(
      kept.each('a', OWN, 0, 99, () => {}),
      1,
    );
  }
});

test('the oldest is a record, in the order in which they came', () => {
  const { store, kept } = opened();
  assert.equal(kept.oldest(), false);
  for (const [key, atMs] of [
    ['a', 30],
    ['b', 10],
    ['a', 20],
  ] as const) {
    kept.add(key, recordAt(atMs), OWN, false, atMs);
  }
  const seen: number[] = [];
  while (kept.oldest()) {
    seen.push(store.row().event.timestamp);
    kept.remove();
  }
  assert.deepEqual(seen, [30, 10, 20]);
});
