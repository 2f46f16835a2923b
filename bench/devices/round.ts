/** One server from its start to its end: all lines of the benchmark, in order. */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { quantile } from '../figure.ts';
import { cpuSeconds, residentBytes } from '../peer/process-tree.ts';
import type { Line } from './lines.ts';
import type { FromFleet, FromServer, Kind, Ready, ToFleet, ToServer } from './talk.ts';

export interface RoundOptions {
  readonly connections: number;
  readonly idleSeconds: number;
  /** Of each kind of push. */
  readonly pushSeconds: number;
  readonly perSecond: number;
  readonly seed: number;
  /** Of frames of servers that send what they are given; 0: not known yet. */
  readonly frameChars: number;
  /** Server and devices have a core each. */
  readonly pinned: boolean;
  told(line: Line, value: number): void;
}

const BATCH = 100;
/** Requests under way at one time. */
const PUSHES = 16;
/** Connects under way at one time. */
const STORM = 1_000;
/** What runs once before it is measured: code that was just loaded is slow, and takes memory. */
const WARM_UP = { seconds: 1, connections: 500 };
const SETTLED_S = 1;

const FILES: { readonly [kind in Kind]: string } = {
  gateway: './gateway-server.ts',
  ws: './ws-server.ts',
  zuul: './zuul-server.ts',
};

export const canPin = process.platform === 'linux' && availableParallelism() > 1;

function ask<Q extends object, A>(of: ChildProcess, question: Q): Promise<A> {
  return new Promise((resolve, reject) => {
    const died = () => reject(new Error('a process of the benchmark has ended'));
    of.once('exit', died);
    of.once('message', (answer: A & { readonly error?: string }) => {
      of.off('exit', died);
      if (answer.error === undefined) resolve(answer);
      else reject(new Error(answer.error));
    });
    of.send(question);
  });
}

function started(file: string, args: readonly string[] = []): ChildProcess {
  return fork(new URL(file, import.meta.url), args, {
    serialization: 'advanced',
    execArgv: ['--expose-gc', '--disable-warning=ExperimentalWarning'],
  });
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  if (child.connected) child.disconnect();
  else child.kill();
  await gone;
}

function pin(pid: number, core: number): void {
  const args = ['-a', '-p', '-c', String(core), String(pid)];
  spawn('taskset', args, { stdio: 'ignore' }).on('error', () => {});
}

const pause = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1_000));

/** Tells each line as it is measured, and gives the characters of a frame. */
export async function measure(kind: Kind, options: RoundOptions): Promise<number> {
  const server = started(FILES[kind], [String(options.connections)]);
  const fleet = started('./fleet.ts');
  try {
    const ready = await new Promise<Ready>((resolve, reject) => {
      server.once('message', resolve);
      server.once('exit', () => reject(new Error(`${kind} did not start`)));
    });
    const pid = ready.pid ?? server.pid!;
    if (options.pinned) {
      pin(pid, 0);
      pin(fleet.pid!, 1);
    }
    return await new Round(server, fleet, pid, options).run(kind, ready);
  } finally {
    await ended(fleet);
    await ended(server);
  }
}

class Round {
  readonly #server: ChildProcess;
  readonly #fleet: ChildProcess;
  readonly #pid: number;
  readonly #options: RoundOptions;

  constructor(server: ChildProcess, fleet: ChildProcess, pid: number, options: RoundOptions) {
    this.#server = server;
    this.#fleet = fleet;
    this.#pid = pid;
    this.#options = options;
  }

  async run(kind: Kind, { urls, pushUrl }: Ready): Promise<number> {
    const { connections, seed, frameChars, told } = this.#options;
    const inFlight = Math.min(STORM, connections);
    const opening = { kind, urls, pushUrl, inFlight, frameChars, seed };
    await this.#fly({ do: 'warm', ...opening, count: WARM_UP.connections });
    await pause(SETTLED_S);
    const before = await this.#collected();
    const [, connectMicros] = await this.#cost({ do: 'open', ...opening }, connections);
    told('connectMicros', connectMicros);
    await this.#idle(before);
    const chars = await this.#pushed();
    await this.#atRate();
    await this.#delay();
    const burst = await this.#fly({ do: 'burst', batch: BATCH, inFlight: PUSHES });
    told('burst', burst.ms);
    told('burstDelay', await this.#delay());
    const [storm, stormMicros] = await this.#cost({ do: 'again', inFlight }, connections);
    told('storm', storm.ms / 1_000);
    told('stormMicros', stormMicros);
    told('stormFailed', storm.failed);
    await this.#fly({ do: 'close' });
    return chars;
  }

  async #idle(before: { readonly rss: number; readonly heap: number }): Promise<void> {
    const { connections, idleSeconds, told } = this.#options;
    const kb = (bytes: number) => bytes / connections / 1_024;
    const cpu = cpuSeconds([this.#pid]);
    await pause(idleSeconds);
    const used = cpuSeconds([this.#pid]) - cpu;
    told('rssKb', kb(residentBytes(this.#pid) - before.rss));
    const after = await this.#collected();
    told('collectedKb', kb(after.rss - before.rss));
    told('heapKb', kb(after.heap - before.heap));
    told('idleMicros', (used * 1e6) / connections / idleSeconds);
  }

  async #pushed(): Promise<number> {
    const { pushSeconds, told } = this.#options;
    const pushing = { do: 'unicast', inFlight: PUSHES } as const;
    await this.#fly({ ...pushing, seconds: WARM_UP.seconds, batch: BATCH });
    const [batches, unicastMicros] = await this.#cost({
      ...pushing,
      seconds: pushSeconds,
      batch: BATCH,
    });
    told('unicast', (batches.frames * 1_000) / batches.ms);
    told('unicastMicros', unicastMicros);
    const [single, singleMicros] = await this.#cost({ ...pushing, seconds: pushSeconds, batch: 1 });
    told('single', (single.frames * 1_000) / single.ms);
    told('singleMicros', singleMicros);
    return batches.frameChars;
  }

  async #atRate(): Promise<void> {
    const { perSecond, pushSeconds: seconds, told } = this.#options;
    const [rate, micros] = await this.#cost({ do: 'rate', perSecond, seconds });
    const { latencies = [] } = rate;
    told('reached', (rate.frames * 1_000) / rate.ms);
    told('p50', quantile(latencies, 0.5));
    told('p99', quantile(latencies, 0.99));
    told('rateMicros', micros);
  }

  /** With the CPU-µs of the server for each of so many, of the frames that came if not said. */
  async #cost(message: ToFleet, count?: number): Promise<[FromFleet, number]> {
    const cpu = cpuSeconds([this.#pid]);
    const answer = await this.#fly(message);
    const used = cpuSeconds([this.#pid]) - cpu;
    return [answer, (used * 1e6) / (count ?? answer.frames)];
  }

  #fly(message: ToFleet): Promise<FromFleet> {
    return ask(this.#fleet, message);
  }

  #serve(message: ToServer): Promise<FromServer> {
    return ask(this.#server, message);
  }

  async #collected(): Promise<{ readonly rss: number; readonly heap: number }> {
    const answer = await this.#serve({ do: 'gc' });
    const heap = answer.is === 'collected' ? answer.heap : Number.NaN;
    return { rss: residentBytes(this.#pid), heap };
  }

  async #delay(): Promise<number> {
    const answer = await this.#serve({ do: 'delay' });
    return answer.is === 'delay' ? answer.ms : Number.NaN;
  }
}
