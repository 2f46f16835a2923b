/**
 * A stand-in for APNs, production and sandbox, on two local ports, over TLS. It refuses what Apple
 * refuses: a provider token of another team or key, too old, or replaced too soon, headers and
 * bodies that break the rules, a device token of the other environment. What a token gets beyond
 * that is scripted.
 */
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { type Clock, systemClock } from '../../core/clock.ts';
import { localCertificate } from '../local-certificate.ts';
import {
  type Act,
  type Answer,
  Received,
  Script,
  type StandInRequest,
  StandInServer,
} from '../stand-in.ts';
import {
  type ApnsEnvironment,
  apnsError,
  bodyFault,
  headersFault,
  ProviderTokenRules,
} from './fake-rules.ts';

export interface ApnsFakeOptions {
  /** Of the production host; 0 or absent: the system chooses. The sandbox's is always chosen so. */
  readonly port?: number;
  readonly bundle?: string;
  readonly team?: string;
  readonly keyId?: string;
  readonly clock?: Clock;
  /** SETTINGS_MAX_CONCURRENT_STREAMS; Apple's is 1,000. */
  readonly streamsMax?: number;
  /** How many of the newest notifications are kept at least. */
  readonly keep?: number;
  /** Called for each notification that was accepted; for sample devices. */
  readonly onNotification?: (notification: ApnsReceived) => void;
}

export interface ApnsReceived {
  readonly token: string;
  readonly environment: ApnsEnvironment;
  /** The `apns-…` headers. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: {
    readonly aps: Readonly<Record<string, unknown>>;
    readonly carillon: Readonly<Record<string, unknown>>;
  };
}

/** Acts for `script`, in the words of providers.md's table. */
export const apnsActs = {
  /** `sinceMs`: Apple's timestamp, since when the token is dead. */
  unregistered: (sinceMs: number): Act => apnsError(410, 'Unregistered', { timestampMs: sinceMs }),
  badDeviceToken: apnsError(400, 'BadDeviceToken'),
  tooManyRequests: apnsError(429, 'TooManyRequests'),
  internal: apnsError(500, 'InternalServerError'),
  unavailable: (retryAfterS?: number): Act =>
    apnsError(503, 'ServiceUnavailable', retryAfterS === undefined ? {} : { retryAfterS }),
  shutdown: apnsError(503, 'Shutdown'),
  reason: (status: number, reason: string): Act => apnsError(status, reason),
} as const;

export async function startApnsFake(options: ApnsFakeOptions = {}): Promise<ApnsFake> {
  const fake = new ApnsFake(options);
  await fake.back();
  return fake;
}

export class ApnsFake {
  readonly bundle: string;
  /** PEM to trust. */
  readonly ca: string;
  readonly #clock: Clock;
  readonly #identity: Readonly<Record<'team' | 'key_id' | 'key', string>>;
  readonly #providerTokens: ProviderTokenRules;
  readonly #servers: Readonly<Record<ApnsEnvironment, StandInServer<ApnsReceived>>>;
  readonly #received: Received<ApnsReceived>;
  readonly #attempts = new Received<string>(10_000);
  readonly #script = new Script();
  readonly #places = new Map<string, ApnsEnvironment>();
  readonly #onNotification: ((notification: ApnsReceived) => void) | undefined;

  constructor(options: ApnsFakeOptions) {
    const { privateKey, publicKey } = generateKeyPairSync('ec', {
      namedCurve: 'P-256',
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    });
    const { team = 'SAMPLETEAM', keyId = 'SAMPLEKEY1' } = options;
    this.bundle = options.bundle ?? 'com.example.carillon';
    this.#clock = options.clock ?? systemClock;
    this.#identity = { team, key_id: keyId, key: privateKey };
    this.#providerTokens = new ProviderTokenRules(publicKey, team, keyId);
    this.#received = new Received(options.keep ?? 1_000);
    this.#onNotification = options.onNotification;
    // The machine's clock, as TLS reads no other.
    const tls = localCertificate(['localhost', '127.0.0.1'], systemClock.now());
    this.ca = tls.cert;
    const serve = (environment: ApnsEnvironment, port: number) =>
      new StandInServer<ApnsReceived>(
        tls,
        {
          check: (request) => this.#check(request, environment),
          script: ({ token, headers }) => {
            if (headers['apns-id'] !== undefined) this.#attempts.add(headers['apns-id']);
            return this.#script.next(token);
          },
          accept: (received) => this.#accept(received),
        },
        port,
        options.streamsMax ?? 1_000,
      );
    this.#servers = {
      production: serve('production', options.port ?? 0),
      sandbox: serve('sandbox', 0),
    };
  }

  get url(): string {
    return this.#servers.production.url;
  }
  get sandboxUrl(): string {
    return this.#servers.sandbox.url;
  }
  /** What `connectors.apns` has to hold for a sink that sends here. */
  get settings(): Readonly<Record<string, unknown>> {
    return {
      ...this.#identity,
      production_endpoint: this.url,
      sandbox_endpoint: this.sandboxUrl,
      ca: this.ca,
    };
  }
  /** The newest accepted notifications, oldest first; `receivedCount` is all of them. */
  get received(): readonly ApnsReceived[] {
    return this.#received.newest;
  }
  get receivedCount(): number {
    return this.#received.count;
  }
  /** The notification ids of all good requests, whatever they got; oldest first. */
  get attempts(): readonly string[] {
    return this.#attempts.newest;
  }
  get connections(): number {
    return this.#servers.production.connections + this.#servers.sandbox.connections;
  }
  /** The most requests that were under way at one time. */
  get openMost(): number {
    return Math.max(this.#servers.production.openMost, this.#servers.sandbox.openMost);
  }
  /** Different provider tokens that were accepted. */
  get providerTokens(): number {
    return this.#providerTokens.seen;
  }

  /** What requests for `token` get: one act for good, or a list that is used up in order. */
  script(token: string, acts: Act | readonly Act[]): void {
    this.#script.set(token, acts);
  }

  /** Where a device token is good; production unless said otherwise. */
  place(token: string, environment: ApnsEnvironment): void {
    this.#places.set(token, environment);
  }

  /** Outage: all connections are cut and new ones refused, until `back`. */
  async away(): Promise<void> {
    await Promise.all([this.#servers.production.close(), this.#servers.sandbox.close()]);
  }

  async back(): Promise<void> {
    await Promise.all([this.#servers.production.listen(), this.#servers.sandbox.listen()]);
  }

  close(): Promise<void> {
    return this.away();
  }

  #check(
    request: StandInRequest,
    environment: ApnsEnvironment,
  ): Answer | { checked: ApnsReceived } {
    const { headers, body, bodyBytes } = request;
    if (request.method !== 'POST') return apnsError(405, 'MethodNotAllowed');
    const token = tokenOf(request);
    if (token === '') return apnsError(404, 'BadPath');
    const fault =
      this.#providerTokens.fault(headers.authorization, this.#clock.now()) ??
      headersFault(headers, this.bundle) ??
      bodyFault(body, bodyBytes, headers['apns-push-type']);
    if (fault !== undefined) return fault;
    const own = apnsHeaders(headers);
    return { checked: { token, environment, headers: own, body: JSON.parse(body) } };
  }

  #accept(received: ApnsReceived): Answer {
    const { token, environment, headers } = received;
    const known = /^[0-9a-f]{64,200}$/i.test(token) && !/^0+$/.test(token);
    const placed = this.#places.get(token) ?? 'production';
    if (!known || placed !== environment) return apnsError(400, 'BadDeviceToken');
    this.#received.add(received);
    this.#onNotification?.(received);
    const unique = environment === 'sandbox' ? { 'apns-unique-id': randomUUID() } : {};
    const id = headers['apns-id'] ?? randomUUID();
    return { act: 'answer', status: 200, headers: { 'apns-id': id, ...unique } };
  }
}

function tokenOf(request: StandInRequest): string {
  return /^\/3\/device\/([^/]+)$/.exec(request.path)?.[1] ?? '';
}

function apnsHeaders(headers: Readonly<Record<string, unknown>>): Record<string, string> {
  const own: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith('apns-')) own[name] = String(value);
  }
  return own;
}
