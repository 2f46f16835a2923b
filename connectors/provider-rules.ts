/**
 * What the answers of a push provider mean, as data: each row says which answer it is for, and what
 * comes of it. The first row that fits decides. `carillon explain providers` prints the rows.
 */
import type { DeadToken, Outcome } from '../core/outcome.ts';
import { backoffMs } from './backoff.ts';

/** What an answer can say beside its status and reason. */
export type Detail =
  /** A violation of the field that holds the token, and of no other. */
  | 'token_field'
  /** A violation of fields of the request. */
  | 'request_field'
  /** The quota that is used up is that of one device. */
  | 'device_quota';

export interface ProviderRule {
  /** One status, or the first and last of a range. */
  readonly status: number | readonly [number, number];
  /** The provider's own words; absent: any, and none. */
  readonly reasons?: readonly string[];
  readonly detail?: Detail;
  readonly fate: 'retry' | 'refuse' | 'dead_letter';
  /** The outcome's reason; absent: the provider's word in snake case. */
  readonly reason?: string;
  /** `retry`: who waits. `device`: that device; `record`: this one, and the lane if many do. */
  readonly scope?: 'device' | 'record' | 'lane';
  /** `retry`: the first pause when the provider names none; `floor`: the setting `retry_floor`. */
  readonly waitMs?: number | 'floor';
  /** `retry`: true where the message may have been delivered (rule D7). */
  readonly ambiguous?: boolean;
  /** What becomes of the device's token; `older` dies only if it was registered before. */
  readonly token: 'stays' | 'dies' | 'older';
  readonly doc: string;
}

export interface ProviderReply {
  readonly status: number;
  /** The provider's own word, or the empty string. */
  readonly reason: string;
  readonly details: ReadonlySet<Detail>;
  /** Since when the token is dead, epoch ms. */
  readonly deadSinceMs?: number | undefined;
  readonly retryAfterMs: number | undefined;
}

export interface ProviderCase {
  readonly kind: DeadToken['kind'];
  readonly token: string;
  readonly notificationId: string;
  readonly attempt: number;
  /** The shortest wait after the provider was in trouble. */
  readonly retryFloorMs: number;
}

/** FCM's quota window, and how often a wrong setting is looked at again. */
export const MINUTE_MS = 60_000;
const WAIT_CAP_MS = 600_000;
/** However soon a provider says: not at once. */
const SHORTEST_WAIT_MS = 1_000;

export function ruleOf(rules: readonly ProviderRule[], reply: ProviderReply): ProviderRule {
  const rule = rules.find((one) => fits(one, reply));
  if (rule === undefined) throw new Error(`no row for HTTP ${reply.status}`);
  return rule;
}

export function providerOutcome(
  rules: readonly ProviderRule[],
  reply: ProviderReply,
  of: ProviderCase,
): Outcome {
  const rule = ruleOf(rules, reply);
  const reason = rule.reason ?? snake(reply);
  if (rule.fate === 'retry') return retry(rule, reason, reply, of);
  return {
    kind: 'rejected',
    reason,
    ...(rule.fate === 'dead_letter' ? { deadLetter: true } : {}),
    ...(rule.token === 'stays' ? {} : { deadToken: deadToken(rule, reply, of) }),
  };
}

function retry(
  { scope = 'record', waitMs = 'floor', ambiguous = false }: ProviderRule,
  why: string,
  { retryAfterMs }: ProviderReply,
  { attempt, notificationId, retryFloorMs }: ProviderCase,
): Outcome {
  const baseMs = waitMs === 'floor' ? retryFloorMs : waitMs;
  const own = backoffMs(baseMs, WAIT_CAP_MS, attempt, notificationId);
  return {
    kind: 'retry',
    why,
    scope: scope === 'device' ? 'device' : 'lane',
    ambiguous,
    afterMs: retryAfterMs === undefined ? own : Math.max(SHORTEST_WAIT_MS, retryAfterMs),
    ...(scope === 'lane' ? { opens: true } : {}),
  };
}

function deadToken(
  { token: dies }: ProviderRule,
  { deadSinceMs }: ProviderReply,
  { kind, token }: ProviderCase,
): DeadToken {
  const since = dies === 'older' && deadSinceMs !== undefined;
  return { kind, token, ...(since ? { beforeMs: deadSinceMs } : {}) };
}

function fits(rule: ProviderRule, { status, reason, details }: ProviderReply): boolean {
  const [first, last] = typeof rule.status === 'number' ? [rule.status, rule.status] : rule.status;
  return (
    status >= first &&
    status <= last &&
    (rule.reasons?.includes(reason) ?? true) &&
    (rule.detail === undefined || details.has(rule.detail))
  );
}

/** `TooManyRequests` and `TOO_MANY_REQUESTS` as an outcome says it: `too_many_requests`. */
function snake({ reason, status }: ProviderReply): string {
  if (!/^[A-Za-z_]{1,64}$/.test(reason)) return `http_${status}`;
  return reason.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toLowerCase();
}
