/** Topics as a kafkajs admin tells of them; no broker. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LogAdmin, topicsOnOneBroker } from './admin.ts';
import { type KafkaClient, silent } from './client.ts';
import { Troubles } from './troubles.ts';

interface Topic {
  readonly partitions: number;
  readonly replicas: number;
}

/** `topics` are there; creating makes more, on as many brokers as the replication factor says. */
function adminOf(
  topics: { readonly [name: string]: Topic },
  brokers = 3,
  offsets: readonly (object | readonly object[])[] = [],
) {
  const answers = [...offsets];
  const there = new Map(Object.entries(topics));
  const asked: string[] = [];
  const admin = {
    async connect() {},
    async disconnect() {},
    listTopics: async () => [...there.keys()],
    async fetchTopicMetadata({ topics: names }: { topics: string[] }) {
      asked.push(names.join(' '));
      // kafkajs tells of none when one is missing.
      if (names.some((name) => !there.has(name))) {
        throw Object.assign(new Error('x'), { type: 'UNKNOWN_TOPIC_OR_PARTITION' });
      }
      return {
        topics: names.map((name) => {
          const { partitions, replicas } = there.get(name)!;
          const of = { replicas: Array.from({ length: replicas }, (_, i) => i) };
          return { name, partitions: Array.from({ length: partitions }, () => of) };
        }),
      };
    },
    describeCluster: async () => ({ brokers: Array.from({ length: brokers }, () => ({})) }),
    describeConfigs: async () => ({ resources: [] }),
    async createTopics({ topics: made }: { topics: { topic: string; numPartitions: number }[] }) {
      for (const { topic, numPartitions } of made) {
        there.set(topic, { partitions: numPartitions, replicas: 1 });
      }
    },
    // As kafkajs fails when another call has taken the topic from its list.
    fetchTopicOffsets: async () => {
      const answer = answers.shift();
      if (Array.isArray(answer)) return answer;
      if (answer !== undefined) throw answer;
      const { partitions } = [].pop()!;
      return partitions;
    },
    fetchOffsets: async () => [
      {
        topic: 'a',
        partitions: [
          { partition: 0, offset: '7', metadata: 'm' },
          { partition: 1, offset: '-1', metadata: null },
        ],
      },
    ],
  };
  const client = {
    kafka: { admin: () => admin },
    logger: silent,
    settings: { replicationFactor: -1 },
    brokers: ['b:1'],
  } as unknown as KafkaClient;
  const troubles = new Troubles(silent);
  return { admin: new LogAdmin(client, troubles), troubles, asked };
}

const spec = (name: string, partitions = 2) => ({ name, partitions, cleanup: 'delete' }) as const;

describe('topics with one replica', () => {
  const of = (...replicas: number[][]) => ({
    partitions: replicas.map((one) => ({ replicas: one })),
  });
  const topics = [
    { name: 'b', ...of([1], [2]) },
    { name: 'whole', ...of([1, 2, 3], [2, 3, 1]) },
    { name: 'a', ...of([1, 2], [3]) },
    { name: 'empty', ...of() },
  ];
  test('are named where there are several brokers', () => {
    assert.deepEqual(topicsOnOneBroker(topics, 3), ['a', 'b']);
    assert.deepEqual(topicsOnOneBroker(topics, 1), []);
  });

  test('are a warning when topics are applied, those of Kafka itself too', async () => {
    const whole = { partitions: 2, replicas: 3 };
    const { admin, troubles } = adminOf({
      a: whole,
      __consumer_offsets: { partitions: 50, replicas: 1 },
    });
    await admin.applyTopics([spec('a'), spec('made')]);
    const [told, ...rest] = troubles.list();
    assert.deepEqual([told?.code, told?.level, rest.length], ['CAR633', 'warning', 0]);
    assert.match(told!.what, /2 topics have one replica.*3 brokers \(__consumer_offsets, made\)/);
  });

  test('are nothing to tell of on one broker, or when they are mended', async () => {
    const one = adminOf({ a: { partitions: 2, replicas: 1 } }, 1);
    await one.admin.applyTopics([spec('a')]);
    assert.deepEqual(one.troubles.list(), []);
    const three = adminOf({ a: { partitions: 2, replicas: 1 }, b: { partitions: 2, replicas: 3 } });
    await three.admin.applyTopics([spec('a')]);
    assert.equal(three.troubles.list().length, 1);
    await three.admin.applyTopics([spec('b')]);
    assert.equal(three.troubles.list().length, 0);
  });
});

describe('topics', () => {
  test('are described where they are there, although others are not', async () => {
    const { admin } = adminOf({
      a: { partitions: 2, replicas: 1 },
      b: { partitions: 5, replicas: 1 },
    });
    assert.deepEqual(
      [...(await admin.describe(['a', 'none', 'b']))].map(([name, { partitions }]) => [
        name,
        partitions,
      ]),
      [
        ['a', 2],
        ['b', 5],
      ],
    );
    assert.equal(await admin.partitionsOf('b'), 5);
    assert.equal(await admin.partitionsOf('none'), undefined);
  });

  test('with another number of partitions are refused', async () => {
    const { admin } = adminOf({ a: { partitions: 3, replicas: 1 } });
    await assert.rejects(admin.applyTopics([spec('a')]), { code: 'CAR641' });
  });
});

describe('committed offsets', () => {
  test('are told by partition', async () => {
    const { admin } = adminOf({});
    const of = async (partition: number) => [...(await admin.committed('g', ['a'], partition))];
    assert.deepEqual(await of(0), [['a', { offset: 7, metadata: 'm' }]]);
    assert.deepEqual(await of(1), [['a', { offset: -1, metadata: '' }]]);
  });

  test('that are left out of the answer are not taken for none', async () => {
    const { admin } = adminOf({});
    const unknown = { code: 'CAR640', retryable: true };
    await assert.rejects(admin.committed('g', ['a'], 2), unknown);
    await assert.rejects(admin.committed('g', ['a', 'b'], 0), unknown);
  });
});

test('bounds that kafkajs fails to find are asked for again by who needs them', async () => {
  const { admin } = adminOf({});
  await assert.rejects(admin.bounds('a'), { code: 'CAR640', retryable: true });
});

describe('bounds of a topic that was just made', () => {
  const of = (type: string) => Object.assign(new Error(type), { type });
  const bounds = [{ partition: 0, low: '0', high: '3' }];
  const rows = [
    { answers: [of('NOT_LEADER_FOR_PARTITION'), of('LEADER_NOT_AVAILABLE'), bounds], told: true },
    { answers: [of('TOPIC_AUTHORIZATION_FAILED'), bounds], told: false },
  ];
  for (const { answers, told } of rows) {
    test(
      told ? 'are told once it has leaders' : 'are not asked for again when refused',
      async () => {
        const { admin } = adminOf({}, 1, answers);
        if (told) assert.deepEqual(await admin.bounds('a'), [{ low: 0, end: 3 }]);
        else await assert.rejects(admin.bounds('a'), { code: 'CAR645' });
      },
    );
  }
});
