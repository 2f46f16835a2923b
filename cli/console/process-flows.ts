/**
 * What flows through all processes of a pipeline: each that the deployment names is asked for its
 * own counts, and they are added up. One that does not answer is named among the troubles.
 */
import { lookup } from 'node:dns/promises';
import { get as getHttp } from 'node:http';
import { get as getHttps } from 'node:https';
import { type FlowSnapshot, mergeFlows } from '../../runtime/flow.ts';

/** The flow of one process, as it says it at `/flow`. */
export interface ProcessFlow extends FlowSnapshot {
  /** New at each start: a process that is reached in two ways is counted once. */
  readonly process: string;
  readonly connections: number;
}

export interface ProcessFlowsOptions {
  /** Base addresses; a name that stands for several hosts is asked at each of them. */
  readonly processes: readonly string[];
  /** What certificates of https are checked against. */
  readonly ca?: string;
  readonly resolve?: (host: string) => Promise<readonly string[]>;
}

const ANSWER_MS_MAX = 2_000;
const ANSWER_BYTES_MAX = 16 * 1024 * 1024;

export class ProcessFlows {
  readonly #options: ProcessFlowsOptions;
  #asked: Promise<(ProcessFlow | string)[]> | null = null;

  constructor(options: ProcessFlowsOptions) {
    this.#options = options;
  }

  /** With this process's own. Several pages that ask at once get one answer. */
  async with(own: ProcessFlow): Promise<{ flow: FlowSnapshot; connections: number }> {
    this.#asked ??= this.#ask().finally(() => {
      this.#asked = null;
    });
    const flows = new Map([[own.process, own]]);
    const away: string[] = [];
    for (const answer of await this.#asked) {
      if (typeof answer === 'string') away.push(answer);
      else if (answer.process !== own.process) flows.set(answer.process, answer);
    }
    const all = [...flows.values()];
    const flow = mergeFlows(all);
    return {
      flow: { ...flow, troubles: [...flow.troubles, ...away] },
      connections: all.reduce((sum, { connections }) => sum + connections, 0),
    };
  }

  async #ask(): Promise<(ProcessFlow | string)[]> {
    const answers = this.#options.processes.map((process) => this.#askAll(process));
    return (await Promise.all(answers)).flat();
  }

  async #askAll(process: string): Promise<(ProcessFlow | string)[]> {
    const { resolve = addressesOf, ca } = this.#options;
    const url = new URL(`${process}/flow`);
    const away = (why: string) => `${process} does not tell what flows there (${why})`;
    let hosts: readonly string[];
    try {
      hosts = await resolve(url.hostname.replace(/^\[|\]$/g, ''));
    } catch (error) {
      return [away(reasonOf(error))];
    }
    const answers = await Promise.all(
      hosts.map(async (host) => {
        try {
          return { host, answer: flowIn(await textAt(url, host, ca)) };
        } catch (error) {
          return { host, answer: away(reasonOf(error)) };
        }
      }),
    );
    // A host has an address of each family, and often listens on one of them alone.
    const isSix = (host: string) => host.includes(':');
    const told = answers.filter(({ answer }) => typeof answer !== 'string');
    const families = new Set(told.map(({ host }) => isSix(host)));
    return answers
      .filter(({ host }) => families.size === 0 || families.has(isSix(host)))
      .map(({ answer }) => answer);
  }
}

async function addressesOf(host: string): Promise<readonly string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

/** The name stays what it was: certificates and proxies go by it. */
function textAt(url: URL, host: string, ca: string | undefined): Promise<string> {
  const secure = url.protocol === 'https:';
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const options = {
    host,
    port: url.port || (secure ? 443 : 80),
    path: `${url.pathname}${url.search}`,
    headers: { host: url.host, accept: 'application/json' },
    signal: AbortSignal.timeout(ANSWER_MS_MAX),
    ...(secure ? { servername: url.hostname, ...(ca === undefined ? {} : { ca }) } : {}),
  };
  const request = (secure ? getHttps : getHttp)(options, (response) => {
    if (response.statusCode !== 200) {
      response.resume();
      return reject(new Error(`it answers ${response.statusCode}`));
    }
    const parts: Buffer[] = [];
    let bytes = 0;
    response.on('data', (part: Buffer) => {
      bytes += part.length;
      if (bytes > ANSWER_BYTES_MAX) request.destroy(new Error('its answer is too large'));
      else parts.push(part);
    });
    response.once('error', reject);
    response.once('end', () => resolve(Buffer.concat(parts).toString('utf8')));
  });
  request.once('error', reject);
  return promise;
}

/** Throws when it is the answer of something else. */
function flowIn(text: string): ProcessFlow {
  const flow = JSON.parse(text) as Partial<ProcessFlow> | null;
  const isFlow =
    typeof flow?.process === 'string' &&
    typeof flow.connections === 'number' &&
    typeof flow.tasks === 'number' &&
    [flow.steps, flow.lanes, flow.lags, flow.missed, flow.troubles].every(Array.isArray);
  if (!isFlow) throw new Error('its answer is another one');
  return flow as ProcessFlow;
}

function reasonOf(error: unknown): string {
  if (error instanceof SyntaxError) return 'its answer is another one';
  const { code, name, message } = error as NodeJS.ErrnoException;
  if (name === 'AbortError' || name === 'TimeoutError') return `not within ${ANSWER_MS_MAX} ms`;
  return typeof code === 'string' ? code : message;
}
