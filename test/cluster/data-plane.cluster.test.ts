/**
 * Our own data plane on a real broker, cross-checked with other clients both ways: kafkajs, and
 * Kafka's own Java clients.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import kafkajs, { type Admin } from 'kafkajs';
import { type KafkaClient, openClient } from '../../connectors/kafka/client.ts';
import type { Requester } from '../../connectors/kafka/wire/connection-pool.ts';
import { ConnectionLost } from '../../connectors/kafka/wire/errors.ts';
import { listOffsets } from '../../connectors/kafka/wire/list-offsets.ts';
import { TransactionalProducer } from '../../connectors/kafka/wire/transaction.ts';
import { clusterSkip, type SharedServers, sharedServers } from '../kit/shared-servers.ts';
import {
  batchOf,
  DataPlane,
  NOW_MS,
  PartitionReader,
  type Row,
  rowOf,
  rowsOf,
} from './data-plane.ts';
import { until } from './data-plane-member.ts';
import { javaConsume, javaProduce, javaSkip } from './java-clients.ts';

const run = `w${process.pid.toString(36)}${Date.now().toString(36)}`;
const SEED = Number(process.env.SEED ?? Date.now() % 1_000_000);
const skipJava = await javaSkip();

const text = fc.oneof(
  fc.constant(null),
  fc.string({ maxLength: 40 }),
  fc.constant('x'.repeat(9_000)),
);
/** kafkajs keeps headers in an object, where one name is no name. */
const headerName = fc.string({ minLength: 1, maxLength: 9 }).filter((name) => name !== '__proto__');
const headers = fc.array(fc.tuple(headerName, fc.string()), { maxLength: 3 });
const row = fc.tuple(text, text, headers).map(([key, value, told]): Row => {
  return { key, value, headers: told };
});
/** The same rows in every run of a seed, as each needs a topic of its own. */
const sample = fc.sample(fc.array(row, { minLength: 1, maxLength: 60 }), {
  seed: SEED,
  numRuns: 4,
});

describe(`the data plane on Kafka (SEED=${SEED})`, { skip: await clusterSkip() }, () => {
  let servers: SharedServers;
  let client: KafkaClient;
  let admin: Admin;
  let plane: DataPlane;
  let topics = 0;

  before(async () => {
    servers = await sharedServers(['kafka']);
    client = openClient({ brokers: servers.kafka, clientId: run });
    admin = client.kafka.admin();
    await admin.connect();
    plane = new DataPlane(servers.kafka);
  });
  after(async () => {
    await plane?.close();
    await admin?.disconnect();
    await servers?.stop();
  });

  async function create(numPartitions = 1, config: { [name: string]: string } = {}) {
    const topic = `${run}-${++topics}`;
    const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
    await admin.createTopics({ topics: [{ topic, numPartitions, configEntries }] });
    await plane.metadata.track([topic]);
    return topic;
  }

  const rowsIn = async (topic: string, partition = 0) =>
    (await plane.read(topic, partition)).map(rowOf);
  /**
   * The keys, once there are so many: the end of a transaction is seen a little after its answer.
   */
  const keysIn = async (topic: string, count: number) => {
    let rows: Row[] = [];
    await until(`${count} rows in ${topic}`, 10_000, async () => {
      rows = await rowsIn(topic);
      return rows.length >= count;
    });
    return rows.map(({ key }) => key);
  };

  for (const compression of ['none', 'gzip', 'zstd'] as const) {
    test(`what we write with ${compression} is read by kafkajs and by us`, async () => {
      for (const rows of sample) {
        const topic = await create();
        const producer = plane.producer({ compression });
        const [first] = await producer.send([batchOf(topic, 0, rows)]);
        assert.equal(first, 0);
        assert.deepEqual(await rowsIn(topic), rows);
        assert.deepEqual(await readByKafkajs(client, topic, rows.length), rows.map(grouped));
      }
    });
  }

  const { CompressionTypes } = kafkajs;
  for (const codec of ['None', 'GZIP', 'ZSTD'] as const) {
    test(`what kafkajs writes with ${codec} is read by us`, async () => {
      const producer = client.kafka.producer();
      await producer.connect();
      try {
        for (const rows of sample) {
          const topic = await create();
          const messages = rows.map(({ key, value, headers: told }) => {
            return { key, value, headers: Object.fromEntries(told) };
          });
          await producer.send({ topic, compression: CompressionTypes[codec], messages });
          const unique = (one: Row) => ({
            ...one,
            headers: Object.entries(Object.fromEntries(one.headers)),
          });
          assert.deepEqual(await rowsIn(topic), rows.map(unique));
        }
      } finally {
        await producer.disconnect();
      }
    });
  }

  for (const codec of ['none', 'gzip', 'snappy', 'lz4', 'zstd']) {
    test(`what Java writes with ${codec} is read by us`, { skip: skipJava }, async () => {
      const topic = await create();
      const lines = Array.from({ length: 500 }, (_, i) => {
        return `h:${i},g:é\t${i % 7 === 0 ? 'NULL' : `key ${i % 50}`}\t${'value '.repeat(i % 90)}`;
      });
      lines.push('h:1\tlast\tNULL');
      await javaProduce(servers.kafka, topic, codec, lines);
      const told = (await rowsIn(topic)).map(lineOf);
      assert.deepEqual(told, lines);
    });
  }

  test('what we write is read by Java, transactions too', { skip: skipJava }, async () => {
    const topic = await create();
    const transactionalId = `${topic}-t`;
    const options = { transactionalId, compression: 'zstd' } as const;
    const transaction = await TransactionalProducer.open(plane.requester, plane.metadata, options);
    const rows: Row[] = [
      { key: 'a', value: 'one', headers: [['h', 'x']] },
      { key: null, value: 'two', headers: [['h', 'é']] },
      { key: 'c', value: null, headers: [['h', '']] },
    ];
    await transaction.commit({ batches: [batchOf(topic, 0, rows)] });
    await transaction.send([batchOf(topic, 0, rowsOf('aborted'))]);
    await transaction.abort();
    await transaction.commit({ batches: [batchOf(topic, 0, rows)] });
    await transaction.close();
    const lines = [...rows, ...rows].map(lineOf);
    assert.deepEqual(await javaConsume(servers.kafka, topic, 6), lines);
  });

  test('producers that abort crosswise, and again and again: only what is committed comes', async () => {
    const topic = await create();
    const [a, b] = await Promise.all(
      ['a', 'b'].map((id) => {
        const options = { transactionalId: `${topic}-${id}` };
        return TransactionalProducer.open(plane.requester, plane.metadata, options);
      }),
    );
    const plain = plane.producer();
    const send = (by: { send(batches: ReturnType<typeof batchOf>[]): unknown }, key: string) =>
      by.send([batchOf(topic, 0, rowsOf(key))]);
    for (let n = 0; n < 3; n++) {
      await send(a!, `a aborted ${n}`);
      await send(b!, `b aborted ${n}`);
      await send(plain, `plain ${n}`);
      await b!.abort();
      await send(b!, `b ${n}`);
      await a!.abort();
      await b!.commit();
      await send(a!, `a ${n}`);
      await a!.commit();
    }
    const expected = [0, 1, 2].flatMap((n) => [`plain ${n}`, `b ${n}`, `a ${n}`]);
    assert.deepEqual(await keysIn(topic, expected.length), expected);
    // An open transaction holds up what comes after it, until it ends.
    await send(a!, 'open');
    await send(plain, 'after');
    assert.equal((await rowsIn(topic)).length, expected.length);
    await a!.commit();
    assert.deepEqual(await keysIn(topic, expected.length + 2), [...expected, 'open', 'after']);
    await Promise.all([a!.close(), b!.close()]);
  });

  test('answers that are lost: each record once, and in order', async () => {
    const topic = await create(3);
    let requests = 0;
    const lossy = (pool: Requester): Requester => ({
      setBrokers: (brokers) => pool.setBrokers(brokers),
      drop: (node, purpose) => pool.drop(node, purpose),
      feature: (name) => pool.feature(name),
      async request(node, purpose, api, args, timeoutMs) {
        const answer = await pool.request(node, purpose, api, args, timeoutMs);
        if (api.name === 'Produce' && ++requests % 3 === 1) throw new ConnectionLost('lost');
        return answer;
      },
    });
    const other = new DataPlane(servers.kafka, lossy);
    try {
      const producer = other.producer({ retryMs: 5 });
      const sent = Array.from({ length: 30 }, (_, n) => `k${n}`);
      await Promise.all(
        sent.map((key) => producer.send([0, 1, 2].map((p) => batchOf(topic, p, rowsOf(key))))),
      );
      for (let p = 0; p < 3; p++) {
        assert.deepEqual(
          (await rowsIn(topic, p)).map(({ key }) => key),
          sent,
        );
      }
    } finally {
      await other.close();
    }
  });

  test('batches above the limit of the topic are halved, a record above it is refused', async () => {
    const topic = await create(1, { 'max.message.bytes': '3000' });
    const producer = plane.producer();
    const rows = Array.from({ length: 40 }, (_, i): Row => {
      return { key: `k${i}`, value: 'x'.repeat(500), headers: [] };
    });
    assert.deepEqual(await producer.send([batchOf(topic, 0, rows)]), [0]);
    assert.deepEqual(await rowsIn(topic), rows);
    const large = { key: 'large', value: 'x'.repeat(5_000), headers: [] };
    await assert.rejects(producer.send([batchOf(topic, 0, [large])]), { code: 'CAR645' });
    assert.deepEqual(await producer.send([batchOf(topic, 0, rowsOf('small'))]), [40]);
  });

  test('times that the broker sets are those of the records', async () => {
    const topic = await create(1, { 'message.timestamp.type': 'LogAppendTime' });
    await plane.producer().send([batchOf(topic, 0, rowsOf('a', 'b'))]);
    const times = (await plane.read(topic, 0)).map(({ timestamp }) => timestamp);
    // Their own were those of this file's start.
    assert.ok(times[0]! > NOW_MS + 1 && times[0]! <= Date.now(), String(times));
    assert.equal(times[0], times[1]);
  });

  test('where a partition begins, ends, and stood at a time; records that retention took', async () => {
    const topic = await create();
    await plane.producer().send([batchOf(topic, 0, rowsOf('a', 'b', 'c', 'd'))]);
    // kafkajs deletes only where it has looked for the leader before.
    await admin.fetchTopicOffsets(topic);
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '2' }] });
    const asked = ['start', 'end', NOW_MS + 3, NOW_MS + 3_600_000] as const;
    const offsets = await Promise.all(
      asked.map((at) =>
        listOffsets(plane.requester, plane.metadata, [{ topic, partition: 0, at }]),
      ),
    );
    assert.deepEqual(offsets.flat(), [2, 4, 3, -1]);
    const reader = new PartitionReader(plane, topic, 0, 1);
    await reader.until(() => reader.failures.length > 0);
    assert.deepEqual(reader.failures[0], { kind: 'out-of-range', first: 2, end: 4 });
    reader.offset = 2;
    await reader.until(() => reader.records.length === 2);
    await reader.close();
  });

  test('a topic that is made anew is not read under old offsets; new partitions are seen', async () => {
    const topic = await create();
    await plane.producer().send([batchOf(topic, 0, rowsOf('old', 'older'))]);
    const reader = new PartitionReader(plane, topic, 0, 0);
    await reader.until(() => reader.records.length === 2);
    await admin.deleteTopics({ topics: [topic] });
    await reader.until(() => reader.failures.length > 0);
    await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] });
    await reader.until(() => reader.failures.some(({ kind }) => kind === 'recreated'));
    assert.equal(reader.records.length, 2);
    await reader.close();
    const grown = await create(1);
    await admin.createPartitions({ topicPartitions: [{ topic: grown, count: 3 }] });
    const isSeen = () => plane.changes.some((one) => one.topic === grown);
    while (!isSeen()) await plane.metadata.complain();
    assert.deepEqual(
      plane.changes.filter((one) => one.topic === grown),
      [{ kind: 'partitions', topic: grown, was: 1, partitions: 3 }],
    );
  });
});

/** As the Java console tools print and read it. */
const lineOf = ({ key, value, headers: told }: Row): string => {
  const heads = told.map(([name, one]) => `${name}:${one}`).join(',');
  return `${heads}\t${key ?? 'NULL'}\t${value ?? 'NULL'}`;
};

/** kafkajs gives headers as an object, so the order among names is not kept ("4" comes first). */
const grouped = (one: Row) => ({ ...one, headers: groupedHeaders(one.headers) });

function groupedHeaders(told: Row['headers']): [string, string[]][] {
  const byName = Map.groupBy(told, ([name]) => name);
  return byNames([...byName].map(([name, all]) => [name, all.map(([, value]) => value)]));
}

const byNames = (headers: [string, string[]][]) => headers.sort(([a], [b]) => (a < b ? -1 : 1));

async function readByKafkajs(client: KafkaClient, topic: string, count: number) {
  const consumer = client.kafka.consumer({ groupId: `${topic}-g`, maxWaitTimeInMs: 50 });
  const rows: unknown[] = [];
  await consumer.connect();
  try {
    await consumer.subscribe({ topic, fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      const eachMessage = async ({ message }: kafkajs.EachMessagePayload) => {
        const told = Object.entries(message.headers ?? {}).map(([name, value]) => {
          const all = Array.isArray(value) ? value : [value];
          return [name, all.map(String)] as [string, string[]];
        });
        const { key, value } = message;
        rows.push({
          key: key === null ? null : key.toString(),
          value: value === null ? null : value.toString(),
          headers: byNames(told),
        });
        if (rows.length === count) resolve();
      };
      consumer.run({ eachMessage }).catch(reject);
    });
  } finally {
    await consumer.disconnect();
  }
  return rows;
}
