import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Record } from '../core/record.ts';
import { readBatch } from '../core/record-batch.ts';
import { Collector, writeDeadLetter } from './collector.ts';

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
    const bytes = Buffer.from('kv');
    const record = new Record('t', 0, 7, timestamp, bytes, 0, 1, bytes, 1, 2, null);
    const collector = new Collector(1);
    const letter = { code: 'CAR508', why: 'w', stream: 's', step: 'source' };
    writeDeadLetter(collector, 'dead-letters', record, letter, NOW);
    const [batch] = collector.takeBatches();
    const [written] = readBatch('dead-letters', 0, batch!.bytes, 0);
    assert.equal(written!.timestamp, expected);
  });
}
