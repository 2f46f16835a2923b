/**
 * What is known of the cluster: where the brokers are, who leads which partition, and whether a
 * topic is still the one that it was. Asked again when somebody finds it wrong, and from time to
 * time.
 */

import { ASK_TIMEOUT_MS, type Requester } from './connection-pool.ts';
import { BrokerError, wireError } from './errors.ts';
import { METADATA, type MetadataAnswer, type TopicMetadata } from './metadata-request.ts';
import { pause } from './pause.ts';

export type { TopicMetadata } from './metadata-request.ts';

export type TopicChange =
  | {
      readonly kind: 'recreated';
      readonly topic: string;
      readonly was: string;
      readonly id: string;
    }
  | {
      readonly kind: 'partitions';
      readonly topic: string;
      readonly was: number;
      readonly partitions: number;
    }
  | { readonly kind: 'gone'; readonly topic: string };

export interface MetadataOptions {
  /**
   * How often it is asked again without a reason: so that new partitions are seen. Default 10 s.
   */
  readonly refreshMs?: number;
  /** Complaints within this time are one question. Default 100 ms. */
  readonly complaintMs?: number;
  /** Told once of each change of a topic that is tracked. */
  readonly onChange?: (change: TopicChange) => void;
}

const REFRESH_MS = 10_000;
/** A lost broker makes many complaints at once. */
const COMPLAINT_MS = 100;
/** A broker that has just started may not have heard of a topic yet. */
const GONE_AFTER_ANSWERS = 2;

export class ClusterMetadata {
  readonly #requester: Requester;
  readonly #onChange: (change: TopicChange) => void;
  readonly #complaintMs: number;
  readonly #closing = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly #tracked = new Set<string>();
  readonly #topics = new Map<string, TopicMetadata>();
  readonly #names = new Map<string, string>();
  readonly #failed = new Map<string, string>();
  readonly #missed = new Map<string, number>();
  #isKnown = false;
  #asking: Promise<void> | null = null;
  #soon: Promise<void> | null = null;

  constructor(requester: Requester, options: MetadataOptions = {}) {
    this.#requester = requester;
    this.#complaintMs = options.complaintMs ?? COMPLAINT_MS;
    this.#onChange = options.onChange ?? (() => {});
    this.#timer = setInterval(() => this.complain(), options.refreshMs ?? REFRESH_MS);
    this.#timer.unref();
  }

  /** As last told; undefined when it is not tracked or was never there. */
  topic(name: string): TopicMetadata | undefined {
    return this.#topics.get(name);
  }

  /** The topic that has, or had, this id. */
  nameOf(id: string): string | undefined {
    return this.#names.get(id);
  }

  /** The broker's id; -1 when there is none, or when it is not known. */
  leader(topic: string, partition: number): number {
    return this.#topics.get(topic)?.leaders[partition] ?? -1;
  }

  /** Why a tracked topic could not be told of, in the protocol's words; undefined: it could. */
  failure(topic: string): string | undefined {
    return this.#failed.get(topic);
  }

  /**
   * Learns of topics and keeps them up to date. A topic that is not there is no error: `topic` says
   * undefined. Rejects when no broker answers.
   */
  async track(topics: Iterable<string>): Promise<void> {
    let isNew = false;
    for (const topic of topics) {
      if (this.#topics.has(topic)) continue;
      this.#tracked.add(topic);
      isNew = true;
    }
    if (!isNew) return;
    // One that is under way does not ask for the new ones.
    await this.#asking?.catch(() => {});
    await this.refresh();
  }

  /** Resolves when the brokers are known: asks if they never were. */
  async known(): Promise<void> {
    if (!this.#isKnown) await this.refresh();
  }

  /** Asks now. Rejects with a CarillonError when no broker answers. */
  refresh(): Promise<void> {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = null;
    });
    return this.#asking;
  }

  /** Something was not as told here: asked again soon. The promise never rejects. */
  complain(): Promise<void> {
    this.#soon ??= this.#askSoon().finally(() => {
      this.#soon = null;
    });
    return this.#soon;
  }

  close(): void {
    this.#closing.abort();
    clearInterval(this.#timer);
  }

  async #askSoon(): Promise<void> {
    await this.refresh().catch(() => {});
    await pause(this.#complaintMs, this.#closing.signal);
  }

  async #ask(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    const topics = [...this.#tracked];
    try {
      const answer = await this.#requester.request(null, 'ask', METADATA, topics, ASK_TIMEOUT_MS);
      if (answer.brokers.size === 0) throw new BrokerError('BROKER_NOT_AVAILABLE');
      this.#take(answer);
    } catch (error) {
      throw wireError(error, 'metadata');
    }
  }

  #take(answer: MetadataAnswer): void {
    this.#requester.setBrokers(answer.brokers);
    this.#isKnown = true;
    for (const topic of answer.topics) this.#takeTopic(topic);
    for (const [topic, why] of answer.failed) {
      this.#failed.set(topic, why);
      if (why !== 'UNKNOWN_TOPIC_OR_PARTITION') continue;
      const missed = (this.#missed.get(topic) ?? 0) + 1;
      this.#missed.set(topic, missed);
      if (missed !== GONE_AFTER_ANSWERS || !this.#topics.delete(topic)) continue;
      this.#onChange({ kind: 'gone', topic });
    }
  }

  #takeTopic(topic: TopicMetadata): void {
    const { name, id } = topic;
    const before = this.#topics.get(name);
    this.#failed.delete(name);
    this.#missed.delete(name);
    this.#topics.set(name, topic);
    this.#names.set(id, name);
    if (before === undefined) return;
    if (before.id !== id) {
      this.#onChange({ kind: 'recreated', topic: name, was: before.id, id });
    } else if (before.leaders.length !== topic.leaders.length) {
      const was = before.leaders.length;
      this.#onChange({ kind: 'partitions', topic: name, was, partitions: topic.leaders.length });
    }
  }
}
