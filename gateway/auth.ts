/**
 * Who is asking: a JWT. `sub` is the device; `scope` (words, as in RFC 8693) says what else the
 * token is good for, `member` and `events` bind it further. Which keys sign it is in
 * `auth-keys.ts`; tokens of another form are a module's (`own-auth.ts`), and a browser may bring
 * either as a cookie (`cookie.ts`). Sinks come with the internal token instead.
 */
import { hash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { errors, type JWTPayload, SignJWT } from 'jose';
import type { Clock } from '../core/clock.ts';
import { CarillonError } from '../core/error.ts';
import { type AuthKeys, TrustedKeys } from './auth-keys.ts';
import { type CookieRule, tokenOfCookie } from './cookie.ts';
import type { Origins } from './cors.ts';
import { EVENTS_MAX, type Identity, SCOPES, type Scope, scopesIn } from './identity.ts';
import { type AskModule, OwnAuth } from './own-auth.ts';
import { HttpProblem, type LogLine, noLog } from './problem.ts';

export interface AuthOptions extends AuthKeys {
  readonly internalToken: string;
  /** The claim `iss` that tokens must have; undefined: any. */
  readonly issuer?: string | undefined;
  /** One of the claim `aud`; undefined: any. */
  readonly audience?: string | undefined;
  /** From `iat` (or now) to `exp` at most. Default 90 d. */
  readonly ttlMaxMs?: number | undefined;
  /** The name of the cookie that may bring a token, from pages of the named origins. */
  readonly cookie?: string | undefined;
  /** Asked for each token that is not remembered, before it is looked at as a JWT. */
  readonly module?: AskModule | undefined;
}

/** What a request shows of who it is. */
export interface Credential {
  readonly token: string | undefined;
  /** The browser has sent it by itself: it is good for a device alone. */
  readonly isCookie: boolean;
}

/** RFC 7518, 3.2: a key for HS256 has at least 256 bits. */
const SECRET_CHARS_MIN = 32;
const TOKEN_CHARS_MAX = 4096;
/** Clocks of devices and issuers differ by this much at most. */
const TOLERANCE_SECONDS = 5;
/** Tokens that were good are remembered: a producer sends the same one with each request. */
const REMEMBERED_MAX = 1000;
/** And no longer: a key that was taken back must not go on for as long as its tokens. */
const REMEMBERED_MS = 60_000;
const TTL_MS_MAX = 90 * 86_400_000;

interface Remembered {
  readonly identity: Identity;
  /** Epoch ms. */
  readonly until: number;
}

export class Auth {
  readonly #keys: TrustedKeys;
  readonly #options: AuthOptions;
  readonly #internal: Buffer;
  readonly #clock: Clock;
  readonly #own: OwnAuth | undefined;
  readonly #cookie: CookieRule | undefined;
  readonly #remembered = new Map<string, Remembered>();

  /**
   * `origins`: whose pages may bring a cookie. Throws CAR719 when a secret is too short, or is used
   * for two things, CAR775 when a cookie is named and no origin.
   */
  constructor(
    options: AuthOptions,
    clock: Clock,
    { origins, say = noLog }: { readonly origins?: Origins; readonly say?: LogLine } = {},
  ) {
    checkSecrets(options);
    const { cookie, module } = options;
    this.#cookie = cookie === undefined ? undefined : cookieRule(cookie, origins);
    this.#own = module === undefined ? undefined : new OwnAuth(module, say);
    this.#options = options;
    this.#keys = new TrustedKeys(options);
    this.#internal = digest(options.internalToken);
    this.#clock = clock;
  }

  /**
   * `token`: what the request shows outside of cookies, which goes before them. Throws CAR702,
   * CAR776.
   */
  credentialOf(headers: IncomingHttpHeaders, token: string | undefined): Credential {
    if (token !== undefined || this.#cookie === undefined) return { token, isCookie: false };
    return { token: tokenOfCookie(headers, this.#cookie), isCookie: true };
  }

  /** Throws CAR701, CAR702, CAR703, CAR725, CAR731, or CAR773. */
  async identify(token: string | undefined): Promise<Identity> {
    if (token === undefined) throw new HttpProblem('CAR701', 'no token came with the request.');
    if (token.length > TOKEN_CHARS_MAX) throw new HttpProblem('CAR702', 'the token is too long.');
    const known = this.known(token);
    if (known !== undefined) return known;
    const identity = (await this.#ofModule(token)) ?? (await this.#verify(token));
    if (this.#remembered.size >= REMEMBERED_MAX) {
      this.#remembered.delete(this.#remembered.keys().next().value!);
    }
    const until = Math.min(identity.expiresAt, this.#clock.now() + REMEMBERED_MS);
    this.#remembered.set(token, { identity, until });
    return identity;
  }

  /** Of a token that was good a moment ago, and is still: not looked at again. */
  known(token: string | undefined): Identity | undefined {
    const known = token === undefined ? undefined : this.#remembered.get(token);
    return known !== undefined && known.until > this.#clock.now() ? known.identity : undefined;
  }

  /** Compares in constant time. */
  isInternal(token: string | undefined): boolean {
    return token !== undefined && timingSafeEqual(digest(token), this.#internal);
  }

  async #ofModule(token: string): Promise<Identity | undefined> {
    const now = this.#clock.now();
    const identity = await this.#own?.identify(token, now);
    if (identity !== undefined) checkAge(identity, now, this.#options.ttlMaxMs);
    return identity;
  }

  async #verify(token: string): Promise<Identity> {
    const { issuer, audience, ttlMaxMs } = this.#options;
    const now = this.#clock.now();
    try {
      const payload = await this.#keys.verify(token, {
        requiredClaims: ['sub', 'exp'],
        clockTolerance: TOLERANCE_SECONDS,
        currentDate: new Date(now),
        ...(issuer === undefined ? {} : { issuer }),
        ...(audience === undefined ? {} : { audience }),
      });
      return identityOf(payload, now, ttlMaxMs);
    } catch (error) {
      throw problemOf(error);
    }
  }
}

function identityOf(payload: JWTPayload, nowMs: number, ttlMaxMs: number | undefined): Identity {
  const expiresAt = payload.exp! * 1000;
  const issuedAt = payload.iat === undefined ? 0 : payload.iat * 1000;
  checkAge({ issuedAt, expiresAt }, nowMs, ttlMaxMs);
  return {
    subject: payload.sub!,
    scopes: scopesOf(payload.scope),
    member: typeof payload.member === 'string' ? payload.member : undefined,
    events: eventsOf(payload.events),
    issuedAt,
    expiresAt,
  };
}

/** Throws CAR702 when it is good for longer than any token is trusted. */
function checkAge(
  { issuedAt, expiresAt }: Pick<Identity, 'issuedAt' | 'expiresAt'>,
  nowMs: number,
  ttlMaxMs = TTL_MS_MAX,
): void {
  if (expiresAt - Math.min(issuedAt || nowMs, nowMs) <= ttlMaxMs + TOLERANCE_SECONDS * 1000) return;
  const days = Math.floor(ttlMaxMs / 86_400_000);
  throw new HttpProblem('CAR702', `the token lives longer than is trusted (${days} d).`);
}

/** Throws CAR775. */
function cookieRule(name: string, origins: Origins): CookieRule {
  if (origins !== undefined && origins.size > 0) return { name, origins };
  throw new CarillonError('CAR775', 'auth.cookie is set, and http.origins names no page.', {
    where: { at: 'auth.cookie' },
  });
}

/** jose's message can quote the token: it stays here. The name of a claim is none of its values. */
function problemOf(error: unknown): CarillonError {
  if (error instanceof CarillonError) return error;
  if (error instanceof errors.JWTExpired) {
    return new HttpProblem('CAR703', 'the token has expired.');
  }
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === 'nbf' && error.reason === 'check_failed') {
      return new HttpProblem('CAR725', 'the token is not valid yet: its `nbf` lies ahead.');
    }
    const claim = /^\w{1,16}$/.test(error.claim) ? error.claim : 'unknown';
    const how = error.reason === 'missing' ? 'is missing' : 'is not what it must be';
    return new HttpProblem('CAR702', `the token's claim \`${claim}\` ${how}.`);
  }
  return new HttpProblem('CAR702', 'the token is not one that this gateway trusts.');
}

function eventsOf(claim: unknown): readonly string[] | undefined {
  if (claim === undefined) return undefined;
  const list = Array.isArray(claim) && claim.length <= EVENTS_MAX ? claim : undefined;
  if (list?.every((one) => typeof one === 'string')) return list;
  throw new HttpProblem('CAR702', "the token's claim `events` is no list of event types.");
}

function scopesOf(claim: unknown): readonly Scope[] {
  if (claim === undefined) return ['device'];
  const scopes = scopesIn(claim);
  if (scopes.length > 0) return scopes;
  throw new HttpProblem('CAR702', `the token's scope is none of ${SCOPES.join(', ')}.`);
}

/** Throws CAR719. Never tells what a secret is. */
export function checkSecrets(options: Omit<AuthOptions, 'jwks'>): void {
  const { secret, internalToken, formerSecrets = [] } = options;
  const bad = (at: string, what: string, mend?: string) => {
    return new CarillonError('CAR719', `${at} ${what}`, {
      where: { at },
      ...(mend === undefined ? {} : { mend }),
    });
  };
  const all: [string, string][] = [
    ['auth.secret', secret],
    ['auth.internalToken', internalToken],
    ...formerSecrets.map((one, i): [string, string] => [`auth.formerSecrets[${i}]`, one]),
  ];
  for (const [at, text] of all) {
    if (text.length < SECRET_CHARS_MIN) {
      throw bad(at, `has fewer than ${SECRET_CHARS_MIN} characters.`);
    }
  }
  if (!/^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(internalToken)) {
    const mend = 'It goes in an HTTP header: take 32 or more letters and digits.';
    throw bad('auth.internalToken', 'has more than printable ASCII.', mend);
  }
  if ([secret, ...formerSecrets].includes(internalToken)) {
    const mend = 'Who may sign tokens must not be taken for a sink: set two different ones.';
    throw bad('auth.internalToken', 'is the same as the secret of tokens.', mend);
  }
}

/** Both sides of a comparison have one length this way. */
function digest(token: string): Buffer {
  return hash('sha256', token, 'buffer');
}

/** The token of an `Authorization: Bearer` header. */
export function bearerOf(header: string | undefined): string | undefined {
  return /^Bearer +(\S.*)$/i.exec(header ?? '')?.[1];
}

/** Signs a token as the gateway trusts it; for samples, tests and `carillon` commands. */
export async function mintToken(options: {
  readonly secret: string;
  readonly subject: string;
  readonly scope?: Scope;
  readonly member?: string;
  readonly events?: readonly string[];
  readonly clock: Clock;
  readonly ttlMs: number;
  /** From now on until it is valid; undefined: at once. */
  readonly notBeforeMs?: number;
}): Promise<string> {
  const issuedAt = options.clock.now() / 1000;
  const now = Math.floor(issuedAt);
  const { scope, member, events } = options;
  const claims = { ...(scope && { scope }), ...(member && { member }), ...(events && { events }) };
  const token = new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(options.subject)
    // With milliseconds, as RFC 7519 allows: a deletion revokes what was given before it.
    .setIssuedAt(issuedAt)
    .setExpirationTime(now + Math.ceil(options.ttlMs / 1000));
  if (options.notBeforeMs !== undefined) token.setNotBefore(now + options.notBeforeMs / 1000);
  return await token.sign(Buffer.from(options.secret, 'utf8'));
}
