/**
 * Three brokers, replication 3, one of them killed or stopped in its tracks, again and again:
 * members stay in their group, batches are written once and in order, transactions go on, and
 * nobody is restarted.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Admin } from 'kafkajs';
import { openClient } from '../../connectors/kafka/client.ts';
import { committedOffsets } from '../../connectors/kafka/wire/group-offsets.ts';
import { TransactionalProducer } from '../../connectors/kafka/wire/transaction.ts';
import { type KafkaServer, startKafka } from '../kit/servers.ts';
import { clusterSkip } from '../kit/shared-servers.ts';
import { batchOf, rowsOf } from './data-plane.ts';
import { isShared, TaskMember, until } from './data-plane-member.ts';
import { javaSkip } from './java-clients.ts';

const skip = (await clusterSkip()) || (await javaSkip());
const PARTITIONS = 6;
const SESSION_TIMEOUT_MS = 6_000;
/** The bound: by itself within the session time-out and 10 s, each time. */
const WITHIN_MS = SESSION_TIMEOUT_MS + 10_000;
const ROUNDS = Number(process.env.ROUNDS ?? 2);
const TOPICS = { plain: 'away-plain', units: 'away-units' } as const;
const GROUP = 'away-g';

interface State {
  stop: boolean;
  /** How many numbers each partition has. */
  sent: number;
  units: number;
}

/** Writes the numbers from 0 on to each partition, as fast as they are acknowledged. */
async function writeOn(writer: TaskMember, state: State) {
  const producer = writer.plane.producer({ deliveryTimeoutMs: 60_000 });
  while (!state.stop) {
    const rows = rowsOf(String(state.sent));
    const all = Array.from({ length: PARTITIONS }, (_, p) => batchOf(TOPICS.plain, p, rows));
    await producer.send(all);
    state.sent++;
  }
}

/** Units of two batches and an offset that says how many there are; a failed one is tried again. */
async function commitOn(writer: TaskMember, state: State) {
  const { requester, metadata } = writer.plane;
  const open = () =>
    TransactionalProducer.open(requester, metadata, {
      transactionalId: 'away-t',
      stepTimeoutMs: 20_000,
      transactionTimeoutMs: 20_000,
    });
  const at = { topic: TOPICS.units, partition: 0 };
  let transaction = await open();
  while (!state.stop) {
    const { membership } = writer.member;
    if (membership === null) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      continue;
    }
    const rows = rowsOf(String(state.units));
    const batches = [0, 1].map((p) => batchOf(TOPICS.units, p, rows));
    const offsets = [{ ...at, offset: state.units + 1, metadata: '' }];
    try {
      await transaction.commit({ batches, offsets: { ...membership, offsets } });
      state.units++;
    } catch {
      // Whether it was committed is for the group's offset to say, once the id is taken over.
      await transaction.close();
      transaction = await open();
      const [told] = await committedOffsets(requester, metadata, GROUP, [at]);
      state.units = Math.max(0, told!.offset);
    }
  }
  await transaction.close();
}

/** All replicas of all topics follow, the brokers' own topics too. */
async function isInSync(admin: Admin): Promise<boolean> {
  try {
    const { topics } = await admin.fetchTopicMetadata();
    return topics.every(({ partitions }) => partitions.every(({ isr }) => isr.length === 3));
  } catch {
    return false;
  }
}

async function disturb(kafka: KafkaServer, round: number, during: () => Promise<void>) {
  const broker = round % 3;
  const isKill = round % 2 === 0;
  await (isKill ? kafka.kill(broker) : kafka.pause(broker));
  try {
    await during();
  } finally {
    await (isKill ? kafka.restart(broker) : kafka.resume(broker));
  }
}

/** One broker goes and comes back; in between all go on by themselves. */
async function goThrough(
  round: number,
  kafka: KafkaServer,
  admin: Admin,
  members: readonly TaskMember[],
  state: State,
): Promise<void> {
  // With two replicas behind, no client could write.
  await until(`replicas in sync before round ${round}`, 60_000, () => isInSync(admin));
  await disturb(kafka, round, async () => {
    const before = { ...state };
    const isOn = () => state.sent > before.sent + 3 && state.units > before.units + 3;
    await until(`writes go on in round ${round}`, WITHIN_MS, isOn);
    await until(`members go on in round ${round}`, WITHIN_MS, async () => {
      const marks = members.map(({ member, tasks: [partition] }) =>
        partition === undefined
          ? Promise.reject(new Error('no task'))
          : member.commitOffsets([{ topic: TOPICS.plain, partition, offset: round, metadata: '' }]),
      );
      const done = await Promise.allSettled(marks);
      return done.every(({ status }) => status === 'fulfilled') && isShared(members, PARTITIONS);
    });
  });
  // One that was thrown out just now is about to be in again; a ghost would stay.
  await until(`no ghosts after round ${round}`, WITHIN_MS, async () => {
    const { groups } = await admin.describeGroups([GROUP]);
    return groups[0]!.members.length === 3;
  });
}

/** What was acknowledged is there, once and in order, read committed. */
async function checkWritten({ plane }: TaskMember, state: State): Promise<void> {
  const expected = (count: number) => Array.from({ length: count }, (_, n) => String(n));
  for (const [topic, partitions, count] of [
    [TOPICS.plain, PARTITIONS, state.sent],
    [TOPICS.units, 2, state.units],
  ] as const) {
    for (let p = 0; p < partitions; p++) {
      // A leader that runs on after a stop tells an old end until it learns that it was followed.
      let keys: readonly (string | null)[] = [];
      await until(`all of ${topic}/${p} is read`, WITHIN_MS, async () => {
        keys = (await plane.read(topic, p)).map(({ key }) => key);
        return keys.length >= count;
      }).catch(() => {});
      assert.deepEqual(keys, expected(count), `${topic}/${p}`);
    }
  }
}

test(`goes on by itself, ${ROUNDS} times`, { skip, timeout: 300_000 }, async () => {
  const kafka = await startKafka({ brokers: 3 });
  const client = openClient({ brokers: kafka.brokers, clientId: 'away' });
  const admin = client.kafka.admin();
  const spec = {
    brokers: kafka.brokers,
    group: GROUP,
    topic: TOPICS.plain,
    partitions: PARTITIONS,
    sessionTimeoutMs: SESSION_TIMEOUT_MS,
  };
  const members = [0, 1, 2].map(() => new TaskMember(spec));
  const [a, b] = members as [TaskMember, TaskMember];
  const state = { stop: false, sent: 0, units: 0 };
  try {
    await admin.connect();
    for (const topic of Object.values(TOPICS)) {
      const topics = [{ topic, numPartitions: PARTITIONS }];
      // A broker that has not heard of it yet would be an error.
      await admin.createTopics({ topics, waitForLeaders: false });
    }
    await Promise.all(members.map(({ member }) => member.start()));
    await until('shared', 20_000, () => isShared(members, PARTITIONS));
    for (const { plane } of members) {
      const isKnown = () => Object.values(TOPICS).every((topic) => plane.metadata.topic(topic));
      while (!isKnown()) await plane.metadata.track(Object.values(TOPICS));
    }
    const working = Promise.all([writeOn(a, state), commitOn(b, state)]);
    working.catch(() => {});
    await until('first units', 30_000, () => state.units > 3 && state.sent > 3);
    for (let round = 0; round < ROUNDS; round++) {
      await goThrough(round, kafka, admin, members, state);
    }
    state.stop = true;
    await working;
    await checkWritten(a, state);
    await Promise.all(members.map((member) => member.close()));
    const { groups } = await admin.describeGroups([GROUP]);
    assert.equal(groups[0]!.members.length, 0);
  } finally {
    state.stop = true;
    await admin.disconnect().catch(() => {});
    await Promise.allSettled(members.map((member) => member.close()));
    await kafka.stop();
  }
});
