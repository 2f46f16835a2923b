/**
 * The connections of one client: one to each broker and purpose, as a broker answers the requests
 * of a connection one after the other, and a fetch or a join may wait for long.
 */
import type { Api } from './api.ts';
import { KnownFeatures } from './api-versions.ts';
import { type Address, BrokerConnection, type ConnectionSettings } from './connection.ts';
import { ConnectionLost } from './errors.ts';

/**
 * For small questions: a broker that takes longer is taken for gone, and another one is asked. One
 * that is stopped in its tracks still accepts connections, so only silence tells.
 */
export const ASK_TIMEOUT_MS = 3_000;

/** What several groups fetch, write and join does not wait for each other. */
export type Purpose =
  | 'ask'
  | 'transaction'
  | 'group'
  | 'fetch'
  | 'produce'
  | `${'fetch' | 'produce' | 'join'} ${string}`;

export interface PoolOptions extends Partial<ConnectionSettings> {
  /** `host:port` of some of the brokers; the others are told by them. */
  readonly brokers: readonly string[];
  readonly clientId: string;
  /** How long a request waits for its answer when its caller says nothing else. Default 15 s. */
  readonly requestTimeoutMs?: number;
}

/** Who can be asked: the pool, and stand-ins in tests. */
export interface Requester {
  /** @param node a broker's id, or null for any broker that answers */
  request<Args, Answer>(
    node: number | null,
    purpose: Purpose,
    api: Api<Args, Answer>,
    args: Args,
    timeoutMs?: number,
  ): Promise<Answer>;
  /** Gives up all that is under way to a broker for this purpose: it is rejected. */
  drop(node: number, purpose: Purpose): void;
  /** The level of one of the cluster's features (KIP-584); 0 when no broker has told of it. */
  feature(name: string): number;
  /** Where the brokers are, as metadata tells it. */
  setBrokers(brokers: ReadonlyMap<number, Address>): void;
}

const CONNECT_TIMEOUT_MS = 3_000;
const REQUEST_TIMEOUT_MS = 15_000;

export class ConnectionPool implements Requester {
  readonly #settings: ConnectionSettings;
  readonly #requestTimeoutMs: number;
  readonly #bootstrap: readonly Address[];
  readonly #connections = new Map<string, BrokerConnection>();
  readonly #features = new KnownFeatures();
  #brokers: ReadonlyMap<number, Address> = new Map();
  #turn = 0;
  #closed = false;

  constructor(options: PoolOptions) {
    const { clientId, tls, sasl, dialer } = options;
    this.#settings = {
      clientId,
      ...(tls === undefined ? {} : { tls }),
      ...(sasl === undefined ? {} : { sasl }),
      ...(dialer === undefined ? {} : { dialer }),
      connectTimeoutMs: options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
      onFeatures: (features) => this.#features.told(features),
    };
    this.#requestTimeoutMs = options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS;
    this.#bootstrap = options.brokers.map(addressOf);
  }

  async request<Args, Answer>(
    node: number | null,
    purpose: Purpose,
    api: Api<Args, Answer>,
    args: Args,
    timeoutMs: number = this.#requestTimeoutMs,
  ): Promise<Answer> {
    if (node !== null) {
      const address = this.#brokers.get(node);
      if (address === undefined) throw new ConnectionLost(`broker ${node} is not known`);
      return this.#connection(address, purpose).request(api, args, timeoutMs);
    }
    const all = this.#everywhere();
    for (let tries = 1; ; tries++) {
      try {
        const address = all[this.#turn % all.length]!;
        return await this.#connection(address, purpose).request(api, args, timeoutMs);
      } catch (error) {
        // The next call begins with the next broker too: this one may hang for long.
        this.#turn++;
        if (!(error instanceof ConnectionLost) || !error.retriable) throw error;
        if (tries >= all.length || this.#closed) throw error;
      }
    }
  }

  drop(node: number, purpose: Purpose): void {
    const address = this.#brokers.get(node);
    if (address !== undefined) this.#close(keyOf(address, purpose));
  }

  feature(name: string): number {
    return this.#features.level(name);
  }

  /**
   * A broker that is not told of any more is gone, or stopped so long that the others have given it
   * up: what waits for it waits in vain. Addresses that never were a broker's own stay.
   */
  setBrokers(brokers: ReadonlyMap<number, Address>): void {
    const present = new Set([...brokers.values()].map(hostOf));
    const gone = new Set(
      [...this.#brokers.values()].map(hostOf).filter((one) => !present.has(one)),
    );
    this.#brokers = brokers;
    if (gone.size === 0) return;
    for (const [key, { address }] of this.#connections) {
      if (gone.has(hostOf(address))) this.#close(key);
    }
  }

  /** What is under way is rejected; no socket and no timer stays behind. */
  close(): void {
    this.#closed = true;
    for (const connection of this.#connections.values()) connection.close();
    this.#connections.clear();
  }

  #close(key: string): void {
    this.#connections.get(key)?.close();
    this.#connections.delete(key);
  }

  /** The brokers that are told of, then the first ones again: all of them may have moved. */
  #everywhere(): readonly Address[] {
    const all = new Map<string, Address>();
    for (const one of [...this.#brokers.values(), ...this.#bootstrap]) {
      all.set(hostOf(one), one);
    }
    return [...all.values()];
  }

  #connection(address: Address, purpose: Purpose): BrokerConnection {
    if (this.#closed) throw new ConnectionLost('the client is closed', { retriable: false });
    const key = keyOf(address, purpose);
    let connection = this.#connections.get(key);
    if (connection === undefined) {
      connection = new BrokerConnection(address, this.#settings);
      this.#connections.set(key, connection);
    }
    return connection;
  }
}

function addressOf(text: string): Address {
  const at = text.lastIndexOf(':');
  return { host: text.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(text.slice(at + 1)) };
}

const hostOf = ({ host, port }: Address) => `${host}:${port}`;

const keyOf = (address: Address, purpose: Purpose) => `${hostOf(address)} ${purpose}`;
