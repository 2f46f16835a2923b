/** A feed on a consumer that acts as kafkajs' does, and stands where it was seen to; no broker. */
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { describe, test } from 'node:test';
import type { ConsumerRunConfig } from 'kafkajs';
import type { LogBatch } from '../../core/log.ts';
import { readBatch } from '../../core/record-batch.ts';
import { type KafkaClient, silent } from './client.ts';
import { ConsumerFeed } from './consumer-feed.ts';
import type { FeedHost } from './plane.ts';

const EVENTS = {
  CRASH: 'consumer.crash',
  GROUP_JOIN: 'consumer.group_join',
  START_BATCH_PROCESS: 'consumer.start_batch_process',
  REQUEST: 'consumer.network.request',
};

/** One life of a consumer. `disconnect` answers as kafkajs' does in the state that it is in. */
class StandInConsumer extends EventEmitter {
  readonly events = EVENTS;
  readonly calls: string[] = [];
  eachBatch: NonNullable<ConsumerRunConfig['eachBatch']> = async () => {};
  /** kafkajs: set one step after GROUP_JOIN. */
  #isRunning = false;
  isMember = false;
  isCut = false;
  hangs = false;

  async connect() {
    this.calls.push('connect');
  }
  async subscribe() {
    this.calls.push('subscribe');
  }
  async run(config: ConsumerRunConfig) {
    this.eachBatch = config.eachBatch!;
    this.calls.push('run');
  }
  seek({ topic, partition, offset }: { topic: string; partition: number; offset: string }) {
    this.calls.push(`seek ${topic}/${partition}@${offset}`);
  }
  async disconnect() {
    this.calls.push('disconnect');
    if (this.hangs) await new Promise(() => {});
    // A runner that does not run yet is not stopped, so it never leaves.
    if (this.#isRunning) this.isMember = false;
  }

  join(partitions: readonly number[] = [0]): void {
    this.isMember = true;
    const payload = { memberId: 'm', memberAssignment: { t: partitions } };
    this.emit(EVENTS.GROUP_JOIN, { payload });
    queueMicrotask(() => {
      this.#isRunning = true;
    });
  }

  /** Hands out raw offsets as a fetch of partition 0; gives what was resolved. */
  async fetch(offsets: readonly number[]): Promise<string[]> {
    const resolved: string[] = [];
    const messages = offsets.map((offset) => ({
      offset: String(offset),
      timestamp: '1',
      key: null,
      value: Buffer.from('v'),
      attributes: 0,
    }));
    const batch = {
      topic: 't',
      partition: 0,
      messages,
      messagesWithinOffset: messages,
      firstOffset: () => messages[0]!.offset,
      lastOffset: () => messages.at(-1)!.offset,
    };
    await this.eachBatch({
      batch,
      isRunning: () => true,
      isStale: () => false,
      resolveOffset: (offset: string) => void resolved.push(offset),
    } as never);
    return resolved;
  }
}

function feedOf(onConsumer: (consumer: StandInConsumer) => void = () => {}) {
  const consumers: StandInConsumer[] = [];
  const said: string[] = [];
  const fetched: LogBatch[] = [];
  let position: number | undefined = 0;
  const client = {
    logger: silent,
    settings: { deliveryTimeoutMs: 1_000, sessionTimeoutMs: 1_000 },
    isolated() {
      const consumer = new StandInConsumer();
      consumers.push(consumer);
      onConsumer(consumer);
      const cut = () => {
        consumer.isCut = true;
      };
      return { kafka: { consumer: () => consumer }, cut };
    },
  } as unknown as KafkaClient;
  const host: FeedHost = {
    joined: (memberId, assignment) => void said.push(`joined ${memberId} ${assignment.get('t')}`),
    position: () => position,
    fetched: (batch) => {
      fetched.push(batch);
      position = batch.nextOffset;
    },
    outOfRange: (topic, partition) => void said.push(`range ${topic}/${partition}`),
    gap: (_, __, at, first) => void said.push(`gap ${at}-${first}`),
  };
  const feed = new ConsumerFeed(client, { groupId: 'g', topics: ['t'] }, host);
  const at = (offset: number | undefined) => {
    position = offset;
  };
  return { feed, consumers, said, fetched, at };
}

const step = () => new Promise((resolve) => setImmediate(resolve));

/** A feed that has joined. */
async function joinedFeed() {
  const made = feedOf();
  const starting = made.feed.start();
  await step();
  made.consumers[0]!.join();
  await starting;
  return { ...made, consumer: made.consumers[0]! };
}

describe('no member stays behind', () => {
  test('when a feed closes: it leaves, and its sockets are cut', async () => {
    const { feed, consumer } = await joinedFeed();
    await feed.close();
    assert.deepEqual([consumer.isMember, consumer.isCut], [false, true]);
  });

  test('when it closes while its first join is under way: that is waited for, then left', async () => {
    const { feed, consumers } = feedOf();
    const starting = feed.start();
    starting.catch(() => {});
    await step();
    const closing = feed.close();
    await step();
    assert.ok(!consumers[0]!.calls.includes('disconnect'), 'kafkajs would go on joining');
    consumers[0]!.join();
    await closing;
    await assert.rejects(starting);
    assert.deepEqual([consumers[0]!.isMember, consumers[0]!.isCut], [false, true]);
  });

  test('when it closes and the join never comes: it is cut off', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const { feed, consumers } = feedOf();
    feed.start().catch(() => {});
    await step();
    const closing = feed.close();
    await step();
    t.mock.timers.tick(3_000);
    await closing;
    assert.equal(consumers[0]!.isCut, true);
  });

  test('when kafkajs hangs in its disconnect: it is cut off', async (t) => {
    const { feed, consumer } = await joinedFeed();
    t.mock.timers.enable({ apis: ['setTimeout'] });
    consumer.hangs = true;
    const closing = feed.close();
    for (let i = 0; i < 3; i++) await step();
    assert.equal(consumer.isCut, false);
    t.mock.timers.tick(10_000);
    await closing;
    assert.equal(consumer.isCut, true);
  });

  test('when it joins again: the next consumer begins after the last one has left', async () => {
    const { feed, consumer, consumers, said } = await joinedFeed();
    feed.rejoin();
    for (let i = 0; i < 5; i++) await step();
    assert.deepEqual([consumer.isMember, consumer.isCut], [false, true]);
    assert.equal(consumers.length, 2);
    consumers[1]!.join([3]);
    assert.deepEqual(said, ['joined m 0', 'joined m 3']);
    consumer.join([9]);
    assert.equal(said.length, 2, 'what the old one says counts no more');
    await feed.close();
  });

  test('when a crash ends its consumer', async (t) => {
    const { feed, consumer, consumers } = await joinedFeed();
    t.mock.timers.enable({ apis: ['setTimeout'] });
    consumer.emit(EVENTS.CRASH, { payload: { error: new Error('crash') } });
    for (let i = 0; i < 5; i++) await step();
    assert.deepEqual([consumer.isMember, consumer.isCut], [false, true]);
    t.mock.timers.tick(100);
    await step();
    assert.equal(consumers.length, 2);
    const closing = feed.close();
    for (let i = 0; i < 3; i++) await step();
    t.mock.timers.tick(3_000);
    await closing;
  });

  test('when the first join is refused', async () => {
    const { feed, consumers } = feedOf((consumer) => {
      consumer.run = async () => {
        const error = Object.assign(new Error('x'), { type: 'GROUP_AUTHORIZATION_FAILED' });
        consumer.emit(EVENTS.CRASH, { payload: { error } });
      };
    });
    await assert.rejects(feed.start(), { code: 'CAR645' });
    assert.deepEqual(
      consumers.map((one) => [one.isMember, one.isCut]),
      [[false, true]],
    );
  });
});

describe('what is fetched', () => {
  test('is handed out from the position on, and resolved', async () => {
    const { feed, consumer, fetched, at, said } = await joinedFeed();
    at(5);
    assert.deepEqual(await consumer.fetch([4, 5, 6]), ['6']);
    assert.deepEqual(
      fetched.flatMap((batch) => readBatch(batch).map((record) => record.offset)),
      [5, 6],
    );
    at(undefined);
    assert.deepEqual(await consumer.fetch([7]), [], 'not wanted: fetched again when it is');
    assert.deepEqual(said, ['joined m 0']);
    await feed.close();
  });

  test('before the position is no record to pass over: the log became shorter', async () => {
    const { feed, consumer, fetched, at, said } = await joinedFeed();
    at(5_000);
    assert.deepEqual(await consumer.fetch([0, 1, 2]), []);
    assert.deepEqual([fetched, said], [[], ['joined m 0', 'range t/0']]);
    await feed.close();
  });

  test('behind the position is told as a gap, and handed out', async () => {
    const { feed, consumer, fetched, at, said } = await joinedFeed();
    at(5);
    await consumer.fetch([30, 31]);
    assert.equal(fetched[0]!.baseOffset, 30);
    assert.deepEqual(said, ['joined m 0', 'gap 5-30']);
    await feed.close();
  });

  test('without any record that counts moves the position', async () => {
    const { feed, consumer, fetched, at } = await joinedFeed();
    at(5);
    const payload = { topic: 't', partition: 0, batchSize: 0, lastOffset: '9' };
    consumer.emit(EVENTS.START_BATCH_PROCESS, { payload });
    consumer.emit(EVENTS.START_BATCH_PROCESS, { payload });
    assert.deepEqual(
      fetched.map((batch) => [batch.bytes.length, batch.from, batch.nextOffset]),
      [[0, 5, 10]],
    );
    await feed.close();
  });
});
