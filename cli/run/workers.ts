/**
 * `carillon run --workers N`: so many processes of the same roles, on one machine. They share the
 * public port: this process listens, hands them the connections in turn, and each holds its own.
 * Whatever else they have is their own: lease and registry rows, connections to the log, the
 * internal port for pushes, health and metrics.
 *
 *   starts the first ──runs──▶ the others ──all run──▶ waits ──signal──▶ all drain ──▶ ends
 *     └──ends before it runs──▶ ends with its exit code  └──one ends──▶ another, a little later
 *
 * `roll`: each in turn drains, ends, and another takes its place, while the others serve.
 */
import cluster, { type Worker } from 'node:cluster';
import { CarillonError } from '../../core/error.ts';
import type { LogLine } from '../../gateway/problem.ts';
import type { Deployment } from '../deployment.ts';
import type { HttpSettings } from '../deployment-http.ts';
import { EXIT_ERRORS, EXIT_OK } from '../show-error.ts';

/** Which of the workers a process is. */
const NUMBER = 'CARILLON_WORKER';
/** Before another takes the place of one that ended by itself: twice as long each time. */
const AGAIN_MS_FIRST = 1_000;
const AGAIN_MS_MAX = 30_000;
/** Who ran so long is no worker that cannot run: the next wait is short again. */
const GOOD_AFTER_MS = 60_000;

/** From 1 on; undefined: this process is nobody's worker. */
export function workerNumber(): number | undefined {
  return cluster.isWorker ? Number(process.env[NUMBER]) : undefined;
}

/** Throws CAR728. */
export function checkWorkers(workers: number, { log, file }: Deployment): void {
  if (workers === 1 || log.kind !== 'embedded') return;
  const what = `workers: ${workers}: this deployment is one SQLite file, and one process has it.`;
  throw new CarillonError('CAR728', what, { where: { file: file ?? 'carillon.yaml' } });
}

/** What the n-th worker has of its own: each port but the public one is n − 1 further. */
export function deploymentOfWorker(deployment: Deployment, number: number): Deployment {
  const { http } = deployment;
  const further = number - 1;
  const own: Partial<HttpSettings> = {
    internalPort: portOf(http.internalPort, further),
    internalUrl: http.internalUrl === null ? null : urlOf(http.internalUrl, further),
    healthPort: http.healthPort === null ? null : portOf(http.healthPort, further),
  };
  return { ...deployment, http: { ...http, ...own } };
}

/** 0 stays: any free port. */
const portOf = (port: number, further: number): number => (port === 0 ? 0 : port + further);

const DEFAULT_PORTS: { readonly [scheme: string]: number } = { 'http:': 80, 'https:': 443 };

function urlOf(address: string, further: number): string {
  const url = new URL(address);
  const port = url.port === '' ? DEFAULT_PORTS[url.protocol]! : Number(url.port);
  url.port = String(port + further);
  return url.href.replace(/\/$/, '');
}

/** A worker's process: started, running, ended. */
interface Place {
  readonly number: number;
  worker: Worker;
  startedAt: number;
  againMs: number;
  /** It has run, as this worker or as one before it. */
  runs: boolean;
  /** The first time. */
  readonly whenItRuns: () => void;
  /** It is to end, and hears when it has; null: nobody has asked it to. */
  rolls: (() => void) | null;
  timer: NodeJS.Timeout | undefined;
}

/** What of node:cluster is used. */
export interface Forks {
  fork(env: { readonly [name: string]: string }): Worker;
}

/** The process that listens: it has no role, and ends with its workers. */
export class Workers {
  readonly #say: LogLine;
  readonly #forks: Forks;
  readonly #places: Place[] = [];
  readonly #ended = Promise.withResolvers<number>();
  #stopping = false;
  #rolling: Promise<void> | null = null;
  #exitCode: number = EXIT_OK;

  constructor(say: LogLine, forks: Forks = cluster) {
    this.#say = say;
    this.#forks = forks;
  }

  /** Resolves with the exit code when all have ended. */
  get ended(): Promise<number> {
    return this.#ended.promise;
  }

  /** The first alone: it makes the topics and takes the edit of the topology. */
  start(count: number): void {
    this.#fork(1, () => {
      for (let number = 2; number <= count; number++) this.#fork(number, () => {});
    });
  }

  /** Each drains as a process of its own does. */
  stop(): void {
    this.#stopping = true;
    for (const { worker, timer } of this.#places) {
      clearTimeout(timer);
      worker.process.kill('SIGTERM');
    }
    this.#endIfAllHave();
  }

  /**
   * All anew, one after the other, so that the port is served meanwhile. Ends early when one that
   * was started anew does not run: the others go on as they are, and it is tried again.
   */
  roll(): Promise<void> {
    this.#rolling ??= this.#rollAll().finally(() => {
      this.#rolling = null;
    });
    return this.#rolling;
  }

  async #rollAll(): Promise<void> {
    for (const place of this.#places) {
      if (this.#stopping) return;
      await this.#end(place);
      if (this.#stopping) return;
      if (await this.#runsAnew(place)) continue;
      if (this.#stopping) return;
      const facts = { worker: place.number };
      this.#say('A worker does not run anew; the others go on as they are.', facts, 'warn');
      return;
    }
  }

  /** Also of one that is to be tried again later. */
  async #end(place: Place): Promise<void> {
    clearTimeout(place.timer);
    if (place.worker.isDead()) return;
    await new Promise<void>((resolve) => {
      place.rolls = resolve;
      place.worker.process.kill('SIGTERM');
    });
  }

  /** Starts one in its place. False: it has ended before it ran. */
  #runsAnew(place: Place): Promise<boolean> {
    return new Promise((resolve) => {
      place.worker = this.#forks.fork({ [NUMBER]: String(place.number) });
      place.worker.once('exit', () => resolve(false));
      place.worker.on('message', (message: { readonly runs?: boolean }) => {
        if (message.runs === true) resolve(true);
      });
      this.#watch(place);
    });
  }

  #fork(number: number, whenItRuns: () => void): void {
    const place: Place = {
      number,
      worker: this.#forks.fork({ [NUMBER]: String(number) }),
      startedAt: 0,
      againMs: AGAIN_MS_FIRST,
      runs: false,
      whenItRuns,
      rolls: null,
      timer: undefined,
    };
    this.#places.push(place);
    this.#watch(place);
  }

  #watch(place: Place): void {
    place.startedAt = performance.now();
    place.worker.on('message', (message: { readonly runs?: boolean }) => {
      if (message.runs !== true || place.runs) return;
      place.runs = true;
      if (!this.#stopping) place.whenItRuns();
    });
    place.worker.once('exit', (code, signal) => this.#exited(place, code, signal));
  }

  #exited(place: Place, code: number | null, signal: string | null): void {
    const { number, runs, rolls } = place;
    place.rolls = null;
    rolls?.();
    // A worker that never ran has said why.
    const failed = !runs && rolls === null;
    if (code !== 0 && (this.#stopping || failed)) this.#exitCode = code ?? EXIT_ERRORS;
    if (!this.#stopping && failed) this.stop();
    if (this.#stopping) {
      this.#endIfAllHave();
      return;
    }
    if (rolls !== null) return;
    const waitMs = this.#waitOf(place);
    const facts = { worker: number, code, signal, againMs: waitMs };
    this.#say('A worker has ended; another takes its place.', facts, 'warn');
    place.timer = setTimeout(() => this.#again(place), waitMs);
  }

  #waitOf(place: Place): number {
    if (performance.now() - place.startedAt >= GOOD_AFTER_MS) place.againMs = AGAIN_MS_FIRST;
    const { againMs } = place;
    place.againMs = Math.min(2 * againMs, AGAIN_MS_MAX);
    return againMs;
  }

  /** One that has run may not find what it needs at once: it is tried again and again. */
  #again(place: Place): void {
    place.worker = this.#forks.fork({ [NUMBER]: String(place.number) });
    this.#watch(place);
  }

  #endIfAllHave(): void {
    if (this.#places.every(({ worker }) => worker.isDead())) this.#ended.resolve(this.#exitCode);
  }
}
