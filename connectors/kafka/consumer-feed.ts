/**
 * A kafkajs consumer that stays up: one per group membership or reader. It hands out what was
 * fetched, tells of what was passed over (control records, aborted ones), and begins anew by itself
 * when kafkajs gives up.
 *
 *   start ──▶ joining ──▶ joined ──▶ (rebalance) joined ──▶ …
 *               ▲            │ crash, or rejoin()
 *               └─ backoff ◀─┘                        close ends it from everywhere
 */
import type { Consumer, EachBatchPayload } from 'kafkajs';
import { taskAssigner } from './assigner.ts';
import { Backoff, type KafkaClient, kafkaError, within } from './client.ts';
import { emptyBatch, fetchedOf, firstOffsetOf } from './fetched.ts';
import type { Feed, FeedHost, FeedSpec } from './plane.ts';
import { pause } from './wire/pause.ts';

const FETCH_BYTES_MAX = 10 * 1024 * 1024;
const PARTITION_BYTES_MAX = 1024 * 1024;
const REBALANCE_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 10_000;
/** A join that is under way when its consumer is to end may come through, and then be left. */
const JOIN_TIMEOUT_MS = 3_000;

/** One consumer's life. */
interface Life {
  readonly consumer: Consumer;
  /** Its first join has come about, or it has crashed. */
  readonly settled: Promise<void>;
  /** Cuts its sockets: what of it is left in kafkajs ends. */
  cut(): void;
}

export class ConsumerFeed implements Feed {
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

  rejoin(): void {
    this.#end();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#end();
    await this.#running;
  }

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

  /** These do nothing while there is no consumer: `joined` sets everything again. */
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
    const life = this.#lifeOf(onJoin);
    const { consumer } = life;
    const ended = new Promise<unknown>((resolve) => {
      this.#end = resolve;
    });
    consumer.on(consumer.events.CRASH, ({ payload }) => this.#end(payload.error));
    this.#consumer = consumer;
    let why: unknown;
    let isRun = false;
    try {
      await consumer.connect();
      await consumer.subscribe({ topics: [...this.#spec.topics], fromBeginning: true });
      const run = consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        eachBatch: async (payload) => this.#take(payload),
      });
      isRun = true;
      run.catch((error) => this.#end(error));
      why = await ended;
    } catch (error) {
      why = error;
    }
    this.#consumer = null;
    await leave(life, isRun);
    return why;
  }

  #lifeOf(onJoin: () => void): Life {
    const { settings } = this.#client;
    const { groupId, self } = this.#spec;
    const { kafka, cut } = this.#client.isolated();
    const consumer = kafka.consumer({
      groupId,
      ...(self === undefined ? {} : { partitionAssigners: [taskAssigner(self)] }),
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
    const settled = new Promise<void>((resolve) => {
      consumer.on(consumer.events.GROUP_JOIN, () => resolve());
      consumer.on(consumer.events.CRASH, () => resolve());
    });
    this.#listen(consumer, onJoin);
    return { consumer, settled, cut };
  }

  #listen(consumer: Consumer, onJoin: () => void): void {
    const { GROUP_JOIN, START_BATCH_PROCESS, REQUEST } = consumer.events;
    const isLive = () => this.#consumer === consumer;
    consumer.on(GROUP_JOIN, ({ payload }) => {
      if (!isLive()) return;
      this.#quiet = 0;
      const assignment = new Map(Object.entries(payload.memberAssignment));
      this.#host.joined(payload.memberId, assignment);
      onJoin();
    });
    consumer.on(START_BATCH_PROCESS, ({ payload }) => {
      if (!isLive()) return;
      this.#quiet = 0;
      // kafkajs does not hand out a batch that it has filtered wholly, it only passes it over.
      if (payload.batchSize === 0) this.#passOver(payload);
    });
    consumer.on(REQUEST, ({ payload }) => {
      if (isLive() && payload.apiName === 'Fetch') this.#host.quiet?.(++this.#quiet);
    });
  }

  #passOver(passed: { topic: string; partition: number; lastOffset: string }): void {
    const { topic, partition, lastOffset } = passed;
    const position = this.#host.position(topic, partition);
    const nextOffset = Number(lastOffset) + 1;
    if (position === undefined || nextOffset <= position) return;
    this.#host.fetched(emptyBatch(topic, partition, position, nextOffset));
  }

  /** Takes a fetched batch and returns at once: kafkajs fetches again only when all are taken. */
  #take(payload: EachBatchPayload): void {
    const { batch } = payload;
    if (!payload.isRunning() || payload.isStale()) return;
    const { topic, partition } = batch;
    const position = this.#host.position(topic, partition);
    // Not resolved: fetched again when it is wanted.
    if (position === undefined) return;
    // kafkajs goes to the start by itself when the position is not in the log: all of this is
    // before it, so the log has become shorter.
    if (Number(batch.lastOffset()) < position) {
      this.#host.outOfRange(topic, partition);
      return;
    }
    const first = firstOffsetOf(batch);
    if (first !== undefined && first > position) {
      this.#host.gap?.(topic, partition, position, first);
    }
    const fetched = fetchedOf(batch, position);
    this.#host.fetched(fetched);
    payload.resolveOffset(String(fetched.nextOffset - 1));
  }
}

/**
 * Leaves the group. kafkajs returns at once from a `disconnect` while its first join is under way,
 * and goes on joining: so that is waited for. In the end its sockets are cut, whatever it does.
 */
async function leave({ consumer, settled, cut }: Life, isRun: boolean): Promise<void> {
  if (isRun) {
    await within(settled, JOIN_TIMEOUT_MS);
    // kafkajs counts as running one step after it has told of the join.
    await new Promise((resolve) => setImmediate(resolve));
  }
  await within(
    consumer.disconnect().catch(() => {}),
    STOP_TIMEOUT_MS,
  );
  cut();
}
