/**
 * A pipeline of separate operating-system processes on real servers, as an operator would start it:
 * `carillon run --deployment FILE --role …`. What is asked of it goes over its own ports.
 */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { GatewayClient } from '../../cli/gateway-client.ts';
import { systemClock } from '../../core/clock.ts';
import { mintToken } from '../../gateway/auth.ts';
import type { Scope } from '../../gateway/identity.ts';
import { ServerChild } from '../kit/servers/child.ts';
import type { SharedServers } from '../kit/shared-servers.ts';
import { Metrics } from './metrics.ts';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '../..');
const READY_MS = 60_000;
const TOKEN_MS = 3_600_000;
const POLL_MS = 100;

export interface PipelineOptions {
  readonly servers: Pick<SharedServers, 'kafka' | 'registry' | 'cassandra'>;
  /** A file of `test/cluster/topologies/`, or any by its whole path. */
  readonly topology: string;
  readonly keyspace: string;
  /** Folders; what a topology of `test/cluster/topologies/` needs has been there all the time. */
  readonly schemas?: readonly string[];
  readonly partitions?: number;
  /** Of topics; 1 by default. */
  readonly replication?: number;
  /**
   * 10s by default. Where processes are killed a shorter one saves waiting; a machine that is busy
   * for so long makes members do records again then, which counts of what was done show.
   */
  readonly sessionTimeout?: string;
  /** Of the gateway, for those that come back to it; 0 (default): any. */
  readonly httpPort?: number;
  /** Of processes without a gateway; 0 (default): any. */
  readonly healthPort?: number;
  /** Whose flow the console adds up. */
  readonly processes?: readonly string[];
  /** Settings by connector: of the stand-ins. */
  readonly connectors?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

export class Pipeline {
  readonly partitions: number;
  readonly #folder = mkdtempSync(join(tmpdir(), 'carillon-pipeline-'));
  readonly #env: NodeJS.ProcessEnv;
  readonly #running = new Set<PipelineProcess>();
  #started = 0;

  constructor(options: PipelineOptions) {
    this.partitions = options.partitions ?? 4;
    const secret = () => randomBytes(32).toString('base64url');
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    this.#env = { ...env, CARILLON_SECRET: secret(), CARILLON_INTERNAL_TOKEN: secret() };
    writeFileSync(this.#deployment, deploymentOf(options, this.partitions));
  }

  get #deployment(): string {
    return join(this.#folder, 'carillon.yaml');
  }

  /** Makes the topics, as an operator does before the first process. */
  async applyTopics(): Promise<void> {
    const cli = join(ROOT, 'cli/carillon.ts');
    const args = [cli, 'topics', 'apply', '--deployment', this.#deployment];
    await run(process.execPath, args, { env: this.#env, timeout: READY_MS });
  }

  /**
   * Starts a process with some roles, or options (`--…`); it is up when it has joined its groups.
   */
  async run(...roles: string[]): Promise<PipelineProcess> {
    const child = this.launch(...roles);
    await child.ready();
    return child;
  }

  /** Starts it without waiting. */
  launch(...roles: string[]): PipelineProcess {
    const dir = join(this.#folder, `${++this.#started}-${roles.join('-').replaceAll('/', '.')}`);
    mkdirSync(dir);
    const child = new PipelineProcess(roles, dir, this.#deployment, this.#env);
    this.#running.add(child);
    return child;
  }

  token(scope: Scope, subject: string = scope): Promise<string> {
    const secret = this.#env.CARILLON_SECRET!;
    return mintToken({ secret, subject, scope, clock: systemClock, ttlMs: TOKEN_MS });
  }

  async client(gateway: PipelineProcess, scope: Scope): Promise<GatewayClient> {
    const token = await this.token(scope);
    return new GatewayClient(gateway.url, async () => token);
  }

  /**
   * Ends all processes (kill -9: what is stored has been looked at before) and removes the files.
   */
  async stop(): Promise<void> {
    await Promise.all([...this.#running].map((child) => child.kill()));
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

export class PipelineProcess {
  readonly roles: readonly string[];
  readonly #child: ServerChild;

  constructor(roles: readonly string[], dir: string, deployment: string, env: NodeJS.ProcessEnv) {
    this.roles = roles;
    this.#child = new ServerChild({
      name: roles.join(' '),
      command: process.execPath,
      args: [
        join(ROOT, 'cli/carillon.ts'),
        ...['run', '--deployment', deployment],
        ...roles.flatMap((role) => (role.startsWith('--') ? [role] : ['--role', role])),
      ],
      dir,
      ownsDir: true,
      env,
    });
  }

  ready(): Promise<void> {
    return this.#child.waitForLog('"The pipeline runs."', READY_MS);
  }

  get running(): boolean {
    return this.#child.running;
  }

  /** Null while it runs. */
  get exitCode(): number | null {
    return this.#child.exitCode;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** All that it has said, one JSON object a line. */
  get log(): string {
    return readFileSync(this.#child.logFile, 'utf8');
  }

  /** Of devices and producers. */
  get url(): string {
    return this.#told('url');
  }

  /** Of health, figures and the console. */
  get internalUrl(): string {
    return this.#told('health');
  }

  /** Of each worker. */
  get internalUrls(): string[] {
    const lines = this.log.split('\n').filter((one) => one.includes('"The pipeline runs."'));
    return lines.map((line) => (JSON.parse(line) as { health: string }).health);
  }

  /** The processes that it has started, the newest last. */
  get children(): number[] {
    const text = readFileSync(`/proc/${this.pid}/task/${this.pid}/children`, 'utf8');
    return text.trim().split(' ').map(Number);
  }

  async metrics(): Promise<Metrics> {
    const answer = await fetch(`${this.internalUrl}/metrics`);
    return new Metrics(await answer.text());
  }

  /** The status of /health/ready, and its words. */
  async health(): Promise<{ readonly status: number; readonly parts: Record<string, string> }> {
    const answer = await fetch(`${this.internalUrl}/health/ready`);
    const { parts } = (await answer.json()) as { parts: Record<string, string> };
    return { status: answer.status, parts };
  }

  residentBytes(): number {
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)![1]) * 1024;
  }

  /** Processor time since its start, user and system. */
  cpuSeconds(): number {
    const stat = readFileSync(`/proc/${this.pid}/stat`, 'utf8');
    // After the name in brackets; the 12th and 13th are clock ticks, 100 a second on Linux.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.signal(signal);
  }

  /** kill -9. */
  kill(): Promise<void> {
    return this.#child.kill();
  }

  /** Waits until it has ended by itself. */
  async ended(timeoutMs: number): Promise<void> {
    await until(`the end of ${this.roles.join(' ')}`, async () => !this.running, timeoutMs);
  }

  #told(name: 'url' | 'health'): string {
    const line = this.log.split('\n').find((one) => one.includes('"The pipeline runs."'));
    return (JSON.parse(line ?? '{}') as Record<string, string>)[name]!;
  }
}

function deploymentOf(options: PipelineOptions, partitions: number): string {
  const { kafka, registry, cassandra } = options.servers;
  // JSON is YAML, and these are all plain values but for the two secrets.
  return JSON.stringify({
    topology: resolve(import.meta.dirname, 'topologies', options.topology),
    ...(options.schemas === undefined ? {} : { schemas: options.schemas }),
    partitions,
    log: {
      kind: 'kafka',
      brokers: kafka,
      replication: options.replication ?? 1,
      session_timeout: options.sessionTimeout ?? '10s',
    },
    registry: { url: registry },
    inbox: {
      kind: 'cassandra',
      contact_points: cassandra.contactPoints,
      port: cassandra.port,
      local_data_center: cassandra.localDataCenter,
      keyspace: options.keyspace,
      replication: 1,
    },
    http: { host: '127.0.0.1', port: options.httpPort ?? 0, health_port: options.healthPort ?? 0 },
    console: { ...(options.processes === undefined ? {} : { processes: options.processes }) },
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is how a variable is written.
    auth: { secret: '${CARILLON_SECRET}', internal_token: '${CARILLON_INTERNAL_TOKEN}' },
    connectors: options.connectors ?? {},
  });
}

/** Polls until it is so; a throw of the question counts as "not yet". */
export async function until(
  what: string,
  isSo: () => Promise<boolean>,
  timeoutMs: number = READY_MS,
): Promise<void> {
  const startedAt = performance.now();
  let last: unknown;
  for (;;) {
    try {
      if (await isSo()) return;
    } catch (error) {
      last = error;
    }
    if (performance.now() - startedAt > timeoutMs) {
      const why = last === undefined ? '' : `; the last try: ${String(last)}`;
      throw new Error(`waited ${timeoutMs} ms for ${what}${why}`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
