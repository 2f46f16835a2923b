import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BatchBuilder } from '../core/batch-builder.ts';
import { readBatch, wholeBatch } from '../core/record-batch.ts';
import { Collector } from './collector.ts';
import { writeDeadLetter } from './dead-letters.ts';

// A broker refuses records of tomorrow, and with them the transaction that they are in: a letter
// with such a time once stopped the task that wrote it, at every try.
const NOW = 1_767_225_600_000;
const rows: readonly [string, number, number][] = [
  ['a time of yesterday is kept', NOW - 86_400_000, NOW - 86_400_000],
  ['a time of tomorrow becomes now', NOW + 86_400_000, NOW],
  ['a missing time becomes 0', -1, 0],
];
for (const [name, timestamp, expected] of rows) {
  test(`dead letters: ${name}`, () => {
    const builder = new BatchBuilder('t', 0);
    builder.append(timestamp, 'k', Buffer.from('v'));
    const [record] = readBatch(wholeBatch('t', 0, builder.finish().bytes, 7));
    const collector = new Collector(1);
    const letter = { code: 'CAR508', why: 'w', stream: 's', step: 'source' };
    writeDeadLetter(collector, 'dead-letters', record!, letter, NOW);
    const [batch] = collector.takeBatches();
    const [written] = readBatch(wholeBatch('dead-letters', 0, batch!.bytes, 0));
    assert.equal(written!.timestamp, expected);
  });
}
