import assert from 'node:assert/strict';
import { test } from 'node:test';
import { harmless, harmlessLine } from './harmless.ts';
import { jsonLine, prettyLines } from './show-record.ts';

const rows: readonly [string, string, string][] = [
  ['nothing of the kind', 'tv-1 “ü” 電視 🎬', 'tv-1 “ü” 電視 🎬'],
  ['a colour', '\u001b[31mred', '\\u001b[31mred'],
  ['a title', '\u001b]0;x\u0007', '\\u001b]0;x\\u0007'],
  ['the eight-bit form of an escape', '\u009b2J', '\\u009b2J'],
  ['a return to the line’s begin', 'a\rb', 'a\\u000db'],
  ['a bell, a backspace, a delete', '\u0007\b\u007f', '\\u0007\\u0008\\u007f'],
  ['a turn of the direction', 'a\u202eb\u2066c', 'a\\u202eb\\u2066c'],
  ['separators of lines', 'a\u2028b\u2029', 'a\\u2028b\\u2029'],
  ['NUL', '\u0000', '\\u0000'],
];
for (const [name, text, shown] of rows) {
  test(`shown harmless: ${name}`, () => {
    assert.equal(harmless(text), shown);
    // In JSON it is the same text still.
    assert.equal(JSON.parse(harmless(JSON.stringify(text))), text);
  });
}

test('a line stays one', () => {
  assert.equal(harmless('a\tb\nc'), 'a\tb\nc');
  assert.equal(harmlessLine('a\tb\nc'), 'a\\u0009b\\u000ac');
});

test('what a record holds cannot speak to the terminal', () => {
  const evil = '\u001b]0;owned\u0007\n\u009b2J';
  const record = {
    topic: 'events.x',
    partition: 0,
    offset: 1,
    timestamp: 0,
    key: evil,
    value: { field: evil, [evil]: 1 },
    headers: { 'carillon.code': 'CAR503', 'carillon.reason': evil, 'carillon.step': evil },
  };
  for (const text of [jsonLine(record), prettyLines(record, (same) => same)]) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: it is these that must not be there.
    assert.doesNotMatch(text, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
  }
  assert.deepEqual(JSON.parse(jsonLine(record)).key, evil);
  assert.equal(prettyLines(record, (same) => same).split('\n').length, 4);
});
