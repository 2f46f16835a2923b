/**
 * What each answer of FCM means, row by row (ErrorCode and the throttling pages of FCM HTTP v1).
 * The first row that fits decides; a row of the providers' table is a row here and one of the
 * tests.
 */
import type { Outcome } from '../../core/outcome.ts';
import { backoffMs, retryAfterMs } from '../backoff.ts';
import type { WireAnswer } from '../wire-answer.ts';

export interface FcmCase {
  readonly token: string;
  readonly notificationId: string;
  readonly attempt: number;
  readonly nowMs: number;
  readonly retryFloorMs: number;
}

/** An answer, with what the rows look at taken out of its details. */
interface Reply {
  readonly status: number;
  /** `errorCode` of the FcmError detail, or the empty string. */
  readonly code: string;
  /** True: a BadRequest detail names fields, so the request is at fault, never the token. */
  readonly badRequest: boolean;
  /** True: a QuotaFailure detail names the device. */
  readonly deviceQuota: boolean;
  readonly retryAfterMs: number | undefined;
}

interface Row {
  readonly status: number | ((status: number) => boolean);
  readonly code?: string;
  readonly when?: (reply: Reply) => boolean;
  readonly outcome: (reply: Reply, of: FcmCase) => Outcome;
}

/** FCM's minute window: without Retry-After the first delay after a 429 is a minute. */
const QUOTA_WAIT_MS = 60_000;
const WAIT_CAP_MS = 600_000;
/** A wrong setting does not mend itself: looked at again once a minute. */
const CONFIG_WAIT_MS = 60_000;

const dead = (reason: string) => (_: Reply, of: FcmCase) =>
  ({ kind: 'rejected', reason, deadToken: { kind: 'fcm', token: of.token } }) as const;
const malformed = (reason: string) => (): Outcome => ({
  kind: 'rejected',
  reason,
  deadLetter: true,
});
const misconfigured = (why: string) => (reply: Reply, of: FcmCase) =>
  wait(why, 'lane', CONFIG_WAIT_MS, reply, of);
const overloaded = (why: string, ambiguous: boolean) => (reply: Reply, of: FcmCase) => ({
  ...wait(why, 'lane', of.retryFloorMs, reply, of),
  ambiguous,
});

function wait(why: string, scope: 'device' | 'lane', baseMs: number, reply: Reply, of: FcmCase) {
  const own = backoffMs(baseMs, WAIT_CAP_MS, of.attempt, of.notificationId);
  return { kind: 'retry', why, scope, afterMs: reply.retryAfterMs ?? own } as const;
}

const ROWS: readonly Row[] = [
  { status: 404, code: 'UNREGISTERED', outcome: dead('unregistered') },
  { status: 404, outcome: misconfigured('not_found') },
  { status: 400, when: (reply) => reply.badRequest, outcome: malformed('invalid_argument') },
  // The message was checked before it was sent, so what FCM calls invalid is the token.
  { status: 400, code: 'INVALID_ARGUMENT', outcome: dead('invalid_token') },
  { status: 400, outcome: malformed('bad_request') },
  // A token of another project: more likely our setting than the device, so the token stays.
  {
    status: 403,
    code: 'SENDER_ID_MISMATCH',
    outcome: () => ({ kind: 'rejected', reason: 'sender_id_mismatch' }),
  },
  { status: 403, outcome: misconfigured('permission_denied') },
  {
    status: 401,
    code: 'THIRD_PARTY_AUTH_ERROR',
    outcome: misconfigured('third_party_auth_error'),
  },
  { status: 401, outcome: misconfigured('unauthenticated') },
  {
    status: 429,
    when: (reply) => reply.deviceQuota,
    outcome: (reply, of) => wait('device_quota', 'device', QUOTA_WAIT_MS, reply, of),
  },
  {
    status: 429,
    outcome: (reply, of) => wait('quota_exceeded', 'lane', QUOTA_WAIT_MS, reply, of),
  },
  { status: 503, outcome: overloaded('unavailable', false) },
  // After a 500 the message may have been sent (firebase-admin-node#1248).
  { status: (status) => status >= 500, outcome: overloaded('internal', true) },
  { status: (status) => status >= 400, outcome: malformed('refused') },
  { status: () => true, outcome: overloaded('not_understood', true) },
];

/** Never throws. */
export function fcmOutcome(answer: WireAnswer, of: FcmCase): Outcome {
  if (answer.kind === 'lost') {
    const { why, ambiguous, detail } = answer;
    return {
      kind: 'retry',
      why: detail === '' ? why : `${why}: ${detail}`,
      ambiguous,
      scope: 'lane',
    };
  }
  const body = parse(answer.body);
  if (answer.status === 200) {
    const name = body.name;
    return typeof name === 'string' ? { kind: 'delivered', receipt: name } : { kind: 'delivered' };
  }
  const reply = read(answer.status, body, retryAfterMs(answer.headers['retry-after'], of.nowMs));
  const row = ROWS.find((row) => fits(row, reply))!;
  return row.outcome(reply, of);
}

function fits(row: Row, reply: Reply): boolean {
  const status =
    typeof row.status === 'number' ? row.status === reply.status : row.status(reply.status);
  return status && (row.code ?? reply.code) === reply.code && (row.when?.(reply) ?? true);
}

function read(
  status: number,
  body: Readonly<Record<string, unknown>>,
  retryMs: number | undefined,
): Reply {
  const error = object(body.error);
  const details = Array.isArray(error.details) ? error.details.map(object) : [];
  const of = (type: string) => details.find((one) => String(one['@type']).endsWith(type));
  const code = of('google.firebase.fcm.v1.FcmError')?.errorCode;
  const quota = of('google.rpc.QuotaFailure');
  return {
    status,
    code: typeof code === 'string' ? code : '',
    badRequest: of('google.rpc.BadRequest') !== undefined,
    deviceQuota: quota !== undefined && /device/i.test(JSON.stringify(quota)),
    retryAfterMs: retryMs,
  };
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    return object(JSON.parse(text));
  } catch {
    return {};
  }
}

function object(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
