import assert from 'node:assert/strict';
import { test } from 'node:test';
import { murmur2, partitionOfText } from './partition.ts';

// Rule S37: Kafka's own vectors; the number of partitions is 12.
const rows: readonly [string, number, number][] = [
  ['a', -1563381124, 4],
  ['user-1', 1404122828, 8],
  ['user-42', 1459644460, 4],
  ['device:é', -1807058531, 9],
  ['', 275646681, 9],
];

for (const [key, hash, partition] of rows) {
  test(`S37 murmur2 of ${JSON.stringify(key)}`, () => {
    assert.equal(murmur2(Buffer.from(key)), hash);
    assert.equal(partitionOfText(key, 12), partition);
  });
}
