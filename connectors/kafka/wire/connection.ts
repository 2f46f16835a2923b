/**
 * One connection to a broker, made when it is first needed and made anew after it was lost. TCP,
 * TLS and SASL are the client library's; what is said over it is ours.
 *
 *   idle ──request──▶ opening ──ApiVersions──▶ open ──lost, late answer──▶ idle (with backoff)
 *                                              close() ends it from everywhere
 */

import { isIP, type Socket } from 'node:net';
import type { ConnectionOptions as TlsOptions } from 'node:tls';
import { Connection, type SASLOptions, Writer } from '@platformatic/kafka';
import type { Api } from './api.ts';
import { API_VERSIONS, type ApiVersionsAnswer, type Features } from './api-versions.ts';
import { BrokerError, ConnectionLost } from './errors.ts';
import { pause } from './pause.ts';
import { RequestWriter } from './request-writer.ts';
import { ResponseReader } from './response-reader.ts';

export interface ConnectionSettings {
  readonly clientId: string;
  readonly tls?: TlsOptions;
  /** Mechanism in the protocol's words: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER. */
  readonly sasl?: SASLOptions;
  readonly connectTimeoutMs: number;
  readonly dialer?: Dialer;
  /** What the cluster's features are, as each new connection is told. */
  readonly onFeatures?: (features: Features) => void;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Stands between us and the brokers: for proxies, and for tests that cut the wire. */
export interface Dialer {
  /** Where a broker is reached from here. */
  at(address: Address): Address;
  /** A connection was made. */
  opened(socket: Socket): void;
}

/** Answers come in the order of the requests; the caller bounds how many it has under way. */
const IN_FLIGHT_MAX = 1_000;
const BACKOFF_MS = { first: 50, most: 1_000 } as const;
/** Longer than any time of ours, which ends the request first. */
const NEVER_MS = 24 * 3_600_000;

interface Open {
  readonly connection: Connection;
  readonly versions: ApiVersionsAnswer['versions'];
}

export class BrokerConnection {
  readonly address: Address;
  readonly #settings: ConnectionSettings;
  readonly #closing = new AbortController();
  #opening: Promise<Open> | null = null;
  #socket: Connection | null = null;
  #delayMs = 0;
  #notBeforeMs = 0;
  #throttledUntilMs = 0;

  constructor(address: Address, settings: ConnectionSettings) {
    this.address = address;
    this.#settings = settings;
  }

  /**
   * Rejects with BrokerError for a version that the broker does not speak, else with
   * ConnectionLost. After `timeoutMs` without an answer the connection is given up, and with it all
   * other requests on it.
   */
  async request<Args, Answer>(
    api: Api<Args, Answer>,
    args: Args,
    timeoutMs: number,
  ): Promise<Answer> {
    const wait = this.#throttledUntilMs - performance.now();
    if (wait > 0) await this.#pause(wait);
    this.#opening ??= this.#open();
    const { connection, versions } = await this.#opening;
    const [min, max] = versions.get(api.key) ?? [-1, -1];
    const version = Math.min(api.max, max);
    if (version < api.min || api.max < min) {
      throw new BrokerError('UNSUPPORTED_VERSION', `${api.name} ${min} to ${max}`);
    }
    const answer = await this.#send(connection, api, args, version, timeoutMs);
    const { throttleMs } = answer as { throttleMs?: number };
    if (throttleMs !== undefined && throttleMs > 0) {
      this.#throttledUntilMs = performance.now() + throttleMs;
    }
    return answer;
  }

  /** What is under way is rejected. */
  close(): void {
    this.#closing.abort();
    this.#drop(this.#socket);
  }

  async #open(): Promise<Open> {
    const wait = this.#notBeforeMs - performance.now();
    if (wait > 0) await this.#pause(wait);
    if (this.#closing.signal.aborted) throw new ConnectionLost('the connection is closed');
    const { clientId, tls, sasl, dialer, connectTimeoutMs } = this.#settings;
    const { host, port } = dialer?.at(this.address) ?? this.address;
    const connection = new Connection(clientId, {
      connectTimeout: connectTimeoutMs,
      requestTimeout: NEVER_MS,
      maxInflights: IN_FLIGHT_MAX,
      // A server has no name where it is called by its number.
      ...(tls === undefined ? {} : { tls, tlsServerName: isIP(host) === 0 }),
      ...(sasl === undefined ? {} : { sasl }),
    });
    this.#socket = connection;
    // What happens to it is told by the requests' own callbacks.
    connection.on('error', () => this.#drop(connection));
    connection.on('close', () => this.#drop(connection));
    const deadlineMs = performance.now() + connectTimeoutMs;
    try {
      await within(connection.connect(host, port), connectTimeoutMs, `${host}:${port}`);
      dialer?.opened(connection.socket);
      const leftMs = Math.max(1, deadlineMs - performance.now());
      const told = await this.#send(connection, API_VERSIONS, null, 3, leftMs);
      const { versions, features } = told;
      this.#settings.onFeatures?.(features);
      this.#delayMs = 0;
      return { connection, versions };
    } catch (error) {
      const { first, most } = BACKOFF_MS;
      this.#delayMs = this.#delayMs === 0 ? first : Math.min(this.#delayMs * 2, most);
      this.#notBeforeMs = performance.now() + this.#delayMs;
      this.#drop(connection);
      throw lost(error, `no connection to ${host}:${port}`);
    }
  }

  #send<Args, Answer>(
    connection: Connection,
    api: Api<Args, Answer>,
    args: Args,
    version: number,
    timeoutMs: number,
  ): Promise<Answer> {
    const at = `${api.name} to ${this.address.host}:${this.address.port}`;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new ConnectionLost(`${at}: no answer in ${Math.round(timeoutMs)} ms`));
        this.#drop(connection);
      }, timeoutMs);
      connection.send<Answer>(
        api.key,
        version,
        () => bodyOf(api, args, version),
        (_id, _key, _version, { buffer, position }) => {
          const reader = new ResponseReader(buffer.buffer);
          reader.at = position;
          // ApiVersions alone has a header without tags, so that any client can read it.
          if (api.key !== API_VERSIONS.key) reader.tags();
          return api.read(reader, version, args);
        },
        true,
        false,
        (error, answer) => {
          clearTimeout(timer);
          if (error === null) resolve(answer!);
          else reject(error instanceof BrokerError ? error : lost(error, at));
        },
      );
    });
  }

  #drop(connection: Connection | null): void {
    if (connection === null || this.#socket !== connection) return;
    this.#socket = null;
    this.#opening = null;
    // `close()` waits for what is not written yet, which a stopped broker never takes.
    connection.socket?.destroy();
  }

  #pause(ms: number): Promise<void> {
    return pause(ms, this.#closing.signal);
  }
}

function bodyOf<Args>(api: Api<Args, unknown>, args: Args, version: number): Writer {
  const body = new RequestWriter();
  api.write(body, args, version);
  const writer = Writer.create();
  for (const part of body.done()) writer.append(part);
  return writer;
}

/** Credentials and TLS that do not fit are the deployment's to mend: no retry. */
function lost(error: unknown, at: string): Error {
  if (error instanceof ConnectionLost || error instanceof BrokerError) return error;
  for (let cause = error as { code?: string; cause?: unknown } | undefined, depth = 0; ; depth++) {
    if (cause === undefined || depth > 5) break;
    if (cause.code === 'PLT_KFK_AUTHENTICATION') {
      return new BrokerError('SASL_AUTHENTICATION_FAILED', at);
    }
    if (cause.code === 'PLT_KFK_USER') {
      return new ConnectionLost(`${at}: ${(cause as Error).message}`, {
        cause: error,
        retriable: false,
      });
    }
    cause = cause.cause as typeof cause;
  }
  return new ConnectionLost(`${at}: ${(error as Error).message}`, { cause: error });
}

async function within(promise: void | Promise<void>, ms: number, at: string): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new ConnectionLost(`${at}: not connected in ${ms} ms`)), ms);
  });
  try {
    await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
