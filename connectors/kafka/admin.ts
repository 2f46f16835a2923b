/**
 * Topics and offsets, asked of the brokers over one admin connection that is opened when it is
 * needed.
 */
import kafkajs, { type Admin, type ITopicConfig, type ITopicMetadata } from 'kafkajs';
import { CarillonError } from '../../core/error.ts';
import { COMPACTION_LAG_MS, type FoundTopic } from '../../core/found-topic.ts';
import type { TopicSpec } from '../../core/log.ts';
import { AskQueue } from './ask-queue.ts';
import { errorType, type KafkaClient, kafkaError } from './client.ts';
import { foundTopics } from './found-topics.ts';
import { probeError } from './probe-error.ts';
import type { TopicFacts, TopicSource } from './topic-watch.ts';
import type { Troubles } from './troubles.ts';

const { ConfigResourceTypes } = kafkajs;

const DEFAULT_RETENTION_MS = 7 * 24 * 3_600_000;
const CREATE_TIMEOUT_MS = 15_000;
/** 10 s in all. */
const NOT_YET = new Set(['UNKNOWN_TOPIC_OR_PARTITION', 'LEADER_NOT_AVAILABLE']);
const KNOWN_ATTEMPTS_MAX = 100;
const KNOWN_DELAY_MS = 100;
const PROBE_TIMEOUT_MS = 5_000;

/** Right after a topic was made: who is asked is not the one to ask yet. */
const NO_LEADER_YET: ReadonlySet<string> = new Set([
  'NOT_LEADER_FOR_PARTITION',
  'LEADER_NOT_AVAILABLE',
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_LEADER_EPOCH',
]);

const OWN_TOPICS = ['__consumer_offsets', '__transaction_state'];
const REPLICAS = 'replicas';
const NAMED_MAX = 5;

/** Of several brokers' topics those that have a partition on one of them only. */
export function topicsOnOneBroker(
  topics: readonly { name: string; partitions: readonly { replicas: readonly number[] }[] }[],
  brokers: number,
): readonly string[] {
  if (brokers < 2) return [];
  const alone = topics.filter(({ partitions }) =>
    partitions.some(({ replicas }) => replicas.length === 1),
  );
  return alone.map((topic) => topic.name).sort();
}

export interface Bounds {
  /** The first offset that is still there. */
  readonly low: number;
  /** The end as a read_committed reader sees it: the last stable offset. */
  readonly end: number;
  /**
   * The high watermark: with what open transactions hold. A store is restored up to it, as the end
   * markers of what its former owner committed may still be on their way (KAFKA-10167). Undefined
   * where nothing can be open any more, or it is not known: as `end`.
   */
  readonly written?: number;
}

export interface Committed {
  /** -1: nothing was committed yet. */
  readonly offset: number;
  readonly metadata: string;
}

/** A leader that was stopped and runs on has learnt by then that it was followed. */
export const STALE_MS = 10_000;

export class LogAdmin implements TopicSource {
  readonly staleMs = STALE_MS;
  readonly #client: KafkaClient;
  readonly #admin: Admin;
  /** Offsets have an admin of their own: to ask for topics takes the others' from its list. */
  readonly #offsets: Admin;
  readonly #queue = new AskQueue();
  readonly #troubles: Troubles;
  readonly #used = new Set<Admin>();

  constructor(client: KafkaClient, troubles: Troubles) {
    this.#client = client;
    this.#troubles = troubles;
    const retry = { initialRetryTime: 50, maxRetryTime: 1_000, retries: 4 };
    this.#admin = client.kafka.admin({ retry });
    this.#offsets = client.kafka.admin({ retry });
  }

  async close(): Promise<void> {
    await Promise.all([...this.#used].map((admin) => admin.disconnect().catch(() => {})));
  }

  async probe(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const why = `no answer within ${PROBE_TIMEOUT_MS / 1000} s`;
      timer = setTimeout(() => reject(new Error(why)), PROBE_TIMEOUT_MS);
    });
    const asked = this.#admin0((admin) => admin.describeCluster());
    asked.catch(() => {});
    try {
      await Promise.race([asked, late]);
    } catch (error) {
      throw probeError(error, this.#client.brokers);
    } finally {
      clearTimeout(timer);
    }
  }

  async partitionsOf(topic: string): Promise<number | undefined> {
    return (await this.describe([topic])).get(topic)?.partitions;
  }

  /** Those that are there; kafkajs' requests are too old to tell the topics' ids. */
  async describe(topics: readonly string[]): Promise<ReadonlyMap<string, TopicFacts>> {
    const found = new Map<string, TopicFacts>();
    let names = [...topics];
    try {
      const metadata = await this.#metadata(names);
      if (metadata === undefined) {
        // One of them is missing, and kafkajs tells nothing of the others then.
        const there = new Set(await this.#call('topics', (admin) => admin.listTopics()));
        names = names.filter((name) => there.has(name));
      }
      const told = metadata ?? (names.length === 0 ? [] : await this.#metadata(names));
      for (const { name, partitions } of told ?? []) {
        found.set(name, { partitions: partitions.length, id: '' });
      }
      return found;
    } catch (error) {
      throw kafkaError(error, topics.join(','));
    }
  }

  async #metadata(topics: string[]): Promise<ITopicMetadata[] | undefined> {
    try {
      return (await this.#admin0((admin) => admin.fetchTopicMetadata({ topics }))).topics;
    } catch (error) {
      if (NOT_YET.has(errorType(error) ?? '')) return undefined;
      throw error;
    }
  }

  /** Not every broker knows at once of what another has created. */
  async #known(names: string[]): Promise<readonly ITopicMetadata[]> {
    for (let attempt = 1; ; attempt++) {
      const found = await this.#call('topics', () => this.#metadata(names));
      if (found !== undefined) return found;
      if (attempt === KNOWN_ATTEMPTS_MAX) {
        const what = `Topics are not there that have just been created: ${names.join(', ')}.`;
        throw new CarillonError('CAR642', what, { where: { at: names[0]! } });
      }
      await new Promise((resolve) => setTimeout(resolve, KNOWN_DELAY_MS));
    }
  }

  async applyTopics(specs: readonly TopicSpec[]): Promise<void> {
    const there = new Set(await this.#call('topics', (admin) => admin.listTopics()));
    const missing = specs.filter((spec) => !there.has(spec.name));
    if (missing.length > 0) await this.#create(missing);
    // Another process may have created them meanwhile: all are checked, not only those that were
    // there.
    const names = specs.map((spec) => spec.name);
    if (names.length === 0) return;
    const found = await this.#known(names);
    for (const spec of specs) {
      const has = found.find((topic) => topic.name === spec.name)?.partitions.length;
      if (has !== undefined && has !== spec.partitions) {
        throw new CarillonError(
          'CAR641',
          `Topic "${spec.name}" has ${has} partitions, the topology needs ${spec.partitions}.`,
          { where: { at: spec.name } },
        );
      }
    }
    await this.#checkCleanup(specs.filter((spec) => there.has(spec.name)));
    await this.#checkReplicas([...found, ...(await this.#ownTopics(there))]);
  }

  /** Kafka's own, if they are there and may be seen: commits rest on them. */
  async #ownTopics(there: ReadonlySet<string>): Promise<readonly ITopicMetadata[]> {
    const names = OWN_TOPICS.filter((name) => there.has(name));
    if (names.length === 0) return [];
    const asked = this.#admin0((admin) => admin.fetchTopicMetadata({ topics: names }));
    return asked.then(
      ({ topics }) => topics,
      () => [],
    );
  }

  /** One replica on several brokers works until one is lost: then acknowledged records are. */
  async #checkReplicas(topics: readonly ITopicMetadata[]): Promise<void> {
    const { brokers } = await this.#call('topics', (admin) => admin.describeCluster());
    const alone = topicsOnOneBroker(topics, brokers.length);
    if (alone.length === 0) {
      this.#troubles.lift(REPLICAS);
      return;
    }
    const some = alone.slice(0, NAMED_MAX).join(', ') + (alone.length > NAMED_MAX ? ', …' : '');
    const what =
      `${alone.length} topics have one replica though there are ${brokers.length} brokers ` +
      `(${some}): a lost disk loses records, and what is exactly once is not.`;
    this.#troubles.raise(REPLICAS, { code: 'CAR633', level: 'warning', what, at: some });
  }

  async #create(missing: readonly TopicSpec[]): Promise<void> {
    try {
      await this.#admin0((admin) =>
        admin.createTopics({
          topics: missing.map((spec) => this.#configOf(spec)),
          // `#known` waits; kafkajs gives up when its broker does not know of them at once.
          waitForLeaders: false,
          timeout: CREATE_TIMEOUT_MS,
        }),
      );
    } catch (error) {
      // Told as an aggregate with one error a topic; the first one that matters is enough.
      const errors = (error as { errors?: readonly unknown[] }).errors ?? [error];
      const real = errors.find((one) => errorType(one) !== 'TOPIC_ALREADY_EXISTS');
      if (real !== undefined) {
        const topic = (real as { topic?: string }).topic;
        throw kafkaError(real, topic ?? missing[0]!.name);
      }
    }
  }

  #configOf(spec: TopicSpec): ITopicConfig {
    const entries: { name: string; value: string }[] = [
      { name: 'cleanup.policy', value: spec.cleanup },
    ];
    if (spec.cleanup !== 'compact') {
      const value = String(spec.retentionMs ?? DEFAULT_RETENTION_MS);
      entries.push({ name: 'retention.ms', value });
    }
    if (spec.cleanup !== 'delete') {
      entries.push({ name: 'min.compaction.lag.ms', value: String(COMPACTION_LAG_MS) });
    }
    return {
      topic: spec.name,
      numPartitions: spec.partitions,
      replicationFactor: this.#client.settings.replicationFactor,
      configEntries: entries,
    };
  }

  /** A topic of another policy works but does not keep what it should: told, not mended. */
  async #checkCleanup(specs: readonly TopicSpec[]): Promise<void> {
    if (specs.length === 0) return;
    const { resources } = await this.#call('topics', (admin) =>
      admin.describeConfigs({
        includeSynonyms: false,
        resources: specs.map((spec) => ({
          type: ConfigResourceTypes.TOPIC,
          name: spec.name,
          configNames: ['cleanup.policy'],
        })),
      }),
    );
    for (const spec of specs) {
      const found = resources.find((resource) => resource.resourceName === spec.name);
      const has = found?.configEntries.find((entry) => entry.configName === 'cleanup.policy');
      if (has === undefined || has.configValue === spec.cleanup) continue;
      const facts = { topic: spec.name, has: has.configValue, wants: spec.cleanup };
      this.#client.logger.warn(
        facts,
        'A topic has another cleanup policy than the topology wants.',
      );
    }
  }

  /** By partition; asked after the call, so that it tells what was committed before it. */
  async bounds(topic: string): Promise<readonly Bounds[]> {
    const offsets = await this.#ask(`bounds ${topic}`, topic, (admin) =>
      admin.fetchTopicOffsets(topic),
    );
    const bounds: Bounds[] = [];
    for (const one of offsets) {
      bounds[one.partition] = { low: Number(one.low), end: Number(one.high) };
    }
    return bounds;
  }

  /** By partition: the first offset at or after a time; the end where there is none. */
  async offsetsAt(topic: string, timeMs: number): Promise<readonly number[]> {
    const found = await this.#ask(`${timeMs} ${topic}`, topic, (admin) =>
      admin.fetchTopicOffsetsByTimestamp(topic, timeMs),
    );
    const offsets: number[] = [];
    for (const one of found) offsets[one.partition] = Number(one.offset);
    return offsets;
  }

  /**
   * What a group has committed for one partition of its topics. Rejects when the answer leaves one
   * out: that nothing was committed is told by an offset of -1, not by silence.
   */
  async committed(
    groupId: string,
    topics: readonly string[],
    partition: number,
  ): Promise<ReadonlyMap<string, Committed>> {
    const mine = (await this.committedAll(groupId, topics)).get(partition);
    for (const topic of topics) {
      if (mine?.has(topic) !== true) throw untold(groupId, `${topic}/${partition}`);
    }
    return mine ?? new Map();
  }

  /** What a group has committed, by partition and topic. */
  async committedAll(
    groupId: string,
    topics: readonly string[],
  ): Promise<ReadonlyMap<number, ReadonlyMap<string, Committed>>> {
    const question = `committed ${groupId} ${topics.join(' ')}`;
    const found = await this.#ask(question, groupId, (admin) =>
      admin.fetchOffsets({ groupId, topics: [...topics] }),
    );
    const all = new Map<number, Map<string, Committed>>();
    for (const { topic, partitions } of found) {
      for (const { partition, offset, metadata } of partitions) {
        const mine = all.get(partition) ?? new Map<string, Committed>();
        mine.set(topic, { offset: Number(offset), metadata: metadata ?? '' });
        all.set(partition, mine);
      }
    }
    return all;
  }

  /** As they are there, with their settings. */
  found(topics: readonly string[]): Promise<ReadonlyMap<string, FoundTopic>> {
    return this.#call('topics', (admin) => foundTopics(admin, topics));
  }

  topics(): Promise<readonly string[]> {
    return this.#call('topics', (admin) => admin.listTopics());
  }

  /** How many members a group has now; a group that nobody knows has none. */
  async membersOf(groupId: string): Promise<number> {
    const { groups } = await this.#call(groupId, (admin) => admin.describeGroups([groupId]));
    return groups[0]?.members.length ?? 0;
  }

  /** A reader's group leaves nothing behind; the brokers forget it by themselves if this fails. */
  async forgetGroup(groupId: string): Promise<void> {
    await this.#admin0((admin) => admin.deleteGroups([groupId])).catch(() => {});
  }

  async #call<T>(at: string, ask: (admin: Admin) => Promise<T>): Promise<T> {
    try {
      return await this.#admin0(ask);
    } catch (error) {
      throw kafkaError(error, at);
    }
  }

  async #ask<T>(question: string, at: string, ask: (admin: Admin) => Promise<T>): Promise<T> {
    try {
      return await this.#queue.ask(question, () => this.#ofLeaders(ask));
    } catch (error) {
      // So kafkajs fails when it has lost sight of the topic in between.
      throw error instanceof TypeError ? untold(at, at, error) : kafkaError(error, at);
    }
  }

  /** kafkajs hands on at once that a partition has no leader yet: a new topic's take a while. */
  async #ofLeaders<T>(ask: (admin: Admin) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#on(this.#offsets, ask);
      } catch (error) {
        if (attempt === KNOWN_ATTEMPTS_MAX || !NO_LEADER_YET.has(errorType(error) ?? '')) {
          throw error;
        }
        await new Promise((resolve) => setTimeout(resolve, KNOWN_DELAY_MS));
      }
    }
  }

  #admin0<T>(ask: (admin: Admin) => Promise<T>): Promise<T> {
    return this.#on(this.#admin, ask);
  }

  async #on<T>(admin: Admin, ask: (admin: Admin) => Promise<T>): Promise<T> {
    this.#used.add(admin);
    // Does nothing while a broker is connected, and connects anew after all were away.
    await admin.connect();
    return ask(admin);
  }
}

function untold(at: string, what: string, cause?: unknown): CarillonError {
  return new CarillonError('CAR640', `Kafka does not tell the offsets of "${what}" now.`, {
    where: { at },
    retryable: true,
    cause,
  });
}
