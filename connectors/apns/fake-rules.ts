/** What APNs accepts: provider tokens, headers and bodies; for the stand-in. */
import { verify } from 'node:crypto';
import type { Answer } from '../stand-in.ts';

export type ApnsEnvironment = 'production' | 'sandbox';

const BODY_BYTES_MAX = 4096;
const COLLAPSE_ID_BYTES_MAX = 64;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const PUSH_TYPES = new Set([
  'alert',
  'background',
  'complication',
  'controls',
  'fileprovider',
  'liveactivity',
  'location',
  'mdm',
  'pushtotalk',
  'voip',
  'widgets',
]);

export function apnsError(
  status: number,
  reason: string,
  more: { timestampMs?: number; retryAfterS?: number } = {},
): Answer {
  const headers: Record<string, string> =
    more.retryAfterS === undefined ? {} : { 'retry-after': String(more.retryAfterS) };
  const { timestampMs: timestamp } = more;
  return {
    act: 'answer',
    status,
    headers,
    body: timestamp === undefined ? { reason } : { reason, timestamp },
  };
}

/** The refusal of the first header that is wrong, or undefined. */
export function headersFault(
  headers: Readonly<Record<string, unknown>>,
  bundle: string,
): Answer | undefined {
  const bad = (reason: string) => apnsError(400, reason);
  const { 'apns-topic': topic, 'apns-push-type': pushType, 'apns-id': id } = headers;
  if (topic === undefined) return bad('MissingTopic');
  if (topic !== bundle) return bad('TopicDisallowed');
  if (!PUSH_TYPES.has(String(pushType))) return bad('InvalidPushType');
  if (id !== undefined && !UUID.test(String(id))) return bad('BadMessageId');
  const priority = String(headers['apns-priority'] ?? '10');
  if (!['1', '5', '10'].includes(priority)) return bad('BadPriority');
  if (priority === '10' && pushType === 'background') return bad('BadPriority');
  const expiration = String(headers['apns-expiration'] ?? '0');
  if (!/^\d{1,12}$/.test(expiration)) return bad('BadExpirationDate');
  const collapseId = String(headers['apns-collapse-id'] ?? '');
  if (Buffer.byteLength(collapseId) > COLLAPSE_ID_BYTES_MAX) return bad('BadCollapseId');
  return undefined;
}

export function bodyFault(body: string, bytes: number, pushType: unknown): Answer | undefined {
  if (bytes === 0) return apnsError(400, 'PayloadEmpty');
  if (bytes > BODY_BYTES_MAX) return apnsError(413, 'PayloadTooLarge');
  let parsed: { aps?: Record<string, unknown> };
  try {
    parsed = JSON.parse(body);
  } catch {
    return apnsError(400, 'BadPayload');
  }
  const aps = parsed?.aps;
  if (typeof aps !== 'object' || aps === null) return apnsError(400, 'BadPayload');
  const shows = 'alert' in aps || 'sound' in aps || 'badge' in aps;
  if (pushType === 'background' && (aps['content-available'] !== 1 || shows)) {
    return apnsError(400, 'BadPayload');
  }
  return undefined;
}

const HOUR_MS = 3_600_000;
/** "Don't refresh your token more than once every 20 minutes." */
const UPDATE_EVERY_MS = 20 * 60_000;
/** Clocks differ a little; a token of the future beyond that is refused. */
const SKEW_MS = 60_000;
/** Verified tokens that are remembered; a team has one at a time. */
const KNOWN_MAX = 100;

/**
 * The team's provider tokens, as Apple sees them: signature, key, team, age, and how often they
 * change.
 */
export class ProviderTokenRules {
  readonly #publicKey: string;
  readonly #team: string;
  readonly #keyId: string;
  /** Per token: when it was issued, or the refusal of what does not verify. */
  readonly #known = new Map<string, number | Answer>();
  #newest: string | undefined;
  #newestAtMs = Number.NEGATIVE_INFINITY;
  /** Different valid tokens seen since the start. */
  seen = 0;

  constructor(publicKey: string, team: string, keyId: string) {
    this.#publicKey = publicKey;
    this.#team = team;
    this.#keyId = keyId;
  }

  fault(authorization: unknown, nowMs: number): Answer | undefined {
    const token = /^bearer (\S+)$/i.exec(String(authorization ?? ''))?.[1];
    if (token === undefined) return apnsError(403, 'MissingProviderToken');
    let known = this.#known.get(token);
    if (known === undefined) {
      known = this.#verify(token);
      if (this.#known.size >= KNOWN_MAX) this.#known.clear();
      this.#known.set(token, known);
    }
    if (typeof known !== 'number') return known;
    if (known > nowMs + SKEW_MS) return apnsError(403, 'InvalidProviderToken');
    if (nowMs - known > HOUR_MS) return apnsError(403, 'ExpiredProviderToken');
    if (token === this.#newest || known < this.#newestAtMs) return undefined;
    if (known - this.#newestAtMs < UPDATE_EVERY_MS) {
      return apnsError(429, 'TooManyProviderTokenUpdates');
    }
    this.#newest = token;
    this.#newestAtMs = known;
    this.seen++;
    return undefined;
  }

  #verify(token: string): number | Answer {
    const refused = apnsError(403, 'InvalidProviderToken');
    const [header = '', claims = '', signature = ''] = token.split('.');
    try {
      const said = JSON.parse(Buffer.from(header, 'base64url').toString('utf8'));
      const claim = JSON.parse(Buffer.from(claims, 'base64url').toString('utf8'));
      const ours = said.alg === 'ES256' && said.kid === this.#keyId && claim.iss === this.#team;
      const key = { key: this.#publicKey, dsaEncoding: 'ieee-p1363' } as const;
      const signed = Buffer.from(`${header}.${claims}`, 'ascii');
      const valid = verify('sha256', signed, key, Buffer.from(signature, 'base64url'));
      if (!ours || !valid || !Number.isInteger(claim.iat)) return refused;
      return claim.iat * 1_000;
    } catch {
      return refused;
    }
  }
}
