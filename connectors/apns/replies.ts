/** Reads an answer of APNs; the rows of rules.ts say what it means. */
import type { Outcome } from '../../core/outcome.ts';
import { retryAfterOf } from '../backoff.ts';
import { type ProviderCase, type ProviderReply, providerOutcome } from '../provider-rules.ts';
import { lostOutcome, type WireAnswer } from '../wire-answer.ts';
import { APNS_RULES } from './rules.ts';

export interface ApnsCase extends Omit<ProviderCase, 'kind'> {
  readonly nowMs: number;
}

const NO_DETAILS: ProviderReply['details'] = new Set();

/** Never throws. */
export function apnsOutcome(answer: WireAnswer, of: ApnsCase): Outcome {
  if (answer.kind === 'lost') return lostOutcome(answer);
  if (answer.status === 200) {
    const receipt = answer.headers['apns-unique-id'] ?? answer.headers['apns-id'];
    return typeof receipt === 'string' ? { kind: 'delivered', receipt } : { kind: 'delivered' };
  }
  return providerOutcome(APNS_RULES, apnsReply(answer, of.nowMs), { ...of, kind: 'apns' });
}

export function apnsReply(
  answer: Extract<WireAnswer, { kind: 'answer' }>,
  nowMs: number,
): ProviderReply {
  let said: { reason?: unknown; timestamp?: unknown } = {};
  try {
    said = Object(JSON.parse(answer.body));
  } catch {
    // An answer without JSON has no reason; its status says the rest.
  }
  return {
    status: answer.status,
    reason: typeof said.reason === 'string' ? said.reason : '',
    details: NO_DETAILS,
    deadSinceMs: typeof said.timestamp === 'number' ? said.timestamp : undefined,
    retryAfterMs: retryAfterOf(answer.headers, nowMs),
  };
}
