/** Groups of tasks on a real broker when members come, go, die, and lie. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { openClient } from '../../connectors/kafka/client.ts';
import { TaskTransactions } from '../../connectors/kafka/commit.ts';
import type { Log } from '../../core/log.ts';
import { clusterSkip, type SharedServers, sharedServers } from '../kit/shared-servers.ts';
import { openWired, type Wire } from './kafka-wire.ts';
import {
  checkOutput,
  createTopics,
  feeder,
  isDone,
  Member,
  PARTITIONS,
  type Topics,
  topicsOf,
  until,
} from './kafka-worker.ts';

const RUN = `g${process.pid.toString(36)}${Date.now().toString(36)}`;

const skip = await clusterSkip();
for (const dataPlane of ['batches', 'kafkajs'] as const) {
  describe(`groups of tasks on Kafka, ${dataPlane}`, { skip }, () => groupsOn(dataPlane));
}

function groupsOn(dataPlane: 'batches' | 'kafkajs'): void {
  const run = `${RUN}-${dataPlane}`;
  let servers: SharedServers;
  let tools: Log;
  const opened: Log[] = [];
  before(async () => {
    servers = await sharedServers(['kafka']);
    tools = (await openWired(servers.kafka, { dataPlane })).log;
  });
  after(async () => {
    await Promise.all([tools, ...opened].map((log) => log?.close()));
    await servers?.stop();
  });

  /** A log of a member's own; what a failed test leaves open is closed at the end. */
  async function member(topics: Topics): Promise<{ log: Log; wire: Wire; member: Member }> {
    const { log, wire } = await openWired(servers.kafka, { dataPlane });
    opened.push(log);
    return { log, wire, member: await new Member().open(log, topics) };
  }

  test('a killed owner leaves no half commit, and the next goes on', async () => {
    const topics = topicsOf(`${run}-kill`);
    await createTopics(tools, topics);
    const feeding = await feeder(tools, topics);
    const dead: Promise<void>[] = [];
    // Each owner dies at another point of its commits, which come every 10 ms.
    for (let round = 0; round < 4; round++) {
      const { log, wire, member: owner } = await member(topics);
      const enough = 3 + round * 4;
      const commits = () => owner.tasks.reduce((sum, task) => sum + task.commits, 0);
      await until('some commits', () => commits() >= enough);
      await new Promise((resolve) => setTimeout(resolve, round * 3));
      wire.cut();
      // It goes on trying to commit for a while, as a process that is cut off does.
      dead.push(log.close());
    }
    const fed = await feeding.stop();
    const { log, member: last } = await member(topics);
    await until('all is done', () => isDone([last]));
    await checkOutput(tools, topics, fed);
    await Promise.all([log.close(), ...dead]);
  });

  test('members that come and go lose and double nothing', async () => {
    const topics = topicsOf(`${run}-share`);
    await createTopics(tools, topics);
    const feeding = await feeder(tools, topics);
    const { log: firstLog, member: first } = await member(topics);
    await until('one member has all', () => first.group!.tasks.length === PARTITIONS);
    await until('commits', () => first.tasks.every((task) => task.commits > 2));
    const kept = () => first.tasks.filter((task) => task.closedAs.length === 0);
    const { log: secondLog, member: second } = await member(topics);
    await until('two share', () => second.group!.tasks.length === 2);
    assert.equal(kept().length, 2, 'what stays is not opened anew');
    assert.equal(first.tasks.length, PARTITIONS);
    const { log: thirdLog, member: third } = await member(topics);
    await until('three share', () => third.group!.tasks.length === 1);
    await second.group!.close();
    await until(
      'two share again',
      () => first.group!.tasks.length + third.group!.tasks.length === PARTITIONS,
    );
    const fed = await feeding.stop();
    await until('all is done', () => isDone([first, third]));
    await checkOutput(tools, topics, fed);
    const restored = [...second.tasks, ...third.tasks].some((task) => task.restored > 0);
    assert.ok(restored, 'a task that moves brings its store');
    await Promise.all([firstLog, secondLog, thirdLog].map((log) => log.close()));
  });

  test('a task whose producer was fenced cannot commit, and starts again', async () => {
    const topics = topicsOf(`${run}-zombie`);
    await createTopics(tools, topics);
    const { log, member: one } = await member(topics);
    await until('all ready', () => one.tasks.filter((t) => t.isReady).length === PARTITIONS);
    // Another process opens task 0, as if this one had been taken for dead.
    const client = openClient({ brokers: servers.kafka, clientId: 'other' });
    const other = await TaskTransactions.open(client, topics.spec.group, 0);
    await other.close();
    // Taken now: what is opened again after the fence is a task of its own in the member's list.
    const zombie = one.tasks.find((task) => task.port.partition === 0)!;
    const others = one.tasks.filter((task) => task.port.partition !== 0);
    const feeding = await feeder(tools, topics);
    await until('the zombie is closed', () => zombie.closedAs.length > 0);
    const fed = await feeding.stop();
    assert.deepEqual(zombie.closedAs, ['fenced']);
    // One transaction is all of a member's; with kafkajs it is a task's.
    const lost = dataPlane === 'batches' ? ['fenced'] : [];
    await until('the others are closed too', () =>
      others.every((task) => task.closedAs.length >= lost.length),
    );
    for (const task of others) assert.deepEqual(task.closedAs, lost);
    assert.equal(zombie.commits, 0);
    await until('all is done', () => isDone([one]));
    await checkOutput(tools, topics, fed);
    await log.close();
  });

  test('a store comes back whole after many aborted transactions', async () => {
    const topics = topicsOf(`${run}-aborts`);
    await createTopics(tools, topics);
    const client = openClient({ brokers: servers.kafka, clientId: 'aborts' });
    const producer = client.kafka.producer({
      transactionalId: `${run}-aborts`,
      maxInFlightRequests: 1,
      retry: { initialRetryTime: 5, retries: 10 },
      createPartitioner: () => () => 0,
    });
    await producer.connect();
    const topic = topics.spec.stores[0]!.changelog;
    for (let i = 1; i <= 40; i++) {
      const transaction = await producer.transaction();
      await transaction.send({ topic, messages: [{ key: 'number', value: String(i) }] });
      // The last ones are all aborted: the changelog ends in markers.
      if (i % 10 === 0 && i <= 30) await transaction.commit();
      else await transaction.abort();
    }
    await producer.disconnect();
    const admin = client.kafka.admin();
    await admin.connect();
    const groupId = topics.spec.group;
    const partitions = [{ partition: 0, offset: '0' }];
    await admin.setOffsets({ groupId, topic: topics.input, partitions });
    await admin.disconnect();
    const { log, member: one } = await member(topics);
    await until('all ready', () => one.tasks.filter((t) => t.isReady).length === PARTITIONS);
    const task = one.tasks.find((held) => held.port.partition === 0)!;
    assert.equal(task.restored, 3);
    assert.equal(task.number, 30);
    await log.close();
  });

  test('members of another topology share no tasks (D13)', async () => {
    const old = topicsOf(`${run}-hash`);
    await createTopics(tools, old);
    const { log: oldLog, member: before } = await member(old);
    await until('the old has all', () => before.group!.tasks.length === PARTITIONS);
    const other = topicsOf(`${run}-hash`, { topologyHash: 'h2' });
    const { log: newLog, member: after } = await member(other);
    await until('the new has all', () => after.group!.tasks.length === PARTITIONS);
    await until('the old has none', () => before.group!.tasks.length === 0);
    assert.ok(before.tasks.every((task) => task.closedAs[0] === 'revoked'));
    await newLog.close();
    await until('the old has all again', () => before.group!.tasks.length === PARTITIONS);
    await oldLog.close();
  });

  test('what cannot be is refused with its code', async () => {
    const topics = topicsOf(`${run}-refused`);
    await createTopics(tools, topics);
    const name = topics.input;
    const other = [{ name, partitions: PARTITIONS + 1, cleanup: 'delete' }] as const;
    await assert.rejects(tools.applyTopics(other), { code: 'CAR641' });
    const missing = tools.read(`${run}-none`, { from: 'start', follow: false });
    await assert.rejects(missing[Symbol.asyncIterator]().next(), { code: 'CAR642' });
    const bad = [{ name: 'no/name', partitions: 1, cleanup: 'delete' }] as const;
    await assert.rejects(tools.applyTopics(bad), { code: 'CAR645' });
    const { log, member: one } = await member(topics);
    await until('all ready', () => one.tasks.filter((t) => t.isReady).length === PARTITIONS);
    const offsets = [{ topic: topics.input, offset: 1, metadata: 'x'.repeat(4_097) }];
    const parts = [{ partition: 0, batches: [], offsets }];
    await assert.rejects(async () => one.tasks[0]!.port.unit.commit({ parts }), { code: 'CAR646' });
    await log.close();
  });
}
