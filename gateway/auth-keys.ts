/**
 * Which keys sign the tokens that are trusted: a shared secret (HS256) with those before it, for as
 * long as their tokens live, and the public keys of an issuer (JWKS, RFC 7517) by `kid`. Which of
 * both a token is for is said by its algorithm, so a public key is never taken for a secret.
 */
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  decodeProtectedHeader,
  errors,
  type JSONWebKeySet,
  type JWTPayload,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
  jwtVerify,
} from 'jose';
import { HttpProblem } from './problem.ts';

export interface AuthKeys {
  readonly secret: string;
  /** Secrets that are no longer used to sign, and still trusted. */
  readonly formerSecrets?: readonly string[];
  /** The public keys themselves, or where the issuer publishes them. */
  readonly jwks?: JSONWebKeySet | URL | undefined;
}

const SHARED = ['HS256'];
const PUBLIC = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'EdDSA'];
/** An issuer that rotates its keys publishes the new one so long before it uses it, at least. */
const FRESH_MS = 10 * 60_000;
/** A `kid` that is unknown asks the issuer again, not more often than this. */
const COOLDOWN_MS = 30_000;
const TIMEOUT_MS = 3_000;

export class TrustedKeys {
  readonly #secrets: readonly Uint8Array[];
  readonly #public: JWTVerifyGetKey | undefined;

  constructor({ secret, formerSecrets = [], jwks }: AuthKeys, cooldownMs = COOLDOWN_MS) {
    this.#secrets = [secret, ...formerSecrets].map((one) => Buffer.from(one, 'utf8'));
    if (jwks instanceof URL) {
      this.#public = createRemoteJWKSet(jwks, {
        cacheMaxAge: FRESH_MS,
        cooldownDuration: cooldownMs,
        timeoutDuration: TIMEOUT_MS,
      });
    } else if (jwks !== undefined) this.#public = createLocalJWKSet(jwks);
  }

  /** Throws jose's errors; CAR731 when the issuer does not give its keys. */
  async verify(token: string, options: JWTVerifyOptions): Promise<JWTPayload> {
    const { alg } = decodeProtectedHeader(token);
    if (SHARED.includes(String(alg))) return await this.#verifyShared(token, options);
    if (this.#public === undefined)
      throw new errors.JOSEAlgNotAllowed('no public keys are trusted');
    try {
      return (await jwtVerify(token, this.#public, { ...options, algorithms: PUBLIC })).payload;
    } catch (error) {
      if (isOfToken(error)) throw error;
      throw new HttpProblem('CAR731', 'the issuer does not give its keys.', { cause: error });
    }
  }

  async #verifyShared(token: string, options: JWTVerifyOptions): Promise<JWTPayload> {
    let refused: unknown;
    for (const key of this.#secrets) {
      try {
        return (await jwtVerify(token, key, { ...options, algorithms: SHARED })).payload;
      } catch (error) {
        if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw error;
        refused = error;
      }
    }
    throw refused;
  }
}

/** False: it is not the token that is at fault. */
function isOfToken(error: unknown): boolean {
  if (!(error instanceof errors.JOSEError)) return false;
  return !(
    error instanceof errors.JWKSTimeout ||
    error instanceof errors.JWKSInvalid ||
    error.code === 'ERR_JOSE_GENERIC'
  );
}
