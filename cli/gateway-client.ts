/** What commands and sample devices ask of a gateway over HTTP; its answers as errors of ours. */

import { CarillonError } from '../core/error.ts';
import { ERROR_TABLE, type ErrorCode } from '../core/error-table.ts';
import { stringifyExact } from '../core/exact-json.ts';
import { shownUrl } from '../core/shown-url.ts';
import type { PullPage } from '../schemas/frames.ts';

/** Longer than the gateway waits for the log. */
const REQUEST_MS_MAX = 35_000;

/** The gateway's own sentence names `?partial=true`, which a command line does not have. */
const RESEND =
  'Mend what is named, and send on from there: what was written before is in the log, and comes ' +
  'twice if it is sent again, unless the use case has a dedup of its ids.';

/** In an address it would be `?key=`, as the gateway's own sentence has it. */
const KEY_BESIDE =
  'A line of a type without a key of its own is {"type": …, "key": "…", "value": {…}}; of others it ' +
  'has no "key".';

interface Problem {
  readonly code?: string;
  readonly what?: string;
  readonly mend?: string;
  readonly problems?: readonly { readonly path: string; readonly what: string }[];
}

export interface Accepted {
  readonly accepted: number;
}

/** Throws CAR907 when nothing answers, the gateway's own code when it refuses, else CAR908. */
export class GatewayClient {
  readonly url: string;
  readonly #token: () => Promise<string>;

  /** `token`: asked before each request, so that it may be minted anew. */
  constructor(url: string, token: () => Promise<string>) {
    this.url = url;
    this.#token = token;
  }

  /**
   * All of them are in the log, or none. `key`: of events that have none of their own. `placeOf`:
   * what the caller calls the nth event, so that it is found in a file.
   */
  async postEvents(
    type: string,
    events: readonly unknown[],
    placeOf?: (n: number) => string | undefined,
    key?: string,
  ): Promise<void> {
    const query = key === undefined ? '' : `?key=${encodeURIComponent(key)}`;
    try {
      const path = `/v1/events/${encodeURIComponent(type)}${query}`;
      await this.#request('POST', path, { records: events });
    } catch (error) {
      if (!(error instanceof CarillonError)) throw error;
      if (error.code !== 'CAR710') throw placed(error, placeOf?.(0));
      const what = error.what.replaceAll(
        /^( {4})\/records\/(\d+)/gm,
        (path, indent: string, n: string) => {
          const place = placeOf?.(Number(n));
          return place === undefined ? path : `${indent}${place} `;
        },
      );
      throw new CarillonError('CAR710', what, { where: error.where, mend: RESEND });
    }
  }

  async register(deviceId: string, registration: object): Promise<void> {
    await this.#request('PUT', `/v1/devices/${encodeURIComponent(deviceId)}`, registration);
  }

  async pull(deviceId: string, after: string | undefined, limit: number): Promise<PullPage> {
    const query = new URLSearchParams({ limit: String(limit) });
    if (after !== undefined) query.set('after', after);
    const path = `/v1/devices/${encodeURIComponent(deviceId)}/notifications?${query}`;
    return (await this.#request('GET', path)) as PullPage;
  }

  async acknowledge(deviceId: string, cursor: string): Promise<void> {
    const path = `/v1/devices/${encodeURIComponent(deviceId)}/acknowledgements`;
    await this.#request('POST', path, { cursor });
  }

  async #request(method: string, path: string, body?: object): Promise<unknown> {
    let response: Response;
    let text: string;
    try {
      response = await fetch(`${this.url}${path}`, {
        method,
        signal: AbortSignal.timeout(REQUEST_MS_MAX),
        headers: {
          authorization: `Bearer ${await this.#token()}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: stringifyExact(body) }),
      });
      text = await response.text();
    } catch (cause) {
      throw gatewayAway(this.url, cause);
    }
    const json = jsonOf(text);
    if (response.ok) return json;
    throw problemError(`${method} ${path.split('?')[0]}`, response.status, json as Problem);
  }
}

/** What is refused whatever the events hold is said where the first of them stands. */
function placed(error: CarillonError, place: string | undefined): CarillonError {
  if (place === undefined || error.retryable) return error;
  return new CarillonError(error.code, error.what, {
    where: { ...error.where, at: `${place}: ${error.where.at}` },
    mend: error.code === 'CAR721' ? KEY_BESIDE : error.mend,
    cause: error,
  });
}

export function gatewayAway(url: string, cause: unknown): CarillonError {
  return new CarillonError('CAR907', `no gateway answers at ${shownUrl(url)}.`, {
    where: { at: shownUrl(url) },
    retryable: true,
    cause,
  });
}

function jsonOf(text: string): unknown {
  try {
    return text === '' ? {} : JSON.parse(text);
  } catch {
    return {};
  }
}

function problemError(at: string, status: number, problem: Problem | null): CarillonError {
  const known = problem?.code !== undefined && Object.hasOwn(ERROR_TABLE, problem.code);
  const code = known ? (problem!.code as ErrorCode) : 'CAR908';
  const fields = (problem?.problems ?? []).map(({ path, what }) => `\n    ${path}: ${what}`);
  const what = `${problem?.what ?? `it answered ${status}.`}${fields.join('')}`;
  return new CarillonError(code, what, {
    where: { at },
    retryable: status === 503 || status === 429,
    ...(problem?.mend === undefined ? {} : { mend: problem.mend }),
  });
}
