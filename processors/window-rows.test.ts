import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RowStore } from '../runtime/state/row-store.ts';
import { type Window, WindowRows, windowRows } from './window-rows.ts';

const window = (start: number): Window => ({
  key: 'k',
  parts: [],
  start,
  end: start + 10,
  records: 1,
  maxMs: start,
  states: [],
  isTold: false,
});

for (const isListed of [true, false]) {
  test(`rows of windows, ${isListed ? 'with' : 'without'} lists`, () => {
    const store = new RowStore('s', windowRows);
    const rows = new WindowRows(store, isListed);
    const group = { ...store.key('g'), bytes: Buffer.from('g') };
    const { view } = store.key('g');
    const key = { ...group, view, start: 0, end: 1 };
    assert.deepEqual([rows.count, rows.streamMs, rows.starts(key)], [0, -1, []]);
    for (const start of [20, 0, 10, 20]) rows.put(key, window(start), start + 10);
    assert.deepEqual([rows.count, rows.get(key, 10)], [3, window(10)]);
    assert.deepEqual(rows.starts(key), isListed ? [0, 10, 20] : []);
    rows.delete(key, 10);
    assert.deepEqual([rows.count, rows.get(key, 10)], [2, undefined]);
    rows.streamMs = 0;
    assert.deepEqual([rows.count, rows.streamMs], [2, 0]);
    assert.equal((store.takeDueBy(10)!.window as Window).start, 0);
    assert.equal(store.takeDueBy(29), undefined);
    rows.delete(key, 0);
    rows.delete(key, 20);
    assert.equal(store.size, 1, 'a list of nothing is no row');
  });
}
