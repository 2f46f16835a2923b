import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TaskPort } from '../../core/log.ts';
import { Slice } from '../../core/slice.ts';
import { LaneOffsets } from './lane-offsets.ts';
import { doneAbove, OffsetTracker } from './offset-tracker.ts';

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

const rows: readonly [string, number[], number, number[], number, number[]][] = [
  // name, offsets begun, next offset, done in this order, mark, done above the mark
  ['nothing done', [0, 1, 2], 3, [], 0, []],
  ['in order', [0, 1, 2], 3, [0, 1], 2, []],
  ['all done: the mark is where the log goes on', [0, 1, 2], 7, [2, 0, 1], 7, []],
  ['out of order', [0, 1, 2, 3, 4], 5, [1, 3, 4], 0, [1, 3, 4]],
  ['gaps of control records', [5, 9, 12], 14, [5, 12], 9, [12]],
  ['only control records', [], 4, [], 4, []],
];
for (const [name, begun, next, done, mark, above] of rows) {
  test(`D8 ${name}`, () => {
    const tracker = new OffsetTracker(0);
    tracker.begin(begun, next);
    for (const offset of done) tracker.done(offset);
    assert.equal(tracker.mark, mark);
    const read = [...doneAbove(tracker.metadata())].sort((a, b) => a - b);
    assert.deepEqual(read, above);
  });
}

test('D8 the set above the mark stays within the metadata, nearest offsets first', () => {
  const tracker = new OffsetTracker(0);
  tracker.begin(range(0, 20_000), 20_000);
  for (let offset = 1; offset < 20_000; offset += 2) tracker.done(offset);
  const metadata = tracker.metadata();
  assert.ok(metadata.length <= 4_000);
  const read = doneAbove(metadata);
  assert.ok(read.size > 900, `${read.size} runs fit`);
  for (let offset = 1; offset < read.size * 2; offset += 2) assert.ok(read.has(offset));
});

test('D8 metadata that is not ours reads as nothing done', () => {
  for (const text of ['', 'x', 'd2:', 'd2:zz', 'd2:;1+2,', 'd1:1+2,']) {
    assert.equal(doneAbove(text).size, 0, text);
  }
});

test('D8 what is done stays what it was when the log has lost the records at the mark', () => {
  const lane = 'lane';
  const tracker = new OffsetTracker(0);
  tracker.begin(range(0, 10), 10);
  for (const offset of [5, 6]) tracker.done(offset);
  const offsets = new LaneOffsets({
    committedMetadata: () => tracker.metadata(),
  } as never as TaskPort);
  const slice = new Slice(0, 7);
  slice.offset.set(range(3, 10));
  slice.n = 7;
  slice.selectAll();
  offsets.begin(lane, slice, 10);
  const told = [...slice.selection.subarray(0, slice.selected)].map((i) => slice.offset[i]);
  assert.deepEqual(told, [3, 4, 7, 8, 9]);
});
