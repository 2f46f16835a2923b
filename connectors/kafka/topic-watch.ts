/**
 * Sees when a topic is deleted, made again or given more partitions while it is read: asked from
 * time to time, as no client tells of it by itself.
 */
import type { KafkaLogger } from './client.ts';

export interface TopicFacts {
  readonly partitions: number;
  /** Of the topic, not of its name (KIP-516); empty where the client cannot tell it (kafkajs). */
  readonly id: string;
}

export interface TopicSource {
  /** Those that are there. Rejects when the brokers do not answer. */
  describe(topics: readonly string[]): Promise<ReadonlyMap<string, TopicFacts>>;
}

export type TopicChange =
  | { readonly kind: 'gone'; readonly topic: string }
  | { readonly kind: 'recreated'; readonly topic: string }
  | {
      readonly kind: 'partitions';
      readonly topic: string;
      readonly was: number;
      readonly partitions: number;
    };

export type OnTopicChange = (change: TopicChange) => void;

/** A broker that has just started may not have heard of a topic yet. */
const GONE_AFTER_LOOKS = 2;

interface Watched {
  facts: TopicFacts | null;
  looksWithout: number;
  isGone: boolean;
  readonly listeners: Set<OnTopicChange>;
}

export class TopicWatch {
  readonly #source: TopicSource;
  readonly #logger: KafkaLogger;
  readonly #intervalMs: number;
  readonly #topics = new Map<string, Watched>();
  #timer: NodeJS.Timeout | null = null;
  #isClosed = false;

  constructor(source: TopicSource, logger: KafkaLogger, intervalMs: number) {
    this.#source = source;
    this.#logger = logger;
    this.#intervalMs = intervalMs;
  }

  /** Tells of changes from the next look on; gives what ends it. */
  watch(topics: readonly string[], onChange: OnTopicChange): () => void {
    for (const topic of topics) {
      const listeners = new Set<OnTopicChange>();
      const fresh = { facts: null, looksWithout: 0, isGone: false, listeners };
      const watched = this.#topics.get(topic) ?? fresh;
      watched.listeners.add(onChange);
      this.#topics.set(topic, watched);
    }
    this.#wind();
    return () => {
      for (const topic of topics) {
        const watched = this.#topics.get(topic);
        watched?.listeners.delete(onChange);
        if (watched?.listeners.size === 0) this.#topics.delete(topic);
      }
    };
  }

  /** Asks once, and tells what has changed since. Never rejects: who is away is no change. */
  async look(): Promise<void> {
    const names = [...this.#topics.keys()];
    if (names.length === 0) return;
    let found: ReadonlyMap<string, TopicFacts>;
    try {
      found = await this.#source.describe(names);
    } catch (error) {
      this.#logger.debug({ why: String(error) }, 'The topics could not be looked at.');
      return;
    }
    for (const name of names) {
      const watched = this.#topics.get(name);
      if (watched !== undefined) this.#compare(name, watched, found.get(name));
    }
  }

  close(): void {
    this.#isClosed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #compare(topic: string, watched: Watched, now: TopicFacts | undefined): void {
    const tell = (change: TopicChange) => {
      for (const listener of [...watched.listeners]) listener(change);
    };
    if (now === undefined) {
      if (++watched.looksWithout !== GONE_AFTER_LOOKS) return;
      watched.isGone = true;
      tell({ kind: 'gone', topic });
      return;
    }
    const { facts: before, isGone } = watched;
    watched.facts = now;
    watched.looksWithout = 0;
    watched.isGone = false;
    const isOther = before !== null && before.id !== '' && now.id !== '' && before.id !== now.id;
    if (isGone || isOther) tell({ kind: 'recreated', topic });
    if (before !== null && before.partitions !== now.partitions) {
      tell({ kind: 'partitions', topic, was: before.partitions, partitions: now.partitions });
    }
  }

  #wind(): void {
    if (this.#timer !== null || this.#isClosed || this.#topics.size === 0) return;
    this.#timer = setTimeout(async () => {
      await this.look();
      this.#timer = null;
      this.#wind();
    }, this.#intervalMs);
    this.#timer.unref();
  }
}
