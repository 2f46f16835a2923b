import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fits, type Shape } from './shape.ts';

const of = (kind: 'int' | 'double' | 'string' | 'bool' | 'bytes' | 'null' | 'any'): Shape => ({
  kind,
});
const list = (items: Shape): Shape => ({ kind: 'list', items });
const map = (values: Shape): Shape => ({ kind: 'map', values });
const orNull = (inner: Shape): Shape => ({ kind: 'nullable', of: inner });

const rows: readonly [what: string, given: Shape, wanted: Shape, fits: boolean][] = [
  ['a number for a number', of('int'), of('int'), true],
  ['a whole number for a number', of('int'), of('double'), true],
  ['a number for a whole one', of('double'), of('int'), false],
  ['a text for a number', of('string'), of('int'), false],
  ['anything for a text', of('any'), of('string'), true],
  ['a text for anything', of('string'), of('any'), true],
  ['null for what may be null', of('null'), orNull(of('int')), true],
  ['null for what may not', of('null'), of('int'), false],
  ['what may be null for its like', orNull(of('int')), of('int'), true],
  ['what may be null for another', orNull(of('string')), of('int'), false],
  ['a number for a text that may be null', of('int'), orNull(of('string')), false],
  ['a list for its like', list(of('int')), list(of('int')), true],
  ['a list of texts for one of numbers', list(of('string')), list(of('int')), false],
  ['a list for a map', list(of('int')), map(of('int')), false],
  ['a map for its like', map(of('int')), map(of('double')), true],
  ['a map of texts for one of numbers', map(of('string')), map(of('int')), false],
  ['a map for a list', map(of('int')), list(of('int')), false],
  ['a text for a map', of('string'), map(of('string')), false],
  ['a map for a text', map(of('string')), of('string'), false],
  ['a list for a text', list(of('string')), of('string'), false],
  ['a text for a list', of('string'), list(of('string')), false],
];
for (const [what, given, wanted, expected] of rows) {
  test(`${what} ${expected ? 'fits' : 'does not fit'}`, () => {
    assert.equal(fits(given, wanted), expected);
  });
}
