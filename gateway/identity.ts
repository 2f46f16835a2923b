/** Who is asking, however that was found out, and what it may do. */
import { HttpProblem } from './problem.ts';

export const SCOPES = ['device', 'producer', 'registrar', 'operator', 'admin'] as const;
/**
 * device: its own stream and inbox; producer: ingest; registrar: registers any device; operator:
 * looks at the console, and sends dead letters back; admin: all.
 */
export type Scope = (typeof SCOPES)[number];

export interface Identity {
  /** The device, for scope `device`. */
  readonly subject: string;
  readonly scopes: readonly Scope[];
  /** The claim `member`: whose devices it may register; undefined: for a device none. */
  readonly member: string | undefined;
  /** The claim `events`: which event types it may send; undefined: all. */
  readonly events: readonly string[] | undefined;
  /** Epoch ms; 0 when the token does not say. */
  readonly issuedAt: number;
  /** Epoch ms. */
  readonly expiresAt: number;
}

/** The scopes that a text names; others are none of ours. */
export function scopesIn(text: unknown): readonly Scope[] {
  const words = typeof text === 'string' ? text.split(' ') : [];
  return SCOPES.filter((scope) => words.includes(scope));
}

/** Event types that one token names. */
export const EVENTS_MAX = 64;

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

/** Of an identity that a browser shows by itself: a device, whatever else its token may do. */
export function onlyDevice(identity: Identity): Identity {
  if (identity.scopes.length === 1 && identity.scopes[0] === 'device') return identity;
  const scopes = identity.scopes.filter((scope) => scope === 'device');
  return { ...identity, scopes };
}
