/**
 * Where a cluster test finds its servers: those that the ring has started (`test/cluster/run.ts`,
 * by environment variables), or, when the file is run alone, servers of its own.
 *
 * They are shared: a test uses topic, subject and keyspace names of its own, and one that kills a
 * server starts that server itself (`servers.ts`).
 */

import { unavailableReason } from './servers/way.ts';
import { type Servers, startCassandra, startKafka, startRegistry } from './servers.ts';

export interface SharedServers {
  /** `host:port` each. */
  readonly kafka: readonly string[];
  /** Base URL of Confluent's API. */
  readonly registry: string;
  readonly cassandra: {
    readonly contactPoints: readonly string[];
    readonly port: number;
    readonly localDataCenter: string;
  };
  /** Ends what this call has started; the ring's own servers stay. */
  stop(): Promise<void>;
}

type Part = 'kafka' | 'registry' | 'cassandra';

/** The environment that hands running servers to test processes. */
export function environmentOf(servers: Pick<Servers, Part>): Record<string, string> {
  const { kafka, registry, cassandra } = servers;
  return {
    CARILLON_TEST_KAFKA: kafka.brokers.join(','),
    CARILLON_TEST_REGISTRY: registry.url,
    CARILLON_TEST_CASSANDRA: `${cassandra.contactPoints[0]}:${cassandra.port}/${cassandra.localDataCenter}`,
  };
}

/**
 * For `test(name, { skip: await clusterSkip() }, …)`: false when servers are given or can be
 * started, else the reason. With CI=true it is always false, so that the test fails rather than
 * being passed over.
 */
export async function clusterSkip(): Promise<string | false> {
  if (process.env.CARILLON_TEST_KAFKA !== undefined) return false;
  if (process.env.CI === 'true') return false;
  return (await unavailableReason()) ?? false;
}

/**
 * The servers; starts the `needed` ones that the environment does not give. Call `stop` at the end.
 */
export async function sharedServers(
  needed: readonly Part[] = ['kafka', 'registry', 'cassandra'],
): Promise<SharedServers> {
  const stops: (() => Promise<void>)[] = [];
  const own = async <T extends { stop(): Promise<void> }>(start: () => Promise<T>): Promise<T> => {
    const server = await start();
    stops.push(() => server.stop());
    return server;
  };
  const stop = async () => void (await Promise.all(stops.map((end) => end())));
  try {
    const [kafka, registry, cassandra] = await Promise.all([
      kafkaOf(needed.includes('kafka'), own),
      registryOf(needed.includes('registry'), own),
      cassandraOf(needed.includes('cassandra'), own),
    ]);
    return { kafka, registry, cassandra, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

type Own = <T extends { stop(): Promise<void> }>(start: () => Promise<T>) => Promise<T>;

async function kafkaOf(needed: boolean, own: Own): Promise<readonly string[]> {
  const given = process.env.CARILLON_TEST_KAFKA;
  if (given !== undefined) return given.split(',');
  return needed ? (await own(() => startKafka())).brokers : [];
}

async function registryOf(needed: boolean, own: Own): Promise<string> {
  const given = process.env.CARILLON_TEST_REGISTRY;
  if (given !== undefined) return given;
  return needed ? (await own(() => startRegistry())).url : '';
}

async function cassandraOf(needed: boolean, own: Own): Promise<SharedServers['cassandra']> {
  const given = process.env.CARILLON_TEST_CASSANDRA;
  const parts = given === undefined ? null : /^(.+):(\d+)\/(.+)$/.exec(given);
  if (parts !== null) {
    return { contactPoints: [parts[1]!], port: Number(parts[2]), localDataCenter: parts[3]! };
  }
  if (given !== undefined) throw new Error('CARILLON_TEST_CASSANDRA is not host:port/dataCenter');
  if (!needed) return { contactPoints: [], port: 0, localDataCenter: '' };
  return own(() => startCassandra());
}
