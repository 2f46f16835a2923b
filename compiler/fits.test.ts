import assert from 'node:assert/strict';
import { test } from 'node:test';
import { literalFault } from './literals.ts';
import { fits, type Shape, sameShape } from './shape.ts';

const of = (kind: 'int' | 'double' | 'string' | 'bool' | 'bytes' | 'null' | 'any'): Shape => ({
  kind,
});
const list = (items: Shape): Shape => ({ kind: 'list', items });
const map = (values: Shape): Shape => ({ kind: 'map', values });
const orNull = (inner: Shape): Shape => ({ kind: 'nullable', of: inner });

const symbols = (...of: string[]): Shape => ({ kind: 'enum', name: 'E', symbols: of });
const chosen = (...sides: Shape[]): Shape => ({ kind: 'any', of: sides, isChosen: true });
const record = (fields: { readonly [name: string]: Shape }): Shape => ({
  ...{ kind: 'record', name: 'R', defaulted: new Set() },
  fields: new Map(Object.entries(fields)),
});

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
  ['an enum for one with more symbols', symbols('A'), symbols('A', 'B'), true],
  ['an enum for one with less', symbols('A', 'B'), symbols('A'), false],
  ['an enum that may be null for one with less', orNull(symbols('A', 'B')), symbols('A'), false],
  ['an enum for a text', symbols('A'), of('string'), true],
  [
    'a choice of a text and null for what may be null',
    chosen(of('string'), of('null')),
    orNull(of('string')),
    true,
  ],
  ['a choice of a text and null for a text', chosen(of('string'), of('null')), of('string'), false],
  ['a choice of numbers for a number', chosen(of('int'), of('double')), of('double'), true],
  ['a choice of numbers for a whole one', chosen(of('int'), of('double')), of('int'), false],
  [
    'a choice of two enums for one of them',
    chosen(symbols('A'), symbols('B')),
    symbols('A'),
    false,
  ],
  ['a union of which one fits', { kind: 'any', of: [of('string'), of('int')] }, of('int'), true],
  ['a union of which none fits', { kind: 'any', of: [of('string'), of('int')] }, of('bool'), false],
  [
    'a record with all fields',
    record({ a: of('int'), b: of('int') }),
    record({ a: of('int') }),
    true,
  ],
  ['a record without one', record({ b: of('int') }), record({ a: of('int') }), false],
  [
    'a record with one of another type',
    record({ a: of('string') }),
    record({ a: of('int') }),
    false,
  ],
  ['bytes of another length', { kind: 'bytes', size: 3 }, { kind: 'bytes', size: 4 }, false],
  ['bytes of any length', of('bytes'), { kind: 'bytes', size: 4 }, true],
];
for (const [what, given, wanted, expected] of rows) {
  test(`${what} ${expected ? 'fits' : 'does not fit'}`, () => {
    assert.equal(fits(given, wanted), expected);
  });
}

const AB: Shape = { kind: 'enum', name: 'E', symbols: ['A', 'B'] };
const INT: Shape = { kind: 'int', bits: 32 };
const text = (...gives: readonly unknown[]): Shape => ({ kind: 'string', gives });
const whole = (...gives: readonly unknown[]): Shape => ({ kind: 'int', gives });
const bytes = (length: number): Shape => ({ kind: 'bytes', gives: [new Uint8Array(length)] });
const FOUR: Shape = { kind: 'bytes', size: 4 };

const literals: readonly [what: string, given: Shape, wanted: Shape, why?: string][] = [
  ['a symbol', text('A'), AB],
  ['a symbol that is none', text('A', 'C'), AB, '"C", which is none of A, B'],
  ['one that may be null', text('C'), orNull(AB), '"C", which is none of A, B'],
  ['one in a list', list(text('A', 'C')), list(AB), '"C", which is none of A, B'],
  ['any text', text('C'), of('string')],
  ['the least int', whole(-(2n ** 31n)), INT],
  [
    'less than that',
    whole(-(2n ** 31n) - 1n),
    INT,
    '-2147483649, which is no whole number of 32 bits',
  ],
  ['the most', whole(2n ** 31n - 1n), INT],
  ['more than that', whole(2n ** 31n), INT, '2147483648, which is no whole number of 32 bits'],
  ['a long', whole(2n ** 31n), { kind: 'int', bits: 64 }],
  ['bytes of the size', bytes(4), FOUR],
  ['bytes of another', bytes(3), FOUR, '3 bytes, not 4'],
  ['bytes of no size', bytes(3), of('bytes')],
];
for (const [what, given, wanted, why] of literals) {
  test(`${what}: ${why ?? 'fits'}`, () => {
    assert.equal(literalFault(given, wanted), why);
  });
}

const unionOf = (...branches: readonly string[]): Shape => ({
  kind: 'union',
  branches,
  hasNull: false,
});

/** Each is of another form than all others; of its own it is the same, made anew. */
const forms: readonly [what: string, make: () => Shape][] = [
  ['a number', () => of('int')],
  ['a text', () => of('string')],
  ['no field', () => record({})],
  ['a field', () => record({ a: of('int') })],
  ['a field of another name', () => record({ b: of('int') })],
  ['a field of another type', () => record({ a: of('string') })],
  ['two fields', () => record({ a: of('int'), b: of('int') })],
  ['a field within a field', () => record({ a: record({ a: of('int') }) })],
  ['a list of numbers', () => list(of('int'))],
  ['a list of texts', () => list(of('string'))],
  ['a map of numbers', () => map(of('int'))],
  ['a map of texts', () => map(of('string'))],
  ['a number or null', () => orNull(of('int'))],
  ['a text or null', () => orNull(of('string'))],
  ['A or B', () => symbols('A', 'B')],
  ['A or C', () => symbols('A', 'C')],
  ['A', () => symbols('A')],
  ['a union of X and Y', () => unionOf('X', 'Y')],
  ['a union of X and Z', () => unionOf('X', 'Z')],
  ['a union of X', () => unionOf('X')],
];
for (const [what, make] of forms) {
  test(`the same form as ${what}: that alone`, () => {
    const same = forms.filter(([, other]) => sameShape(make(), other()));
    assert.deepEqual(
      same.map(([one]) => one),
      [what],
    );
  });
}
