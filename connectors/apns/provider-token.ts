/**
 * The provider token (ES256 JWT) of a team: one for all sinks of the process, minted once by
 * whoever needs it first. Apple takes a token for an hour after its `iat`, and answers 429
 * TooManyProviderTokenUpdates when one younger than 20 minutes is replaced ("Establishing a
 * token-based connection to APNs").
 *
 *   none ──▶ fresh ──40 min──▶ minted anew ──refused as too early──▶ the older one
 */
import type { Clock } from '../../core/clock.ts';
import { CarillonError } from '../../core/error.ts';
import type { ApnsSettings } from './settings.ts';

const MINUTE_MS = 60_000;
/** In the middle of what Apple allows (20 to 60), so that a wrong clock has room on both sides. */
const REFRESH_AFTER_MS = 40 * MINUTE_MS;
const REPLACE_NOT_BEFORE_MS = 20 * MINUTE_MS;
const ACCEPTED_FOR_MS = 60 * MINUTE_MS;

interface Minted {
  readonly token: string;
  readonly atMs: number;
}

export type TokenIdentity = Pick<ApnsSettings, 'team' | 'keyId' | 'key'>;

export class ProviderToken {
  readonly #identity: TokenIdentity;
  readonly #clock: Clock;
  #current: Minted | undefined;
  #older: Minted | undefined;
  #minting: Promise<string> | undefined;
  #refreshAtMs = 0;
  /** Tokens minted since the start. */
  minted = 0;

  constructor(identity: TokenIdentity, clock: Clock) {
    this.#identity = identity;
    this.#clock = clock;
  }

  /**
   * The token to send with; at once when there is a fresh one. Rejects with CAR665 for a bad key.
   */
  current(): string | Promise<string> {
    if (this.#current !== undefined && this.#clock.now() < this.#refreshAtMs) {
      return this.#current.token;
    }
    return this.#mint();
  }

  /**
   * Apple says that `token` has expired. True: another one is, or will be, there. False: the
   * current one is too young to be replaced, so a clock is wrong, not the token old.
   */
  renew(token: string): boolean {
    if (this.#current === undefined || this.#current.token !== token) return true;
    if (this.#clock.now() - this.#current.atMs < REPLACE_NOT_BEFORE_MS) return false;
    this.#refreshAtMs = 0;
    return true;
  }

  /**
   * Apple says that `token` came too early: goes on with the one before, while that is accepted.
   */
  fallBack(token: string): void {
    const nowMs = this.#clock.now();
    if (this.#current?.token !== token || this.#older === undefined) return;
    if (nowMs - this.#older.atMs >= ACCEPTED_FOR_MS) return;
    this.#current = this.#older;
    this.#older = undefined;
    const endsAtMs = this.#current.atMs + ACCEPTED_FOR_MS - MINUTE_MS;
    this.#refreshAtMs = Math.min(nowMs + REPLACE_NOT_BEFORE_MS, endsAtMs);
  }

  #mint(): Promise<string> {
    this.#minting ??= this.#sign().finally(() => {
      this.#minting = undefined;
    });
    return this.#minting;
  }

  async #sign(): Promise<string> {
    const { team, keyId, key } = this.#identity;
    // Loaded here and not above, so that only APNs' users pay for it at start-up.
    const { importPKCS8, SignJWT } = await import('jose');
    const atMs = this.#clock.now();
    try {
      const token = await new SignJWT()
        .setProtectedHeader({ alg: 'ES256', kid: keyId })
        .setIssuer(team)
        .setIssuedAt(Math.floor(atMs / 1_000))
        .sign(await importPKCS8(key, 'ES256'));
      this.#older = this.#current;
      this.#current = { token, atMs };
      this.#refreshAtMs = atMs + REFRESH_AFTER_MS;
      this.minted++;
      return token;
    } catch {
      // What the key reader says is about the key's bytes, so it is not passed on.
      throw new CarillonError('CAR665', 'Setting "key" is not a P-256 key.', {
        where: { at: 'connectors.apns.key' },
        mend: 'Give the .p8 file as Apple gave it (Certificates, Identifiers & Profiles, Keys).',
      });
    }
  }
}

const SHARED = new WeakMap<Clock, Map<string, ProviderToken>>();

/**
 * The token of this team and key in this process; a clock of its own means a process of its own.
 */
export function sharedProviderToken(identity: TokenIdentity, clock: Clock): ProviderToken {
  let byKey = SHARED.get(clock);
  if (byKey === undefined) {
    byKey = new Map();
    SHARED.set(clock, byKey);
  }
  const name = `${identity.team}/${identity.keyId}/${identity.key}`;
  let token = byKey.get(name);
  if (token === undefined) {
    token = new ProviderToken(identity, clock);
    byKey.set(name, token);
  }
  return token;
}
