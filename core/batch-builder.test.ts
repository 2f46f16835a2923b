import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BatchBuilder } from './batch-builder.ts';
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
