import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LooseRows } from './loose-rows.ts';
import { MAP_ENTRY_BYTES, roughBytes } from './rough-bytes.ts';

const decoder = { decode: (bytes: Buffer) => JSON.parse(bytes.toString('utf8')) };
const bytesOf = (value: unknown) => Buffer.from(JSON.stringify(value), 'utf8');

for (const [value, bytes] of [
  [null, 0],
  [true, 0],
  [7, 0],
  [7.5, 16],
  [2 ** 31, 16],
  [12n, 24],
  ['', 16],
  ['abc', 24],
  ['abcdefghi', 32],
  [[1, 2, 'a'], 48 + 24 + 24],
  [{ a: 1, b: 'x' }, 24 + 16 + 24],
  [Buffer.from('abcd'), 112 + 8],
  [new Map([['a', 1]]), 24 + MAP_ENTRY_BYTES + 24],
  [new Set(['a']), 24 + MAP_ENTRY_BYTES + 24],
] as const) {
  test(`about the memory of ${typeof value === 'bigint' ? '12n' : JSON.stringify(value)}`, () => {
    assert.equal(roughBytes(value), bytes);
  });
}

test('rows are bytes until they are asked for, and their memory is known throughout', () => {
  const rows = new LooseRows();
  const put = (key: string, value: unknown) => rows.keep(key, bytesOf(value), decoder as never);
  const entry = MAP_ENTRY_BYTES + 24;
  put('a', { x: 1 });
  const kept = rows.bytes;
  assert.equal(kept, entry + 40 + 112 + 8);
  assert.deepEqual(rows.get('a'), { x: 1 });
  assert.equal(rows.get('a'), rows.get('a'), 'it is decoded once');
  assert.equal(rows.bytes, entry + 24 + 8);
  put('a', { x: 1 });
  assert.equal(rows.bytes, kept, 'a row in place of another');
  put('b', { x: 'text' });
  assert.deepEqual(
    [...rows.entries()],
    [
      ['a', { x: 1 }],
      ['b', { x: 'text' }],
    ],
  );
  rows.delete('nobody');
  rows.delete('b');
  assert.equal(rows.bytes, kept);
  rows.delete('a');
  assert.deepEqual([rows.bytes, rows.size], [0, 0]);
});
