/**
 * The servers as containers of `docker/compose.yaml`, where the images are pinned: one compose
 * project per start, so that runs do not meet. A shell that holds a pipe of the test process
 * removes the project when that process dies.
 */
import { execFile, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { CassandraServer } from './cassandra.ts';
import type { KafkaOptions, KafkaServer } from './kafka.ts';
import { leasePorts } from './ports.ts';
import { progress } from './progress.ts';
import type { RegistryServer } from './registry.ts';

const run = promisify(execFile);
const COMPOSE_FILE = fileURLToPath(new URL('../../../docker/compose.yaml', import.meta.url));

/** The first start may have to pull an image. */
const UP_TIMEOUT_MS = 10 * 60_000;
const HEALTHY_TIMEOUT_S = 180;
const COMMAND_TIMEOUT_MS = 60_000;
const LOG_LINES_IN_ERROR = 25;

let started = 0;

interface Container {
  readonly port: number;
  up(): Promise<void>;
  compose(...args: string[]): Promise<unknown>;
  stop(): Promise<void>;
}

async function startContainer(
  service: 'kafka' | 'registry' | 'cassandra',
  variables: Readonly<Record<string, string>> = {},
): Promise<Container> {
  const startedAt = performance.now();
  started += 1;
  const project = `carillon-${service}-${process.pid}-${started}`;
  const [lease] = await leasePorts(1);
  const { port, release } = lease!;
  const portName = `CARILLON_${service.toUpperCase()}_PORT`;
  const env = { ...process.env, ...variables, [portName]: String(port) };
  const base = ['compose', '-p', project, '-f', COMPOSE_FILE];
  const watchdog = spawn(
    '/bin/sh',
    [
      '-c',
      'cat >/dev/null; exec docker "$@" >/dev/null 2>&1',
      'sh',
      ...base,
      'down',
      '-v',
      '-t',
      '0',
    ],
    // A group of its own: Ctrl-C goes to the whole group, and this one has to outlive it.
    { env, stdio: ['pipe', 'ignore', 'ignore'], detached: true },
  );
  watchdog.unref();
  (watchdog.stdin as unknown as { unref(): void }).unref();
  const compose = (...args: string[]) =>
    run('docker', [...base, ...args], { env, timeout: UP_TIMEOUT_MS });
  const up = async () => {
    const wait = ['--wait', '--wait-timeout', String(HEALTHY_TIMEOUT_S)];
    try {
      await compose('up', '-d', ...wait, service);
    } catch (error) {
      const tail = ['--no-color', '--tail', String(LOG_LINES_IN_ERROR), service];
      const log = await compose('logs', ...tail).catch(() => ({ stdout: '(no log)' }));
      const why = (error as { stderr?: string }).stderr ?? String(error);
      throw new Error(`${service}: the container did not get ready: ${why}\n${log.stdout}`);
    }
  };
  const stop = async () => {
    await run('docker', [...base, 'down', '-v', '-t', '0'], { env, timeout: COMMAND_TIMEOUT_MS });
    watchdog.stdin?.destroy();
    release();
  };
  progress(`${service}: starting its container`);
  try {
    await up();
  } catch (error) {
    await stop().catch(() => undefined);
    throw error;
  }
  progress(`${service}: container ready at 127.0.0.1:${port}`, startedAt);
  return { port, up, compose, stop };
}

function controls(container: Container, service: string) {
  const kill = async () => {
    // Nothing to kill is no error: kill may be called twice.
    await container.compose('kill', '-s', 'SIGKILL', service).catch(() => undefined);
  };
  return {
    kill,
    restart: async () => {
      await kill();
      await container.up();
    },
    pause: async () => void (await container.compose('pause', service)),
    resume: async () => void (await container.compose('unpause', service)),
    stop: container.stop,
  };
}

export async function startKafkaByDocker(options: KafkaOptions): Promise<KafkaServer> {
  const partitions = String(options.partitions ?? 4);
  const container = await startContainer('kafka', { CARILLON_KAFKA_PARTITIONS: partitions });
  return { brokers: [`127.0.0.1:${container.port}`], ...controls(container, 'kafka') };
}

export async function startRegistryByDocker(): Promise<RegistryServer> {
  const container = await startContainer('registry');
  const url = `http://127.0.0.1:${container.port}/apis/ccompat/v7`;
  return { url, ...controls(container, 'registry') };
}

export async function startCassandraByDocker(): Promise<CassandraServer> {
  const container = await startContainer('cassandra');
  return {
    contactPoints: ['127.0.0.1'],
    port: container.port,
    localDataCenter: 'datacenter1',
    ...controls(container, 'cassandra'),
  };
}
