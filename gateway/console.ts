/**
 * The console: one page for operators on the internal port, and what it asks for. The page itself
 * holds nothing, so anybody who reaches the port gets it; all that it shows takes a token of scope
 * `operator`. Nothing is kept or counted for it: what nobody looks at costs nothing.
 */
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../core/clock.ts';
import { CarillonError } from '../core/error.ts';
import type { Operation } from './api/operation.ts';
import {
  CONSOLE_DEAD_LETTERS,
  CONSOLE_DEVICE,
  CONSOLE_FLOW,
  CONSOLE_LIVE,
  CONSOLE_REDRIVE,
  CONSOLE_STATE,
  CONSOLE_TOPOLOGY,
  PAGE,
  PAGE_FILE,
  PAGE_INDEX,
} from './api/operator-operations.ts';
import { type GuardDeps, guard, identityOf } from './guard.ts';
import { HttpProblem } from './problem.ts';
import { readRedrive } from './redrive-body.ts';

export interface ConsoleFile {
  readonly type: string;
  readonly text: string;
}

/** What is looked for among records that are written while one looks. */
export interface LiveQuestion {
  /** Names of topics; empty: the events that the topology reads. */
  readonly topics: readonly string[];
  /** CEL over value, key and timestamp; undefined: all. */
  readonly where: string | undefined;
}

/** Rows of a step's state that are looked for. */
export interface StateQuestion {
  /** `<stream>/<step>`, `tables/<name>`, `<priority>/numbers`. */
  readonly store: string;
  /** The values of the key, from the first on; empty: all rows. */
  readonly key: readonly string[];
  /** `<from>..<to>` of the first value. */
  readonly range: string | undefined;
}

/** Dead letters that are to be sent back. */
export interface RedriveQuestion {
  /** Letters from that time on, epoch ms. */
  readonly fromMs: number;
  /** Undefined: of any. */
  readonly code: string | undefined;
  /** The topic that they came from; undefined: any. */
  readonly origin: string | undefined;
  /** By partition where a look before has ended; null: this is the look, and nothing is sent. */
  readonly upTo: ReadonlyMap<number, number> | null;
  /** Who asks. */
  readonly by: string;
}

/** Answers are plain data, shown as they are: without secrets, without what could be markup. */
export interface ConsoleSource {
  /** By its name in the page's folder; undefined: there is none. */
  file(name: string): ConsoleFile | undefined;
  topology(): object;
  flow(): Promise<object>;
  /** A device by its id, or a member's devices by the member's. */
  device(id: string, sinceMs: number): Promise<object>;
  deadLetters(sinceMs: number): Promise<object>;
  /** Throws CAR730. */
  redrive(question: RedriveQuestion): Promise<object>;
  /** As it was committed last. Throws CAR925 for an unknown store, CAR900 for a wrong range. */
  state(question: StateQuestion): Promise<object>;
  /**
   * What comes from now on, a line each, until the signal. Throws the compiler's code for a wrong
   * expression, CAR605 for an unknown topic, before the first line.
   */
  live(question: LiveQuestion, signal: AbortSignal): Promise<AsyncIterable<object>>;
}

/** Each reads the log beside the pipeline. */
const LIVE_MAX = 4;
const SINCE_MS_MAX = 31 * 86_400_000;
const SINCE_MS = 86_400_000;
const REDRIVE_BYTES_MAX = 64 * 1024;
const ID_CHARS_MAX = 256;
const WHERE_CHARS_MAX = 2_000;
const TOPICS_MAX = 64;

/**
 * Only files of the page itself run, nothing is loaded from elsewhere, and no other page frames it.
 */
const PAGE_HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
};

export interface ConsoleDeps extends GuardDeps {
  readonly clock: Clock;
  readonly source: ConsoleSource;
}

const bare = (operation: Operation) => ({ config: { operation } });

export function consoleRoutes(app: FastifyInstance, deps: ConsoleDeps): void {
  const { source } = deps;
  const guarded = guard(deps, ['operator']);
  const onRequest = async (request: FastifyRequest, reply: FastifyReply) => {
    reply.headers({ 'cache-control': 'no-store' });
    await guarded(request, reply);
    refuseBound(request);
  };
  const asked = (operation: Operation) => ({ onRequest, config: { operation } });
  app.get(PAGE.path, bare(PAGE), async (_request, reply) => reply.redirect(PAGE_INDEX.path));
  app.get(PAGE_INDEX.path, bare(PAGE_INDEX), async (_request, reply) =>
    sendFile(reply, source.file('index.html')),
  );
  app.get(PAGE_FILE.path, bare(PAGE_FILE), async (request, reply) =>
    sendFile(reply, source.file((request.params as { file: string }).file)),
  );
  app.get(CONSOLE_TOPOLOGY.path, asked(CONSOLE_TOPOLOGY), async () => source.topology());
  app.get(CONSOLE_FLOW.path, asked(CONSOLE_FLOW), () => source.flow());
  app.get(CONSOLE_DEVICE.path, asked(CONSOLE_DEVICE), (request) => {
    const { id } = request.params as { id: string };
    if (id.length > ID_CHARS_MAX) throw new HttpProblem('CAR721', 'the id is too long.');
    return source.device(id, sinceOf(request, deps));
  });
  app.get(CONSOLE_DEAD_LETTERS.path, asked(CONSOLE_DEAD_LETTERS), (request) =>
    source.deadLetters(sinceOf(request, deps)),
  );
  app.get(CONSOLE_STATE.path, asked(CONSOLE_STATE), async (request) => {
    try {
      return await source.state(stateQuestionOf(request));
    } catch (error) {
      throw refusalOf(error);
    }
  });
  redriveRoute(app, onRequest, deps);
  liveRoute(app, onRequest, source);
}

/** One at a time: two of them would not see what the other sends. */
function redriveRoute(
  app: FastifyInstance,
  onRequest: (request: FastifyRequest, reply: FastifyReply) => Promise<void>,
  { source }: ConsoleDeps,
): void {
  const config = { operation: CONSOLE_REDRIVE };
  let isBusy = false;
  const options = { onRequest, config, bodyLimit: REDRIVE_BYTES_MAX };
  app.post(CONSOLE_REDRIVE.path, options, async (request) => {
    const question = readRedrive(request.body, identityOf(request).subject);
    if (isBusy) throw new HttpProblem('CAR734', 'dead letters are being sent back already.');
    isBusy = true;
    try {
      return await source.redrive(question);
    } catch (error) {
      if (!(error instanceof CarillonError) || error.code !== 'CAR730') throw error;
      throw new HttpProblem('CAR730', error.what);
    } finally {
      isBusy = false;
    }
  });
}

function liveRoute(
  app: FastifyInstance,
  onRequest: (request: FastifyRequest, reply: FastifyReply) => Promise<void>,
  source: ConsoleSource,
): void {
  let open = 0;
  const config = { operation: CONSOLE_LIVE };
  app.get(CONSOLE_LIVE.path, { onRequest, config }, async (request, reply) => {
    const question = questionOf(request);
    if (open >= LIVE_MAX) {
      const what = `${LIVE_MAX} live queries are open already.`;
      throw new HttpProblem('CAR726', what, { mend: 'Close one of them, on whose page it is.' });
    }
    open++;
    const stop = new AbortController();
    // Also when it is refused, and when who looks is gone: nothing reads on for nobody.
    reply.raw.once('close', () => {
      open--;
      stop.abort();
    });
    const lines = await source.live(question, stop.signal).catch((error: unknown) => {
      throw refusalOf(error);
    });
    reply.type('application/x-ndjson; charset=utf-8');
    return reply.send(Readable.from(asText(lines)));
  });
}

async function* asText(lines: AsyncIterable<object>): AsyncGenerator<string> {
  for await (const line of lines) yield `${JSON.stringify(line)}\n`;
}

/** What a person wrote is a wrong parameter; the rest is ours. */
function refusalOf(error: unknown): unknown {
  if (!(error instanceof CarillonError) || error.retryable) return error;
  const { code, what, mend } = error;
  return new HttpProblem('CAR721', `${code}: ${what}`, { mend });
}

function sendFile(reply: FastifyReply, file: ConsoleFile | undefined): FastifyReply {
  if (file === undefined) throw new HttpProblem('CAR705', 'the page has no such file.');
  return reply.headers(PAGE_HEADERS).type(file.type).send(file.text);
}

/** A token that is bound to a member or to event types must not see what is of others. */
function refuseBound(request: FastifyRequest): void {
  const { member, events } = identityOf(request);
  if (member === undefined && events === undefined) return;
  throw new HttpProblem('CAR704', 'the token is bound to a member or to types of events.', {
    mend: 'The console shows all of it: take a token without the claims `member` and `events`.',
  });
}

/** How long ago to look back to, in ms, as an epoch time. Throws CAR721. */
function sinceOf(request: FastifyRequest, { clock }: ConsoleDeps): number {
  const { ago = String(SINCE_MS) } = request.query as { ago?: string };
  const agoMs = Number(ago);
  if (Number.isInteger(agoMs) && agoMs > 0 && agoMs <= SINCE_MS_MAX) return clock.now() - agoMs;
  throw new HttpProblem('CAR721', `ago is milliseconds, at most ${SINCE_MS_MAX} (31 d).`);
}

/** Throws CAR721. */
function stateQuestionOf(request: FastifyRequest): StateQuestion {
  const {
    store,
    key = [],
    range,
  } = request.query as {
    store?: unknown;
    key?: string | string[];
    range?: string | string[];
  };
  if (typeof store !== 'string' || store === '') {
    throw new HttpProblem('CAR721', 'store names what is looked into.', {
      mend: 'For example ?store=viewing-activity/dedup; carillon query lists them.',
    });
  }
  if (Array.isArray(range)) throw new HttpProblem('CAR721', 'range is given once.');
  return { store, key: typeof key === 'string' ? [key] : key, range };
}

/** Throws CAR721. */
function questionOf(request: FastifyRequest): LiveQuestion {
  const { topic = [], where } = request.query as { topic?: string | string[]; where?: unknown };
  const topics = typeof topic === 'string' ? [topic] : topic;
  if (topics.length > TOPICS_MAX) throw new HttpProblem('CAR721', 'too many topics.');
  if (where !== undefined && (typeof where !== 'string' || where.length > WHERE_CHARS_MAX)) {
    throw new HttpProblem('CAR721', `where is one expression of ${WHERE_CHARS_MAX} characters.`);
  }
  return { topics, where: where === undefined || where.trim() === '' ? undefined : where };
}
