import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BatchBuilder } from './batch-builder.ts';
import { BatchCursor, readBatch, wholeBatch } from './record-batch.ts';
import { Slice } from './slice.ts';

const text = (bytes: Buffer | null) => bytes?.toString('utf8') ?? null;
const read = (builder: BatchBuilder, baseOffset = 0) =>
  readBatch(wholeBatch('t', 0, builder.finish().bytes, baseOffset));

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
  const records = readBatch(wholeBatch('t', 3, batch.bytes, 100));
  const got = records.map((r) => [
    r.timestamp,
    r.key,
    text(r.valueBytes),
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
  const [first, second] = read(builder);
  assert.ok(asked > 1);
  assert.deepEqual(first!.valueBytes, big);
  assert.equal(second!.key, 'k2');
});

test('undo takes the last record back, its time too', () => {
  const builder = new BatchBuilder('t', 0);
  builder.append(1, 'a', Buffer.from('1'));
  builder.append(9, 'b', Buffer.from('2'));
  builder.undo();
  builder.append(3, 'c', Buffer.from('3'));
  const batch = builder.finish();
  assert.equal(batch.maxTimestamp, 3);
  const records = readBatch(wholeBatch('t', 0, batch.bytes, 0));
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
  const records = read(builder);
  assert.equal(records.length, sizes.length * 2);
  for (const [i, size] of sizes.entries()) {
    for (const [at, key] of [
      [i * 2, 'k'.repeat(size % 100)],
      [i * 2 + 1, 'é'.repeat(size % 60)],
    ] as const) {
      const record = records[at]!;
      assert.equal(record.key, key);
      assert.deepEqual(record.valueBytes, Buffer.alloc(size, i + 1));
    }
  }
});

function tenRecords(): Buffer {
  const builder = new BatchBuilder('t', 0);
  for (let i = 0; i < 10; i++) builder.append(i, `k${i}`, Buffer.from(`v${i}`));
  return builder.finish().bytes;
}

const reads: readonly [string, number, number, number, (readonly [number, number, number])[]][] = [
  // name, from, next offset, at most, [first offset, records, what to commit after] of each slice
  ['whole', 100, 110, 512, [[100, 10, 110]]],
  [
    'in slices',
    100,
    110,
    4,
    [
      [100, 4, 104],
      [104, 4, 108],
      [108, 2, 110],
    ],
  ],
  ['from the middle', 107, 110, 512, [[107, 3, 110]]],
  ['the log goes on beyond', 109, 120, 512, [[109, 1, 120]]],
  ['nothing is left', 110, 115, 512, [[-1, 0, 115]]],
];
for (const [name, from, nextOffset, max, expected] of reads) {
  test(`a batch is read ${name}`, () => {
    const cursor = new BatchCursor();
    const base = { topic: 't', partition: 0, bytes: tenRecords(), baseOffset: 100 };
    cursor.open({ ...base, from, nextOffset });
    const slice = new Slice(0, 16);
    const got: (readonly [number, number, number])[] = [];
    while (!cursor.done) {
      cursor.read(slice, Math.min(max, slice.capacity));
      got.push([slice.n === 0 ? -1 : slice.offset[0]!, slice.n, cursor.nextOffset]);
    }
    assert.deepEqual(got, expected);
  });
}

test('a cursor that went back reads the same again', () => {
  const cursor = new BatchCursor();
  cursor.open(wholeBatch('t', 0, tenRecords(), 100));
  const slice = new Slice(0, 4);
  cursor.read(slice);
  const place = cursor.place();
  cursor.read(slice);
  cursor.goBack(place);
  cursor.read(slice, 1);
  assert.deepEqual([slice.n, slice.offset[0], cursor.nextOffset], [1, 104, 105]);
});

test('a batch without records only moves the position', () => {
  const cursor = new BatchCursor();
  const bytes = Buffer.alloc(0);
  cursor.open({ topic: 't', partition: 0, bytes, baseOffset: 5, from: 5, nextOffset: 9 });
  assert.equal(cursor.done, true);
  assert.equal(cursor.nextOffset, 9);
});

test('a batch that was cut off anywhere is refused, never read beyond', () => {
  const bytes = tenRecords();
  for (let end = 62; end < bytes.length; end++) {
    const cut = wholeBatch('t', 0, bytes.subarray(0, end), 0);
    assert.throws(() => readBatch(cut), RangeError, `cut at ${end}`);
  }
});

test('the broker stamped its own time: it stands for the records own', () => {
  const bytes = Buffer.from(tenRecords());
  bytes.writeInt16BE(8, 21);
  bytes.writeBigInt64BE(77n, 35);
  const times = readBatch(wholeBatch('t', 0, bytes, 0)).map(({ timestamp }) => timestamp);
  assert.deepEqual(new Set(times), new Set([77]));
});
