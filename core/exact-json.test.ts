import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseExact, stringifyExact } from './exact-json.ts';

const rows: readonly [string, unknown][] = [
  ['9007199254740991', 9_007_199_254_740_991],
  ['9007199254740993', 9_007_199_254_740_993n],
  ['-9223372036854775808', -9_223_372_036_854_775_808n],
  ['{"a":[9223372036854775807,1]}', { a: [9_223_372_036_854_775_807n, 1] }],
  // A text, and numbers with a point or an exponent, are what they were.
  ['"9007199254740993"', '9007199254740993'],
  ['1234567890.1234567890123456', 1_234_567_890.123_456_7],
  ['{"a":1e30,"b":9007199254740993}', { a: 1e30, b: 9_007_199_254_740_993n }],
  ['9007199254740993.0', 9_007_199_254_740_992],
  ['[true,null,"x",-0]', [true, null, 'x', -0]],
];
for (const [text, expected] of rows) {
  test(`${text} is read exactly`, () => assert.deepEqual(parseExact(text), expected));
}

test('a field that would be a prototype stays a field', () => {
  const read = parseExact('{"__proto__":9007199254740993}') as object;
  assert.deepEqual(Object.keys(read), ['__proto__']);
});

test('what is written can be read again', () => {
  const value = { a: 9_223_372_036_854_775_807n, b: [1, 'x', null] };
  assert.equal(stringifyExact(value), '{"a":9223372036854775807,"b":[1,"x",null]}');
  assert.deepEqual(parseExact(stringifyExact(value)), value);
});

test('what is no JSON throws as JSON.parse does', () => {
  assert.throws(() => parseExact('{"a":9007199254740993'), SyntaxError);
});
