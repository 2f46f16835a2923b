/**
 * `carillon run` on one SQLite file, as a process of its own, and what devices and producers do.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GatewayClient } from '../../cli/gateway-client.ts';
import { DeviceClient } from '../../client/client.ts';
import { systemClock } from '../../core/clock.ts';
import type { Transport } from '../../core/device.ts';
import { mintToken } from '../../gateway/auth.ts';
import type { Scope } from '../../gateway/identity.ts';
import type { NotificationForm, NotificationFrame } from '../../schemas/frames.ts';
import { ServerChild } from '../kit/servers/child.ts';

const ROOT = join(import.meta.dirname, '../..');
export const CARILLON = join(ROOT, 'cli/carillon.ts');
const READY_MS = 30_000;
/** With groups to join, topics and a keyspace to make. */
const READY_ON_SERVERS_MS = 120_000;
const POLL_MS = 20;
const PAGE = 500;

/** Test secrets: long enough, worth nothing. */
export const ENV = {
  CARILLON_SECRET: 'only-for-tests-only-for-tests-only-for-tests',
  CARILLON_INTERNAL_TOKEN: 'internal-for-tests-internal-for-tests',
};

export interface HouseOptions {
  readonly connectors?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly topology?: string;
  readonly schemas?: readonly string[];
  readonly port?: number;
  readonly internalPort?: number;
  /** What the topology calls a member, and a class that it has; by default RENO's. */
  readonly words?: { readonly member: string; readonly class: string };
  /** Of a log and an inbox on servers, in place of the one file. */
  readonly servers?: Readonly<Record<string, unknown>>;
  /** Beside the secrets. */
  readonly auth?: Readonly<Record<string, unknown>>;
  /** Variables of the topology. */
  readonly env?: NodeJS.ProcessEnv;
}

/** A folder with a deployment; processes that run it, one after the other. */
export class House {
  readonly folder = mkdtempSync(join(tmpdir(), 'carillon-house-'));
  readonly data = join(this.folder, 'data');
  readonly #readyMs: number;
  readonly #env: NodeJS.ProcessEnv;
  #child: ServerChild | undefined;
  #runs = 0;
  /** Devices of the process that runs: its counts begin with it. */
  #registered = 0;
  readonly #words: { readonly member: string; readonly class: string };

  constructor(options: HouseOptions = {}) {
    this.#readyMs = options.servers === undefined ? READY_MS : READY_ON_SERVERS_MS;
    this.#env = options.env ?? {};
    this.#words = options.words ?? { member: 'memberId', class: 'tv' };
    const deployment = {
      topology: options.topology ?? join(ROOT, 'topology/reno.yaml'),
      ...(options.schemas === undefined ? {} : { schemas: options.schemas }),
      ...(options.servers ?? { data_folder: this.data }),
      http: {
        host: '127.0.0.1',
        port: options.port ?? 0,
        ...(options.internalPort === undefined ? {} : { internal_port: options.internalPort }),
      },
      auth: {
        // biome-ignore lint/suspicious/noTemplateCurlyInString: it is how a variable is written.
        secret: '${CARILLON_SECRET}',
        // biome-ignore lint/suspicious/noTemplateCurlyInString: the same.
        internal_token: '${CARILLON_INTERNAL_TOKEN}',
        ...options.auth,
      },
      connectors: options.connectors ?? {},
    };
    writeFileSync(this.deployment, JSON.stringify(deployment));
  }

  get deployment(): string {
    return join(this.folder, 'carillon.yaml');
  }

  async start(...more: readonly string[]): Promise<void> {
    const dir = join(this.folder, `run-${++this.#runs}`);
    mkdirSync(dir);
    this.#child = new ServerChild({
      name: `carillon-${this.#runs}`,
      command: process.execPath,
      args: [CARILLON, 'run', '--deployment', this.deployment, ...more],
      dir,
      ownsDir: true,
      env: cleanEnv({ ...ENV, ...this.#env }),
    });
    this.#registered = 0;
    await this.#child.waitForLog('"The pipeline runs."', this.#readyMs);
  }

  get url(): string {
    return this.#told('url');
  }

  /** Of metrics and details of health. */
  get internalUrl(): string {
    return this.#told('health');
  }

  #told(name: string): string {
    const text = readFileSync(this.#child!.logFile, 'utf8');
    const line = text.split('\n').find((one) => one.includes('"The pipeline runs."'))!;
    return (JSON.parse(line) as { [name: string]: string })[name]!;
  }

  /** SIGHUP; until the log says it so often since the process began. */
  async hangUp(sentence: string, times: number): Promise<void> {
    process.kill(this.#child!.pid!, 'SIGHUP');
    await until(`${sentence} ${times} times`, async () => {
      const text = readFileSync(this.#child!.logFile, 'utf8');
      return text.split(sentence).length - 1 >= times;
    });
  }

  /** kill -9. */
  async kill(): Promise<void> {
    await this.#child?.kill();
  }

  async close(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async client(scope: Scope, subject: string = scope): Promise<GatewayClient> {
    const token = await tokenOf(scope, subject);
    return new GatewayClient(this.url, async () => token);
  }

  token(scope: Scope, subject: string): Promise<string> {
    return tokenOf(scope, subject);
  }

  async register(deviceId: string, memberId: string, kind: Transport, token?: string) {
    const client = await this.client('registrar');
    const transports = [token === undefined ? { kind } : { kind, token }];
    const { member, class: deviceClass } = this.#words;
    await client.register(deviceId, { [member]: memberId, class: deviceClass, transports });
    const known = ++this.#registered;
    await until('the member has the device', async () => (await this.#devicesFolded()) >= known);
  }

  async #devicesFolded(): Promise<number> {
    const text = await (await fetch(`${this.internalUrl}/metrics`)).text();
    const name = 'carillon_step_records_out_total{stream="devices-fold",step="to"} ';
    return Number(
      text
        .split('\n')
        .find((line) => line.startsWith(name))
        ?.slice(name.length) ?? 0,
    );
  }

  /** The sum of a metric's series whose labels have all of these values. */
  async metric(name: string, ...values: readonly string[]): Promise<number> {
    const text = await (await fetch(`${this.internalUrl}/metrics`)).text();
    const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`));
    const ours = lines.filter((line) => values.every((value) => line.includes(`="${value}"`)));
    return ours.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
  }

  /** All that is in a device's inbox. */
  async inboxOf(deviceId: string): Promise<NotificationForm[]> {
    return (await this.#pullAll(deviceId)).all;
  }

  /** Covers all that is in a device's inbox. */
  async cursorOf(deviceId: string): Promise<string> {
    return (await this.#pullAll(deviceId)).cursor;
  }

  async #pullAll(deviceId: string): Promise<{ all: NotificationForm[]; cursor: string }> {
    const client = await this.client('device', deviceId);
    const all: NotificationForm[] = [];
    let after: string | undefined;
    for (let more = true; more; ) {
      const page = await client.pull(deviceId, after, PAGE);
      all.push(...page.notifications);
      after = page.cursor;
      more = page.more;
    }
    return { all, cursor: after! };
  }

  /** Holds a WebSocket, and goes on at `cursor`; resolves at its welcome. `frames` grows. */
  async listen(
    deviceId: string,
    cursor?: string,
  ): Promise<{ frames: NotificationFrame[]; stop(): void }> {
    const token = await tokenOf('device', deviceId);
    const frames: NotificationFrame[] = [];
    const welcomed = Promise.withResolvers<void>();
    const device = new DeviceClient({
      url: this.url,
      deviceId,
      token: () => token,
      after: cursor,
      transports: ['websocket'],
      // So that a pull without a cursor still gives all.
      acknowledge: false,
      random: () => 0.5,
      onNotification: () => {},
      onFrame: (frame) => {
        if (frame.type === 'welcome') welcomed.resolve();
        if (frame.type === 'notification') frames.push(frame);
      },
    });
    void device.start();
    await welcomed.promise;
    return { frames, stop: () => void device.stop() };
  }
}

function tokenOf(scope: Scope, subject: string): Promise<string> {
  const secret = ENV.CARILLON_SECRET;
  return mintToken({ secret, subject, scope, clock: systemClock, ttlMs: 3_600_000 });
}

/** Without what the test runner and the machine's own deployment would bring in. */
export function cleanEnv(more: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { NODE_TEST_CONTEXT: _, CARILLON_DEPLOYMENT: __, ...env } = process.env;
  return { ...env, ...more };
}

export interface Ended {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

/** Runs the command to its end; kills it after 30 s. */
export async function carillon(
  args: readonly string[],
  options: { readonly env?: NodeJS.ProcessEnv; readonly cwd?: string } = {},
): Promise<Ended> {
  const child = spawn(process.execPath, [CARILLON, ...args], {
    env: cleanEnv({ ...ENV, ...options.env }),
    cwd: options.cwd ?? ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), READY_MS);
  let output = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  clearTimeout(timer);
  return { code, output, errors };
}

/** Polls until it is so; 30 s at most. A throw counts as "not yet". */
export async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const startedAt = performance.now();
  let last: unknown;
  for (;;) {
    try {
      if (await isSo()) return;
    } catch (error) {
      last = error;
    }
    if (performance.now() - startedAt > READY_MS) {
      throw new Error(`waited ${READY_MS} ms for ${what}; ${last ?? ''}`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
