/**
 * What goes wrong around a running group on a real broker: topics that are deleted, made again or
 * given more partitions, records that are deleted before they were read, members that end in the
 * middle of a join. Nothing is skipped in silence, nobody stays behind.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Admin } from 'kafkajs';
import { openClient } from '../../connectors/kafka/client.ts';
import type { Log } from '../../core/log.ts';
import { clusterSkip, type SharedServers, sharedServers } from '../kit/shared-servers.ts';
import { openWired } from './kafka-wire.ts';
import {
  createTopics,
  inputs,
  isDone,
  Member,
  PARTITIONS,
  type Topics,
  topicsOf,
  until,
} from './kafka-worker.ts';

const run = `f${process.pid.toString(36)}${Date.now().toString(36)}`;

describe('faults around a group on Kafka', { skip: await clusterSkip() }, () => {
  let servers: SharedServers;
  let tools: Log;
  let admin: Admin;
  const opened: Log[] = [];
  before(async () => {
    servers = await sharedServers(['kafka']);
    tools = (await openWired(servers.kafka)).log;
    admin = openClient({ brokers: servers.kafka, clientId: 'faults' }).kafka.admin();
    await admin.connect();
  });
  after(async () => {
    await Promise.all([tools, ...opened].map((log) => log?.close()));
    await admin?.disconnect();
    await servers?.stop();
  });

  async function member(topics: Topics) {
    const { log, wire } = await openWired(servers.kafka);
    opened.push(log);
    const one = await new Member().open(log, topics);
    await until('all ready', () => one.tasks.filter((t) => t.isReady).length === PARTITIONS);
    return { log, wire, one };
  }

  /** `count` records for each partition. */
  async function feed(topics: Topics, from: number, count: number): Promise<void> {
    const producer = await tools.producer();
    await producer.send(inputs(topics.input, from, count));
    await producer.close();
  }

  /** All that was numbered, as `task:number:offset`. */
  async function numbered(topics: Topics): Promise<string[]> {
    const lines: string[] = [];
    for await (const records of tools.read(topics.output, { from: 'start', follow: false })) {
      lines.push(...records.map((record) => record.valueBytes!.toString()));
    }
    return lines.sort();
  }

  const codes = (log: Log) => log.troubles().map((one) => one.code);

  /** Deletes what lies before `offset` in every partition, as retention does. */
  async function deleteBefore(topic: string, offset: number): Promise<void> {
    // kafkajs looks for the leaders in what it has asked for last.
    await admin.fetchTopicMetadata({ topics: [topic] });
    const partitions = Array.from({ length: PARTITIONS }, (_, partition) => ({
      partition,
      offset: String(offset),
    }));
    await admin.deleteTopicRecords({ topic, partitions });
  }

  test('a changelog that was deleted while all stood still is refused', async () => {
    const topics = topicsOf(`${run}-gone`);
    await createTopics(tools, topics);
    const { log, one } = await member(topics);
    await feed(topics, 0, 5);
    await until('all is done', () => isDone([one]));
    await log.close();
    const { log: again, one: reopened } = await member(topics);
    assert.deepEqual(
      reopened.tasks.map((task) => task.number),
      [5, 5, 5, 5],
    );
    await again.close();
    await admin.deleteTopics({ topics: [topics.spec.stores[0]!.changelog] });
    await until('it can be made again', async () => {
      await createTopics(tools, topics).catch(() => {});
      const { changelog } = topics.spec.stores[0]!;
      return (await tools.partitionsOf(changelog)) === PARTITIONS;
    });
    const { log: third } = await openWired(servers.kafka);
    opened.push(third);
    await assert.rejects(new Member().open(third, topics), { code: 'CAR630' });
    await third.close();
  });

  test('a group whose offsets are gone while its rows are there is refused, until it has some', async () => {
    const topics = topicsOf(`${run}-offsets`);
    await createTopics(tools, topics);
    const { log, one } = await member(topics);
    await feed(topics, 0, 5);
    await until('all is done', () => isDone([one]));
    await log.close();
    const told = await numbered(topics);
    const groupId = topics.spec.group;
    await until('nobody is in it', () =>
      admin.deleteGroups([groupId]).then(
        () => true,
        () => false,
      ),
    );
    const { log: refused } = await openWired(servers.kafka);
    opened.push(refused);
    await assert.rejects(new Member().open(refused, topics), { code: 'CAR635' });
    await refused.close();
    const ends = await admin.fetchTopicOffsets(topics.input);
    await admin.setOffsets({ groupId, topic: topics.input, partitions: ends });
    const again = await member(topics);
    await feed(topics, 5, 1);
    await until('all is done', () => isDone([again.one]));
    assert.equal((await numbered(topics)).length, told.length + PARTITIONS);
  });

  test('records that were deleted unread are counted, at the start and while it runs', async () => {
    const topics = topicsOf(`${run}-retention`);
    await createTopics(tools, topics);
    const first = await member(topics);
    await feed(topics, 0, 5);
    await until('all is done', () => isDone([first.one]));
    await first.log.close();
    await feed(topics, 5, 15);
    await deleteBefore(topics.input, 12);
    const { log, wire, one } = await member(topics);
    const missed = () => one.group!.missed().map((part) => part.offsets);
    assert.deepEqual(missed(), [7, 7, 7, 7]);
    assert.ok(codes(log).every((code) => code === 'CAR631'));
    await until('all is done', () => isDone([one]));
    wire.cut();
    await feed(topics, 20, 20);
    await deleteBefore(topics.input, 30);
    wire.mend();
    await until('all is seen', () => missed().reduce((sum, n) => sum + n, 0) === 4 * (7 + 10));
    await until('all is done', () => isDone([one]));
    const offsets = (await numbered(topics)).filter((line) => line.startsWith('2:'));
    assert.equal(offsets.length, 5 + 8 + 10);
    await log.close();
  });

  test('an input that is deleted and made again is read from its start', async () => {
    const topics = topicsOf(`${run}-remade`);
    await createTopics(tools, topics);
    const { log, one } = await member(topics);
    await feed(topics, 0, 30);
    await until('all is done', () => isDone([one]));
    await admin.deleteTopics({ topics: [topics.input] });
    await until('it can be made again', async () => {
      await createTopics(tools, topics).catch(() => {});
      return (await tools.partitionsOf(topics.input)) === PARTITIONS;
    });
    await until('it takes records', async () => {
      return feed(topics, 0, 8).then(
        () => true,
        () => false,
      );
    });
    await until(
      'all is read',
      async () => {
        const lines = await numbered(topics).catch(() => []);
        return lines.length >= PARTITIONS * 38;
      },
      60_000,
    );
    const again = (await numbered(topics)).filter((line) => line.startsWith('1:'));
    assert.ok(again.includes('1:31:0'), 'its first record, under the next number');
    assert.ok(codes(log).includes('CAR632'), String(codes(log)));
    await log.close();
  });

  test('partitions that are added are said', async () => {
    const topics = topicsOf(`${run}-grown`);
    await createTopics(tools, topics);
    const { log } = await member(topics);
    // The watch has to see the topic as it was.
    await new Promise((resolve) => setTimeout(resolve, 6_000));
    const grown = { topic: topics.input, count: PARTITIONS + 2 };
    await admin.createPartitions({ topicPartitions: [grown] });
    await until('it is said', () => codes(log).includes('CAR641'));
    await log.close();
  });

  test('no member stays in its group, whenever it closes', async () => {
    const topics = topicsOf(`${run}-ghosts`);
    await createTopics(tools, topics);
    for (const delayMs of [0, 5, 20, 60, 150]) {
      const { log } = await openWired(servers.kafka);
      const opening = new Member().open(log, topics).catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      await log.close();
      await opening.then((one) => one?.group?.close());
    }
    const group = topics.spec.group;
    await until('the group is empty', async () => {
      const { groups } = await admin.describeGroups([group]);
      return groups[0]!.members.length === 0;
    });
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    const { groups } = await admin.describeGroups([group]);
    assert.deepEqual(groups[0]!.members.length, 0);
  });
});
