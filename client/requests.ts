/** What a client asks by HTTP, and what the answers mean as close codes. */
import type { PullPage } from '../schemas/frames.ts';

/** How a connection ended. */
export interface Ended {
  readonly code: number;
  readonly reason: string;
  /** The gateway itself has answered: the transport gets through. */
  readonly answered?: boolean;
  /** What `Retry-After` asked for. */
  readonly retryAfterMs?: number;
}

export const BYE = 1000;
export const LOST = 1006;
export const TRY_AGAIN_LATER = 1013;
export const GOING_AWAY = 3001;
export const TOKEN_EXPIRED = 3006;
export const TOKEN_NOT_YET_VALID = 3008;
const BAD_FRAME = 3503;
export const BAD_CURSOR = 3507;
const CODE_OF: { readonly [problem: string]: number } = {
  CAR701: 3504,
  CAR702: 3505,
  CAR703: TOKEN_EXPIRED,
  CAR704: 3506,
  CAR705: 3508,
  CAR713: 3007,
  CAR714: BAD_CURSOR,
  CAR725: TOKEN_NOT_YET_VALID,
  CAR726: 3009,
  CAR727: 3509,
  CAR729: 3506,
  CAR776: 3506,
  CAR740: 3501,
};
/** Nobody means to keep a device away for longer. */
const RETRY_AFTER_MS_MAX = 3_600_000;

/** True: come back with backoff (docs/close-codes.md). */
export function mayReconnect(code: number): boolean {
  if (code < 3000) return code !== 1000 && code !== 1008 && code !== 1009;
  return code % 1000 < 500;
}

export class Requests {
  readonly #url: string;
  readonly #path: string;
  readonly #timeoutMs: number;
  token = '';

  constructor(url: string, deviceId: string, timeoutMs: number) {
    this.#url = url;
    this.#path = `/v1/devices/${encodeURIComponent(deviceId)}`;
    this.#timeoutMs = timeoutMs;
  }

  ask(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = { ...init.headers, authorization: `Bearer ${this.token}` };
    const signal = init.signal ?? AbortSignal.timeout(this.#timeoutMs);
    return fetch(new URL(path, this.#url), { ...init, headers, signal });
  }

  /** Without `after` it begins at what was acknowledged. */
  async pull(
    query: { readonly after?: string | undefined; readonly waitMs?: number },
    signal?: AbortSignal,
  ): Promise<PullPage | Ended> {
    const words = new URLSearchParams();
    if (query.after !== undefined) words.set('after', query.after);
    if (query.waitMs !== undefined) words.set('wait', String(Math.floor(query.waitMs / 1_000)));
    const path = `${this.#path}/notifications?${words}`;
    const answer = await this.ask(path, signal === undefined ? {} : { signal });
    return answer.ok ? ((await answer.json()) as PullPage) : await refusalOf(answer);
  }

  /** Rejects with how it ended when it was not taken: it may be sent again later. */
  async post(path: 'acknowledgements' | 'reports', body: object): Promise<void> {
    const answer = await this.ask(`${this.#path}/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw await refusalOf(answer);
    await answer.arrayBuffer();
  }
}

/** What a refused request would have been closed with on a socket. */
export async function refusalOf(answer: Response): Promise<Ended> {
  const json: unknown = await answer.json().catch(() => null);
  const problem = json as { readonly code?: unknown; readonly what?: unknown } | null;
  const isLater = answer.status >= 500 || answer.status === 408 || answer.status === 429;
  const retryAfterMs = retryAfterOf(answer.headers.get('retry-after'));
  const wait = retryAfterMs === undefined ? {} : { retryAfterMs };
  // Who answers without a code is a proxy on the way, or a portal that wants to be paid.
  if (typeof problem?.code !== 'string') {
    return { code: isLater ? TRY_AGAIN_LATER : LOST, reason: `status ${answer.status}`, ...wait };
  }
  const code = CODE_OF[problem.code] ?? (isLater ? TRY_AGAIN_LATER : BAD_FRAME);
  return { code, reason: `${problem.code} ${problem.what}`, answered: true, ...wait };
}

/** Seconds, or a date (RFC 9110, 10.2.3). */
function retryAfterOf(text: string | null): number | undefined {
  if (text === null) return undefined;
  const ms = /^\s*\d+\s*$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), RETRY_AFTER_MS_MAX);
}
