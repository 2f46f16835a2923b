import assert from 'node:assert/strict';
import { test } from 'node:test';
import { headersOf, type Marks, marksOf } from './lane-marks.ts';

const NONE: Marks = { dueMs: 0, rests: false, attempt: 0, tries: 0, handedBy: [] };
const header = (key: string, value: string) => ({ key, value: Buffer.from(value) });

for (const [what, marks, count] of [
  ['none', NONE, 0],
  ['put off', { ...NONE, dueMs: 1_767_225_600_000, rests: true, attempt: 4, tries: 2 }, 4],
  ['handed on', { ...NONE, handedBy: ['websocket', 'fcm'] }, 1],
  ['told again', { ...NONE, again: true, handedBy: ['websocket'] }, 2],
  ['both', { dueMs: 5, rests: false, attempt: 1, tries: 1, handedBy: ['websocket'] }, 5],
] as const) {
  test(`marks, there and back: ${what}`, () => {
    const headers = headersOf(marks);
    assert.equal(headers.length, count);
    assert.deepEqual(marksOf(headers), marks);
  });
}

for (const [what, headers, marks] of [
  ['no headers', null, NONE],
  ["a producer's own", [header('trace', '1')], NONE],
  ['no number', [header('carillon.due', 'soon')], NONE],
  ['a negative one', [header('carillon.due', '-1')], NONE],
  ['more digits than a time has', [header('carillon.due', '9'.repeat(16))], NONE],
  ['no transport', [header('carillon.handed-by', 'pigeon,')], NONE],
  [
    'a part that is known',
    [header('carillon.handed-by', 'pigeon,fcm')],
    { ...NONE, handedBy: ['fcm'] },
  ],
  [
    'the last of two',
    [header('carillon.due', '1'), header('carillon.due', '2')],
    { ...NONE, dueMs: 2 },
  ],
] as const) {
  test(`marks that are not ours read as not there: ${what}`, () => {
    assert.deepEqual(marksOf(headers), marks);
  });
}
