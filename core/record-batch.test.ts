import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BatchBuilder, readBatch } from './record-batch.ts';

const text = (bytes: Buffer, start: number, end: number) =>
  start < 0 ? null : bytes.toString('utf8', start, end);

const rows: readonly [number, string | null, string | null, [string, string][]][] = [
  [1_700_000_000_000, 'm-1', 'one', []],
  [1_700_000_000_500, 'm-2', '', []],
  [1_699_999_999_000, '', null, []],
  [
    1_700_000_000_001,
    null,
    'x'.repeat(10_000),
    [
      ['a', 'b'],
      ['ключ', 'значение'],
    ],
  ],
  [0, 'é'.repeat(300), 'last', [['empty', '']]],
];

test('what is appended is read back: order, times, nulls, empties, headers, long values', () => {
  const builder = new BatchBuilder('t', 3);
  for (const [timestamp, key, value, headers] of rows) {
    builder.append(
      timestamp,
      key,
      value === null ? null : Buffer.from(value),
      headers.length === 0 ? null : headers.map(([k, v]) => ({ key: k, value: Buffer.from(v) })),
    );
  }
  const batch = builder.finish();
  assert.equal(batch.count, rows.length);
  assert.equal(batch.maxTimestamp, 1_700_000_000_500);
  const records = readBatch('t', 3, batch.bytes, 100);
  const got = records.map((r) => [
    r.timestamp,
    r.key,
    text(r.valueBytes, r.valueStart, r.valueEnd),
    (r.headers ?? []).map((h) => [h.key, h.value.toString()]),
  ]);
  assert.deepEqual(got, rows);
  assert.deepEqual(
    records.map((r) => r.offset),
    [100, 101, 102, 103, 104],
  );
});

test('an encoder that has no room is asked again with more', () => {
  const big = Buffer.alloc(20_000, 7);
  let asked = 0;
  const encoder = {
    schemaId: 1,
    toBuffer: () => big,
    encode(value: unknown, bytes: Buffer, at: number) {
      asked++;
      if (at + big.length > bytes.length) return -1;
      return at + (value as Buffer).copy(bytes, at);
    },
  };
  const builder = new BatchBuilder('t', 0);
  assert.equal(builder.appendEncoded(5, 'k', encoder, big), big.length);
  builder.append(6, 'k2', Buffer.from('v'));
  const [first, second] = readBatch('t', 0, builder.finish().bytes, 0);
  assert.ok(asked > 1);
  assert.deepEqual(first!.valueBytes.subarray(first!.valueStart, first!.valueEnd), big);
  assert.equal(second!.key, 'k2');
});

test('undo takes the last record back', () => {
  const builder = new BatchBuilder('t', 0);
  builder.append(1, 'a', Buffer.from('1'));
  const mark = builder.mark();
  builder.append(2, 'b', Buffer.from('2'));
  builder.undo(mark);
  builder.append(3, 'c', Buffer.from('3'));
  const records = readBatch('t', 0, builder.finish().bytes, 0);
  assert.deepEqual(
    records.map((r) => r.key),
    ['a', 'c'],
  );
});

test('any sizes of keys and values come back, around every length of a varint', () => {
  const sizes = [
    0, 1, 2, 40, 47, 48, 49, 57, 63, 64, 65, 127, 128, 4_090, 8_180, 8_191, 8_192, 70_000,
  ];
  const builder = new BatchBuilder('t', 0);
  const encoder = (value: Buffer) => ({
    schemaId: 1,
    toBuffer: () => value,
    encode: (_: unknown, bytes: Buffer, at: number) =>
      at + value.length > bytes.length ? -1 : at + value.copy(bytes, at),
  });
  for (const [i, size] of sizes.entries()) {
    const value = Buffer.alloc(size, i + 1);
    builder.append(i, 'k'.repeat(size % 100), value);
    builder.appendEncoded(i, 'é'.repeat(size % 60), encoder(value), value);
  }
  const records = readBatch('t', 0, builder.finish().bytes, 0);
  assert.equal(records.length, sizes.length * 2);
  for (const [i, size] of sizes.entries()) {
    for (const [at, key] of [
      [i * 2, 'k'.repeat(size % 100)],
      [i * 2 + 1, 'é'.repeat(size % 60)],
    ] as const) {
      const record = records[at]!;
      assert.equal(record.key, key);
      const value = record.valueBytes.subarray(record.valueStart, record.valueEnd);
      assert.deepEqual(value, Buffer.alloc(size, i + 1));
    }
  }
});
