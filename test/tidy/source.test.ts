import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readSource } from './source.ts';

/** Code as it is, comments as `c`, literals as `l`. */
const shown = (text: string) => {
  const { kinds } = readSource('x.ts', text);
  return [...text].map((char, at) => [char, 'c', 'l'][kinds[at]!]).join('');
};

const rows: readonly [string, string][] = [
  ['a // b', 'a cccc'],
  ['a /* b */ c', 'a ccccccc c'],
  ["a 'b // c' d", 'a llllllll d'],
  ["'it\\'s' a", 'lllllll a'],
  ['"/*" a', 'llll a'],
  ['`a` b', 'lll b'],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: templates are what is told apart here.
  ['`a${b}c` d', 'llllblll d'],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: as above.
  ['`${ {a: `${b}`} }` c', 'lll {a: lllbll} ll c'],
  ['a / b / c', 'a / b / c'],
  ['x = /[/"]/g', 'x = llllllg'],
  ['return /a/.test(b)', 'return lll.test(b)'],
  ['f(/\\//, "a")', 'f(llll, lll)'],
  ['(a) / b', '(a) / b'],
];
for (const [text, expected] of rows) {
  test(text, () => assert.equal(shown(text), expected));
}

test('lines and columns stay', () => {
  const { code } = readSource('x.ts', "a\n'b\\'c' // d\n/* e\n f */ g");
  assert.deepEqual(
    code.split('\n').map((line) => [line.length, line.trim()]),
    [
      [1, 'a'],
      [11, ''],
      [4, ''],
      [7, 'g'],
    ],
  );
});
