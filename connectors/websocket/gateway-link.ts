/** The sink's side of one gateway: a pool of kept connections, and what each answer means. */
import { Agent, request } from 'node:http';
import { request as requestSecurely, Agent as SecureAgent } from 'node:https';
import {
  DELIVER_PATH,
  DELIVERIES_TYPE,
  type DeliverOutcome,
  type DeliveryItem,
  decodeOutcomes,
  encodeDeliveries,
} from '../../schemas/deliveries.ts';
import { retryAfterOf } from '../backoff.ts';

/** An answer has one byte per record. */
const ANSWER_BYTES_MAX = 64 * 1024;
/** Below the gateway's own 75 s, so that it is never the gateway that hangs up. */
const IDLE_MS_MAX = 60_000;

export type LinkAnswer =
  | { readonly kind: 'outcomes'; readonly outcomes: readonly DeliverOutcome[] }
  /** The gateway does not trust us. */
  | { readonly kind: 'refused' }
  | {
      readonly kind: 'away';
      readonly why: string;
      /** True: it may have been delivered. */
      readonly ambiguous: boolean;
      readonly afterMs?: number;
    };

export interface LinkSettings {
  readonly internalToken: string;
  readonly timeoutMs: number;
  readonly connectionsMax: number;
  /** Certificates (PEM) that gateways are trusted by; undefined: the machine's. */
  readonly ca?: string | undefined;
}

export class GatewayLink {
  readonly url: string;
  readonly #settings: LinkSettings;
  readonly #secure: boolean;
  readonly #agent: Agent;
  /** The last request found it away. */
  down = false;

  constructor(url: string, settings: LinkSettings) {
    this.url = url;
    this.#settings = settings;
    this.#secure = new URL(url).protocol === 'https:';
    const { ca } = settings;
    const options = {
      keepAlive: true,
      maxSockets: settings.connectionsMax,
      maxFreeSockets: settings.connectionsMax,
      timeout: IDLE_MS_MAX,
    };
    this.#agent = this.#secure
      ? new SecureAgent(ca === undefined ? options : { ...options, ca })
      : new Agent(options);
  }

  async deliver(items: readonly DeliveryItem[], nowMs: number): Promise<LinkAnswer> {
    const answer = await this.#post(encodeDeliveries(items), items.length, nowMs);
    this.down = answer.kind === 'away';
    return answer;
  }

  close(): void {
    this.#agent.destroy();
  }

  #post(body: Buffer, count: number, nowMs: number): Promise<LinkAnswer> {
    const { promise, resolve } = Promise.withResolvers<LinkAnswer>();
    let connected = false;
    const lost = (why: string) => resolve({ kind: 'away', why, ambiguous: connected });
    const sent = (this.#secure ? requestSecurely : request)(
      new URL(DELIVER_PATH, this.url),
      {
        method: 'POST',
        agent: this.#agent,
        signal: AbortSignal.timeout(this.#settings.timeoutMs),
        headers: {
          authorization: `Bearer ${this.#settings.internalToken}`,
          'content-type': DELIVERIES_TYPE,
          'content-length': body.length,
        },
      },
      (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size <= ANSWER_BYTES_MAX) chunks.push(chunk);
          else response.destroy();
        });
        response.on('error', () => lost('the answer broke off'));
        response.on('close', () => lost('the answer broke off'));
        response.on('end', () => {
          const after = retryAfterOf(response.headers, nowMs);
          resolve(answerOf(response.statusCode ?? 0, Buffer.concat(chunks), count, after));
        });
      },
    );
    sent.on('socket', (socket) => {
      if (socket.connecting) {
        socket.once(this.#secure ? 'secureConnect' : 'connect', () => {
          connected = true;
        });
      } else connected = true;
    });
    sent.on('error', (error: NodeJS.ErrnoException) => {
      lost(
        error.name === 'TimeoutError' || error.name === 'AbortError'
          ? 'no answer in time'
          : (error.code ?? 'lost'),
      );
    });
    sent.end(body);
    return promise;
  }
}

function answerOf(
  status: number,
  body: Buffer,
  count: number,
  afterMs: number | undefined,
): LinkAnswer {
  if (status === 401 || status === 403) return { kind: 'refused' };
  const after = afterMs === undefined ? {} : { afterMs };
  if (status === 503) return { kind: 'away', why: 'HTTP 503', ambiguous: false, ...after };
  if (status !== 200) return { kind: 'away', why: `HTTP ${status}`, ambiguous: true, ...after };
  const outcomes = decodeOutcomes(body, count);
  if (outcomes !== undefined) return { kind: 'outcomes', outcomes };
  return { kind: 'away', why: 'an answer that is none', ambiguous: true };
}
