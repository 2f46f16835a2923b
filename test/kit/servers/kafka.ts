/** Apache Kafka 4 in KRaft mode from its jars: one broker, or three as a ring. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ServerChild } from './child.ts';
import { fetchProgram, KAFKA } from './maven.ts';
import { leasePorts } from './ports.ts';
import { progress } from './progress.ts';

const run = promisify(execFile);

const READY_TIMEOUT_MS = 60_000;
const NEVER_MS = String(7 * 24 * 3_600_000);
const FORMAT_TIMEOUT_MS = 60_000;
/** Any id of 16 bytes in base64 does; the broker only checks that it stays the same. */
const CLUSTER_ID = 'MkU3OEVBNTcwNTJENDM2Qg';

export interface KafkaOptions {
  /** 1 (default) or 3. With 3: replication factor 3, min.insync.replicas 2. */
  readonly brokers?: 1 | 3;
  /** Partitions of a topic that is made without a number. Default 4. */
  readonly partitions?: number;
  /** Data goes here and stays; without it a temp folder that is removed. */
  readonly dir?: string;
  /**
   * Who may come, with their passwords: SASL/PLAIN, and nobody but `admin`, who must be among them,
   * may do anything until an ACL says so. Without it anybody may do anything.
   */
  readonly users?: Readonly<Record<string, string>>;
  /** With `users`: over TLS, and each of them by PLAIN or SCRAM-SHA-512. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** For benchmarks: the optimising compiler and 512 MB of heap. */
  readonly fast?: boolean;
}

export interface KafkaServer {
  /** `127.0.0.1:port` each. They stay the same over kill and restart. */
  readonly brokers: readonly string[];
  /** Of the brokers' processes, for their processor time; undefined in containers. */
  readonly pids?: () => readonly number[];
  /** kill -9 of one broker (by index) or of all. The data stay. */
  kill(index?: number): Promise<void>;
  /** Kills what still runs, then starts it again on the same ports and data. */
  restart(index?: number): Promise<void>;
  /** Stops the process (SIGSTOP): it holds its sockets and answers nothing. */
  pause(index?: number): Promise<void>;
  resume(index?: number): Promise<void>;
  /** Ends it and removes its data (not those in `dir`). */
  stop(): Promise<void>;
}

interface Broker {
  readonly id: number;
  readonly dir: string;
  readonly args: readonly string[];
  child: ServerChild | undefined;
}

export async function startKafkaByJava(options: KafkaOptions = {}): Promise<KafkaServer> {
  const libs = join(await fetchProgram(KAFKA), 'libs');
  const startedAt = performance.now();
  const count = options.brokers ?? 1;
  const ownsDir = options.dir === undefined;
  const base = options.dir ?? mkdtempSync(join(tmpdir(), 'carillon-kafka-'));
  const leases = await leasePorts(count * 2);
  const ports = leases.map((lease) => lease.port);
  const brokers = Array.from({ length: count }, (_, index) =>
    prepareBroker(index, { base, libs, ports, count, options }),
  );
  const chosen = (index?: number) => (index === undefined ? brokers : [brokers[index]!]);
  const kill = async (index?: number) => {
    await Promise.all(chosen(index).map((broker) => broker.child?.kill()));
  };
  const start = async (index?: number) => {
    await Promise.all(chosen(index).map((broker) => startBroker(broker, ownsDir && count === 1)));
  };
  const stop = async () => {
    await kill();
    if (ownsDir) rmSync(base, { recursive: true, force: true });
    for (const lease of leases) lease.release();
  };
  try {
    await formatAll(brokers, libs, options);
    await start();
  } catch (error) {
    await stop();
    throw error;
  }
  const addresses = brokers.map((broker) => `127.0.0.1:${ports[broker.id - 1]}`);
  progress(`kafka ${KAFKA.version}: ready at ${addresses.join(', ')}`, startedAt);
  return {
    brokers: addresses,
    pids: () => brokers.flatMap(({ child }) => child?.pid ?? []),
    kill,
    restart: async (index) => {
      await kill(index);
      await start(index);
    },
    pause: async (index) => {
      await Promise.all(chosen(index).map(({ child }) => child?.pause()));
    },
    resume: async (index) => {
      for (const { child } of chosen(index)) child?.signal('SIGCONT');
    },
    stop,
  };
}

interface Layout {
  readonly base: string;
  readonly libs: string;
  readonly ports: readonly number[];
  readonly count: number;
  readonly options: KafkaOptions;
}

function prepareBroker(index: number, layout: Layout): Broker {
  const { base, libs, count, options } = layout;
  const dir = count === 1 ? base : join(base, `broker-${index + 1}`);
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, 'server.properties'), properties(index, dir, layout));
  writeFileSync(join(dir, 'log4j2.xml'), LOG4J);
  const jvm = options.fast
    ? ['-Xms128m', '-Xmx512m', '-XX:+UseSerialGC']
    : ['-Xms64m', '-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];
  return {
    id: index + 1,
    dir,
    args: [
      ...jvm,
      `-Dlog4j2.configurationFile=${join(dir, 'log4j2.xml')}`,
      '-cp',
      join(libs, '*'),
      'kafka.Kafka',
      join(dir, 'server.properties'),
    ],
    child: undefined,
  };
}

async function formatAll(
  brokers: readonly Broker[],
  libs: string,
  { users = {}, tls }: KafkaOptions,
): Promise<void> {
  const scram = tls === undefined ? [] : Object.entries(users).flatMap(scramOf);
  const unformatted = brokers.filter(
    (broker) => !existsSync(join(broker.dir, 'data', 'meta.properties')),
  );
  await Promise.all(
    unformatted.map((broker) =>
      run(
        'java',
        [
          ...['-Xmx128m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-cp', join(libs, '*')],
          ...['kafka.tools.StorageTool', 'format', '-t', CLUSTER_ID],
          ...['-c', join(broker.dir, 'server.properties'), ...scram],
        ],
        { timeout: FORMAT_TIMEOUT_MS, cwd: broker.dir },
      ),
    ),
  );
}

const scramOf = ([name, password]: readonly [string, string]) => [
  '--add-scram',
  `SCRAM-SHA-512=[name=${name},password=${password}]`,
];

async function startBroker(broker: Broker, ownsDir: boolean): Promise<void> {
  broker.child = new ServerChild({
    name: `kafka-${broker.id}`,
    command: 'java',
    args: broker.args,
    dir: broker.dir,
    ownsDir,
  });
  await broker.child.waitForLog('Kafka Server started', READY_TIMEOUT_MS);
}

function properties(index: number, dir: string, layout: Layout): string {
  const { ports, count, options } = layout;
  const client = ports[index]!;
  const controller = ports[count + index]!;
  const voters = Array.from({ length: count }, (_, n) => `${n + 1}@127.0.0.1:${ports[count + n]}`);
  const replicas = String(count);
  const inSync = String(count === 1 ? 1 : 2);
  const all: Record<string, string> = {
    'process.roles': 'broker,controller',
    'node.id': String(index + 1),
    'controller.quorum.voters': voters.join(','),
    listeners: `PLAINTEXT://127.0.0.1:${client},CONTROLLER://127.0.0.1:${controller}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${client}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name': 'PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'log.dirs': join(dir, 'data'),
    'num.partitions': String(options.partitions ?? 4),
    'default.replication.factor': replicas,
    'min.insync.replicas': inSync,
    'offsets.topic.replication.factor': replicas,
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': inSync,
    'transaction.state.log.num.partitions': '4',
    'share.coordinator.state.topic.replication.factor': replicas,
    'share.coordinator.state.topic.min.isr': inSync,
    'group.initial.rebalance.delay.ms': '0',
    'group.min.session.timeout.ms': '1000',
    'auto.create.topics.enable': 'false',
    'num.network.threads': '2',
    'num.io.threads': '4',
    'log.cleaner.dedupe.buffer.size': '8388608',
    'log.segment.delete.delay.ms': '100',
    // Records of tests have times of their own: none is deleted for its age, not by the look 30 s
    // after the start either, nor by one of every five minutes.
    'log.initial.task.delay.ms': NEVER_MS,
    'log.retention.check.interval.ms': NEVER_MS,
    // A broker that was killed cannot register again before its session is over (9 s by default).
    'broker.session.timeout.ms': '3000',
    'broker.heartbeat.interval.ms': '500',
    // A transaction ends when the leaders of its partitions have its markers; one that was stopped
    // in its tracks is waited for this long (30 s by default), and its id takes no other meanwhile.
    'request.timeout.ms': '5000',
  };
  const { users, tls } = options;
  if (users !== undefined) Object.assign(all, secured(client, controller, users, tls));
  return Object.entries(all)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
}

/** The controller's own port stays open to this machine: who comes there has no name. */
function secured(
  client: number,
  controller: number,
  users: NonNullable<KafkaOptions['users']>,
  tls: KafkaOptions['tls'],
): Record<string, string> {
  const name = tls === undefined ? 'SASL_PLAINTEXT' : 'SASL_SSL';
  const known = Object.entries(users).map(([user, password]) => `user_${user}="${password}"`);
  const login = 'org.apache.kafka.common.security.plain.PlainLoginModule required';
  const own = `username="admin" password="${users.admin}"`;
  return {
    listeners: `${name}://127.0.0.1:${client},CONTROLLER://127.0.0.1:${controller}`,
    'advertised.listeners': `${name}://127.0.0.1:${client}`,
    'listener.security.protocol.map': `${name}:${name},CONTROLLER:PLAINTEXT`,
    'inter.broker.listener.name': name,
    'sasl.mechanism.inter.broker.protocol': 'PLAIN',
    'sasl.enabled.mechanisms': tls === undefined ? 'PLAIN' : 'PLAIN,SCRAM-SHA-512',
    [`listener.name.${name.toLowerCase()}.plain.sasl.jaas.config`]: `${login} ${own} ${known.join(' ')};`,
    ...(tls === undefined ? {} : tlsOf(name.toLowerCase(), tls)),
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users': 'User:admin;User:ANONYMOUS',
  };
}

/** Its brokers trust each other by the same certificate. */
function tlsOf(
  listener: string,
  { cert, key }: NonNullable<KafkaOptions['tls']>,
): Record<string, string> {
  const line = (pem: string) => pem.trim().replaceAll('\n', '\\n');
  const login = 'org.apache.kafka.common.security.scram.ScramLoginModule required;';
  return {
    [`listener.name.${listener}.scram-sha-512.sasl.jaas.config`]: login,
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.certificate.chain': line(cert),
    'ssl.keystore.key': line(key),
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.certificates': line(cert),
  };
}

const LOG4J = `<?xml version="1.0" encoding="UTF-8"?>
<Configuration status="ERROR"><Appenders><Console name="console" target="SYSTEM_OUT">
<PatternLayout pattern="%d{HH:mm:ss.SSS} %-5p %c{1} %m%n"/></Console></Appenders>
<Loggers><Root level="info"><AppenderRef ref="console"/></Root></Loggers></Configuration>
`;
