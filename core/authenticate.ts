/**
 * What a module says of a token in a form of one's own (`auth.module`): `export default` a function
 * that is asked for each token that is not remembered, for a minute at most.
 *
 *     import type { Authenticate } from 'carillon';
 *     export default (async (token) => {
 *       const session = await sessions.find(token);
 *       return session && { subject: session.device, expiresAt: session.endsAt };
 *     }) satisfies Authenticate;
 */

/** Who has a token. */
export interface Authenticated {
  /**
   * The device, for scope `device`; else a name, by which it is counted. 128 characters at most.
   */
  readonly subject: string;
  /** Words as in a JWT's `scope`; by default `device`. */
  readonly scope?: string;
  /** Whose devices it may register; left out: a device none. */
  readonly member?: string;
  /** Which event types it may send, 64 at most; left out: all. */
  readonly events?: readonly string[];
  /**
   * Epoch ms at which the token was given. Left out: before all deletions, so that a device that
   * was deleted and registered anew needs another token.
   */
  readonly issuedAt?: number;
  /** Epoch ms; `auth.token_ttl_max` (90 d) from now at most. */
  readonly expiresAt: number;
}

/**
 * Undefined or null: it does not know the token, which is looked at as a JWT. False: it is refused
 * (CAR702). To throw, to take longer than 3 s or to give anything else is CAR773, 503.
 */
export type Authenticate = (token: string) => Answer | Promise<Answer>;

type Answer = Authenticated | false | undefined | null;
