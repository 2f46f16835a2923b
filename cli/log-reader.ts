/**
 * The log of a deployment, to look into: beside a running pipeline, and without becoming part of
 * it.
 */
import { CarillonError } from '../core/error.ts';
import type { FoundTopic } from '../core/found-topic.ts';
import type { PositionReader, ReadOptions } from '../core/log.ts';
import type { Record } from '../core/record.ts';
import type { Deployment } from './deployment.ts';
import { kafkaOptionsOf } from './kafka-options.ts';
import { registryOptionsOf } from './registry-options.ts';

export interface LogReader {
  read(topic: string, options: ReadOptions): AsyncIterable<readonly Record[]>;
  readonly positions: PositionReader;
  /** Undefined: there is no such topic. */
  partitionsOf(topic: string): Promise<number | undefined>;
  /** Topics as they are there, by name; those that are not are left out. */
  found(topics: readonly string[]): Promise<ReadonlyMap<string, FoundTopic>>;
  /** The text of a writer's schema, or null. */
  schema(id: number): Promise<string | null>;
  close(): Promise<void>;
}

/** Throws CAR911 when an embedded log was never made, CAR640 when Kafka is away. */
export async function openLogReader(deployment: Deployment): Promise<LogReader> {
  const { log, dataFolder } = deployment;
  if (log.kind === 'kafka') return openKafkaReader(deployment);
  const { openEmbeddedReader } = await import('../connectors/embedded/reader.ts');
  const reader = openEmbeddedReader(dataFolder);
  if (reader === undefined) {
    throw new CarillonError('CAR911', `there is no log in ${dataFolder} yet.`, {
      where: { file: dataFolder },
    });
  }
  const specs = new Map(reader.topics().map((spec) => [spec.name, spec]));
  return {
    positions: reader.positions,
    read: (topic, options) => reader.read(topic, options),
    partitionsOf: async (topic) => specs.get(topic)?.partitions,
    found: async (topics) =>
      new Map(topics.flatMap((topic) => (specs.has(topic) ? [[topic, specs.get(topic)!]] : []))),
    schema: (id) => reader.schema(id),
    close: async () => reader.close(),
  };
}

async function openKafkaReader({ log, registry: settings }: Deployment): Promise<LogReader> {
  if (log.kind !== 'kafka') throw new Error('the log is embedded');
  const [{ openKafkaLog }, { ConfluentRegistry }] = await Promise.all([
    import('../connectors/kafka/log.ts'),
    import('../schemas/confluent-registry.ts'),
  ]);
  const kafka = await openKafkaLog(kafkaOptionsOf(log));
  const registry =
    settings === null ? undefined : new ConfluentRegistry(registryOptionsOf(settings));
  return {
    positions: kafka.positions,
    read: (topic, options) => kafka.read(topic, options),
    partitionsOf: (topic) => kafka.partitionsOf(topic),
    found: (topics) => kafka.found(topics),
    schema: async (id) => (registry === undefined ? null : registry.fetch(id)),
    close: () => kafka.close(),
  };
}

/** Undefined: an embedded log that was never made. */
export async function openLogReaderIfMade(deployment: Deployment): Promise<LogReader | undefined> {
  try {
    return await openLogReader(deployment);
  } catch (error) {
    if (error instanceof CarillonError && error.code === 'CAR911') return undefined;
    throw error;
  }
}
