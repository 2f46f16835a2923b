import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BatchBuilder } from './batch-builder.ts';
import { BytePool } from './byte-pool.ts';
import { batchSpan, readBatch, wholeBatch } from './record-batch.ts';

test('records that are written again keep the gaps between their offsets', () => {
  const builder = new BatchBuilder('t', 1);
  const offsets = [100, 101, 105, 3_000_000];
  for (const offset of offsets) {
    builder.skipTo(offset - 100);
    builder.append(7, `k${offset}`, null);
  }
  const { bytes, count } = builder.finish();
  assert.deepEqual([count, batchSpan(bytes)], [4, 3_000_000 - 100 + 1]);
  const records = readBatch(wholeBatch('t', 1, bytes, 100));
  assert.deepEqual(
    records.map((record) => [record.offset, record.key]),
    offsets.map((offset) => [offset, `k${offset}`]),
  );
});

test('a gap ends with its batch, and a record that is undone takes its offset back', () => {
  const builder = new BatchBuilder('t', 0);
  builder.skipTo(9);
  builder.append(1, 'gap', null);
  builder.finish();
  builder.append(1, 'a', null);
  builder.append(1, 'b', null);
  builder.undo();
  builder.append(1, 'c', null);
  const records = readBatch(wholeBatch('t', 0, builder.finish().bytes, 50));
  assert.deepEqual(
    records.map((record) => [record.offset, record.key]),
    [
      [50, 'a'],
      [51, 'c'],
    ],
  );
});

test('bytes that are used again say what was written last, and nothing of before', () => {
  const pool = new BytePool();
  const builder = new BatchBuilder('t', 0, pool);
  const write = (count: number, size: number, letter: string) => {
    for (let i = 0; i < count; i++) builder.append(5 + i, `${i}`, Buffer.alloc(size, letter));
    return builder.finish().bytes;
  };
  const before = Buffer.from(write(3, 90, 'a'));
  const large = write(200, 500, 'b');
  pool.give(large);
  assert.ok(pool.keptBytes > 0);
  const again = write(3, 90, 'a');
  assert.equal(again.buffer === large.buffer, false, 'a small one takes no large one');
  assert.deepEqual(again, before);
  pool.give(again);
  const third = write(3, 90, 'a');
  assert.equal(third.buffer, again.buffer);
  assert.deepEqual(third, before);
});
