/**
 * Reads for all of a process: from each broker all partitions that are wanted of it, in one request
 * (two, see fetch-rounds.ts). Leaders that move and brokers that are away are its own business;
 * what the reader must decide comes as a result.
 *
 *   wanted() ──by leader──▶ request ──▶ fetched(), failed() ──▶ wanted() …
 *   nothing is wanted of a broker: sleeps until wake()
 */

import type { Purpose, Requester } from './connection-pool.ts';
import { errorName, wireError } from './errors.ts';
import {
  FETCH,
  type FetchAnswer,
  type FetchedPartition,
  type WantedPartition,
} from './fetch-request.ts';
import { FetchRounds, type Round } from './fetch-rounds.ts';
import { listOffsets } from './list-offsets.ts';
import type { ClusterMetadata } from './metadata.ts';
import { partitionKey } from './partition-key.ts';

export type { FetchedPartition, WantedPartition } from './fetch-request.ts';

/** Why a partition cannot be read on as wanted: for the reader to decide. */
export type FetchFailure =
  /** Retention has passed the offset, or the log was cut: it holds `first` up to before `end`. */
  | { readonly kind: 'out-of-range'; readonly first: number; readonly end: number }
  /** Another topic has the name now; `id` is its id. */
  | { readonly kind: 'recreated'; readonly id: string }
  /** The topic, or the partition, is not there. */
  | { readonly kind: 'gone' }
  /** The broker refuses: rights, or an error that no retry mends; `why` is its protocol's name. */
  | { readonly kind: 'refused'; readonly why: string };

export interface FetchHost {
  /** All that is wanted now, of any broker; asked before each request. */
  wanted(): Iterable<WantedPartition>;
  /** Something was read: a run of batches for `walkBatches`, never empty. */
  fetched(partition: FetchedPartition): void;
  /** Told again at each attempt (100 ms apart), as long as it is wanted. */
  failed(wanted: WantedPartition, failure: FetchFailure): void;
  /** A broker does not answer; it is tried again by itself. */
  away?(broker: number, why: string): void;
  /** A broker has answered, be it with nothing: so its partitions stand at their ends. */
  answered?(partitions: readonly FetchedPartition[]): void;
}

export interface FetcherOptions {
  /**
   * Which connections it uses, as a broker holds all that waits on one: this and `<purpose> short`.
   * Default `fetch`.
   */
  readonly purpose?: 'fetch' | `fetch ${string}`;
  /** How long a broker holds a request that it has nothing for. Default 500 ms. */
  readonly maxWaitMs?: number;
  /** The same of a short one (fetch-rounds.ts). Default 50 ms, at most `maxWaitMs`. */
  readonly shortWaitMs?: number;
  readonly minBytes?: number;
  /** Of one answer. Default 16 MiB; a first batch that is larger comes whole. */
  readonly maxBytes?: number;
  /** Default true. */
  readonly readCommitted?: boolean;
  /** Beyond `maxWaitMs`. Default 5 s. */
  readonly answerTimeoutMs?: number;
  /** Until what has failed is tried again. Default 100 ms, for a broker up to 1 s. */
  readonly retryMs?: number;
}

/** As Kafka's own consumer (`fetch.max.wait.ms`). */
const MAX_WAIT_MS = 500;
const SHORT_WAIT_MS = 50;
const BYTES_MAX = 16 * 1024 * 1024;
const ANSWER_TIMEOUT_MS = 5_000;
const RETRY_MS = 100;
const RETRY_MS_MAX = 1_000;

/** Of leaders that have moved, or are not ready: metadata tells the new one. */
const MOVED: ReadonlySet<string> = new Set([
  'NOT_LEADER_OR_FOLLOWER',
  'LEADER_NOT_AVAILABLE',
  'REPLICA_NOT_AVAILABLE',
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_LEADER_EPOCH',
  'OFFSET_NOT_AVAILABLE',
  'KAFKA_STORAGE_ERROR',
]);

const LOST_TOPIC: ReadonlySet<string> = new Set([
  'UNKNOWN_TOPIC_OR_PARTITION',
  'UNKNOWN_TOPIC_ID',
  'INCONSISTENT_TOPIC_ID',
]);

interface Broker {
  readonly id: number;
  readonly rounds: FetchRounds;
  delayMs: number;
  notBeforeMs: number;
}

export class Fetcher {
  readonly #requester: Requester;
  readonly #metadata: ClusterMetadata;
  readonly #host: FetchHost;
  readonly #options: Required<FetcherOptions>;
  readonly #brokers = new Map<number, Broker>();
  /** Partitions that have failed rest for a while, by `topic/partition`. */
  readonly #resting = new Map<string, number>();
  readonly #closing = new AbortController();
  readonly #running = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | null = null;
  #turn = 0;

  constructor(
    requester: Requester,
    metadata: ClusterMetadata,
    host: FetchHost,
    options: FetcherOptions = {},
  ) {
    this.#requester = requester;
    this.#metadata = metadata;
    this.#host = host;
    const maxWaitMs = options.maxWaitMs ?? MAX_WAIT_MS;
    this.#options = {
      purpose: options.purpose ?? 'fetch',
      maxWaitMs,
      shortWaitMs: Math.min(maxWaitMs, options.shortWaitMs ?? SHORT_WAIT_MS),
      minBytes: options.minBytes ?? 1,
      maxBytes: options.maxBytes ?? BYTES_MAX,
      readCommitted: options.readCommitted ?? true,
      answerTimeoutMs: options.answerTimeoutMs ?? ANSWER_TIMEOUT_MS,
      retryMs: options.retryMs ?? RETRY_MS,
    };
  }

  /** Something is wanted that was not before. The topics are tracked by the metadata already. */
  wake(): void {
    if (this.#closing.signal.aborted) return;
    const nowMs = performance.now();
    for (const [key, untilMs] of this.#resting) if (untilMs <= nowMs) this.#resting.delete(key);
    const byLeader = new Map<number, WantedPartition[]>();
    let isOpen = false;
    // A list of its own: the host may want other things once it hears of a failure.
    for (const wanted of [...this.#host.wanted()]) {
      if (this.#resting.size > 0 && this.#resting.has(partitionKey(wanted))) {
        isOpen = true;
        continue;
      }
      const topic = this.#metadata.topic(wanted.topic);
      if (topic === undefined || topic.leaders[wanted.partition] === undefined) {
        isOpen = true;
        void this.#metadata.complain();
        this.#fail(wanted, { kind: 'gone' });
      } else if (topic.id !== wanted.topicId) {
        isOpen = true;
        this.#fail(wanted, { kind: 'recreated', id: topic.id });
      } else {
        const leader = topic.leaders[wanted.partition]!;
        const mine = byLeader.get(leader);
        if (mine === undefined) byLeader.set(leader, [wanted]);
        else mine.push(wanted);
      }
    }
    if (byLeader.delete(-1)) {
      isOpen = true;
      void this.#metadata.complain();
    }
    for (const [leader, wanted] of byLeader) {
      if (!this.#ask(leader, wanted, nowMs)) isOpen = true;
    }
    if (isOpen) this.#wakeSoon();
  }

  /** Gives up what is under way: nothing is handed out after the call. Resolves when it is over. */
  async close(): Promise<void> {
    this.#closing.abort();
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const { id } of this.#brokers.values()) {
      for (const kind of ['long', 'short'] as const) this.#requester.drop(id, this.#purpose(kind));
    }
    await Promise.all(this.#running);
  }

  /** False: the broker rests after a failure. */
  #ask(id: number, wanted: readonly WantedPartition[], nowMs: number): boolean {
    let broker = this.#brokers.get(id);
    if (broker === undefined) {
      broker = { id, rounds: new FetchRounds(), delayMs: 0, notBeforeMs: 0 };
      this.#brokers.set(id, broker);
    }
    if (broker.notBeforeMs > nowMs) return false;
    const one = broker;
    for (const round of one.rounds.begin(this.#turned(wanted))) {
      const work = this.#round(one, round).finally(() => {
        one.rounds.end(round);
        this.#running.delete(work);
        this.wake();
      });
      this.#running.add(work);
    }
    return true;
  }

  #purpose(kind: Round['kind']): Purpose {
    const { purpose } = this.#options;
    return kind === 'long' ? purpose : `fetch ${purpose} short`;
  }

  /** A large batch comes only to the first partition of a request: so each is the first in turn. */
  #turned(wanted: readonly WantedPartition[]): readonly WantedPartition[] {
    const from = this.#turn++ % wanted.length;
    return from === 0 ? wanted : [...wanted.slice(from), ...wanted.slice(0, from)];
  }

  async #round(broker: Broker, round: Round): Promise<void> {
    const { answerTimeoutMs, retryMs, minBytes, maxBytes, readCommitted } = this.#options;
    const maxWaitMs = round.kind === 'long' ? this.#options.maxWaitMs : this.#options.shortWaitMs;
    try {
      const request = { wanted: round.wanted, maxWaitMs, minBytes, maxBytes, readCommitted };
      const answer = await this.#requester.request(
        broker.id,
        this.#purpose(round.kind),
        FETCH,
        request,
        maxWaitMs + answerTimeoutMs,
      );
      if (this.#closing.signal.aborted) return;
      broker.delayMs = 0;
      await this.#take(answer, broker, round);
    } catch (error) {
      if (this.#closing.signal.aborted) return;
      broker.delayMs = Math.min(RETRY_MS_MAX, broker.delayMs * 2 || retryMs);
      broker.notBeforeMs = performance.now() + broker.delayMs;
      this.#host.away?.(broker.id, wireError(error, `fetch from broker ${broker.id}`).what);
      await this.#metadata.complain();
    }
  }

  async #take(answer: FetchAnswer, { rounds }: Broker, round: Round): Promise<void> {
    if (answer.code !== 0) {
      const name = errorName(answer.code);
      await this.#metadata.complain();
      if (MOVED.has(name) || LOST_TOPIC.has(name)) return;
      for (const one of round.wanted) this.#fail(one, { kind: 'refused', why: name });
      return;
    }
    let isMoved = false;
    const outOfRange: WantedPartition[] = [];
    const ours = answer.partitions.filter(({ wanted }) => rounds.owns(round, wanted));
    for (const partition of ours) {
      if (partition.code === 0) {
        rounds.answered(partition.wanted, partition.bytes.length === 0);
        if (partition.bytes.length > 0) this.#host.fetched(partition);
        continue;
      }
      const name = errorName(partition.code);
      if (name === 'OFFSET_OUT_OF_RANGE') outOfRange.push(partition.wanted);
      else if (MOVED.has(name) || LOST_TOPIC.has(name)) {
        isMoved = true;
        this.#rest(partition.wanted);
      } else this.#fail(partition.wanted, { kind: 'refused', why: name });
    }
    this.#host.answered?.(ours);
    if (isMoved) await this.#metadata.complain();
    if (outOfRange.length > 0) await this.#tellRange(outOfRange);
  }

  async #tellRange(wanted: readonly WantedPartition[]): Promise<void> {
    const { signal } = this.#closing;
    const starts = wanted.map(({ topic, partition }) => ({
      topic,
      partition,
      at: 'start' as const,
    }));
    const ends = wanted.map(({ topic, partition }) => ({ topic, partition, at: 'end' as const }));
    try {
      const [first, end] = await Promise.all([
        listOffsets(this.#requester, this.#metadata, starts, { signal }),
        listOffsets(this.#requester, this.#metadata, ends, { signal }),
      ]);
      if (signal.aborted) return;
      wanted.forEach((one, i) => {
        this.#fail(one, { kind: 'out-of-range', first: first[i]!, end: end[i]! });
      });
    } catch {
      // Its leader is away by now: the next fetch says so.
      for (const one of wanted) this.#rest(one);
    }
  }

  #fail(wanted: WantedPartition, failure: FetchFailure): void {
    this.#rest(wanted);
    this.#host.failed(wanted, failure);
  }

  #rest(wanted: WantedPartition): void {
    this.#resting.set(partitionKey(wanted), performance.now() + this.#options.retryMs);
  }

  #wakeSoon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.wake();
    }, this.#options.retryMs);
  }
}
