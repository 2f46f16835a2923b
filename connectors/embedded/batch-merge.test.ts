import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BatchBuilder } from '../../core/batch-builder.ts';
import { readBatch } from '../../core/record-batch.ts';
import { RecordScan } from '../../core/record-scan.ts';
import { BatchMerge } from './batch-merge.ts';

test('records of several batches become one, with their offsets, times, headers and values', () => {
  const merge = new BatchMerge();
  const headers = [{ key: 'h', value: Buffer.from('x') }];
  const large = Buffer.alloc(200_000, 'v');
  const batches = [
    [5_000, [['a', Buffer.from('1'), null] as const, ['b', null, headers] as const]] as const,
    [1_000, [['', Buffer.alloc(0), null] as const]] as const,
    [9_000_000_000_000, [['c', large, headers] as const]] as const,
  ];
  let base = 70;
  for (const [at, rows] of batches) {
    const builder = new BatchBuilder('t', 0);
    for (const [key, value, of] of rows) builder.append(at, key, value, of);
    const scan = new RecordScan().open(builder.finish().bytes, base);
    while (scan.next()) if (scan.offset !== 70) merge.add(scan);
    base += 1_000;
  }
  assert.equal(merge.isFull, true);
  const merged = merge.finish(2_500)!;
  assert.deepEqual([merged.base, merged.last, merged.maxTimestamp], [71, 2_500, 9_000_000_000_000]);
  const batch = { topic: 't', partition: 0, bytes: merged.bytes, baseOffset: 71, from: 71 };
  const records = readBatch({ ...batch, nextOffset: 2_501 });
  assert.deepEqual(
    records.map((r) => [r.offset, r.timestamp, r.key, r.valueBytes?.length, r.headers?.length]),
    [
      [71, 5_000, 'b', undefined, 1],
      [1_070, 1_000, '', 0, undefined],
      [2_070, 9_000_000_000_000, 'c', 200_000, 1],
    ],
  );
  assert.deepEqual(records[2]!.valueBytes, large);
  assert.equal(merge.finish(2_600), undefined);
});
