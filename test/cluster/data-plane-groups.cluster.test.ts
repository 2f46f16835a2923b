/** Groups of members on our own data plane: shared out, killed, fenced, mixed with kafkajs. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Admin } from 'kafkajs';
import { taskAssigner } from '../../connectors/kafka/assigner.ts';
import { type KafkaClient, openClient } from '../../connectors/kafka/client.ts';
import { committedOffsets } from '../../connectors/kafka/wire/group-offsets.ts';
import { TransactionalProducer } from '../../connectors/kafka/wire/transaction.ts';
import { clusterSkip, type SharedServers, sharedServers } from '../kit/shared-servers.ts';
import { batchOf, rowsOf } from './data-plane.ts';
import { isShared, SESSION_TIMEOUT_MS, TaskMember, until } from './data-plane-member.ts';

const run = `m${process.pid.toString(36)}${Date.now().toString(36)}`;
const PARTITIONS = 6;

describe('groups on the data plane', { skip: await clusterSkip() }, () => {
  let servers: SharedServers;
  let client: KafkaClient;
  let admin: Admin;
  let groups = 0;
  const members: TaskMember[] = [];

  before(async () => {
    servers = await sharedServers(['kafka']);
    client = openClient({ brokers: servers.kafka, clientId: run });
    admin = client.kafka.admin();
    await admin.connect();
  });
  after(async () => {
    await Promise.all(members.map((member) => member.close()));
    await admin?.disconnect();
    await servers?.stop();
  });

  async function create() {
    const topic = `${run}-${++groups}`;
    await admin.createTopics({ topics: [{ topic, numPartitions: PARTITIONS }] });
    const spec = { brokers: servers.kafka, group: `${topic}-g`, topic, partitions: PARTITIONS };
    const start = async () => {
      const member = new TaskMember(spec);
      members.push(member);
      await member.member.start();
      return member;
    };
    return { ...spec, start };
  }

  const sizeOf = async (group: string) =>
    (await admin.describeGroups([group])).groups[0]!.members.length;

  test('three members share the tasks; one is killed, one leaves: no ghosts', async () => {
    const { group, start } = await create();
    const [a, b, c] = await Promise.all([start(), start(), start()]);
    await until('shared by three', 10_000, () => isShared([a, b, c], PARTITIONS));
    assert.deepEqual([a, b, c].map(({ tasks }) => tasks.length).sort(), [2, 2, 2]);
    b.kill();
    const withinMs = SESSION_TIMEOUT_MS + 10_000;
    await until('shared by two', withinMs, () => isShared([a, c], PARTITIONS));
    assert.equal(await sizeOf(group), 2);
    await a.close();
    await until('one has all', withinMs, () => isShared([c], PARTITIONS));
    assert.equal(await sizeOf(group), 1);
    await c.close();
    assert.equal(await sizeOf(group), 0);
    // Leaving is one of the things that a killed one cannot.
    assert.deepEqual([a.lost, c.lost], [[], []]);
  });

  test('a member that comes keeps the tasks of the others where they are, up to balance', async () => {
    const { start } = await create();
    const a = await start();
    const before = new Set(a.tasks);
    const b = await start();
    await until('shared', 10_000, () => isShared([a, b], PARTITIONS));
    assert.equal(a.tasks.filter((task) => before.has(task)).length, 3);
    const [ofA, ofB] = [a.tasks, b.tasks];
    const c = await start();
    await until('shared by three', 10_000, () => isShared([a, b, c], PARTITIONS));
    assert.ok(a.tasks.every((task) => ofA.includes(task)));
    assert.ok(b.tasks.every((task) => ofB.includes(task)));
  });

  test('a member on kafkajs and one of ours are in one group, whoever assigns', async () => {
    const { group, topic, start } = await create();
    const ours = await start();
    let theirs: readonly number[] = [];
    const assigner = taskAssigner(() => {
      return { hash: 'h', partitions: PARTITIONS, startedAt: 1, owned: theirs, ownedAt: 0 };
    });
    const consumer = client.kafka.consumer({
      groupId: group,
      partitionAssigners: [assigner],
      sessionTimeout: SESSION_TIMEOUT_MS * 3,
      heartbeatInterval: 200,
      maxWaitTimeInMs: 50,
    });
    await consumer.connect();
    try {
      await consumer.subscribe({ topic, fromBeginning: true });
      consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
        theirs = payload.memberAssignment[topic] ?? [];
      });
      await consumer.run({ eachMessage: async () => {} });
      await until('shared with kafkajs', 15_000, () => ours.tasks.length + theirs.length === 6);
      assert.equal(new Set([...ours.tasks, ...theirs]).size, PARTITIONS);
      await ours.close();
      await until('kafkajs has all', 15_000, () => theirs.length === PARTITIONS);
      const again = await start();
      await until('shared again', 15_000, () => again.tasks.length + theirs.length === 6);
      assert.equal(new Set([...again.tasks, ...theirs]).size, PARTITIONS);
    } finally {
      await consumer.disconnect();
    }
  });

  test('offsets with a transaction: read once it is over, refused from an old generation', async () => {
    const { group, topic, start } = await create();
    const a = await start();
    const { requester, metadata } = a.plane;
    const options = { transactionalId: `${topic}-t` };
    const transaction = await TransactionalProducer.open(requester, metadata, options);
    const offsetOf = (offset: number) => ({
      ...a.member.membership!,
      offsets: [{ topic, partition: 0, offset, metadata: `mark ${offset}` }],
    });
    const read = async () => {
      const asked = [0, 1].map((partition) => ({ topic, partition }));
      const told = await committedOffsets(requester, metadata, group, asked);
      return told.map(({ offset, metadata: mark }) => [offset, mark]);
    };
    assert.deepEqual(await read(), [
      [-1, ''],
      [-1, ''],
    ]);
    await transaction.commit({ batches: [batchOf(topic, 1, rowsOf('x'))], offsets: offsetOf(7) });
    assert.deepEqual((await read())[0], [7, 'mark 7']);
    // While a transaction holds an offset, whoever asks for it waits.
    await transaction.send([batchOf(topic, 1, rowsOf('y'))]);
    await transaction.sendOffsets(offsetOf(8));
    const waiting = read();
    await transaction.commit();
    assert.deepEqual((await waiting)[0], [8, 'mark 8']);

    const zombie = offsetOf(9);
    const b = await start();
    await until('shared', 10_000, () => isShared([a, b], PARTITIONS));
    const unit = { batches: [batchOf(topic, 1, rowsOf('zombie'))], offsets: zombie };
    await assert.rejects(transaction.commit(unit), { code: 'CAR643', retryable: false });
    await transaction.abort();
    assert.deepEqual((await read())[0], [8, 'mark 8']);
    const keys = (await a.plane.read(topic, 1)).map(({ key }) => key);
    assert.deepEqual(keys, ['x', 'y']);

    const heir = await TransactionalProducer.open(requester, metadata, options);
    const late = transaction.commit({ batches: [batchOf(topic, 1, rowsOf('late'))] });
    await assert.rejects(late, { code: 'CAR643', retryable: false });
    await heir.close();
    await transaction.close();
  });

  test('offsets without a transaction are refused from an old generation too', async () => {
    const { group, topic, start } = await create();
    const a = await start();
    await a.member.commitOffsets([{ topic, partition: 3, offset: 5, metadata: 'é' }]);
    const { requester, metadata } = a.plane;
    const told = await committedOffsets(requester, metadata, group, [{ topic, partition: 3 }]);
    assert.deepEqual(told, [{ topic, partition: 3, offset: 5, metadata: 'é' }]);
    await a.member.leave();
    const late = a.member.commitOffsets([{ topic, partition: 3, offset: 6, metadata: '' }]);
    await assert.rejects(late, { code: 'CAR643' });
  });
});
