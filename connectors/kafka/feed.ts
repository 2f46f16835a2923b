/**
 * A kafkajs consumer that stays up: one per group membership or reader. It hands out what was
 * fetched, tells of what was passed over (control records, aborted ones), and begins anew by itself
 * when kafkajs gives up.
 *
 *   start ──▶ joining ──▶ joined ──▶ (rebalance) joined ──▶ …
 *               ▲            │ crash, or rejoin()
 *               └─ backoff ◀─┘                        close ends it from everywhere
 */
import type { Consumer, EachBatchPayload, PartitionAssigner } from 'kafkajs';
import { Backoff, type KafkaClient, kafkaError, pause, within } from './client.ts';
import { type Fetched, fetchedOf } from './messages.ts';

export interface FeedSpec {
  readonly groupId: string;
  readonly topics: readonly string[];
  readonly assigner?: PartitionAssigner;
}

export interface FeedHost {
  /** Called before the first fetch of a generation: seek and pause here. */
  joined(memberId: string, assignment: ReadonlyMap<string, readonly number[]>): void;
  /** The group changes; who loses what is known at the next `joined`. */
  rebalancing?(): void;
  /** Where reading goes on; records before it are not handed out. Undefined: not wanted now. */
  position(topic: string, partition: number): number | undefined;
  /** Takes records, or only a new position when there are none. */
  fetched(topic: string, partition: number, fetched: Fetched): void;
  /** The broker answered `fetches` times in a row with nothing, for any partition. */
  quiet?(fetches: number): void;
}

const FETCH_BYTES_MAX = 10 * 1024 * 1024;
const PARTITION_BYTES_MAX = 1024 * 1024;
const REBALANCE_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 10_000;

export class Feed {
  readonly #client: KafkaClient;
  readonly #spec: FeedSpec;
  readonly #host: FeedHost;
  readonly #closing = new AbortController();
  readonly #backoff = new Backoff();
  #consumer: Consumer | null = null;
  #running: Promise<void> | null = null;
  /** Ends the present consumer's life: with an error (crash) or without (rejoin, close). */
  #end: (error?: unknown) => void = () => {};
  #quiet = 0;

  constructor(client: KafkaClient, spec: FeedSpec, host: FeedHost) {
    this.#client = client;
    this.#spec = spec;
    this.#host = host;
  }

  /**
   * Resolves at the first join. Rejects when it does not come about within the delivery timeout, at
   * once when Kafka refuses it.
   */
  async start(): Promise<void> {
    let joined: () => void = () => {};
    let failed: (error: unknown) => void = () => {};
    const first = new Promise<void>((resolve, reject) => {
      joined = resolve;
      failed = reject;
    });
    this.#running = this.#live(joined, failed);
    try {
      await first;
    } catch (error) {
      await this.close();
      throw kafkaError(error, this.#spec.groupId);
    }
  }

  /** Leaves the group and joins it again as a new member. */
  rejoin(): void {
    this.#end();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#end();
    await this.#running;
  }

  /** These do nothing while there is no consumer: `joined` sets everything again. */
  seek(topic: string, partition: number, offset: number): void {
    this.#try((consumer) => consumer.seek({ topic, partition, offset: String(offset) }));
  }

  pause(topic: string, partition: number): void {
    this.#try((consumer) => consumer.pause([{ topic, partitions: [partition] }]));
  }

  resume(topic: string, partition: number): void {
    this.#try((consumer) => consumer.resume([{ topic, partitions: [partition] }]));
  }

  /** Outside transactions. Rejects when this member is not in the group now. */
  async commitOffsets(
    offsets: readonly { topic: string; partition: number; offset: number; metadata: string }[],
  ): Promise<void> {
    const consumer = this.#consumer;
    // kafkajs passes a commit over in silence when the consumer has stopped.
    if (consumer === null) throw new Error('the member is not in the group');
    await consumer.commitOffsets(offsets.map((one) => ({ ...one, offset: String(one.offset) })));
    if (this.#consumer !== consumer) throw new Error('the member has left the group meanwhile');
  }

  #try(call: (consumer: Consumer) => void): void {
    const consumer = this.#consumer;
    if (consumer === null) return;
    try {
      call(consumer);
    } catch (error) {
      this.#client.logger.debug({ why: String(error) }, 'The consumer is between two lives.');
    }
  }

  async #live(joined: () => void, failed: (error: unknown) => void): Promise<void> {
    let everJoined = false;
    const onJoin = () => {
      everJoined = true;
      this.#backoff.reset();
      joined();
    };
    const deadlineMs = performance.now() + this.#client.settings.deliveryTimeoutMs;
    while (!this.#closing.signal.aborted) {
      const error = await this.#once(onJoin);
      if (this.#closing.signal.aborted) break;
      if (error === undefined) continue;
      const delayMs = this.#backoff.next();
      const late = performance.now() + delayMs > deadlineMs;
      if (!everJoined && (late || !kafkaError(error, this.#spec.groupId).retryable)) {
        failed(error);
        return;
      }
      const facts = { group: this.#spec.groupId, why: String(error), delayMs };
      this.#client.logger.warn(facts, 'The consumer has stopped and starts again.');
      await pause(delayMs, this.#closing.signal);
    }
    failed(new Error('closed before the first join'));
  }

  /** One consumer's life; gives why it ended, undefined for a wish of ours. */
  async #once(onJoin: () => void): Promise<unknown> {
    const consumer = this.#consumerOf(onJoin);
    const ended = new Promise<unknown>((resolve) => {
      this.#end = resolve;
    });
    consumer.on(consumer.events.CRASH, ({ payload }) => this.#end(payload.error));
    this.#consumer = consumer;
    let why: unknown;
    try {
      await consumer.connect();
      await consumer.subscribe({ topics: [...this.#spec.topics], fromBeginning: true });
      const run = consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        eachBatch: async (payload) => this.#take(payload),
      });
      run.catch((error) => this.#end(error));
      why = await ended;
    } catch (error) {
      why = error;
    }
    this.#consumer = null;
    const gone = consumer.disconnect().catch(() => {});
    await within(gone, STOP_TIMEOUT_MS);
    return why;
  }

  #consumerOf(onJoin: () => void): Consumer {
    const { settings, kafka } = this.#client;
    const { groupId, assigner } = this.#spec;
    const consumer = kafka.consumer({
      groupId,
      ...(assigner === undefined ? {} : { partitionAssigners: [assigner] }),
      sessionTimeout: settings.sessionTimeoutMs,
      rebalanceTimeout: REBALANCE_TIMEOUT_MS,
      heartbeatInterval: settings.heartbeatIntervalMs,
      maxWaitTimeInMs: settings.fetchWaitMs,
      maxBytes: FETCH_BYTES_MAX,
      maxBytesPerPartition: PARTITION_BYTES_MAX,
      allowAutoTopicCreation: false,
      readUncommitted: false,
      // Beginning anew is ours alone, so that there is one way for it.
      retry: {
        initialRetryTime: 100,
        maxRetryTime: 1_000,
        retries: 5,
        restartOnFailure: async () => false,
      },
    });
    const { GROUP_JOIN, REBALANCING, START_BATCH_PROCESS, REQUEST } = consumer.events;
    const live = () => this.#consumer === consumer;
    consumer.on(GROUP_JOIN, ({ payload }) => {
      if (!live()) return;
      this.#quiet = 0;
      const assignment = new Map(Object.entries(payload.memberAssignment));
      this.#host.joined(payload.memberId, assignment);
      onJoin();
    });
    consumer.on(REBALANCING, () => {
      if (live()) this.#host.rebalancing?.();
    });
    consumer.on(START_BATCH_PROCESS, ({ payload }) => {
      if (!live()) return;
      this.#quiet = 0;
      // kafkajs does not hand out a batch that it has filtered wholly, it only passes it over.
      if (payload.batchSize === 0) this.#passOver(payload);
    });
    consumer.on(REQUEST, ({ payload }) => {
      if (live() && payload.apiName === 'Fetch') this.#host.quiet?.(++this.#quiet);
    });
    return consumer;
  }

  #passOver(passed: { topic: string; partition: number; lastOffset: string }): void {
    const position = this.#host.position(passed.topic, passed.partition);
    const nextOffset = Number(passed.lastOffset) + 1;
    if (position === undefined || nextOffset <= position) return;
    this.#host.fetched(passed.topic, passed.partition, { records: [], nextOffset });
  }

  /** Takes a fetched batch and returns at once: kafkajs fetches again only when all are taken. */
  #take(payload: EachBatchPayload): void {
    const { batch } = payload;
    if (!payload.isRunning() || payload.isStale()) return;
    const position = this.#host.position(batch.topic, batch.partition);
    // Not resolved: fetched again when it is wanted.
    if (position === undefined) return;
    const fetched = fetchedOf(batch, position);
    this.#host.fetched(batch.topic, batch.partition, fetched);
    payload.resolveOffset(String(fetched.nextOffset - 1));
  }
}
