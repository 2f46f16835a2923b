/**
 * `npm run start:cluster`: what `npm start` shows, on real Kafka, registry and Cassandra, which are
 * started for the occasion; each role is a process of its own. Ctrl-C ends everything.
 */

import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { startDashboard } from '../../cli/demo/dashboard.ts';
import type { LiveSnapshot } from '../../cli/demo/flow-snapshot.ts';
import { SAMPLE_TYPES } from '../../cli/demo/sample-events.ts';
import { startSampleWorld } from '../../cli/demo/sample-world.ts';
import { startStandIns } from '../../cli/demo/stand-ins.ts';
import { untilSignal } from '../../cli/until-signal.ts';
import { systemClock } from '../../core/clock.ts';
import { RENO_PRIORITIES } from '../../core/priority.ts';
import { mintToken } from '../../gateway/auth.ts';
import { EMPTY_FLOW, mergeFlows } from '../../runtime/flow.ts';
import { startClusterServers } from './start-cluster.ts';

/** Each line is a process. */
const PROCESSES: readonly (readonly string[])[] = [
  ['streams/critical', 'streams/high'],
  ['streams/normal', 'streams/low'],
  ['devices'],
  ['sink'],
  ['gateway', 'ingest'],
];
const HTTP_PORT = 7400;
const READY_MS_MAX = 90_000;
const ANSWER_MS_MAX = 2_000;
const TOKEN_MS = 3_600_000;
const ROOT = join(import.meta.dirname, '../..');
/** A role's process: its log goes to a file, its flow comes over the channel. */
class RoleProcess {
  readonly roles: string;
  readonly logFile: string;
  readonly #child: ChildProcess;
  #answer: (snapshot: LiveSnapshot) => void = () => {};
  #ready: () => void = () => {};
  /** Its exit code, or the signal that ended it. */
  readonly #ended: Promise<number | string>;
  readonly ready: Promise<void>;
  /** Rejects when it ends; whoever stops it does not look here any more. */
  readonly lost: Promise<never>;

  constructor(
    roles: readonly string[],
    of: { deployment: string; env: NodeJS.ProcessEnv; logFolder: string },
  ) {
    const { deployment, env, logFolder } = of;
    this.roles = roles.join(',');
    this.logFile = join(logFolder, `${this.roles.replaceAll('/', '-')}.log`);
    const log = openSync(this.logFile, 'w');
    this.#child = fork(
      join(ROOT, 'cli/carillon.ts'),
      ['run', '--deployment', deployment, '--role', this.roles],
      // A Ctrl-C is for this process: with it and the SIGTERM of stop() it would be told twice to
      // end, and the second time is at once.
      { cwd: ROOT, env, stdio: ['ignore', log, log, 'ipc'], detached: true },
    );
    closeSync(log);
    process.once('exit', () => this.#child.kill('SIGKILL'));
    this.#ended = new Promise((resolve) => {
      this.#child.once('exit', (code, signal) => resolve(code ?? signal ?? 'unknown'));
    });
    this.lost = this.#ended.then((how) => {
      throw new Error(`${this.roles} has ended (${how}); see ${this.logFile}`);
    });
    const runs = new Promise<void>((resolve) => {
      this.#ready = resolve;
    });
    this.ready = Promise.race([runs, this.lost]);
    for (const promise of [this.ready, this.lost]) promise.catch(() => {});
    this.#child.on('message', (message: { runs?: true } & LiveSnapshot) => {
      if (message.runs === true) this.#ready();
      else this.#answer(message);
    });
  }

  /** What it counts; nothing when it does not answer in time. */
  snapshot(): Promise<LiveSnapshot> {
    return new Promise((resolve) => {
      const none: LiveSnapshot = { flow: EMPTY_FLOW, connections: 0 };
      const timer = setTimeout(() => resolve(none), ANSWER_MS_MAX);
      this.#answer = (snapshot) => {
        clearTimeout(timer);
        resolve(snapshot);
      };
      if (this.#child.connected) this.#child.send({ ask: 'flow' });
      else resolve(none);
    });
  }

  /** Resolves when it has ended, with whether it ended well. */
  async stop(): Promise<boolean> {
    this.#child.kill('SIGTERM');
    const how = await this.#ended;
    // The signal itself ends one that was still starting.
    return how === 0 || how === 'SIGTERM';
  }
}

function say(sentence: string): void {
  process.stdout.write(`${sentence}\n`);
}

async function within<T>(promise: Promise<T>, ms: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took longer than ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Lines of the deployment's `connectors:`, as JSON, which is YAML. */
function connectorLines(connectors: object): string {
  return `connectors: ${JSON.stringify(connectors)}`;
}

/** Logs of a clean run are of no use any more; those of another one are named. */
function endLogs(folder: string, isClean: boolean, failed: readonly RoleProcess[]): void {
  if (isClean && failed.length === 0) {
    rmSync(folder, { recursive: true, force: true });
    return;
  }
  process.exitCode = 1;
  const which = failed.map(({ roles }) => `${roles} has failed. `).join('');
  process.stderr.write(`${which}The logs of all processes are in ${folder}\n`);
}

/** The order in which the live view lists them: that of the file. */
function useCases(): string[] {
  const { streams } = parse(readFileSync(join(ROOT, 'topology/reno.yaml'), 'utf8'));
  return Object.keys(streams);
}

async function main(): Promise<void> {
  const stops: (() => Promise<void>)[] = [];
  const signal = untilSignal();
  let isClean = false;
  try {
    const standIns = await startStandIns({
      project: 'carillon-demo',
      bundle: 'com.example.carillon',
    });
    stops.push(() => standIns.close());
    const cluster = await startClusterServers({
      httpPort: HTTP_PORT,
      connectors: connectorLines(standIns.connectors),
    });
    stops.push(() => cluster.stop());
    const env = { ...process.env, ...cluster.env };
    const logFolder = mkdtempSync(join(tmpdir(), 'carillon-cluster-logs-'));
    const run = { deployment: cluster.deploymentFile, env, logFolder };
    const roles = PROCESSES.map((of) => new RoleProcess(of, run));
    stops.push(async () => {
      const isWell = await Promise.all(roles.map((role) => role.stop()));
      const failed = roles.filter((_, i) => !isWell[i]);
      endLogs(logFolder, isClean, failed);
    });
    say(`Starting ${roles.length} processes: ${roles.map((role) => role.roles).join(' | ')}`);
    await within(Promise.all(roles.map((role) => role.ready)), READY_MS_MAX, 'starting');
    stops.push(await watch(roles, cluster.env.CARILLON_SECRET, cluster.deploymentFile));
    await Promise.race([signal, ...roles.map((role) => role.lost)]);
    isClean = true;
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

/** The sample world and the live view, over the gateway's process. */
async function watch(
  roles: readonly RoleProcess[],
  secret: string,
  deployment: string,
): Promise<() => Promise<void>> {
  const url = `http://127.0.0.1:${HTTP_PORT}`;
  const world = await startSampleWorld({
    url,
    seed: 1,
    run: randomUUID().slice(0, 8),
    types: { known: SAMPLE_TYPES, bySchema: [], unsampled: [] },
    now: () => systemClock.now(),
    mintToken: (claims) => mintToken({ ...claims, secret, clock: systemClock, ttlMs: TOKEN_MS }),
  });
  const seconds = Number(process.env.CARILLON_DEMO_SECONDS ?? 0);
  if (seconds > 0) setTimeout(() => process.kill(process.pid, 'SIGINT'), seconds * 1_000).unref();
  const dashboard = startDashboard({
    snapshot: async () => {
      const snapshots = await Promise.all(roles.map((role) => role.snapshot()));
      return {
        flow: mergeFlows(snapshots.map(({ flow }) => flow)),
        connections: snapshots.reduce((sum, { connections }) => sum + connections, 0),
      };
    },
    useCases: useCases(),
    mostUrgent: RENO_PRIORITIES.nameOf(0),
    out: process.stdout,
    isTty: process.stdout.isTTY === true,
    colour: process.env.NO_COLOR === undefined,
    size: () => ({ columns: process.stdout.columns ?? 80, rows: process.stdout.rows ?? 24 }),
    links: [
      {
        what: 'look into a topic',
        how: `npm run -s carillon -- tail outcomes --deployment ${deployment}`,
      },
      { what: 'metrics, health', how: `http://127.0.0.1:${HTTP_PORT + 1}/metrics  /health/ready` },
      { what: 'logs of the processes', how: roles.map((role) => role.logFile).join(' ') },
    ],
  });
  return async () => {
    await world.stop();
    await dashboard.stop();
    say(`Devices saw ${world.counts.pushed} pushed and ${world.counts.pulled} pulled.`);
  };
}

main().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
