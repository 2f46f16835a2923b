/**
 * The broker goes away and comes back: health tells, nothing is lost or doubled, nobody is
 * restarted.
 *
 * A lone broker that is killed in the middle of a commit and starts again may drop the end markers
 * of that transaction ("Couldn't find leader endpoint … can be skipped" in its log, 4.3.1), which
 * no client can mend. So it is stopped in its tracks under load, and killed only when nothing is on
 * its way.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CarillonError } from '../../core/error.ts';
import { startKafka } from '../kit/servers.ts';
import { clusterSkip } from '../kit/shared-servers.ts';
import { openWired } from './kafka-wire.ts';
import {
  checkOutput,
  createTopics,
  feeder,
  inputs,
  isDone,
  Member,
  PARTITIONS,
  topicsOf,
  until,
} from './kafka-worker.ts';

const skip = await clusterSkip();

function isAway(error: CarillonError): boolean {
  assert.equal(error.code, 'CAR640');
  assert.ok(error.retryable);
  return true;
}

test('a broker that is away for seconds is waited for', { skip, timeout: 180_000 }, async () => {
  // Its own server, as it is killed.
  const kafka = await startKafka();
  const { log } = await openWired(kafka.brokers);
  const { log: tools } = await openWired(kafka.brokers);
  const topics = topicsOf('away');
  try {
    await createTopics(tools, topics);
    const member = await new Member().open(log, topics);
    await until('all ready', () => member.tasks.filter((t) => t.isReady).length === PARTITIONS);
    const feeding = await feeder(tools, topics);
    await until('some commits', () => member.tasks.every((task) => task.commits > 3));

    kafka.pause();
    await assert.rejects(log.probe(), isAway);
    kafka.resume();
    const before = await feeding.stop();
    await until('all is done', () => isDone([member]), 60_000);
    await checkOutput(tools, topics, before);

    await kafka.kill();
    await assert.rejects(log.probe(), isAway);
    // Long enough for the consumer to give up and to begin anew several times.
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    await kafka.restart();
    const producer = await tools.producer();
    for (let i = 0; i < 10; i++) await producer.send(inputs(topics.input, before + i, 1));
    await producer.close();
    await until('all is done again', () => isDone([member]), 60_000);
    await checkOutput(tools, topics, before + 10);
  } finally {
    await Promise.all([log.close(), tools.close()]);
    await kafka.stop();
  }
});

test('a send ends with a retryable error when nobody comes back', { skip }, async () => {
  const kafka = await startKafka();
  const { log } = await openWired(kafka.brokers, { deliveryTimeoutMs: 2_000 });
  const topics = topicsOf('gone');
  try {
    await createTopics(log, topics);
    const producer = await log.producer();
    await producer.send(inputs(topics.input, 0, 1));
    await kafka.kill();
    await assert.rejects(producer.send(inputs(topics.input, 1, 1)), isAway);
    await kafka.restart();
    await producer.send(inputs(topics.input, 2, 1));
    await producer.close();
  } finally {
    await log.close();
    await kafka.stop();
  }
});
