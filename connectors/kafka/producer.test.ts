/** Writes outside transactions, on a stand-in of kafkajs' client; no broker. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { ProducerConfig, TopicMessages } from 'kafkajs';
import { BatchBuilder } from '../../core/batch-builder.ts';
import type { KafkaClient } from './client.ts';
import type { Piece } from './messages.ts';
import { LogProducer } from './producer.ts';

const MIB = 1024 * 1024;
const BUSY = Object.assign(new Error('moves'), { type: 'NOT_LEADER_OR_FOLLOWER' });
const LOST = Object.assign(new Error('lost'), { type: 'OUT_OF_ORDER_SEQUENCE_NUMBER' });
const MISSING = Object.assign(new Error('no'), { type: 'UNKNOWN_TOPIC_OR_PARTITION' });

/** What becomes of the n-th request: an error, or null when it is answered. */
type Fate = (request: number) => Error | null | Promise<null>;

function producerOf(fate: Fate = () => null, connects: Fate = () => null) {
  const said: string[] = [];
  const configs: ProducerConfig[] = [];
  const warned: unknown[] = [];
  let requests = 0;
  let offset = 100;
  const producer = () => {
    const number = configs.length;
    return {
      async connect() {
        said.push(`connect ${number}`);
        const error = await connects(number);
        if (error !== null) throw error;
      },
      async disconnect() {
        said.push(`disconnect ${number}`);
        throw new Error('is gone already');
      },
      async sendBatch({ acks, topicMessages }: { acks: number; topicMessages: TopicMessages[] }) {
        const answers = topicMessages.flatMap(({ topic, messages }) =>
          [...new Set(messages.map(({ partition }) => partition))].map((partition) => {
            return { topicName: topic, partition: partition!, places: messages.length };
          }),
        );
        const places = answers.map((one) => `${one.topicName}/${one.partition}`);
        said.push(`${number} sends ${places.join(' ')} (${acks})`);
        const error = await fate(++requests);
        if (error !== null) throw error;
        return answers.map((one) => ({ ...one, errorCode: 0, baseOffset: String(offset++) }));
      },
    };
  };
  const client = {
    kafka: {
      producer(config: ProducerConfig) {
        configs.push(config);
        return producer();
      },
    },
    settings: { deliveryTimeoutMs: 60_000 },
    logger: { warn: (facts: unknown, sentence: string) => warned.push([facts, sentence]) },
  };
  const of = new LogProducer(client as unknown as KafkaClient);
  return { of, said, configs, warned, client };
}

function batch(topic: string, partition: number) {
  const builder = new BatchBuilder(topic, partition);
  builder.append(1, null, Buffer.from('a'));
  return builder.finish();
}

const piece = (bytes: number, changes: Partial<Piece> = {}): Piece => {
  const message = { value: null, partition: changes.partition ?? 0, group: null };
  return {
    topic: 'a',
    partition: 0,
    messages: [message],
    bytes,
    batch: 0,
    first: true,
    ...changes,
  };
};

/** Lets all go on that waits for nothing but its turn. */
const turns = async () => {
  for (let n = 0; n < 50; n++) await Promise.resolve();
};

test('each batch is told its offset; what is written waits for all in-sync replicas', async () => {
  const { of, said, configs } = producerOf();
  await of.open();
  assert.deepEqual(await of.send([batch('a', 0), batch('a', 1), batch('b', 0)]), [100, 101, 102]);
  assert.deepEqual(said, ['connect 1', '1 sends a/0 a/1 b/0 (-1)']);
  const { createPartitioner, ...config } = configs[0]!;
  assert.equal(typeof createPartitioner, 'function');
  assert.deepEqual(config, {
    ...{ idempotent: true, maxInFlightRequests: 1, allowAutoTopicCreation: false },
    retry: { initialRetryTime: 50, maxRetryTime: 1_000, retries: 6 },
  });
});

test('nothing is nothing to send, and rows of a changelog have no offset to tell', async () => {
  const { of, said } = producerOf();
  assert.deepEqual(await of.send([]), []);
  assert.deepEqual(await of.sendPieces([], 2), [-1, -1]);
  assert.deepEqual(said, []);
  const later = piece(1, { partition: 1, batch: 1, first: false });
  const told = await of.sendPieces([piece(1), piece(1, { topic: 'c', batch: -1 }), later], 2);
  assert.deepEqual(told, [100, -1]);
});

test('what is asked while a request is under way goes out together', async () => {
  const first = Promise.withResolvers<null>();
  const { of, said } = producerOf((request) => (request === 1 ? first.promise : null));
  const sent = [of.send([batch('a', 0)]), of.send([batch('a', 1)]), of.send([batch('b', 0)])];
  await turns();
  const late = of.send([batch('c', 0)]);
  first.resolve(null);
  assert.deepEqual(await Promise.all([...sent, late]), [[100], [101], [102], [103]]);
  const requests = said.filter((line) => line.includes('sends'));
  assert.equal(requests.length, 2);
  assert.ok(requests.at(-1)!.includes('c/0'));
});

test('of one partition one piece a request', async () => {
  const { of, said } = producerOf();
  const twice = [piece(1), piece(1, { batch: 1 })];
  assert.deepEqual(await of.sendPieces(twice, 2), [100, 101]);
  assert.deepEqual(said.slice(1), ['1 sends a/0 (-1)', '1 sends a/0 (-1)']);
});

const rounds: readonly (readonly [bytes: readonly number[], requests: number])[] = [
  [[1, 1, 1], 2],
  [[1, 4 * MIB, 1], 3],
  [[1, 4 * MIB - 1, 1, 1], 3],
];
for (const [bytes, requests] of rounds) {
  test(`a request takes no more than 4 MiB and what goes over it: ${bytes}`, async () => {
    const first = Promise.withResolvers<null>();
    const { of, said } = producerOf((request) => (request === 1 ? first.promise : null));
    const head = of.sendPieces([piece(bytes[0]!)], 1);
    await turns();
    const rest = bytes
      .slice(1)
      .map((size, i) => of.sendPieces([piece(size, { partition: i + 1 })], 1));
    first.resolve(null);
    await Promise.all([head, ...rest]);
    assert.equal(said.filter((line) => line.includes('sends')).length, requests);
  });
}

test('who has 32 MiB waiting waits; one alone may be larger', async () => {
  const gates = [1, 2, 3].map(() => Promise.withResolvers<null>());
  const { of, said } = producerOf((request) => gates[request - 1]?.promise ?? null);
  const sent = [40, 1].map((mib, i) => of.sendPieces([piece(mib * MIB, { partition: i })], 1));
  await turns();
  assert.deepEqual(said, ['connect 1', '1 sends a/0 (-1)']);
  gates[0]!.resolve(null);
  await sent[0];
  await turns();
  assert.deepEqual(said.slice(2), ['1 sends a/1 (-1)']);
  const fits = of.sendPieces([piece(31 * MIB, { partition: 2 })], 1);
  const waits = of.sendPieces([piece(1, { partition: 3 })], 1);
  await turns();
  gates[1]!.resolve(null);
  await sent[1];
  await turns();
  gates[2]!.resolve(null);
  await Promise.all([fits, waits]);
  assert.deepEqual(said.slice(3), ['1 sends a/2 (-1)', '1 sends a/3 (-1)']);
});

const mocked = (t: TestContext) => t.mock.timers.enable({ apis: ['setTimeout'] });

const again: readonly (readonly [what: string, error: Error, said: readonly string[]])[] = [
  ['a leader that moves', BUSY, ['connect 1', '1 sends a/0 (-1)', '1 sends a/0 (-1)']],
  [
    'a producer that the broker has forgotten',
    LOST,
    ['connect 1', '1 sends a/0 (-1)', 'disconnect 1', 'connect 2', '2 sends a/0 (-1)'],
  ],
];
for (const [what, error, lines] of again) {
  test(`it is tried again, and said: ${what}`, async (t) => {
    mocked(t);
    const { of, said, warned } = producerOf((request) => (request === 1 ? error : null));
    const sent = of.send([batch('a', 0)]);
    await turns();
    t.mock.timers.tick(99);
    await turns();
    assert.equal(said.filter((line) => line.includes('sends')).length, 1);
    t.mock.timers.tick(1);
    assert.deepEqual(await sent, [100]);
    assert.deepEqual(said, lines);
    const why = `Kafka does not answer "produce": ${error.message}`;
    assert.deepEqual(warned, [[{ why }, 'Kafka does not take records, trying again.']]);
  });
}

const ends: readonly (readonly [what: string, error: Error, ms: number, code: string])[] = [
  ['what is refused', MISSING, 60_000, 'CAR642'],
  ['what is out of time', BUSY, 0, 'CAR640'],
];
for (const [what, error, deliveryTimeoutMs, code] of ends) {
  test(`it fails, and a new producer takes over: ${what}`, async () => {
    const { of, said, client } = producerOf((request) => (request === 1 ? error : null));
    client.settings.deliveryTimeoutMs = deliveryTimeoutMs;
    const both = await Promise.allSettled([of.send([batch('a', 0)])]);
    assert.equal((both[0] as PromiseRejectedResult).reason.code, code);
    client.settings.deliveryTimeoutMs = 60_000;
    assert.deepEqual(await of.send([batch('a', 0)]), [100]);
    assert.deepEqual(said.slice(1), [
      ...['1 sends a/0 (-1)', 'disconnect 1', 'connect 2', '2 sends a/0 (-1)'],
    ]);
  });
}

test('a producer that cannot connect leaves nothing open', async () => {
  const { of, said } = producerOf(
    () => null,
    (number) => (number === 1 ? BUSY : null),
  );
  await assert.rejects(of.open(), { code: 'CAR640', retryable: true });
  assert.deepEqual(said, ['connect 1', 'disconnect 1']);
  await of.open();
  await of.open();
  assert.deepEqual(said.slice(2), ['connect 2']);
});

test('a close waits for what is under way, and ends what would be tried again', async (t) => {
  mocked(t);
  const { of, said } = producerOf(() => BUSY);
  const sent = of.send([batch('a', 0)]);
  await turns();
  const closed = of.close();
  await assert.rejects(sent, { code: 'CAR640' });
  await closed;
  assert.deepEqual(said, ['connect 1', '1 sends a/0 (-1)', '1 sends a/0 (-1)', 'disconnect 1']);
  await assert.rejects(of.send([batch('a', 0)]), {
    code: 'CAR640',
    what: 'The producer is closed.',
    where: { at: 'produce' },
  });
});
