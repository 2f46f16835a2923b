/**
 * `npm run bench:devices`: what devices cost, on a gateway whole, on bare `ws`, and on Zuul Push
 * where Java and Maven are; each in the same run, server on one core, devices and pusher on the
 * other.
 *
 *   npm run bench:devices -- [--connections 15000] [--idle 20] [--frames 200000] [--rate 2000]
 *                            [--seed 1] [--rounds 1] [--without-zuul]
 */
import { type ChildProcess, fork, spawn, spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import type { FromFleet, FromServer, Kind, Ready, ToFleet, ToServer } from './devices/talk.ts';
import { median, quantile } from './figure.ts';
import { cpuSeconds, residentBytes } from './peer/process-tree.ts';

const { values } = parseArgs({
  options: {
    connections: { type: 'string', default: '15000' },
    idle: { type: 'string', default: '20' },
    frames: { type: 'string', default: '200000' },
    rate: { type: 'string', default: '2000' },
    seed: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '1' },
    'without-zuul': { type: 'boolean', default: false },
  },
});
const CONNECTIONS = Number(values.connections);
const IDLE_S = Number(values.idle);
const FRAMES = Number(values.frames);
const RATE = Number(values.rate);
const RATE_S = 5;
/** Connects, and requests of batches, under way at one time. */
const STORM = Math.min(1_000, CONNECTIONS);
const BATCH = 100;
const PUSHES = 16;
/** What runs once before it is measured: code that was just loaded is slow. */
const WARM_UP = 0.2;
const PIN = process.platform === 'linux' && availableParallelism() > 1;

/** What was measured of one server, by the lines of the table. */
type Measured = { readonly [line in Line]: number };
type Line = keyof typeof LINES;

/** What each line says, with its digits, and what the issue aims at. */
const LINES = {
  rssKb: ['memory per idle connection, KB resident', 1, 'at most 7.5'],
  collectedKb: ['the same after a forced collection', 1, 'at most 7'],
  idleMicros: ['CPU per idle connection, µs a second', 2, 'at most 5'],
  unicast: ['unicast, batches of 100, frames a second', 0, '0.85 of ws, above Zuul'],
  unicastCpu: ['the same, CPU-s of the server per 100,000', 2, ''],
  p50: ['p50 at the rate, one record a request, ms', 2, ''],
  p99: ['p99, ms', 2, 'at most 3'],
  burst: ['to all, ms', 0, 'at most 200'],
  burstDelay: ['the server’s loop stood still for at most, ms', 0, 'below 50'],
  storm: ['reconnect storm, 1,000 in flight, s', 2, 'within 2.5'],
  stormFailed: ['connects that came twice', 0, 'none'],
} as const satisfies { [line: string]: readonly [string, number, string] };

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
  const child = fork(new URL(file, import.meta.url), args, {
    serialization: 'advanced',
    execArgv: ['--expose-gc', '--disable-warning=ExperimentalWarning'],
  });
  return child;
}

/** Server and devices do not take each other's core. */
function pin(pid: number, core: number): void {
  if (PIN) spawn('taskset', ['-a', '-p', '-c', String(core), String(pid)]).on('error', () => {});
}

const pause = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1_000));

class Round {
  readonly #server: ChildProcess;
  readonly #fleet: ChildProcess;
  readonly #pid: number;

  constructor(server: ChildProcess, fleet: ChildProcess, pid: number) {
    this.#server = server;
    this.#fleet = fleet;
    this.#pid = pid;
  }

  #fly(message: ToFleet): Promise<FromFleet> {
    return ask(this.#fleet, message);
  }

  #serve(message: ToServer): Promise<FromServer> {
    return ask(this.#server, message);
  }

  async #collected(): Promise<number> {
    await this.#serve({ do: 'gc' });
    return residentBytes(this.#pid);
  }

  async #delay(): Promise<number> {
    const answer = await this.#serve({ do: 'delay' });
    return answer.is === 'delay' ? answer.ms : 0;
  }

  /** `frameChars`: of the frames of servers that send what they are given; 0: not known yet. */
  async run(kind: Kind, ready: Ready, frameChars: number): Promise<[Measured, number]> {
    const { urls, pushUrl } = ready;
    const before = await this.#collected();
    const seed = Number(values.seed);
    const opening = { kind, urls, pushUrl, inFlight: STORM, frameChars, seed };
    await this.#fly({ do: 'open', ...opening });
    const idle = await this.#idle(before);
    const pushing = { batch: BATCH, inFlight: PUSHES };
    await this.#fly({ do: 'unicast', frames: FRAMES * WARM_UP, ...pushing });
    const cpu = cpuSeconds([this.#pid]);
    const unicast = await this.#fly({ do: 'unicast', frames: FRAMES, ...pushing });
    const unicastCpu = ((cpuSeconds([this.#pid]) - cpu) * 100_000) / FRAMES;
    const { latencies = [] } = await this.#fly({ do: 'rate', perSecond: RATE, seconds: RATE_S });
    await this.#delay();
    const { ms: burst } = await this.#fly({ do: 'burst', ...pushing });
    const burstDelay = await this.#delay();
    const storm = await this.#fly({ do: 'again', inFlight: STORM });
    await this.#fly({ do: 'close' });
    const measured = {
      ...idle,
      unicast: (FRAMES * 1_000) / unicast.ms,
      unicastCpu,
      p50: quantile(latencies, 0.5),
      p99: quantile(latencies, 0.99),
      burst,
      burstDelay,
      storm: storm.ms / 1_000,
      stormFailed: storm.failed,
    };
    return [measured, unicast.frameChars];
  }

  async #idle(before: number): Promise<Pick<Measured, 'rssKb' | 'collectedKb' | 'idleMicros'>> {
    const cpu = cpuSeconds([this.#pid]);
    await pause(IDLE_S);
    const used = cpuSeconds([this.#pid]) - cpu;
    const kb = (bytes: number) => (bytes - before) / CONNECTIONS / 1_024;
    const rssKb = kb(residentBytes(this.#pid));
    const collectedKb = kb(await this.#collected());
    return { rssKb, collectedKb, idleMicros: (used * 1e6) / CONNECTIONS / IDLE_S };
  }
}

const FILES: { readonly [kind in Kind]: string } = {
  gateway: './devices/gateway-server.ts',
  ws: './devices/ws-server.ts',
  zuul: './devices/zuul-server.ts',
};

async function measure(kind: Kind, frameChars: number): Promise<[Measured, number]> {
  const server = started(FILES[kind], [String(CONNECTIONS)]);
  const fleet = started('./devices/fleet.ts');
  try {
    const ready = await new Promise<Ready>((resolve, reject) => {
      server.once('message', resolve);
      server.once('exit', () => reject(new Error(`${kind} did not start`)));
    });
    const pid = ready.pid ?? server.pid!;
    pin(pid, 0);
    pin(fleet.pid!, 1);
    return await new Round(server, fleet, pid).run(kind, ready, frameChars);
  } finally {
    server.kill();
    fleet.kill();
  }
}

/** Said, if it is not by wish. */
function withoutZuul(): boolean {
  if (values['without-zuul']) return true;
  const missing = ['java', 'mvn', 'jcmd'].find(
    (name) => spawnSync(name, ['-h']).error !== undefined,
  );
  if (missing !== undefined)
    process.stderr.write(`Zuul Push is left out: ${missing} is not here.\n`);
  return missing !== undefined;
}

async function main(): Promise<void> {
  const kinds: Kind[] = ['gateway', 'ws', ...(withoutZuul() ? [] : ['zuul' as const])];
  const rounds = new Map<Kind, Measured[]>(kinds.map((kind) => [kind, []]));
  let frameChars = 0;
  for (let round = 0; round < Number(values.rounds); round++) {
    // The gateway first: the others send frames of its size.
    for (const kind of kinds) {
      process.stderr.write(`${kind} …\n`);
      const [measured, chars] = await measure(kind, frameChars);
      rounds.get(kind)!.push(measured);
      frameChars ||= chars;
    }
  }
  const middle = (kind: Kind, line: Line) => median(rounds.get(kind)!.map((one) => one[line]));
  const head = ['', ...kinds, 'aim'];
  const rows = Object.entries(LINES).map(([line, [what, digits, aim]]) => [
    what,
    ...kinds.map((kind) => middle(kind, line as Line).toFixed(digits)),
    aim,
  ]);
  const rest = `${FRAMES} frames of ${frameChars} characters, ${RATE} a second, seed ${values.seed}`;
  process.stdout.write(`${CONNECTIONS} connections, ${rest}, Node ${process.version}\n\n`);
  process.stdout.write(table([head, ...rows]));
  const ratio = middle('gateway', 'unicast') / middle('ws', 'unicast');
  process.stdout.write(`\nunicast of the gateway beside ws: ${ratio.toFixed(2)}\n`);
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, n) => Math.max(...rows.map((row) => row[n]!.length)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, n) => (n === 0 ? cell.padEnd(widths[n]!) : cell.padStart(widths[n]!)))
      .join('  ');
  return `${rows.map(line).join('\n')}\n`;
}

await main();
