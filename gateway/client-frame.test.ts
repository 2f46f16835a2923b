import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deviceMark, emptyCursor, formatCursor } from '../core/cursor.ts';
import { readFrame } from './client-frame.ts';

const cursor = formatCursor(emptyCursor(1, deviceMark('tv-1')));
const ID = 'is no id: text that is not empty';
const rows: readonly [object, string][] = [
  [{ ids: ['x', 'y'] }, 'ids'],
  [{ ids: [] }, 'ids'],
  [{ cursor }, 'cursor'],
  [{ cursor, ids: [] }, 'cursor'],
  [{ cursor, ids: ['x'] }, 'ack has ids and a cursor: send one'],
  [{ cursor, ids: [1] }, `/ids/0 ${ID}`],
  [{ cursor: 1 }, 'cursor is not one that was given'],
  [{}, 'ack has neither ids nor cursor'],
  [{ ids: 'x' }, '/ids is no list of ids'],
  [{ ids: null }, '/ids is no list of ids'],
  [{ ids: ['x', 1, null] }, `/ids/1 ${ID}`],
  [{ ids: ['x', ''] }, `/ids/1 ${ID}`],
  [{ ids: ['x', 'y', 'z', 'u'] }, 'ids has more than 3'],
];
for (const [fields, told] of rows) {
  test(`ack ${JSON.stringify(fields)}: ${told}`, () => {
    const frame = readFrame(Buffer.from(JSON.stringify({ type: 'ack', ...fields })), 3);
    assert.equal(frame.type === 'wrong' ? frame.why : frame.type, told);
  });
}
