/**
 * Transactions on a real broker, both ways: partitions added by us, as all brokers since 2.8 know
 * it, and added by the brokers themselves (KIP-890). What is committed is read, and nothing else.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Admin } from 'kafkajs';
import { type KafkaClient, openClient } from '../../connectors/kafka/client.ts';
import type { Requester } from '../../connectors/kafka/wire/connection-pool.ts';
import { ConnectionLost } from '../../connectors/kafka/wire/errors.ts';
import {
  type GroupOffsets,
  TransactionalProducer,
} from '../../connectors/kafka/wire/transaction.ts';
import { clusterSkip, type SharedServers, sharedServers } from '../kit/shared-servers.ts';
import { batchOf, DataPlane, rowOf, rowsOf } from './data-plane.ts';
import { until } from './data-plane-member.ts';

const run = `x${process.pid.toString(36)}${Date.now().toString(36)}`;
const FEATURE = 'transaction.version';

/** What a test changes on the way to the broker. */
class Between implements Requester {
  readonly #pool: Requester;
  /** Of the next requests of an api: true loses the answer. */
  readonly lose = new Map<string, boolean[]>();
  readonly asked: string[] = [];
  /** At most this is told of the cluster's own level. */
  level: number;

  constructor(pool: Requester, level: number) {
    this.#pool = pool;
    this.level = level;
  }

  feature(name: string): number {
    return Math.min(this.level, this.#pool.feature(name));
  }

  setBrokers(brokers: Parameters<Requester['setBrokers']>[0]): void {
    this.#pool.setBrokers(brokers);
  }

  drop(...of: Parameters<Requester['drop']>): void {
    this.#pool.drop(...of);
  }

  request: Requester['request'] = async (node, purpose, api, args, timeoutMs) => {
    const answer = await this.#pool.request(node, purpose, api, args, timeoutMs);
    this.asked.push(`${api.name} ${api.max}`);
    if (this.lose.get(api.name)?.shift() === true) throw new ConnectionLost('lost');
    return answer;
  };
}

const WAYS = [
  { way: 'added by us', level: 1, unit: ['AddPartitionsToTxn 3', 'AddOffsetsToTxn 3'] },
  { way: 'added by the brokers', level: 2, unit: [] },
] as const;

describe('transactions on Kafka', { skip: await clusterSkip() }, () => {
  let servers: SharedServers;
  let client: KafkaClient;
  let admin: Admin;
  let plane: DataPlane;
  let between: Between;
  let topics = 0;

  before(async () => {
    servers = await sharedServers(['kafka']);
    client = openClient({ brokers: servers.kafka, clientId: run });
    admin = client.kafka.admin();
    await admin.connect();
    plane = new DataPlane(servers.kafka, (pool) => {
      between = new Between(pool, 2);
      return between;
    });
  });
  after(async () => {
    await plane?.close();
    await admin?.disconnect();
    await servers?.stop();
  });

  async function create(): Promise<string> {
    const topic = `${run}-${++topics}`;
    await admin.createTopics({ topics: [{ topic, numPartitions: 2 }] });
    await plane.metadata.track([topic]);
    return topic;
  }

  const open = (transactionalId: string) =>
    TransactionalProducer.open(between, plane.metadata, { transactionalId });

  const write = (topic: string, ...keys: string[]) => [batchOf(topic, 0, rowsOf(...keys))];

  /** The keys, once there are so many: the end of a transaction is seen after its answer. */
  async function committed(topic: string, keys: readonly string[]): Promise<void> {
    let found: (string | null)[] = [];
    await until(`${keys.length} rows in ${topic}`, 10_000, async () => {
      found = (await plane.read(topic, 0)).map((record) => rowOf(record).key);
      return found.length >= keys.length;
    });
    assert.deepEqual(found, keys);
  }

  /** As a reader without a group's members may commit. */
  const offsetsOf = (topic: string, offset: number): GroupOffsets => ({
    group: `${topic}-g`,
    memberId: '',
    generation: -1,
    offsets: [{ topic, partition: 0, offset, metadata: '' }],
  });

  async function committedOffset(topic: string, expected: number): Promise<void> {
    await until(`offset ${expected}`, 10_000, async () => {
      const [of] = await admin.fetchOffsets({ groupId: `${topic}-g`, topics: [topic] });
      return of!.partitions.find(({ partition }) => partition === 0)!.offset === `${expected}`;
    });
  }

  for (const { way, level, unit } of WAYS) {
    test(`${way}: batches and offsets are there together, in so many requests`, async () => {
      const topic = await create();
      between.level = level;
      const transaction = await open(topic);
      assert.equal(between.feature(FEATURE), level);
      await transaction.commit({ batches: write(topic, 'a'), offsets: offsetsOf(topic, 1) });
      between.asked.length = 0;
      await transaction.commit({ batches: write(topic, 'b'), offsets: offsetsOf(topic, 2) });
      // The transaction before may still be ending when the next begins.
      assert.deepEqual(
        [...new Set(between.asked)].filter((one) => !one.startsWith('Metadata')).sort(),
        [
          ...unit,
          ...(level === 1
            ? ['EndTxn 3', 'Produce 11', 'TxnOffsetCommit 3']
            : ['EndTxn 5', 'Produce 12', 'TxnOffsetCommit 5']),
        ].sort(),
      );
      await transaction.close();
      await committed(topic, ['a', 'b']);
      await committedOffset(topic, 2);
    });

    test(`${way}: what is aborted is not read, and the next goes on at once`, async () => {
      const topic = await create();
      between.level = level;
      const [a, b] = await Promise.all([open(`${topic}-a`), open(`${topic}-b`)]);
      const keys: string[] = [];
      for (let n = 0; n < 4; n++) {
        await a.send(write(topic, `a aborted ${n}`));
        await a.sendOffsets(offsetsOf(topic, 99));
        await b.send(write(topic, `b ${n}`));
        await a.abort();
        await b.commit();
        await a.commit({ batches: write(topic, `a ${n}`, `aa ${n}`) });
        keys.push(`b ${n}`, `a ${n}`, `aa ${n}`);
      }
      // Nothing was begun.
      await a.abort();
      await a.commit({ batches: write(topic, 'last'), offsets: offsetsOf(topic, 5) });
      await Promise.all([a.close(), b.close()]);
      await committed(topic, [...keys, 'last']);
      await committedOffset(topic, 5);
    });

    test(`${way}: answers that are lost: each record once, and in order`, async () => {
      const topic = await create();
      between.level = level;
      const transaction = await open(topic);
      const keys: string[] = [];
      for (const api of ['Produce', 'TxnOffsetCommit', 'EndTxn', 'AddPartitionsToTxn', 'EndTxn']) {
        between.lose.set(api, [true, true]);
        const key = `${keys.length} ${api}`;
        keys.push(key);
        const offsets = offsetsOf(topic, keys.length);
        await transaction.commit({ batches: write(topic, key), offsets });
      }
      between.lose.clear();
      await transaction.close();
      await committed(topic, keys);
      await committedOffset(topic, keys.length);
    });

    test(`${way}: who takes the id over ends what is open, and the other is fenced`, async () => {
      const topic = await create();
      between.level = level;
      const first = await open(topic);
      await first.commit({ batches: write(topic, 'a') });
      await first.send(write(topic, 'open'));
      const second = await open(topic);
      await second.commit({ batches: write(topic, 'b') });
      await assert.rejects(first.commit({ batches: write(topic, 'late') }), { code: 'CAR643' });
      await first.close();
      await second.commit({ batches: write(topic, 'c') });
      await second.close();
      await committed(topic, ['a', 'b', 'c']);
    });
  }

  test('from one way to the other and back, without a new owner', async () => {
    const topic = await create();
    between.level = 1;
    const transaction = await open(topic);
    const keys: string[] = [];
    for (const level of [1, 2, 2, 1, 2, 1]) {
      between.level = level;
      keys.push(`${keys.length}`);
      await transaction.commit({ batches: write(topic, keys.at(-1)!) });
    }
    await transaction.close();
    await committed(topic, keys);
  });
});
