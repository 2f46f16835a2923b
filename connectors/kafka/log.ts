/** The log on Apache Kafka: kafkajs for admin, a data plane for groups and the bytes. */
import type { Diagnostic } from '../../core/error.ts';
import type { FoundTopic } from '../../core/found-topic.ts';
import type {
  EditableLog,
  Group,
  GroupHost,
  GroupSpec,
  LogPositions,
  Producer,
  ReadOptions,
  TopicSpec,
} from '../../core/log.ts';
import type { Record } from '../../core/record.ts';
import { LogAdmin } from './admin.ts';
import { Checkpoints } from './checkpoint.ts';
import { type KafkaClient, type KafkaOptions, openClient, silent } from './client.ts';
import { KafkaGroup } from './group.ts';
import { KafkajsPlane } from './kafkajs-plane.ts';
import type { DataPlane } from './plane.ts';
import { KafkaPositions } from './positions.ts';
import { followTopic, readTopic } from './reader.ts';
import { TopicWatch } from './topic-watch.ts';
import { Troubles } from './troubles.ts';
import { WirePlane } from './wire-plane.ts';

export type { KafkaLogger, KafkaOptions } from './client.ts';

/** How often topics are looked at for having been deleted, made again or grown. */
const WATCH_INTERVAL_MS = 5_000;

/** With what tools ask of brokers. */
export interface InspectableLog extends EditableLog {
  /** Topics as they are there, by name; those that are not are left out. */
  found(topics: readonly string[]): Promise<ReadonlyMap<string, FoundTopic>>;
}

/**
 * Opens the log; rejects with CAR640 (retryable) when no broker answers, with CAR645 when they
 * refuse. Partitions, policies and limits: see KafkaOptions, and docs/decisions/own-data-plane.md.
 */
export async function openKafkaLog(options: KafkaOptions): Promise<InspectableLog> {
  const { logger = silent } = options;
  // One error tells why they do not answer at all: not each try of kafkajs beside it.
  let level: 'debug' | 'warn' = 'debug';
  const log = new KafkaLog({
    ...options,
    logger: {
      debug: (facts, sentence) => logger.debug(facts, sentence),
      info: (facts, sentence) => logger.info(facts, sentence),
      warn: (facts, sentence) => logger[level](facts, sentence),
      error: (facts, sentence) => logger.error(facts, sentence),
    },
  });
  try {
    await log.probe();
    level = 'warn';
  } catch (error) {
    await log.close();
    throw error;
  }
  return log;
}

interface Closable {
  close(): Promise<void>;
}

class KafkaLog implements InspectableLog {
  readonly #client: KafkaClient;
  readonly #troubles: Troubles;
  readonly #admin: LogAdmin;
  readonly #watch: TopicWatch;
  readonly #plane: DataPlane;
  readonly #open = new Set<Closable>();
  readonly #checkpoints: Checkpoints | undefined;
  readonly positions: LogPositions;

  constructor(options: KafkaOptions) {
    const client = openClient(options);
    this.#client = client;
    this.#troubles = new Troubles(client.logger);
    this.#admin = new LogAdmin(client, this.#troubles);
    const wire = () => this.#keep(new WirePlane(client, options));
    const { checkpoints } = options;
    if (checkpoints !== undefined) {
      this.#checkpoints = new Checkpoints(checkpoints, client.clock, client.logger);
    }
    const plane = options.dataPlane === 'kafkajs' ? undefined : new WirePlane(client, options);
    this.#plane = plane ?? new KafkajsPlane(client, this.#admin);
    let committing = plane;
    this.positions = new KafkaPositions({
      offsets: this.#plane.offsets,
      admin: this.#admin,
      // kafkajs' admin commits offsets without their metadata.
      commit: (group, offsets) => {
        committing ??= wire();
        return committing.offsets.commit(group, offsets);
      },
      openGroup: (spec, host) => this.openGroup(spec, host),
    });
    this.#watch = new TopicWatch(this.#plane.topics, client.logger, WATCH_INTERVAL_MS);
  }

  applyTopics(specs: readonly TopicSpec[]): Promise<void> {
    return this.#admin.applyTopics(specs);
  }

  found(topics: readonly string[]): Promise<ReadonlyMap<string, FoundTopic>> {
    return this.#admin.found(topics);
  }

  partitionsOf(topic: string): Promise<number | undefined> {
    return this.#admin.partitionsOf(topic);
  }

  async producer(): Promise<Producer> {
    return this.#keep(await this.#plane.producer());
  }

  async openGroup(spec: GroupSpec, host: GroupHost): Promise<Group> {
    const parts = {
      client: this.#client,
      admin: this.#plane.offsets,
      topics: this.#plane.topics,
      watch: this.#watch,
      troubles: this.#troubles,
      plane: this.#plane,
      checkpoints: this.#checkpoints,
      read: (topic: string) => this.read(topic, { from: 'start', follow: false }),
    };
    // Also one that is being opened is closed with the log.
    const group = this.#keep(new KafkaGroup(parts, spec, host));
    try {
      await group.start();
    } catch (error) {
      await group.close();
      throw error;
    }
    return group;
  }

  read(topic: string, options: ReadOptions): AsyncIterable<readonly Record[]> {
    return readTopic(this.#reading, topic, options);
  }

  async follow(
    topic: string,
    onRecords: (records: readonly Record[]) => void,
  ): Promise<{ close(): Promise<void> }> {
    const { close } = await followTopic(this.#reading, topic, onRecords);
    return this.#keep({ close });
  }

  probe(): Promise<void> {
    return this.#admin.probe();
  }

  troubles(): readonly Diagnostic[] {
    return this.#troubles.list();
  }

  async close(): Promise<void> {
    this.#watch.close();
    await Promise.all([...this.#open].map((one) => one.close()));
    await this.#plane.close();
    await this.#admin.close();
  }

  get #reading() {
    const { offsets } = this.#plane;
    return { client: this.#client, offsets, admin: this.#admin, plane: this.#plane };
  }

  /** What the caller has not closed itself is closed with the log. */
  #keep<T extends Closable>(opened: T): T {
    this.#open.add(opened);
    const close = opened.close.bind(opened);
    opened.close = async () => {
      this.#open.delete(opened);
      await close();
    };
    return opened;
  }
}
