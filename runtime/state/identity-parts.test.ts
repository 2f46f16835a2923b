import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Record } from '../../core/record.ts';
import { NONE, Slice } from '../../core/slice.ts';
import type { FieldReader } from '../../core/spec.ts';
import { IdentityKeys } from './identity-keys.ts';
import { identityParts } from './identity-parts.ts';
import { KeyBytes } from './key-bytes.ts';

const below = (key: string, n: number) => {
  const { view, end } = new KeyBytes().ofText(key);
  const part = new KeyBytes().ofBytes(view, 0, end, n);
  return part.bytes.toString('utf8', part.start, part.end);
};

for (const [what, key, count, told] of [
  ['a text', 'sm-4', 1, { parts: ['m-4'] }],
  ['the empty text', 's', 1, { parts: [''] }],
  ['a text that looks like several', 's1:sx', 1, { parts: ['1:sx'] }],
  ['a number', 'n17', 1, { parts: [17] }],
  ['a number beyond 2^53 stays exact', 'n9007199254740993', 1, { parts: ['9007199254740993'] }],
  ['bytes, as base64', 'bAQI=', 1, { parts: ['AQI='] }],
  ['true', 'true', 1, { parts: [true] }],
  ['false', 'false', 1, { parts: [false] }],
  ['an object', 'j{"a":1}', 1, { parts: [{ a: 1 }] }],
  ['two values', '4:sm-42:n7', 2, { parts: ['m-4', 7] }],
  ['a length in UTF-16 units', '3:s🎵2:sx', 2, { parts: ['🎵', 'x'] }],
  ['a row below a key', below('sm-4', 60_000), 1, { parts: ['m-4'], n: 60_000 }],
  ['below a key of two values', below('2:sa2:sb', 0), 2, { parts: ['a', 'b'], n: 0 }],
  ["the step's own row", '', 1, null],
  ['a key of another kind', 'xyz', 1, null],
  ['torn JSON', 'j{', 1, null],
  ['fewer values than asked for', '2:sa', 2, null],
  ['more values than asked for', '2:sa2:sb2:sc', 2, null],
  ['a length beyond the end', '9:sa2:sb', 2, null],
  ['no length', 'sa', 2, null],
] as const) {
  test(`a key is shown: ${what}`, () => assert.deepEqual(identityParts(key, count), told));
}

test('what the engine makes of values is told as these values', () => {
  const value = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).filter((n) => !Object.is(n, -0)),
    fc.boolean(),
  );
  const rows = fc.integer({ min: 1, max: 4 }).chain((size) =>
    fc.array(value, {
      minLength: size,
      maxLength: size,
    }),
  );
  fc.assert(
    fc.property(rows, (values) => {
      assert.deepEqual(identityParts(keyOf(values), values.length)?.parts, values);
    }),
  );
});

function keyOf(values: readonly unknown[]): string {
  const readers: FieldReader[] = values.map((value, n) => ({
    path: `value.f${n}`,
    column: -1,
    read: () => value,
  }));
  const slice = new Slice(0, 1);
  slice.n = 1;
  slice.selected = 1;
  slice.selection[0] = 0;
  slice.keyStart[0] = NONE;
  const keys = new IdentityKeys(readers);
  keys.fill(slice, { slice, i: 0 } as Record);
  const { bytes, start, end } = keys.at(0)!;
  return bytes.toString('utf8', start, end);
}
