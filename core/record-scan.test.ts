import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BatchBuilder } from './batch-builder.ts';
import { readBatch, wholeBatch } from './record-batch.ts';
import { keepRecords, RecordScan } from './record-scan.ts';

function sample(): Buffer {
  const builder = new BatchBuilder('t', 0);
  const header = [{ key: 'h', value: Buffer.from('x') }];
  builder.append(1_000, 'a', Buffer.from('1'));
  builder.append(2_000, null, Buffer.from('no key'), header);
  builder.append(1_500, '', null);
  builder.append(1_700, 'a', Buffer.alloc(300, 'v'));
  return builder.finish().bytes;
}

test('a scan finds offset, key, place and tombstone of each record', () => {
  const bytes = sample();
  const scan = new RecordScan().open(bytes, 70);
  const seen: unknown[] = [];
  let end = 61;
  while (scan.next()) {
    assert.equal(scan.start, end);
    end = scan.end;
    seen.push([scan.offset, scan.timestamp, scan.key, scan.isTombstone]);
  }
  assert.equal(end, bytes.length);
  assert.deepEqual(seen, [
    [70, 1_000, 'a', false],
    [71, 2_000, null, false],
    [72, 1_500, '', true],
    [73, 1_700, 'a', false],
  ]);
  assert.equal(new RecordScan().open(Buffer.alloc(0), 0).next(), false);
});

test('a batch that ends too early is a RangeError', () => {
  const scan = new RecordScan().open(sample().subarray(0, -1), 0);
  assert.throws(() => {
    while (scan.next());
  }, RangeError);
});

test('records that are kept keep their bytes, offsets and times', () => {
  const bytes = sample();
  const kept = keepRecords(bytes, 70, ({ offset }) => offset === 71 || offset === 73)!;
  const records = readBatch({ ...wholeBatch('t', 0, kept, 70), nextOffset: 74 });
  assert.deepEqual(
    records.map((record) => [record.offset, record.timestamp, record.key]),
    [
      [71, 2_000, null],
      [73, 1_700, 'a'],
    ],
  );
  assert.equal(records[0]!.headers![0]!.value.toString(), 'x');
  assert.equal(kept.readInt32BE(8), kept.length - 12);
  assert.equal(
    keepRecords(bytes, 0, () => true),
    bytes,
  );
  assert.equal(
    keepRecords(bytes, 0, () => false),
    null,
  );
});
