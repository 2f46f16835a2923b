/** The log on Apache Kafka, through kafkajs' public API. */
import type {
  Group,
  GroupHost,
  GroupSpec,
  Log,
  Producer,
  ReadOptions,
  TopicSpec,
} from '../../core/log.ts';
import type { Record } from '../../core/record.ts';
import { LogAdmin } from './admin.ts';
import { type KafkaClient, type KafkaOptions, openClient } from './client.ts';
import { KafkaGroup } from './group.ts';
import { LogProducer } from './producer.ts';
import { followTopic, readTopic } from './reader.ts';

export type { KafkaLogger, KafkaOptions } from './client.ts';

/**
 * Opens the log; rejects with CAR640 (retryable) when no broker answers, with CAR645 when they
 * refuse. Partitions, policies and limits: see KafkaOptions and docs/decisions/kafkajs.md.
 */
export async function openKafkaLog(options: KafkaOptions): Promise<Log> {
  const log = new KafkaLog(openClient(options));
  try {
    await log.probe();
  } catch (error) {
    await log.close();
    throw error;
  }
  return log;
}

interface Closable {
  close(): Promise<void>;
}

class KafkaLog implements Log {
  readonly #client: KafkaClient;
  readonly #admin: LogAdmin;
  /** All outputs of groups without transactions, so that their small batches go out together. */
  readonly #producer: LogProducer;
  readonly #open = new Set<Closable>();

  constructor(client: KafkaClient) {
    this.#client = client;
    this.#admin = new LogAdmin(client);
    this.#producer = new LogProducer(client);
  }

  applyTopics(specs: readonly TopicSpec[]): Promise<void> {
    return this.#admin.applyTopics(specs);
  }

  partitionsOf(topic: string): Promise<number | undefined> {
    return this.#admin.partitionsOf(topic);
  }

  async producer(): Promise<Producer> {
    const producer = new LogProducer(this.#client);
    await producer.open();
    return this.#keep(producer);
  }

  async openGroup(spec: GroupSpec, host: GroupHost): Promise<Group> {
    const group = new KafkaGroup(this.#client, this.#admin, this.#producer, spec, host);
    await group.start();
    return this.#keep(group);
  }

  read(topic: string, options: ReadOptions): AsyncIterable<readonly Record[]> {
    return readTopic(this.#client, this.#admin, topic, options);
  }

  async follow(
    topic: string,
    onRecords: (records: readonly Record[]) => void,
  ): Promise<{ close(): Promise<void> }> {
    const { close } = await followTopic(this.#client, this.#admin, topic, onRecords);
    return this.#keep({ close });
  }

  probe(): Promise<void> {
    return this.#admin.probe();
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open].map((one) => one.close()));
    await this.#producer.close();
    await this.#admin.close();
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
