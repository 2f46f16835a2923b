/**
 * Opens a session on a ring: finds it, checks the data centre, makes keyspace and tables.
 *
 * In two steps. The first client knows no data centre and only asks and creates; the second does
 * the work. This is so because the driver checks `localDataCenter` while it connects, and when the
 * name is wrong leaves a socket and a timer behind that nothing can close: the process would hang.
 */
import { Client, type ClientOptions, policies } from 'cassandra-driver';
import { CarillonError } from '../../core/error.ts';
import { classify } from './classify.ts';
import type { CheckedSettings } from './settings.ts';
import { rememberHosts, shutDown } from './shutdown.ts';
import { createKeyspace, TABLES, tableNames } from './tables.ts';

const { RoundRobinPolicy } = policies.loadBalancing;

const CONNECT_TIMEOUT_MS = 5_000;
/** Schema changes wait for each other over the ring. */
const SCHEMA_TIMEOUT_MS = 15_000;
const REPLICAS_DEFAULT = 3;
/** The driver's own pauses grow to ten minutes: far too long for a ring that has come back. */
const RECONNECT_FIRST_MS = 250;
const RECONNECT_MOST_MS = 5_000;

/** Errors: CAR620 no host answers (retryable), CAR621, CAR622, CAR624, CAR626. */
export async function connect(settings: CheckedSettings): Promise<Client> {
  await prepareRing(settings);
  const client = new Client({
    ...baseOptions(settings, settings.requestTimeoutMs),
    localDataCenter: settings.localDataCenter,
    policies: { reconnection: reconnection() },
    queryOptions: { consistency: settings.consistency, prepare: true, isIdempotent: true },
  });
  await open(client, settings);
  return client;
}

async function prepareRing(settings: CheckedSettings): Promise<void> {
  const client = new Client({
    ...baseOptions(settings, SCHEMA_TIMEOUT_MS),
    pooling: { warmup: false },
    policies: { reconnection: reconnection(), loadBalancing: new RoundRobinPolicy() },
  });
  await open(client, settings);
  try {
    const nodes = nodesPerDataCenter(client);
    if (!nodes.has(settings.localDataCenter)) throw wrongDataCenter(settings, [...nodes.keys()]);
    if (settings.create) await createAll(client, settings, nodes.get(settings.localDataCenter)!);
    await checkTables(client, settings);
  } catch (error) {
    throw error instanceof CarillonError ? error : failureOf(error, settings);
  } finally {
    await shutDown(client);
  }
}

/**
 * The read timeout belongs to the socket's options: in `queryOptions` the driver does not look at
 * it.
 */
export function baseOptions(settings: CheckedSettings, readTimeoutMs: number): ClientOptions {
  return {
    contactPoints: [...settings.contactPoints],
    protocolOptions: { port: settings.port },
    socketOptions: { connectTimeout: CONNECT_TIMEOUT_MS, readTimeout: readTimeoutMs },
    ...(settings.credentials === undefined ? {} : { credentials: settings.credentials }),
    ...(settings.ssl === undefined ? {} : { sslOptions: { ...settings.ssl } }),
  };
}

function reconnection(): policies.reconnection.ReconnectionPolicy {
  return new policies.reconnection.ExponentialReconnectionPolicy(
    RECONNECT_FIRST_MS,
    RECONNECT_MOST_MS,
    false,
  );
}

async function open(client: Client, settings: CheckedSettings): Promise<void> {
  try {
    await client.connect();
    rememberHosts(client);
  } catch (error) {
    await client.shutdown().catch(() => undefined);
    throw failureOf(error, settings);
  }
}

function nodesPerDataCenter(client: Client): Map<string, number> {
  const nodes = new Map<string, number>();
  for (const host of client.hosts.values()) {
    nodes.set(host.datacenter, (nodes.get(host.datacenter) ?? 0) + 1);
  }
  return nodes;
}

async function createAll(client: Client, settings: CheckedSettings, nodes: number): Promise<void> {
  const { keyspace, replication, localDataCenter } = settings;
  const copies =
    replication === undefined || typeof replication === 'number'
      ? { [localDataCenter]: replication ?? Math.min(REPLICAS_DEFAULT, nodes) }
      : replication;
  await client.execute(createKeyspace(keyspace, copies));
  for (const table of TABLES) await client.execute(table(keyspace));
}

/**
 * Tables that are missing, or have other columns than the statements need, are told before the
 * first row.
 */
async function checkTables(client: Client, settings: CheckedSettings): Promise<void> {
  const found = await client.execute(
    'SELECT table_name FROM system_schema.tables WHERE keyspace_name = ?',
    [settings.keyspace],
    { prepare: true },
  );
  const names = new Set(found.rows.map((row) => row.get('table_name') as string));
  const missing = tableNames.filter((name) => !names.has(name));
  if (missing.length === 0) return;
  throw new CarillonError(
    'CAR622',
    `cassandra: keyspace "${settings.keyspace}" has no table ${missing.join(', ')}`,
    { where: { at: 'inbox.keyspace' } },
  );
}

function wrongDataCenter(settings: CheckedSettings, found: readonly string[]): CarillonError {
  const names = [...found].sort().join(', ');
  return new CarillonError(
    'CAR621',
    `cassandra: the ring has no data centre "${settings.localDataCenter}", only ${names}`,
    {
      where: { at: 'inbox.local_data_center' },
      mend: `Set localDataCenter to one of: ${names}.`,
    },
  );
}

/** A failed request as an error for people: never the driver's own message of all hosts. */
export function failureOf(error: unknown, settings: CheckedSettings): CarillonError {
  const { fate, why } = classify(error);
  const hosts = settings.contactPoints.map((host) => `${host}:${settings.port}`).join(', ');
  if (fate === 'login') {
    return new CarillonError('CAR626', `cassandra at ${hosts}: ${why}`, {
      where: { at: 'inbox.username' },
    });
  }
  if (fate === 'reject') {
    return new CarillonError('CAR624', `cassandra at ${hosts}: ${why}`, {
      where: { at: 'cassandra' },
    });
  }
  return new CarillonError('CAR620', `cassandra at ${hosts} does not answer: ${why}`, {
    where: { at: 'inbox.contact_points' },
    retryable: true,
  });
}
