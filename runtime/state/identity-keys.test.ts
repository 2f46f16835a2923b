import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BatchBuilder } from '../../core/batch-builder.ts';
import { Record } from '../../core/record.ts';
import { BatchCursor, wholeBatch } from '../../core/record-batch.ts';
import {
  FIELD_FALSE,
  FIELD_NUMBER,
  FIELD_TRUE,
  FIELD_UNKNOWN,
  NONE,
  Slice,
} from '../../core/slice.ts';
import type { FieldReader } from '../../core/spec.ts';
import { IdentityKeys } from './identity-keys.ts';
import { hashKey } from './key-hash.ts';

/** The identity as version 0.1.0 made it: the keys of stores that are there already. */
function identityOf(values: readonly unknown[]): string | null {
  if (values.length === 1) return partOf(values[0]);
  let identity = '';
  for (const value of values) {
    const part = partOf(value);
    if (part === null) return null;
    identity += `${part.length}:${part}`;
  }
  return identity;
}

function partOf(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string') return `s${value}`;
  if (typeof value === 'number' || typeof value === 'bigint') return `n${value}`;
  if (typeof value === 'boolean') return `${value}`;
  if (Buffer.isBuffer(value)) return `b${value.toString('base64')}`;
  return `j${JSON.stringify(value)}`;
}

const readers = (size: number): FieldReader[] =>
  Array.from({ length: size }, (_, column) => ({
    path: `value.f${column}`,
    column,
    read: (record) => record.value[column],
  }));

/** A slice in which record i says rows[i]: located where a locator could, or not (`hidden`). */
function sliceOf(rows: readonly (readonly unknown[])[], hidden: boolean): Slice {
  const builder = new BatchBuilder('t', 0);
  const isText = (value: unknown): value is string => typeof value === 'string';
  for (const row of rows) builder.append(0, null, Buffer.from(row.filter(isText).join(''), 'utf8'));
  const slice = new Slice(rows[0]!.length, rows.length);
  const cursor = new BatchCursor();
  cursor.open(wholeBatch('t', 0, builder.finish().bytes, 0));
  cursor.read(slice);
  slice.touch();
  rows.forEach((row, i) => {
    slice.values[i] = row;
    let at = slice.valueStart[i]!;
    row.forEach((value, f) => {
      const size = isText(value) ? Buffer.byteLength(value) : 0;
      if (!hidden) locate(slice, i, f, value, at, at + size);
      at += size;
    });
  });
  return slice;
}

function locate(s: Slice, i: number, f: number, value: unknown, at: number, end: number): void {
  const start = s.fieldStart[f]!;
  if (typeof value === 'string') {
    start[i] = at;
    s.fieldEnd[f]![i] = end;
  } else if (typeof value === 'number') {
    start[i] = FIELD_NUMBER;
    s.fieldNumber[f]![i] = value;
  } else if (typeof value === 'boolean') start[i] = value ? FIELD_TRUE : FIELD_FALSE;
  else start[i] = value === null ? NONE : FIELD_UNKNOWN;
}

function keysOf(keys: IdentityKeys, slice: Slice): (string | null)[] {
  keys.fill(slice, new Record(slice, 0));
  return Array.from({ length: slice.selected }, (_, j) => {
    const key = keys.at(j);
    if (key === null) return null;
    assert.equal(key.hash, hashKey(key.view, key.start, key.end));
    return key.bytes.toString('utf8', key.start, key.end);
  });
}

const part = fc.oneof(
  fc.constantFrom('', 'a', 'p-1', 'x'.repeat(8), 'x'.repeat(9), 'x'.repeat(200), 'ü', '🔔', 'a\0'),
  fc.string({ unit: 'binary' }),
  fc.constantFrom(0, -0, 1, -1, 9, 10, 99, 2 ** 31, -(2 ** 31), 1e21, 0.1, Number.NaN),
  fc.integer(),
  fc.double(),
  fc.boolean(),
  fc.bigInt(),
  fc.constantFrom(null, undefined, Buffer.from('b'), { a: 1 }, [1, 'ü']),
);
const rows = fc
  .integer({ min: 1, max: 3 })
  .chain((size) =>
    fc.array(fc.array(part, { minLength: size, maxLength: size }), { minLength: 1, maxLength: 9 }),
  );

for (const hidden of [false, true]) {
  test(`keys are those of version 0.1.0, ${hidden ? 'from decoded values' : 'located'}`, () => {
    fc.assert(
      fc.property(rows, (of) => {
        const slice = sliceOf(of, hidden);
        assert.deepEqual(
          keysOf(new IdentityKeys(readers(of[0]!.length)), slice),
          of.map(identityOf),
        );
      }),
      { numRuns: 500 },
    );
  });
}

test('only what is selected has a key, and the same object makes the next slice', () => {
  const keys = new IdentityKeys(readers(1));
  const slice = sliceOf([['a'], [null], ['b'], ['c']], false);
  slice.selection.set([1, 3]);
  slice.selected = 2;
  assert.deepEqual(keysOf(keys, slice), [null, 'sc']);
  const warmed: number[] = [];
  keys.warm({ warm: (hashes, n) => warmed.push(...hashes.subarray(0, n)) });
  assert.deepEqual(warmed, [keys.at(1)!.hash]);
  const many = Array.from({ length: 3_000 }, (_, i) => [`${i}`.repeat(20)]);
  assert.deepEqual(keysOf(keys, sliceOf(many, false)), many.map(identityOf));
  assert.deepEqual(keysOf(keys, sliceOf([['d']], false)), ['sd']);
});

test("the record's key as an identity: its bytes, a text that a step gave, or none", () => {
  const builder = new BatchBuilder('t', 0);
  for (const key of ['m-1', 'ü', null, 'm-2']) builder.append(0, key, null);
  const slice = new Slice();
  const cursor = new BatchCursor();
  cursor.open(wholeBatch('t', 0, builder.finish().bytes, 0));
  cursor.read(slice);
  new Record(slice, 3).key = 'given';
  const keys = new IdentityKeys([{ path: 'key', column: -1, read: (record) => record.key }]);
  assert.deepEqual(keysOf(keys, slice), ['sm-1', 'sü', null, 'sgiven']);
});

test('what reading throws is thrown', () => {
  const reader: FieldReader = {
    path: 'value.a',
    column: -1,
    read() {
      throw new Error('torn');
    },
  };
  const slice = sliceOf([['a']], true);
  assert.throws(() => keysOf(new IdentityKeys([reader]), slice), /torn/);
});
