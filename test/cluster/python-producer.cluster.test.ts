/**
 * The producer that is not ours, against the real broker and registry: its events are those that
 * `produced-events.ts` computes, in the Confluent wire format, and only murmur2 puts a key where
 * Kafka's Java clients (and Carillon) look for it (rule D14).
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import avsc from 'avsc';
import { Kafka, logLevel } from 'kafkajs';
import { partitionOf } from '../../core/partition.ts';
import { pythonUnavailableReason } from '../kit/python.ts';
import { clusterSkip, type SharedServers, sharedServers } from '../kit/shared-servers.ts';
import { isPoison, type ProducedRun, producedEvent, produceEvents } from './produced-events.ts';

const PARTITIONS = 4;
const SCHEMAS = join(import.meta.dirname, '../../schemas/events');

const servers = await clusterSkip();
const noPython = process.env.CI === 'true' ? undefined : await pythonUnavailableReason();
const skip = servers !== false ? servers : (noPython ?? false);

interface Found {
  readonly partition: number;
  readonly key: string;
  readonly value: Buffer;
}

async function makeTopic(kafka: Kafka, topic: string): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: PARTITIONS }] });
  await admin.disconnect();
}

async function readAll(kafka: Kafka, topic: string, count: number): Promise<Found[]> {
  const consumer = kafka.consumer({ groupId: `${topic}-reader`, maxWaitTimeInMs: 200 });
  const found: Found[] = [];
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await new Promise<void>((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`only ${found.length} came`)), 30_000);
    consumer
      .run({
        eachBatch: async ({ batch }) => {
          for (const { key, value } of batch.messages) {
            found.push({
              partition: batch.partition,
              key: key!.toString(),
              value: Buffer.from(value!),
            });
          }
          if (found.length < count) return;
          clearTimeout(late);
          resolve();
        },
      })
      .catch(reject);
  });
  await consumer.disconnect();
  return found;
}

describe('a producer that is not ours', { skip }, () => {
  let shared: SharedServers;
  let kafka: Kafka;
  const name = `events.python-${process.pid}-${Date.now().toString(36)}`;

  before(async () => {
    shared = await sharedServers(['kafka', 'registry']);
    kafka = new Kafka({ brokers: [...shared.kafka], logLevel: logLevel.ERROR });
  });
  after(async () => {
    await shared?.stop();
  });

  for (const file of ['viewing-activity', 'plan-change', 'diagnostic-signal']) {
    test(`${file}: every event is the one that is computed apart, poison too`, async () => {
      const topic = `${name}-${file}`;
      const schemaFile = join(SCHEMAS, `${file}.avsc`);
      const schema = JSON.parse(readFileSync(schemaFile, 'utf8'));
      const run: ProducedRun = {
        count: 200,
        seed: 42,
        members: 30,
        baseTimeMs: 1_770_000_000_000,
        stepMs: 7,
        poisonEvery: 50,
      };
      await makeTopic(kafka, topic);
      const target = { brokers: shared.kafka, registry: shared.registry, topic, schemaFile };
      const summary = await produceEvents({ ...target, partitioner: 'murmur2_random' }, run);
      assert.deepEqual([summary.events, summary.poison], [196, 4]);
      const found = await readAll(kafka, topic, run.count);
      const type = avsc.Type.forSchema(schema, { wrapUnions: false });
      const lines = found.map(({ key, value }) =>
        value[0] === 0
          ? `${key} ${JSON.stringify(type.fromBuffer(value.subarray(5)))}`
          : `${key} ${value.toString()}`,
      );
      const expected = Array.from({ length: run.count }, (_, n) => {
        const key = `m-${(n + 42) % 30}`;
        return isPoison(run, n)
          ? `${key} poison-${n}`
          : `${key} ${JSON.stringify(producedEvent(schema, run, n))}`;
      });
      assert.deepEqual(lines.sort(), expected.sort());
      const id = found.find(({ value }) => value[0] === 0)!.value.readInt32BE(1);
      const answer = await fetch(`${shared.registry}/schemas/ids/${id}`);
      const { schema: registered } = (await answer.json()) as { schema: string };
      assert.equal(JSON.parse(registered).name, schema.name);
    });
  }

  for (const partitioner of ['murmur2_random', undefined] as const) {
    test(`${partitioner ?? 'its default'}: where keys lie`, async () => {
      const topic = `${name}-${partitioner ?? 'default'}`;
      const schemaFile = join(SCHEMAS, 'plan-change.avsc');
      const run: ProducedRun = { count: 60, seed: 0, members: 60, baseTimeMs: 1_770_000_000_000 };
      await makeTopic(kafka, topic);
      const target = { brokers: shared.kafka, registry: shared.registry, topic, schemaFile };
      await produceEvents(partitioner === undefined ? target : { ...target, partitioner }, run);
      const found = await readAll(kafka, topic, run.count);
      const right = found.filter(
        ({ key, partition }) => partition === partitionOf(Buffer.from(key), PARTITIONS),
      ).length;
      if (partitioner !== undefined) assert.equal(right, 60);
      // CRC32 agrees by chance for about a quarter; the keys are fixed, so this is exact enough.
      else assert.ok(right > 0 && right < 40, `${right} of 60`);
    });
  }
});
