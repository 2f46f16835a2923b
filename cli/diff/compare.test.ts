/** What is set beside what when two runs are compared. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compare } from './compare.ts';
import { readTold } from './driven-lines.ts';

const outcome = (notificationId: string, said: string) => ({
  topic: 'outcomes',
  key: 'tv-1',
  value: { notificationId, deviceId: 'tv-1', outcome: said },
});
const told = (...lines: object[]) =>
  readTold(lines.map((line) => JSON.stringify(line)).join('\n'), 'f');
const differ = (a: object[], b: object[]) => {
  const { onlyInFirst, onlyInSecond, changed, moved, equal } = compare(
    told(...a),
    told(...b),
    new Set(),
  );
  return { onlyInFirst, onlyInSecond, changed: changed.map(({ name }) => name), moved, equal };
};

test('outcomes are paired by device and notification, so that one more moves none', () => {
  const [one, two] = [outcome('n-1', 'DELIVERED'), outcome('n-2', 'DELIVERED')];
  assert.deepEqual(differ([one, two], [outcome('n-0', 'EXPIRED'), one, two]), {
    onlyInFirst: [],
    onlyInSecond: ['outcomes tv-1 n-0'],
    changed: [],
    moved: [],
    equal: 2,
  });
});

test('several outcomes of a notification stay in their order', () => {
  const retried = [outcome('n-1', 'RETRIED'), outcome('n-1', 'DELIVERED')];
  assert.deepEqual(differ(retried, [outcome('n-1', 'RETRIED'), outcome('n-1', 'REJECTED')]), {
    onlyInFirst: [],
    onlyInSecond: [],
    changed: ['outcomes tv-1 n-1 #2'],
    moved: [],
    equal: 1,
  });
});
