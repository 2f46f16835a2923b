/**
 * Who is asking: a JWT signed with the shared secret (HS256). `sub` is the device; `scope` (words,
 * as in RFC 8693) says what else the token is good for. Sinks come with the internal token instead.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { errors, jwtVerify, SignJWT } from 'jose';
import type { Clock } from '../core/clock.ts';
import { CarillonError } from '../core/error.ts';
import { HttpProblem } from './problem.ts';

export const SCOPES = ['device', 'producer', 'registrar', 'admin'] as const;
/**
 * device: its own stream and inbox; producer: ingest; registrar: registers any device; admin: all.
 */
export type Scope = (typeof SCOPES)[number];

export interface Identity {
  /** The device, for scope `device`. */
  readonly subject: string;
  readonly scopes: readonly Scope[];
  /** The claim `member`: whose devices it may register; undefined: for a device none. */
  readonly member: string | undefined;
  /** Epoch ms; Infinity when the token does not expire. */
  readonly expiresAt: number;
}

/** RFC 7518, 3.2: a key for HS256 has at least 256 bits. */
const SECRET_CHARS_MIN = 32;
const TOKEN_CHARS_MAX = 4096;
/** Clocks of devices and issuers differ by this much at most. */
const TOLERANCE_SECONDS = 5;
/** Tokens that were good are remembered: a producer sends the same one with each request. */
const REMEMBERED_MAX = 1000;

export class Auth {
  readonly #key: Uint8Array;
  readonly #internal: Buffer;
  readonly #clock: Clock;
  readonly #remembered = new Map<string, Identity>();

  /** Throws CAR719 when a secret is too short. */
  constructor(options: { secret: string; internalToken: string }, clock: Clock) {
    checkSecret('auth.secret', options.secret);
    checkSecret('auth.internalToken', options.internalToken);
    if (!/^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(options.internalToken)) {
      throw new CarillonError('CAR719', 'auth.internalToken has more than printable ASCII.', {
        where: { at: 'auth.internalToken' },
        mend: 'It goes in an HTTP header: take 32 or more letters and digits.',
      });
    }
    this.#key = Buffer.from(options.secret, 'utf8');
    this.#internal = digest(options.internalToken);
    this.#clock = clock;
  }

  /** Throws CAR701, CAR702 or CAR703. */
  async identify(token: string | undefined): Promise<Identity> {
    if (token === undefined) throw new HttpProblem('CAR701', 'no token came with the request.');
    if (token.length > TOKEN_CHARS_MAX) throw new HttpProblem('CAR702', 'the token is too long.');
    const known = this.#remembered.get(token);
    if (known !== undefined && known.expiresAt > this.#clock.now()) return known;
    const identity = await this.#verify(token);
    if (this.#remembered.size >= REMEMBERED_MAX) {
      this.#remembered.delete(this.#remembered.keys().next().value!);
    }
    this.#remembered.set(token, identity);
    return identity;
  }

  /** Compares in constant time. */
  isInternal(token: string | undefined): boolean {
    return token !== undefined && timingSafeEqual(digest(token), this.#internal);
  }

  async #verify(token: string): Promise<Identity> {
    try {
      const { payload } = await jwtVerify(token, this.#key, {
        algorithms: ['HS256'],
        requiredClaims: ['sub'],
        clockTolerance: TOLERANCE_SECONDS,
        currentDate: new Date(this.#clock.now()),
      });
      return {
        subject: payload.sub!,
        scopes: scopesOf(payload.scope),
        member: typeof payload.member === 'string' ? payload.member : undefined,
        expiresAt: payload.exp === undefined ? Number.POSITIVE_INFINITY : payload.exp * 1000,
      };
    } catch (error) {
      if (error instanceof errors.JWTExpired) {
        throw new HttpProblem('CAR703', 'the token has expired.');
      }
      if (error instanceof HttpProblem) throw error;
      if (error instanceof errors.JWTClaimValidationFailed && error.claim === 'nbf') {
        throw new HttpProblem('CAR725', 'the token is not valid yet: its `nbf` lies ahead.');
      }
      // jose's message names the claim or the algorithm, but can also quote the token: it stays
      // here.
      throw new HttpProblem('CAR702', 'the token is not one that this gateway trusts.');
    }
  }
}

function scopesOf(claim: unknown): readonly Scope[] {
  if (claim === undefined) return ['device'];
  const words = typeof claim === 'string' ? claim.split(' ') : [];
  const scopes = SCOPES.filter((scope) => words.includes(scope));
  if (scopes.length > 0) return scopes;
  throw new HttpProblem('CAR702', `the token's scope is none of ${SCOPES.join(', ')}.`);
}

function checkSecret(at: string, secret: string): void {
  if (secret.length >= SECRET_CHARS_MIN) return;
  throw new CarillonError('CAR719', `${at} has fewer than ${SECRET_CHARS_MIN} characters.`, {
    where: { at },
  });
}

/** Both sides of a comparison have one length this way. */
function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/** The token of an `Authorization: Bearer` header. */
export function bearerOf(header: string | undefined): string | undefined {
  return /^Bearer +(\S.*)$/i.exec(header ?? '')?.[1];
}

/** Throws CAR704 unless the identity has one of the scopes, or is the device itself. */
export function allow(identity: Identity, scopes: readonly Scope[], deviceId?: string): void {
  if (identity.scopes.includes('admin')) return;
  if (scopes.some((scope) => identity.scopes.includes(scope))) return;
  const isDevice = identity.scopes.includes('device') && identity.subject === deviceId;
  if (deviceId !== undefined && isDevice) return;
  const wanted = deviceId === undefined ? scopes : ['device (its own)', ...scopes];
  throw new HttpProblem(
    'CAR704',
    `this takes a token of scope ${[...wanted, 'admin'].join(' or ')}.`,
  );
}

/** Signs a token as the gateway trusts it; for samples, tests and `carillon` commands. */
export async function mintToken(options: {
  readonly secret: string;
  readonly subject: string;
  readonly scope?: Scope;
  readonly member?: string;
  readonly clock: Clock;
  readonly ttlMs: number;
  /** From now on until it is valid; undefined: at once. */
  readonly notBeforeMs?: number;
}): Promise<string> {
  const now = Math.floor(options.clock.now() / 1000);
  const { scope, member } = options;
  const claims = { ...(scope && { scope }), ...(member && { member }) };
  const token = new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(options.subject)
    .setIssuedAt(now)
    .setExpirationTime(now + Math.ceil(options.ttlMs / 1000));
  if (options.notBeforeMs !== undefined) token.setNotBefore(now + options.notBeforeMs / 1000);
  return await token.sign(Buffer.from(options.secret, 'utf8'));
}
