import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BatchBuilder } from '../../core/batch-builder.ts';
import { batchesOf, decodeHead, encodeHead } from './block.ts';

test('a head says what is in its block', () => {
  const runs = [
    { slot: 0, base: 0, next: 1, maxTimestamp: 0, size: 7 },
    { slot: 8_190, base: 2 ** 39, next: 2 ** 39 + 5_000, maxTimestamp: 1.8e12, size: 1_000_000 },
  ];
  const offsets = [
    { group: 'streams', slot: 3, offset: 2 ** 39, metadata: '' },
    { group: 'streams', slot: 4, offset: 0, metadata: 'm'.repeat(4_096) },
    { group: 'größer', slot: 3, offset: 9, metadata: 'ä' },
  ];
  const head = encodeHead(
    runs,
    Map.groupBy(offsets, ({ group }) => group),
  );
  assert.deepEqual(decodeHead(head), {
    runs: [
      { ...runs[0], at: 0 },
      { ...runs[1], at: 7 },
    ],
    offsets,
  });
  assert.deepEqual(decodeHead(encodeHead([], new Map())), { runs: [], offsets: [] });
});

test('the batches of a run are found from an offset on', () => {
  const parts = [3, 1, 2].map((count) => {
    const builder = new BatchBuilder('t', 0);
    for (let n = 0; n < count; n++) builder.append(0, 'k', Buffer.from('v'));
    return builder.finish().bytes;
  });
  const bytes = Buffer.concat(parts);
  const of = (from: number) =>
    batchesOf('t', 4, bytes, 10, from).map((batch) => {
      assert.equal(batch.partition, 4);
      return [
        batch.baseOffset,
        batch.from,
        batch.nextOffset,
        parts.findIndex((p) => p.equals(batch.bytes)),
      ];
    });
  const last = [14, 14, 16, 2];
  assert.deepEqual(of(0), [[10, 10, 13, 0], [13, 13, 14, 1], last]);
  assert.deepEqual(of(12), [[10, 12, 13, 0], [13, 13, 14, 1], last]);
  assert.deepEqual(of(14), [last]);
  assert.deepEqual(of(16), []);
});
