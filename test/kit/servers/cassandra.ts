/** Apache Cassandra 5 from its jars: one node, its commit log synced by batch. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServerChild } from './child.ts';
import { CASSANDRA, fetchProgram } from './maven.ts';
import { leasePorts } from './ports.ts';
import { progress } from './progress.ts';

/** 5 s on a free machine, 12 s with cold files; the rest is for a busy one. */
const READY_TIMEOUT_MS = 120_000;

export interface CassandraServer {
  readonly contactPoints: readonly string[];
  readonly port: number;
  readonly localDataCenter: string;
  /** kill -9. What was acknowledged stays: the commit log is synced before the answer. */
  kill(): Promise<void>;
  restart(): Promise<void>;
  /** Stops the process (SIGSTOP): it holds its sockets and answers nothing. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  stop(): Promise<void>;
}

export interface CassandraOptions {
  /**
   * A login is asked for (`cassandra`, password `cassandra`, may do all), and TLS with this
   * certificate; nobody else may do anything until a grant says so.
   */
  readonly tls?: { readonly cert: string; readonly key: string };
}

export async function startCassandraByJava({
  tls,
}: CassandraOptions = {}): Promise<CassandraServer> {
  const libs = join(await fetchProgram(CASSANDRA), 'libs');
  const startedAt = performance.now();
  const dir = mkdtempSync(join(tmpdir(), 'carillon-cassandra-'));
  const leases = await leasePorts(2);
  const port = leases[0]!.port;
  mkdirSync(join(dir, 'log'));
  const more = tls === undefined ? '' : secured(dir, tls);
  writeFileSync(join(dir, 'cassandra.yaml'), settings(dir, port, leases[1]!.port) + more);
  writeFileSync(join(dir, 'logback.xml'), LOGBACK);
  let child: ServerChild | undefined;
  const start = async () => {
    const args = javaArguments(dir, libs);
    child = new ServerChild({ name: 'cassandra', command: 'java', args, dir, ownsDir: true });
    await child.waitForLog('Starting listening for CQL clients', READY_TIMEOUT_MS);
    await child.waitForLog('Startup complete', READY_TIMEOUT_MS);
  };
  const stop = async () => {
    await child?.kill();
    rmSync(dir, { recursive: true, force: true });
    for (const lease of leases) lease.release();
  };
  try {
    await start();
  } catch (error) {
    await stop();
    throw error;
  }
  progress(`cassandra ${CASSANDRA.version}: ready at 127.0.0.1:${port}`, startedAt);
  return {
    contactPoints: ['127.0.0.1'],
    port,
    localDataCenter: 'datacenter1',
    kill: async () => child?.kill(),
    restart: async () => {
      await child?.kill();
      await start();
    },
    pause: async () => child?.pause(),
    resume: async () => child?.signal('SIGCONT'),
    stop,
  };
}

function settings(dir: string, port: number, storagePort: number): string {
  return `cluster_name: carillon-test
num_tokens: 1
auto_bootstrap: false
partitioner: org.apache.cassandra.dht.Murmur3Partitioner
endpoint_snitch: SimpleSnitch
seed_provider: [{class_name: org.apache.cassandra.locator.SimpleSeedProvider, parameters: [{seeds: "127.0.0.1:${storagePort}"}]}]
listen_address: 127.0.0.1
rpc_address: 127.0.0.1
storage_port: ${storagePort}
native_transport_port: ${port}
data_file_directories: [${join(dir, 'data')}]
commitlog_directory: ${join(dir, 'commitlog')}
hints_directory: ${join(dir, 'hints')}
saved_caches_directory: ${join(dir, 'saved_caches')}
cdc_raw_directory: ${join(dir, 'cdc_raw')}
# With \`periodic\` a kill -9 loses up to 100 ms of acknowledged rows of a single node; these tests kill.
commitlog_sync: group
commitlog_sync_group_window: 5ms
commitlog_segment_size: 32MiB
commitlog_total_space: 256MiB
memtable_allocation_type: heap_buffers
memtable_heap_space: 128MiB
concurrent_reads: 16
# A writer waits for the sync of its group: with 16 of them 2,000 rows/s are the ceiling.
concurrent_writes: 128
concurrent_compactors: 1
auto_snapshot: false
`;
}

/** Its driver's port speaks TLS only. Rights are seen at once, not after the caches' 2 s. */
function secured(dir: string, { cert, key }: NonNullable<CassandraOptions['tls']>): string {
  const keystore = join(dir, 'keystore.pem');
  writeFileSync(keystore, key + cert);
  return `authenticator: PasswordAuthenticator
authorizer: CassandraAuthorizer
permissions_validity: 0ms
roles_validity: 0ms
client_encryption_options:
  enabled: true
  optional: false
  require_client_auth: false
  ssl_context_factory: { class_name: org.apache.cassandra.security.PEMBasedSslContextFactory }
  keystore: ${keystore}
`;
}

const EXPORTS = [
  ...['java.base/jdk.internal.misc', 'java.management.rmi/com.sun.jmx.remote.internal.rmi'],
  ...['java.rmi/sun.rmi.registry', 'java.rmi/sun.rmi.server', 'java.sql/java.sql'],
  ...['java.base/java.lang.ref', 'jdk.unsupported/sun.misc', 'jdk.attach/sun.tools.attach'],
  'jdk.compiler/com.sun.tools.javac.file',
];

const OPENS = [
  ...['java.lang.module', 'jdk.internal.loader', 'jdk.internal.ref', 'jdk.internal.reflect'],
  ...['jdk.internal.math', 'jdk.internal.module', 'jdk.internal.util.jar', 'sun.nio.ch', 'java.io'],
  ...['java.lang.reflect', 'java.lang', 'java.util'],
]
  .map((name) => `java.base/${name}`)
  .concat(['jdk.management/com.sun.management.internal', 'jdk.compiler/com.sun.tools.javac']);

function javaArguments(dir: string, libs: string): string[] {
  return [
    ...['-Xms128m', '-Xmx768m', '-XX:+UseSerialGC', '-Xss512k', '-XX:TieredStopAtLevel=1'],
    `-javaagent:${join(libs, 'jamm-0.4.0.jar')}`,
    '-Djdk.attach.allowAttachSelf=true',
    ...EXPORTS.map((name) => `--add-exports=${name}=ALL-UNNAMED`),
    ...OPENS.map((name) => `--add-opens=${name}=ALL-UNNAMED`),
    '-Dio.netty.tryReflectionSetAccessible=true',
    `-Dcassandra.config=file://${join(dir, 'cassandra.yaml')}`,
    `-Dcassandra.storagedir=${dir}`,
    `-Dcassandra.logdir=${join(dir, 'log')}`,
    `-Dlogback.configurationFile=${join(dir, 'logback.xml')}`,
    '-Dcassandra-foreground=yes',
    '-Dcassandra.skip_wait_for_gossip_to_settle=0',
    '-Dcassandra.ring_delay_ms=1',
    '-Dcassandra.superuser_setup_delay_ms=0',
    ...['-cp', join(libs, '*'), 'org.apache.cassandra.service.CassandraDaemon'],
  ];
}

const LOGBACK = `<configuration><appender name="console" class="ch.qos.logback.core.ConsoleAppender">
<encoder><pattern>%d{HH:mm:ss.SSS} %-5level %logger{0} %msg%n</pattern></encoder></appender>
<root level="INFO"><appender-ref ref="console"/></root></configuration>
`;
