/** What an endpoint's answer means for each delivery of a request. */
import { delivered, type Outcome } from '../../core/outcome.ts';
import { retryAfterOf } from '../backoff.ts';
import { lostOutcome, type WireAnswer } from '../wire-answer.ts';
import { REFUSED } from './address-guard.ts';

/** `split`: the endpoint does not take this request; which of several is at fault is not said. */
export type Read = readonly Outcome[] | 'split';

const MINUTE_MS = 60_000;
/** Too busy, too early, or in trouble. */
const LATER: ReadonlySet<number> = new Set([408, 421, 423, 425, 429]);
/** Nothing that is sent gets through until somebody mends a setting, here or there. */
const MISPLACED: ReadonlySet<number> = new Set([401, 402, 403, 404, 405, 406, 407, 410, 415, 451]);

export function readAnswer(answer: WireAnswer, deliveries: number, nowMs: number): Read {
  const all = (outcome: Outcome) => Array.from({ length: deliveries }, () => outcome);
  if (answer.kind === 'lost') {
    if (answer.detail !== REFUSED) return all(lostOutcome(answer));
    const why = 'CAR681: its name points to a private address';
    return all({ kind: 'retry', why, scope: 'lane', opens: true, afterMs: MINUTE_MS });
  }
  const { status, headers } = answer;
  const why = `http_${status}`;
  if (status >= 200 && status < 300) return outcomesOf(answer.body, deliveries, nowMs);
  if (LATER.has(status) || status >= 500) {
    const afterMs = retryAfterOf(headers, nowMs);
    const until = afterMs === undefined ? {} : { afterMs, opens: true };
    return all({ kind: 'retry', why, scope: 'lane', ...until });
  }
  if (status < 400 || MISPLACED.has(status)) {
    return all({ kind: 'retry', why, scope: 'lane', opens: true, afterMs: MINUTE_MS });
  }
  if (deliveries > 1) return 'split';
  return [{ kind: 'rejected', reason: why, deadLetter: true }];
}

/** Nothing of ours in the body: all of it was taken. */
function outcomesOf(body: string, deliveries: number, nowMs: number): readonly Outcome[] {
  const given = (parsed(body) as { readonly outcomes?: unknown } | null)?.outcomes;
  if (given === undefined) return Array.from({ length: deliveries }, () => delivered());
  const list = Array.isArray(given) && given.length === deliveries ? given : [];
  // What it says is not understood, and it may have taken them.
  const odd: Outcome = { kind: 'retry', why: 'bad_answer', scope: 'lane', ambiguous: true };
  return Array.from({ length: deliveries }, (_, n) => outcomeOf(list[n], nowMs) ?? odd);
}

/** `"delivered"`, or `{ "outcome": "retry" | "rejected", "reason": …, "retryAfter": seconds }`. */
function outcomeOf(given: unknown, nowMs: number): Outcome | undefined {
  const of = typeof given === 'string' ? { outcome: given } : given;
  if (typeof of !== 'object' || of === null) return undefined;
  const { outcome, reason, retryAfter } = of as { readonly [field: string]: unknown };
  const why = typeof reason === 'string' && REASON.test(reason) ? reason : 'by_the_endpoint';
  switch (outcome) {
    case 'delivered':
      return delivered();
    case 'rejected':
      return { kind: 'rejected', reason: why };
    case 'retry': {
      const afterMs = retryAfterOf({ 'retry-after': String(retryAfter) }, nowMs);
      return { kind: 'retry', why, scope: 'device', ...(afterMs === undefined ? {} : { afterMs }) };
    }
    default:
      return undefined;
  }
}

/** It becomes the label of a metric, so it is a word and nothing else. */
const REASON = /^[a-z][a-z0-9_]{0,39}$/;

function parsed(body: string): unknown {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' ? value : null;
  } catch {
    return null;
  }
}
