/**
 * Real Kafka, registry and Cassandra, started for the occasion, and a deployment file that names
 * them. Everything ends with whoever started it, and the data with it.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Servers, startAll, unavailableReason } from './servers.ts';

export interface ClusterServers {
  readonly servers: Servers;
  /** A `carillon.yaml` for the roles: `carillon run --deployment FILE --role …`. */
  readonly deploymentFile: string;
  /** The secrets that the file asks for, new at every start: the environment of the roles. */
  readonly env: { readonly CARILLON_SECRET: string; readonly CARILLON_INTERNAL_TOKEN: string };
  /** Ends the servers and removes the file. */
  stop(): Promise<void>;
}

export interface ClusterSettings {
  /** The gateway's port on 127.0.0.1. Default 7400. */
  readonly httpPort?: number;
  /** Of every topic. Default 4. */
  readonly partitions?: number;
  /**
   * YAML lines of `connectors:` (FCM and APNs), each with its indent; they belong to who starts the
   * stand-ins.
   */
  readonly connectors?: string;
}

/** Starts all three servers; throws with what to install when there is no way to. */
export async function startClusterServers(settings: ClusterSettings = {}): Promise<ClusterServers> {
  const reason = await unavailableReason();
  if (reason !== undefined) throw new Error(reason);
  const servers = await startAll();
  const folder = mkdtempSync(join(tmpdir(), 'carillon-cluster-'));
  const deploymentFile = join(folder, 'carillon.yaml');
  writeFileSync(deploymentFile, clusterDeployment(servers, settings));
  const stop = async () => {
    await servers.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  const secret = () => randomBytes(32).toString('base64url');
  const env = { CARILLON_SECRET: secret(), CARILLON_INTERNAL_TOKEN: secret() };
  return { servers, deploymentFile, env, stop };
}

/** The deployment that these servers make; the secrets come from the environment. */
export function clusterDeployment(servers: Servers, settings: ClusterSettings = {}): string {
  const { kafka, registry, cassandra } = servers;
  const { httpPort = 7400, partitions = 4, connectors = '' } = settings;
  return `topology: ${JSON.stringify(join(import.meta.dirname, '../../topology/reno.yaml'))}
partitions: ${partitions}
log: { kind: kafka, brokers: ${JSON.stringify(kafka.brokers)}, replication: 1 }
registry: { url: ${JSON.stringify(registry.url)} }
inbox:
  kind: cassandra
  contact_points: ${JSON.stringify(cassandra.contactPoints)}
  port: ${cassandra.port}
  local_data_center: ${JSON.stringify(cassandra.localDataCenter)}
  keyspace: carillon
  replication: 1
http: { host: 127.0.0.1, port: ${httpPort} }
auth: { secret: "\${CARILLON_SECRET}", internal_token: "\${CARILLON_INTERNAL_TOKEN}" }
${connectors}`;
}
