import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BatchBuilder } from '../core/record-batch.ts';
import { MemoryLog } from './memory-log.ts';

const wrong: readonly [string, string, number][] = [
  ['a topic that is not there', 'nowhere', 0],
  ['a partition that is not there', 't', 7],
];
for (const [name, topic, partition] of wrong) {
  test(`${name} is CAR691`, async () => {
    const log = new MemoryLog();
    await log.applyTopics([{ name: 't', partitions: 2, cleanup: 'delete' }]);
    const builder = new BatchBuilder(topic, partition);
    builder.append(0, 'k', null);
    const producer = await log.producer();
    await assert.rejects(producer.send([builder.finish()]), { code: 'CAR691' });
  });
}
