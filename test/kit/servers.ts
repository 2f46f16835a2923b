/**
 * The real servers that tests run against: Kafka, a schema registry, Cassandra.
 *
 * With a container engine that answers, `docker/compose.yaml` is used; else Java, with the servers'
 * programs from Maven Central (fetched once into a cache folder of the user, see
 * `servers/maven.ts`); with neither `unavailableReason` says what is missing. Every start has its
 * own ports on 127.0.0.1 and its own data, so several runs can share a machine, and dies with the
 * process that started it.
 */
import {
  type CassandraOptions,
  type CassandraServer,
  startCassandraByJava,
} from './servers/cassandra.ts';
import {
  startCassandraByDocker,
  startKafkaByDocker,
  startRegistryByDocker,
} from './servers/docker.ts';
import { type KafkaOptions, type KafkaServer, startKafkaByJava } from './servers/kafka.ts';
import { progress } from './servers/progress.ts';
import { type RegistryServer, startRegistryByJava } from './servers/registry.ts';
import { findWay, unavailableReason } from './servers/way.ts';

export type { CassandraServer, KafkaOptions, KafkaServer, RegistryServer };
export { unavailableReason };

export async function startKafka(options: KafkaOptions = {}): Promise<KafkaServer> {
  // A ring of three, a data folder of one's own, users and the fast settings are Java's only.
  const plain =
    (options.brokers ?? 1) === 1 &&
    options.dir === undefined &&
    options.users === undefined &&
    !options.fast;
  if (!plain) await findWay({ javaOnly: true });
  const byJava = () => startKafkaByJava(options);
  return plain ? startEither(() => startKafkaByDocker(options), byJava) : byJava();
}

export function startRegistry(): Promise<RegistryServer> {
  return startEither(startRegistryByDocker, startRegistryByJava);
}

/** With TLS and a login: Java's only. */
export async function startCassandra(options: CassandraOptions = {}): Promise<CassandraServer> {
  if (options.tls === undefined) return startEither(startCassandraByDocker, startCassandraByJava);
  await findWay({ javaOnly: true });
  return startCassandraByJava(options);
}

/**
 * An engine that answers but cannot run the images (no way to pull them) is said, then Java is
 * tried.
 */
async function startEither<T>(byDocker: () => Promise<T>, byJava: () => Promise<T>): Promise<T> {
  if ((await findWay()) === 'java') return byJava();
  try {
    return await byDocker();
  } catch (error) {
    const way = await findWay({ javaOnly: true }).catch(() => undefined);
    if (way === undefined) throw error;
    progress(`the container engine failed, Java is used: ${(error as Error).message}`);
    return byJava();
  }
}

export interface Servers {
  readonly kafka: KafkaServer;
  readonly registry: RegistryServer;
  readonly cassandra: CassandraServer;
  /** Ends all three. */
  stop(): Promise<void>;
}

/**
 * Starts all three beside each other; when one fails, the others are ended and the error is thrown.
 */
export async function startAll(options: { readonly kafka?: KafkaOptions } = {}): Promise<Servers> {
  const startedAt = performance.now();
  const started = await Promise.allSettled([
    startKafka(options.kafka ?? {}),
    startRegistry(),
    startCassandra(),
  ] as const);
  const [kafka, registry, cassandra] = started;
  const stop = async () => {
    await Promise.all(started.map((one) => (one.status === 'fulfilled' ? one.value.stop() : null)));
  };
  for (const one of started) {
    if (one.status === 'rejected') {
      await stop();
      throw one.reason;
    }
  }
  progress('all three are ready', startedAt);
  return {
    kafka: ofSettled(kafka),
    registry: ofSettled(registry),
    cassandra: ofSettled(cassandra),
    stop,
  };
}

function ofSettled<T>(settled: PromiseSettledResult<T>): T {
  if (settled.status === 'rejected') throw settled.reason;
  return settled.value;
}
