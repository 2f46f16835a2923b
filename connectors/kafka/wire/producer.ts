/**
 * Writes finished batches: one request to each leader with the first batch of each of its
 * partitions, several requests under way, in order and once per partition (sequences, KIP-98),
 * until all in-sync replicas have them.
 */
import { CarillonError } from '../../../core/error.ts';
import { ASK_TIMEOUT_MS, type Requester } from './connection-pool.ts';
import { BrokerError, ConnectionLost, check, errorName, wireError } from './errors.ts';
import { INIT_PRODUCER_ID } from './init-producer-id.ts';
import type { ClusterMetadata } from './metadata.ts';
import { PartitionQueue, type Sending } from './partition-queue.ts';
import { pause } from './pause.ts';
import {
  PRODUCE,
  PRODUCE_AND_ADD,
  type ProducedPartition,
  type ProducerIdentity,
  type SealedBatch,
} from './produce-request.ts';

import {
  type OutgoingBatch,
  type ProducerOptions,
  type ProducerSettings,
  type ProducerTransaction,
  settingsOf,
} from './producer-options.ts';

export type { OutgoingBatch, ProducerOptions } from './producer-options.ts';

const REQUEST_BYTES_MAX = 8 * 1024 * 1024;
/** Requests under way to one broker; it keeps order in a connection, and takes one at a time. */
const IN_FLIGHT_MAX = 5;
/** A request that takes longer is looked into. */
const STUCK_MS = 1_000;
/** Answers of brokers that know no such partition, until it counts as not there. */
const MISSED_MAX = 3;

const TOO_LARGE: ReadonlySet<string> = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE']);
/**
 * The broker does not know this writer (any more): the batch was not written by this attempt. Had
 * an attempt before been written and its answer been lost, and the broker forgotten both, it comes
 * twice.
 */
const UNKNOWN_WRITER: ReadonlySet<string> = new Set([
  'OUT_OF_ORDER_SEQUENCE_NUMBER',
  'UNKNOWN_PRODUCER_ID',
  'INVALID_PRODUCER_EPOCH',
  'INVALID_PRODUCER_ID_MAPPING',
]);

interface Flight {
  readonly leader: number;
  readonly queues: readonly PartitionQueue[];
  readonly sinceMs: number;
}

export class BatchProducer {
  readonly #requester: Requester;
  readonly #metadata: ClusterMetadata;
  readonly #options: ProducerSettings;
  readonly #transactionalId: string | null;
  readonly #queues = new Map<string, PartitionQueue>();
  /** Queues with something to send, the one that has waited longest first. */
  readonly #ready = new Set<PartitionQueue>();
  readonly #inFlight = new Set<Flight>();
  readonly #running = new Set<Promise<void>>();
  readonly #renewed = new Map<PartitionQueue, ProducerIdentity>();
  #identity: ProducerIdentity | null = null;
  #api = PRODUCE;
  #identifying = false;
  #isPumpDue = false;
  #waitingBytes = 0;
  #room: (() => void)[] = [];
  #timer: NodeJS.Timeout | null = null;
  #stuckTimer: NodeJS.Timeout | null = null;
  readonly #closing = new AbortController();

  constructor(requester: Requester, metadata: ClusterMetadata, options: ProducerOptions = {}) {
    this.#requester = requester;
    this.#metadata = metadata;
    this.#transactionalId = options.transaction?.id ?? null;
    if (options.transaction !== undefined) this.begin(options.transaction);
    this.#options = settingsOf(options);
  }

  /**
   * Resolves when all are durable, with the offset of each batch's first record (-1 when the broker
   * no longer knows it). Rejects with a CarillonError when one is given up: retryable CAR640 when
   * it may or may not be written, CAR645 when it is refused, CAR642 when its topic is not there.
   */
  async send(batches: readonly OutgoingBatch[]): Promise<readonly number[]> {
    if (batches.length === 0) return [];
    const bytes = batches.reduce((sum, batch) => sum + batch.bytes.length, 0);
    while (this.#waitingBytes > 0 && this.#waitingBytes + bytes > this.#options.waitingBytesMax) {
      await new Promise<void>((resolve) => this.#room.push(resolve));
    }
    this.#waitingBytes += bytes;
    try {
      const isNew = batches.some((one) => this.#metadata.topic(one.topic) === undefined);
      // When no broker answers now, the batches wait for one until their time is over.
      if (isNew) await this.#metadata.track(batches.map((one) => one.topic)).catch(() => {});
      return await new Promise((resolve, reject) => this.#enqueue(batches, resolve, reject));
    } finally {
      this.#waitingBytes -= bytes;
      const woken = this.#room;
      this.#room = [];
      for (const wake of woken) wake();
    }
  }

  /** The next transaction, perhaps under another identity. Nothing may be under way. */
  begin(transaction: Omit<ProducerTransaction, 'id'>): void {
    this.#identity = transaction.identity;
    this.#api = transaction.leadersAdd === true ? PRODUCE_AND_ADD : PRODUCE;
  }

  /** Gives up what waits; resolves when nothing is under way. */
  async close(): Promise<void> {
    this.#closing.abort();
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const queue of this.#ready) this.#abandonAll(queue, closed());
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  #enqueue(
    batches: readonly OutgoingBatch[],
    resolve: Sending['resolve'],
    reject: Sending['reject'],
  ): void {
    if (this.#closing.signal.aborted) {
      reject(closed());
      return;
    }
    const deadlineMs = performance.now() + this.#options.deliveryTimeoutMs;
    const offsets = new Array<number>(batches.length).fill(-1);
    const sending: Sending = { offsets, left: 0, deadlineMs, resolve, reject };
    batches.forEach(({ topic, partition, bytes }, index) => {
      const key = `${topic}/${partition}`;
      let queue = this.#queues.get(key);
      if (queue === undefined) {
        queue = new PartitionQueue(topic, partition);
        this.#queues.set(key, queue);
      }
      queue.push(bytes, sending, index, this.#options.batchBytesMax);
      if (!queue.busy) this.#ready.add(queue);
    });
    if (this.#isPumpDue) return;
    this.#isPumpDue = true;
    // What several tasks send in one turn goes out together.
    queueMicrotask(() => {
      this.#isPumpDue = false;
      this.#pump();
    });
  }

  /** Sends what can be sent now. */
  #pump(): void {
    if (this.#closing.signal.aborted) {
      for (const queue of this.#ready) this.#abandonAll(queue, closed());
      return;
    }
    if (this.#ready.size === 0) return;
    if (this.#identity === null) {
      if (this.#identifying) return;
      this.#identifying = true;
      this.#watch(this.#identify(null));
      return;
    }
    for (const [leader, queues] of this.#byLeader()) {
      while (queues.length > 0 && this.#flightsTo(leader) < IN_FLIGHT_MAX) {
        this.#request(leader, queues);
      }
    }
  }

  #byLeader(): Map<number, PartitionQueue[]> {
    const nowMs = performance.now();
    const byLeader = new Map<number, PartitionQueue[]>();
    for (const queue of this.#ready) {
      if (queue.restsUntilMs > nowMs) {
        this.#pumpLater();
        continue;
      }
      const leader = this.#metadata.topic(queue.topic)?.leaders[queue.partition];
      if (leader === undefined) this.#missing(queue);
      else if (leader < 0) this.#again(queue, new BrokerError('LEADER_NOT_AVAILABLE'), true);
      else {
        queue.missed = 0;
        const mine = byLeader.get(leader);
        if (mine === undefined) byLeader.set(leader, [queue]);
        else mine.push(queue);
      }
    }
    return byLeader;
  }

  /** One request with as many of the queues' first batches as it holds; takes them off the list. */
  #request(leader: number, queues: PartitionQueue[]): void {
    const { compression, purpose, requestTimeoutMs } = this.#options;
    const taken: PartitionQueue[] = [];
    const batches: SealedBatch[] = [];
    let bytes = 0;
    while (queues.length > 0 && bytes < REQUEST_BYTES_MAX) {
      const queue = queues.shift()!;
      const identity = this.#renewed.get(queue) ?? this.#identity!;
      const sealed = queue.seal(identity, this.#transactionalId !== null, compression);
      batches.push({ topic: queue.topic, partition: queue.partition, sealed });
      bytes += sealed.length;
      queue.busy = true;
      this.#ready.delete(queue);
      taken.push(queue);
    }
    const flight = { leader, queues: taken, sinceMs: performance.now() };
    this.#inFlight.add(flight);
    this.#stuckTimer ??= setInterval(() => this.#checkStuck(), STUCK_MS);
    const timeoutMs = requestTimeoutMs;
    const request = { transactionalId: this.#transactionalId, timeoutMs, batches };
    const work = this.#requester.request(leader, purpose, this.#api, request, timeoutMs).then(
      (answer) => this.#answered(taken, answer.partitions),
      (error) => this.#unanswered(taken, error),
    );
    const counted = work.finally(() => {
      this.#inFlight.delete(flight);
      if (this.#inFlight.size > 0 || this.#stuckTimer === null) return;
      clearInterval(this.#stuckTimer);
      this.#stuckTimer = null;
    });
    this.#watch(counted);
  }

  #flightsTo(leader: number): number {
    let count = 0;
    for (const flight of this.#inFlight) if (flight.leader === leader) count++;
    return count;
  }

  /** A broker that has lost a partition while it holds the answer for it will not give one. */
  #checkStuck(): void {
    const nowMs = performance.now();
    for (const { leader, queues, sinceMs } of this.#inFlight) {
      if (nowMs - sinceMs < STUCK_MS) continue;
      void this.#metadata.complain();
      const hasMoved = queues.some(({ topic, partition }) => {
        const now = this.#metadata.leader(topic, partition);
        return now >= 0 && now !== leader;
      });
      if (hasMoved) this.#requester.drop(leader, this.#options.purpose);
    }
  }

  #watch(work: Promise<void>): void {
    const watched = work.finally(() => {
      this.#running.delete(watched);
      this.#pump();
    });
    this.#running.add(watched);
  }

  #answered(taken: readonly PartitionQueue[], answers: readonly ProducedPartition[]): void {
    taken.forEach((queue, i) => {
      const { topic, partition } = queue;
      const isIt = (one: ProducedPartition | undefined) =>
        one !== undefined && one.topic === topic && one.partition === partition;
      const answer = isIt(answers[i]) ? answers[i] : answers.find(isIt);
      if (answer === undefined) {
        this.#again(queue, new ConnectionLost(`no answer for ${topic}/${partition}`), false);
      } else if (answer.code === 0) queue.written(answer.baseOffset);
      else this.#failed(queue, errorName(answer.code), answer);
      this.#release(queue);
    });
  }

  #unanswered(taken: readonly PartitionQueue[], error: unknown): void {
    void this.#metadata.complain();
    for (const queue of taken) {
      this.#again(queue, error, error instanceof BrokerError);
      this.#release(queue);
    }
  }

  #release(queue: PartitionQueue): void {
    queue.busy = false;
    if (!queue.isEmpty) this.#ready.add(queue);
  }

  #failed(queue: PartitionQueue, name: string, { baseOffset, why }: ProducedPartition): void {
    const error = new BrokerError(name, why);
    if (name === 'DUPLICATE_SEQUENCE_NUMBER') queue.written(baseOffset);
    else if (TOO_LARGE.has(name)) {
      if (!queue.split()) this.#giveUp(queue, error, true);
    } else if (UNKNOWN_WRITER.has(name) && this.#transactionalId === null) {
      this.#renew(queue);
    } else this.#again(queue, error, name !== 'REQUEST_TIMED_OUT');
  }

  /** Not in the metadata: a topic that is new may not be known everywhere at once. */
  #missing(queue: PartitionQueue): void {
    const { topic } = queue;
    const failure = this.#metadata.failure(topic);
    if (failure === undefined && this.#metadata.topic(topic) === undefined) {
      this.#again(queue, new ConnectionLost('no broker tells of its topics'), true);
      return;
    }
    const error = new BrokerError(failure ?? 'UNKNOWN_TOPIC_OR_PARTITION');
    if (++queue.missed < MISSED_MAX && error.retriable) this.#again(queue, error, true);
    else this.#giveUp(queue, error, true);
  }

  /** Tried again with the same sequence, unless that cannot help or the time is over. */
  #again(queue: PartitionQueue, error: unknown, isKnown: boolean): void {
    const { retriable } = error as BrokerError | ConnectionLost;
    if (
      this.#closing.signal.aborted ||
      retriable !== true ||
      performance.now() >= queue.first.deadlineMs
    ) {
      this.#giveUp(queue, error, isKnown);
      return;
    }
    queue.restsUntilMs = performance.now() + this.#options.retryMs;
    this.#pumpLater();
    void this.#metadata.complain();
  }

  /** The batch was not written, and goes out under a new identity with sequence 0. */
  #renew(queue: PartitionQueue): void {
    queue.renew();
    // Not before the answer.
    queue.restsUntilMs = Number.POSITIVE_INFINITY;
    this.#watch(this.#identify(queue));
  }

  /** For one queue, or for all those that have none of their own. */
  async #identify(queue: PartitionQueue | null): Promise<void> {
    const request = { transactionalId: null, transactionTimeoutMs: 0, after: null };
    try {
      const { code, producerId, epoch } = await this.#requester.request(
        null,
        'ask',
        INIT_PRODUCER_ID,
        request,
        ASK_TIMEOUT_MS,
      );
      check(code);
      if (queue === null) this.#identity = { producerId, epoch };
      else {
        this.#renewed.set(queue, { producerId, epoch });
        queue.restsUntilMs = 0;
      }
    } catch (error) {
      if (queue !== null) {
        if (!queue.isEmpty) this.#again(queue, error, true);
      } else for (const one of this.#ready) this.#again(one, error, true);
      await pause(this.#options.retryMs, this.#closing.signal);
    } finally {
      if (queue === null) this.#identifying = false;
    }
  }

  #giveUp(queue: PartitionQueue, error: unknown, isKnown: boolean): void {
    const at = `produce ${queue.topic}/${queue.partition}`;
    queue.abandon(wireError(error, at), isKnown);
    if (queue.isEmpty) this.#ready.delete(queue);
  }

  #abandonAll(queue: PartitionQueue, error: CarillonError): void {
    while (!queue.isEmpty) queue.abandon(error, true);
    this.#ready.delete(queue);
  }

  #pumpLater(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.#pump();
    }, this.#options.retryMs);
  }
}

function closed(): CarillonError {
  return new CarillonError('CAR640', 'The producer is closed.', { where: { at: 'produce' } });
}
