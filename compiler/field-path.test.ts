/** What a path reads of a record: where its field lies in the bytes, and decoded. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Record } from '../core/record.ts';
import { FIELD_FALSE, FIELD_NUMBER, FIELD_TRUE, FIELD_UNKNOWN, NONE } from '../core/slice.ts';
import { readerOf } from './field-path.ts';

const VALUE = { a: 'x', b: { c: 'y', d: { e: 'z' } }, none: null };
const decoded: readonly [path: string, reads: unknown][] = [
  ['key', 'k'],
  ['timestamp', 7],
  ['value', VALUE],
  ['value.a', 'x'],
  ['value.b', VALUE.b],
  ['value.b.c', 'y'],
  ['value.b.d.e', 'z'],
  ['value.none', null],
  ['value.none.c', undefined],
  ['value.none.d.e', undefined],
  ['value.b.other.e', undefined],
];
const partsOf = (path: string) => path.split('.').slice(1);
for (const [path, reads] of decoded) {
  test(`${path} of a value that is decoded`, () => {
    const record = { key: 'k', timestamp: 7, value: VALUE } as unknown as Record;
    assert.deepEqual(readerOf(path, partsOf(path)).read(record), reads);
  });
}

/** `start`, `end` and `number` of the second record's field, as a locator says it. */
const located: readonly [what: string, start: number, end: number, reads: unknown][] = [
  ['a text', 2, 4, 'cd'],
  ['an empty text', 3, 3, ''],
  ['a text at the very start', 0, 1, 'a'],
  ['null', NONE, 0, null],
  ['a number', FIELD_NUMBER, 0, 12.5],
  ['false', FIELD_FALSE, 0, false],
  ['true', FIELD_TRUE, 0, true],
  ['what is not located', FIELD_UNKNOWN, 0, 'x'],
];
for (const [what, start, end, reads] of located) {
  test(`a field that is located: ${what}`, () => {
    const slice = {
      bytes: Buffer.from('abcdef'),
      fieldStart: [[], [99, start]],
      fieldEnd: [[], [99, end]],
      fieldNumber: [[], [99, 12.5]],
    };
    const reader = readerOf('value.a', ['a']);
    reader.column = 1;
    assert.equal(reader.read({ slice, i: 1, value: VALUE } as unknown as Record), reads);
  });
}
