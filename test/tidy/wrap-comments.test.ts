import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wrapComments } from './wrap-comments.ts';

/** `words(30)`: 30 words of four characters and the spaces between, 149 columns. */
const words = (count: number) => Array(count).fill('word').join(' ');
const wrapped = (...lines: readonly string[]) => wrapComments('x.ts', lines.join('\n')).split('\n');

const rows: readonly [string, readonly string[], readonly string[]][] = [
  [
    'what is over goes into the next line of the paragraph, and on',
    ['/**', ` * ${words(21)}`, ` * ${words(19)}`, ' * end', ' */'],
    ['/**', ` * ${words(19)}`, ` * ${words(19)}`, ` * ${words(2)} end`, ' */'],
  ],
  [
    'a paragraph of its own stays one',
    ['/**', ` * ${words(20)}`, ' *', ' * - a', ' */'],
    ['/**', ` * ${words(19)}`, ' * word', ' *', ' * - a', ' */'],
  ],
  [
    'the last line gets one behind it',
    ['  /**', `   * ${words(20)}`, '   */'],
    ['  /**', `   * ${words(19)}`, '   * word', '   */'],
  ],
  [
    'a block of one line becomes one of several',
    [`  /** ${words(20)} */`],
    ['  /**', `   * ${words(19)}`, '   * word', '   */'],
  ],
  [
    'line comments',
    [`  // ${words(20)}`, '  // end', '  f();'],
    [`  // ${words(19)}`, '  // word end', '  f();'],
  ],
  ['code and texts stay', [`const a = '// ${words(30)}';`], [`const a = '// ${words(30)}';`]],
  ['what cannot be broken stays', [`// ${'x'.repeat(120)}`], [`// ${'x'.repeat(120)}`]],
  ['a drawing is left', ['/*', ` *     ${words(30)}`, ' */'], ['/*', ` *     ${words(30)}`, ' */']],
  ['behind code it is left', [`f(); // ${words(30)}`], [`f(); // ${words(30)}`]],
];
for (const [name, before, after] of rows) {
  test(name, () => {
    assert.deepEqual(wrapped(...before), after);
    assert.deepEqual(wrapped(...after), after, 'a second time changes nothing');
  });
}
