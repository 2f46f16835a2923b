/**
 * Access tokens for FCM, from firebase-admin's own credential code (signed assertion, exchange,
 * cache), fetched once for all sends, and again five minutes before they run out.
 */
import { Agent } from 'node:https';
import { basename, dirname } from 'node:path';
import { connect } from 'node:tls';
import type { Credential, ServiceAccount } from 'firebase-admin/app';
import type { Clock } from '../../core/clock.ts';
import { CarillonError } from '../../core/error.ts';
import type { FcmSettings } from './settings.ts';

/** A token this close to its end is not used for a new send. */
const EARLY_MS = 300_000;
/**
 * A refused token is replaced at most this often, or a wrong project would hammer the token server.
 */
const RENEW_EVERY_MS = 60_000;

/**
 * Carries firebase-admin's HTTPS requests to the stand-in: its token address is a constant, but it
 * takes an agent, and an agent decides where to connect. The TLS name stays Google's, so the
 * stand-in has to have a certificate for it.
 */
class StandInAgent extends Agent {
  readonly #host: string;
  readonly #port: number;
  readonly #ca: string | undefined;

  constructor(endpoint: string, ca: string | undefined) {
    super({ keepAlive: false });
    const url = new URL(endpoint);
    this.#host = url.hostname;
    this.#port = Number(url.port || 443);
    this.#ca = ca;
  }

  override createConnection(): ReturnType<typeof connect> {
    return connect({
      host: this.#host,
      port: this.#port,
      servername: 'oauth2.googleapis.com',
      ...(this.#ca === undefined ? {} : { ca: this.#ca }),
    });
  }
}

export class AccessTokens {
  readonly #settings: FcmSettings;
  readonly #clock: Clock;
  #credential: Credential | undefined;
  #generation = 0;
  #token = '';
  #freshUntilMs = 0;
  #renewedAtMs = Number.NEGATIVE_INFINITY;
  #fetching: Promise<string> | undefined;

  constructor(settings: FcmSettings, clock: Clock) {
    this.#settings = settings;
    this.#clock = clock;
  }

  /** The current token, at once when there is one. Rejects with CAR660, CAR661 or CAR662. */
  token(): string | Promise<string> {
    if (this.#clock.now() < this.#freshUntilMs) return this.#token;
    this.#fetching ??= this.#fetch().finally(() => {
      this.#fetching = undefined;
    });
    return this.#fetching;
  }

  /** FCM refused `token`: true when another is worth a try. */
  renew(token: string): boolean {
    // The others that were under way with it wait for the same new one.
    if (token !== this.#token || this.#fetching !== undefined) return true;
    const now = this.#clock.now();
    if (now - this.#renewedAtMs < RENEW_EVERY_MS) return false;
    this.#renewedAtMs = now;
    this.#freshUntilMs = 0;
    // firebase-admin has no way to drop a cached token, so the next comes from a new credential.
    this.#credential = undefined;
    this.#generation++;
    return true;
  }

  async #fetch(): Promise<string> {
    const credential = await this.#open();
    const { requestTimeoutMs } = this.#settings;
    let late: NodeJS.Timeout | undefined;
    try {
      const fetched = await Promise.race([
        withoutNotice(() => credential.getAccessToken()),
        new Promise<never>((_, reject) => {
          late = setTimeout(() => reject(new Error('timed out')), requestTimeoutMs);
        }),
      ]);
      this.#token = fetched.access_token;
      this.#freshUntilMs = this.#clock.now() + fetched.expires_in * 1_000 - EARLY_MS;
      return this.#token;
    } catch (error) {
      throw tokenError(error);
    } finally {
      clearTimeout(late);
    }
  }

  async #open(): Promise<Credential> {
    if (this.#credential !== undefined) return this.#credential;
    const { tokenEndpoint, ca } = this.#settings;
    // Loaded here and not above: it takes a quarter second, which only FCM's users shall pay.
    const { cert } = await import('firebase-admin/app');
    const agent = tokenEndpoint === undefined ? undefined : new StandInAgent(tokenEndpoint, ca);
    const account = this.#account();
    try {
      this.#credential = cert(account, agent);
    } catch {
      // What it says may quote the key's text, so it is not passed on.
      throw new CarillonError(
        'CAR660',
        'The service account of FCM is not complete, or its key is.',
        {
          where: { at: 'connectors.fcm.credentials' },
          mend: 'Download the service account JSON again; it needs project_id, client_email, private_key.',
        },
      );
    }
    return this.#credential;
  }

  /**
   * `cert` keeps one credential, with its token, for ever per text that it is given. So each
   * generation is spelled in its own way: by a field more, or by `./` in the path.
   */
  #account(): string | ServiceAccount {
    const { credentials } = this.#settings;
    if (typeof credentials !== 'string') {
      return { ...credentials, generation: this.#generation } as ServiceAccount;
    }
    const folder = `${dirname(credentials)}/${'./'.repeat(this.#generation)}`;
    return folder + basename(credentials);
  }
}

/**
 * firebase-admin 14.5 uses parts of google-auth-library that print a notice of deprecation, in the
 * synchronous part of its first call. Nothing that our users could mend, so it is not shown.
 */
function withoutNotice<T>(call: () => Promise<T>): Promise<T> {
  const warn = console.warn;
  console.warn = (...args: unknown[]) => {
    if (!/`key\w+` option is dep|`fromJSON` method is dep/.test(String(args[0]))) warn(...args);
  };
  try {
    return call();
  } finally {
    console.warn = warn;
  }
}

/** Only the OAuth error word and Node's code are told: the error's request holds the assertion. */
function tokenError(error: unknown): CarillonError {
  const { code, response } = error as {
    code?: unknown;
    response?: { status?: number; data?: { error?: unknown } };
  };
  const status = response?.status;
  if (status !== undefined && status >= 400 && status < 500 && status !== 429) {
    const word = typeof response?.data?.error === 'string' ? response.data.error : `HTTP ${status}`;
    return new CarillonError('CAR662', `Google refused the service account (${word}).`, {
      where: { at: 'connectors.fcm.credentials' },
    });
  }
  const why =
    status !== undefined ? `HTTP ${status}` : typeof code === 'string' ? code : 'no answer';
  return new CarillonError('CAR661', `No access token for FCM could be had (${why}).`, {
    where: { at: 'connectors.fcm' },
    retryable: true,
  });
}
