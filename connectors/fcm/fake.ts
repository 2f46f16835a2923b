/**
 * A stand-in for FCM HTTP v1 and for Google's token server, on two local ports, over TLS. It
 * refuses what Google refuses: an assertion that is not signed with the account's key, a bearer
 * token that it did not give, another project, fields and data keys that may not be, what is too
 * large. What a token gets beyond that is scripted.
 */
import { generateKeyPair, randomBytes, verify } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Clock, systemClock } from '../../core/clock.ts';
import { type LocalCertificate, localCertificate } from '../local-certificate.ts';
import {
  type Act,
  type Answer,
  Received,
  Script,
  type StandInRequest,
  StandInServer,
} from '../stand-in.ts';
import {
  type CheckedMessage,
  checkMessage,
  type FcmMessage,
  fcmError,
  violation,
} from './fake-rules.ts';

export interface FcmFakeOptions {
  /** Of the send endpoint; 0 or absent: the system chooses. */
  readonly port?: number;
  readonly project?: string;
  readonly clock?: Clock;
  /** SETTINGS_MAX_CONCURRENT_STREAMS; Google's is 100. */
  readonly streamsMax?: number;
  /** How many of the newest messages are kept at least. */
  readonly keep?: number;
  /** Called for each message that was accepted; for sample devices. */
  readonly onMessage?: (message: FcmMessage) => void;
}

const TOKEN_LIVES_S = 3_599;
const SCOPE = 'https://www.googleapis.com/auth/firebase.messaging';
/** A token request is about 1 KiB. */
const FORM_BYTES_MAX = 64 * 1024;

/** Acts for `script`, in the words of providers.md's table. */
export const fcmActs = {
  unregistered: fcmError(404, 'NOT_FOUND', 'Requested entity was not found.', 'UNREGISTERED'),
  invalidToken: fcmError(
    400,
    'INVALID_ARGUMENT',
    'The registration token is not a valid FCM registration token',
    'INVALID_ARGUMENT',
    { details: [violation('message.token', 'Invalid registration token')] },
  ),
  /** With nothing but FCM's own code: of our request, for all that is known. */
  invalidArgument: fcmError(
    400,
    'INVALID_ARGUMENT',
    'Request contains an invalid argument.',
    'INVALID_ARGUMENT',
  ),
  badField: (...fields: readonly string[]): Act =>
    fcmError(400, 'INVALID_ARGUMENT', 'Invalid value.', 'INVALID_ARGUMENT', {
      details: fields.map((field) => violation(field, 'Invalid value')),
    }),
  error: fcmError,
  senderIdMismatch: fcmError(403, 'PERMISSION_DENIED', 'SenderId mismatch', 'SENDER_ID_MISMATCH'),
  thirdPartyAuth: fcmError(
    401,
    'UNAUTHENTICATED',
    'Auth error from APNS or Web Push Service',
    'THIRD_PARTY_AUTH_ERROR',
  ),
  internal: fcmError(500, 'INTERNAL', 'Internal error encountered.', 'INTERNAL'),
  unavailable: (retryAfterS?: number): Act =>
    fcmError(503, 'UNAVAILABLE', 'The service is currently unavailable.', 'UNAVAILABLE', {
      ...(retryAfterS === undefined ? {} : { retryAfterS }),
    }),
  quota: (of: 'project' | 'device', retryAfterS?: number): Act =>
    fcmError(429, 'RESOURCE_EXHAUSTED', 'Quota exceeded.', 'QUOTA_EXCEEDED', {
      ...(retryAfterS === undefined ? {} : { retryAfterS }),
      details: [
        {
          '@type': 'type.googleapis.com/google.rpc.QuotaFailure',
          violations: [{ subject: `${of}:4711`, description: `The ${of} rate is exceeded.` }],
        },
      ],
    }),
} as const;

export async function startFcmFake(options: FcmFakeOptions = {}): Promise<FcmFake> {
  const clock = options.clock ?? systemClock;
  const { privateKey, publicKey } = await promisify(generateKeyPair)('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  // Names of Google's too: firebase-admin asks for its token server's name wherever it is led. The
  // machine's clock, as TLS reads no other.
  const names = ['localhost', '127.0.0.1', 'oauth2.googleapis.com', 'fcm.googleapis.com'];
  const tls = localCertificate(names, systemClock.now());
  const fake = new FcmFake(options, clock, tls, privateKey, publicKey);
  await fake.back();
  return fake;
}

export class FcmFake {
  readonly project: string;
  /** PEM to trust. */
  readonly ca: string;
  readonly #received: Received<FcmMessage>;
  readonly #clock: Clock;
  readonly #tls: LocalCertificate;
  readonly #publicKey: string;
  readonly #sender: string;
  /** Holds the service account's file; firebase-admin can only be led here when it reads a file. */
  readonly #folder = mkdtempSync(join(tmpdir(), 'carillon-fcm-'));
  readonly #server: StandInServer<CheckedMessage>;
  readonly #attempts = new Received<string>(10_000);
  readonly #script = new Script();
  readonly #bearers = new Map<string, number>();
  readonly #onMessage: ((message: FcmMessage) => void) | undefined;
  #tokenServer: Server | undefined;
  #tokenPort = 0;
  /** Access tokens given since the start. */
  tokensGiven = 0;

  constructor(
    options: FcmFakeOptions,
    clock: Clock,
    tls: LocalCertificate,
    privateKey: string,
    publicKey: string,
  ) {
    this.project = options.project ?? 'carillon-sample';
    this.ca = tls.cert;
    this.#clock = clock;
    this.#tls = tls;
    this.#publicKey = publicKey;
    this.#received = new Received(options.keep ?? 1_000);
    this.#onMessage = options.onMessage;
    this.#sender = `sender@${this.project}.iam.gserviceaccount.com`;
    const account = {
      type: 'service_account',
      project_id: this.project,
      private_key: privateKey,
      client_email: this.#sender,
    };
    writeFileSync(this.#accountFile, JSON.stringify(account), { mode: 0o600 });
    const rules = {
      check: (request: StandInRequest) => this.#check(request),
      script: ({ message }: CheckedMessage) => {
        if (message.data.id !== undefined) this.#attempts.add(message.data.id);
        return this.#script.next(message.token);
      },
      accept: (checked: CheckedMessage) => this.#accept(checked),
    };
    this.#server = new StandInServer(tls, rules, options.port ?? 0, options.streamsMax ?? 100);
  }

  get url(): string {
    return this.#server.url;
  }
  /** What `connectors.fcm` has to hold for a sink that sends here. */
  get settings(): Readonly<Record<string, unknown>> {
    return {
      endpoint: this.url,
      token_endpoint: `https://localhost:${this.#tokenPort}`,
      ca: this.ca,
      credentials: this.#accountFile,
    };
  }
  /** The newest accepted messages, oldest first; `receivedCount` is all of them. */
  get received(): readonly FcmMessage[] {
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
    return this.#server.connections;
  }
  /** The most requests that were under way at one time. */
  get openMost(): number {
    return this.#server.openMost;
  }

  /** What requests for `token` get: one act for good, or a list that is used up in order. */
  script(token: string, acts: Act | readonly Act[]): void {
    this.#script.set(token, acts);
  }

  /** All access tokens given so far are worth nothing from now on. */
  revokeTokens(): void {
    this.#bearers.clear();
  }

  /** Outage: all connections are cut and new ones refused, until `back`. */
  async away(): Promise<void> {
    const tokens = this.#tokenServer;
    this.#tokenServer = undefined;
    tokens?.closeAllConnections();
    await Promise.all([
      this.#server.close(),
      new Promise<void>((resolve) => (tokens ? tokens.close(() => resolve()) : resolve())),
    ]);
  }

  async back(): Promise<void> {
    await this.#server.listen();
    const server = createServer({ key: this.#tls.key, cert: this.#tls.cert }, (request, response) =>
      this.#token(request, response),
    );
    server.on('tlsClientError', () => {});
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#tokenPort, '127.0.0.1', resolve);
    });
    this.#tokenPort = (server.address() as AddressInfo).port;
    this.#tokenServer = server;
  }

  async close(): Promise<void> {
    await this.away();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get #accountFile(): string {
    return join(this.#folder, 'service-account.json');
  }

  #check({ method, path, headers, body }: StandInRequest): Answer | { checked: CheckedMessage } {
    const expires = this.#bearers.get(String(headers.authorization ?? ''));
    if (expires === undefined || expires <= this.#clock.now()) {
      return fcmError(
        401,
        'UNAUTHENTICATED',
        'Request had invalid authentication credentials.',
        '',
      );
    }
    const project = /^\/v1\/projects\/([^/]+)\/messages:send$/.exec(path)?.[1];
    if (method !== 'POST' || project === undefined) {
      return fcmError(404, 'NOT_FOUND', 'Method not found.', '');
    }
    if (decodeURIComponent(project) !== this.project) {
      const what = "Permission 'cloudmessaging.messages.create' denied.";
      return fcmError(403, 'PERMISSION_DENIED', what, '');
    }
    const checked = checkMessage(body);
    return 'act' in checked ? checked : { checked };
  }

  #accept({ message, validateOnly }: CheckedMessage): Answer {
    const name = `projects/${this.project}/messages/0:${this.#received.count + 1}`;
    if (!validateOnly) {
      this.#received.add(message);
      this.#onMessage?.(message);
    }
    return { act: 'answer', status: 200, body: { name } };
  }

  #token(request: IncomingMessage, response: ServerResponse): void {
    let form = '';
    request.setEncoding('utf8');
    request.on('data', (text: string) => {
      form += text;
      if (form.length > FORM_BYTES_MAX) request.destroy();
    });
    request.on('error', () => {});
    request.on('end', () => {
      const assertion = new URLSearchParams(form).get('assertion') ?? '';
      const wrong = this.#assertionFault(assertion);
      response.setHeader('content-type', 'application/json');
      if (wrong !== '') {
        response.statusCode = 400;
        response.end(JSON.stringify({ error: 'invalid_grant', error_description: wrong }));
        return;
      }
      const access = `ya29.${randomBytes(48).toString('base64url')}`;
      this.tokensGiven++;
      this.#bearers.set(`Bearer ${access}`, this.#clock.now() + TOKEN_LIVES_S * 1_000);
      const body = { access_token: access, expires_in: TOKEN_LIVES_S, token_type: 'Bearer' };
      response.end(JSON.stringify(body));
    });
  }

  /** RFC 7523: who signs, for whom, for how long. google-auth-library reads the machine's clock. */
  #assertionFault(assertion: string): string {
    const [header = '', claims = '', signature = ''] = assertion.split('.');
    const signed = Buffer.from(`${header}.${claims}`, 'ascii');
    const bytes = Buffer.from(signature, 'base64url');
    if (!verify('sha256', signed, this.#publicKey, bytes)) return 'Invalid JWT Signature.';
    const said = JSON.parse(Buffer.from(claims, 'base64url').toString('utf8'));
    const nowS = systemClock.now() / 1_000;
    if (said.iss !== this.#sender) return 'Invalid issuer.';
    if (said.aud !== 'https://oauth2.googleapis.com/token') return 'Invalid audience.';
    if (said.iat > nowS + 60 || said.exp < nowS || said.exp - said.iat > 3_600) {
      return 'Token must be a short-lived token (60 minutes).';
    }
    const scopes: string[] = Array.isArray(said.scope) ? said.scope : String(said.scope).split(' ');
    return scopes.includes(SCOPE) ? '' : 'Scope is not allowed.';
  }
}
