/** Reads an answer of FCM; the rows of rules.ts say what it means. */
import type { Outcome } from '../../core/outcome.ts';
import { retryAfterOf } from '../backoff.ts';
import {
  type Detail,
  type ProviderCase,
  type ProviderReply,
  providerOutcome,
} from '../provider-rules.ts';
import { lostOutcome, type WireAnswer } from '../wire-answer.ts';
import { FCM_RULES } from './rules.ts';

export interface FcmCase extends Omit<ProviderCase, 'kind'> {
  readonly nowMs: number;
}

/** The field of `messages:send` that holds the registration; `fid` is its newer form. */
const TOKEN_FIELD = /^(message\.)?(token|fid)$/;

/** Never throws. */
export function fcmOutcome(answer: WireAnswer, of: FcmCase): Outcome {
  if (answer.kind === 'lost') return lostOutcome(answer);
  if (answer.status === 200) {
    const { name } = parse(answer.body);
    return typeof name === 'string' ? { kind: 'delivered', receipt: name } : { kind: 'delivered' };
  }
  return providerOutcome(FCM_RULES, fcmReply(answer, of.nowMs), { ...of, kind: 'fcm' });
}

export function fcmReply(
  answer: Extract<WireAnswer, { kind: 'answer' }>,
  nowMs: number,
): ProviderReply {
  const { status, headers, body } = answer;
  return { status, ...read(parse(body)), retryAfterMs: retryAfterOf(headers, nowMs) };
}

/** `reason`: `errorCode` of the FcmError detail, or the empty string. */
function read(body: Readonly<Record<string, unknown>>) {
  const error = object(body.error);
  const all = Array.isArray(error.details) ? error.details.map(object) : [];
  const of = (type: string) => all.filter((one) => String(one['@type']).endsWith(type));
  const code = of('google.firebase.fcm.v1.FcmError')[0]?.errorCode;
  const details = new Set<Detail>();
  const bad = of('google.rpc.BadRequest');
  if (bad.length > 0) {
    const fields = bad.flatMap(violatedFields);
    const ofToken = fields.length > 0 && fields.every((field) => TOKEN_FIELD.test(field));
    details.add(ofToken ? 'token_field' : 'request_field');
  }
  const quota = of('google.rpc.QuotaFailure');
  if (quota.some((one) => /device/i.test(JSON.stringify(one)))) details.add('device_quota');
  return { reason: typeof code === 'string' ? code : '', details };
}

function violatedFields(detail: Readonly<Record<string, unknown>>): string[] {
  const { fieldViolations } = detail;
  if (!Array.isArray(fieldViolations)) return [];
  return fieldViolations.map((one) => String(object(one).field ?? ''));
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
