/**
 * What each answer of APNs means, row by row ("Handling notification responses from APNs"). The
 * first row that fits decides; a row of the providers' table is a row here and one of the tests.
 */
import type { Outcome } from '../../core/outcome.ts';
import { backoffMs, retryAfterMs } from '../backoff.ts';
import type { WireAnswer } from '../wire-answer.ts';

export interface ApnsCase {
  readonly token: string;
  readonly notificationId: string;
  readonly attempt: number;
  readonly nowMs: number;
  readonly retryFloorMs: number;
}

export interface ApnsReply {
  readonly status: number;
  /** Apple's word, or the empty string. */
  readonly reason: string;
  /** 410: since when the token is dead, epoch ms. */
  readonly timestampMs: number | undefined;
  readonly retryAfterMs: number | undefined;
}

interface Row {
  readonly status: number | ((status: number) => boolean);
  readonly reasons?: readonly string[];
  readonly outcome: (reply: ApnsReply, of: ApnsCase) => Outcome;
}

const WAIT_CAP_MS = 600_000;
/** "Too many requests to the same device": a minute, when Apple names no time. */
const DEVICE_WAIT_MS = 60_000;
/** A wrong setting does not mend itself: looked at again once a minute. */
const CONFIG_WAIT_MS = 60_000;

function wait(
  scope: 'device' | 'lane',
  baseMs: number,
  ambiguous = false,
): (reply: ApnsReply, of: ApnsCase) => Outcome {
  return (reply, of) => ({
    kind: 'retry',
    why: snake(reply),
    scope,
    ambiguous,
    afterMs: reply.retryAfterMs ?? backoffMs(baseMs, WAIT_CAP_MS, of.attempt, of.notificationId),
  });
}
const misconfigured = wait('lane', CONFIG_WAIT_MS);
const overloaded = (reply: ApnsReply, of: ApnsCase) => wait('lane', of.retryFloorMs)(reply, of);
const unsure = (reply: ApnsReply, of: ApnsCase) => wait('lane', of.retryFloorMs, true)(reply, of);
const malformed = (reply: ApnsReply): Outcome => ({
  kind: 'rejected',
  reason: snake(reply),
  deadLetter: true,
});
const refused = (reply: ApnsReply): Outcome => ({ kind: 'rejected', reason: snake(reply) });

/** With a timestamp the registration decides: one that is newer than it stays. */
function dead(reply: ApnsReply, of: ApnsCase): Outcome {
  const beforeMs = reply.timestampMs;
  const deadToken = {
    kind: 'apns',
    token: of.token,
    ...(beforeMs === undefined ? {} : { beforeMs }),
  } as const;
  return { kind: 'rejected', reason: snake(reply), deadToken };
}

const ROWS: readonly Row[] = [
  { status: 410, outcome: dead },
  { status: 400, reasons: ['BadDeviceToken'], outcome: dead },
  // A device of another app of ours: its token is good there, so it stays; others go on.
  { status: 400, reasons: ['DeviceTokenNotForTopic'], outcome: refused },
  { status: 400, reasons: ['BadTopic', 'MissingTopic', 'TopicDisallowed'], outcome: misconfigured },
  { status: 400, reasons: ['IdleTimeout'], outcome: overloaded },
  { status: 400, outcome: malformed },
  // Its token was minted anew and refused again, or is too young to be: the clock is wrong.
  { status: 403, outcome: misconfigured },
  { status: 404, outcome: misconfigured },
  { status: 405, outcome: misconfigured },
  { status: 413, outcome: malformed },
  { status: 429, reasons: ['TooManyProviderTokenUpdates'], outcome: misconfigured },
  { status: 429, outcome: wait('device', DEVICE_WAIT_MS) },
  { status: 503, outcome: overloaded },
  { status: (status) => status >= 500, outcome: unsure },
  { status: (status) => status >= 400, outcome: malformed },
  { status: () => true, outcome: unsure },
];

/** Never throws. */
export function apnsOutcome(answer: WireAnswer, of: ApnsCase): Outcome {
  if (answer.kind === 'lost') {
    const { why, ambiguous, detail } = answer;
    return {
      kind: 'retry',
      why: detail === '' ? why : `${why}: ${detail}`,
      ambiguous,
      scope: 'lane',
    };
  }
  if (answer.status === 200) {
    const receipt = answer.headers['apns-unique-id'] ?? answer.headers['apns-id'];
    return typeof receipt === 'string' ? { kind: 'delivered', receipt } : { kind: 'delivered' };
  }
  const reply = apnsReply(answer, of.nowMs);
  return ROWS.find((row) => fits(row, reply))!.outcome(reply, of);
}

export function apnsReply(
  answer: Extract<WireAnswer, { kind: 'answer' }>,
  nowMs: number,
): ApnsReply {
  let said: { reason?: unknown; timestamp?: unknown } = {};
  try {
    said = Object(JSON.parse(answer.body));
  } catch {
    // An answer without JSON has no reason; its status says the rest.
  }
  return {
    status: answer.status,
    reason: typeof said.reason === 'string' ? said.reason : '',
    timestampMs: typeof said.timestamp === 'number' ? said.timestamp : undefined,
    retryAfterMs: retryAfterMs(answer.headers['retry-after'], nowMs),
  };
}

/** `TooManyRequests` as an outcome says it: `too_many_requests`. */
function snake({ reason, status }: ApnsReply): string {
  if (!/^[A-Za-z]{1,64}$/.test(reason)) return `http_${status}`;
  return reason.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toLowerCase();
}

function fits(row: Row, reply: ApnsReply): boolean {
  const status =
    typeof row.status === 'number' ? row.status === reply.status : row.status(reply.status);
  return status && (row.reasons?.includes(reply.reason) ?? true);
}
