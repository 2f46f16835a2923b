/**
 * What goes wrong between us and a broker, in two kinds: it answered with an error, or there was no
 * answer, so that nobody knows whether the request was done. Both become CarillonErrors at the
 * door.
 */
import { protocolErrors, protocolErrorsCodesById } from '@platformatic/kafka';
import { CarillonError } from '../../../core/error.ts';

/** The protocol's name of an error code: `NOT_LEADER_OR_FOLLOWER`; `NONE` for 0. */
export function errorName(code: number): string {
  return protocolErrorsCodesById[code] ?? `ERROR_${code}`;
}

/** A broker's answer: `type` is the protocol's name of it. */
export class BrokerError extends Error {
  readonly type: string;
  /** By Kafka's own table: the same request may succeed later. */
  readonly retriable: boolean;

  constructor(type: string, detail = '') {
    const definition = protocolErrors[type];
    const said = detail === '' ? (definition?.message ?? '') : detail;
    super(said === '' ? type : `${type}: ${said}`);
    this.name = 'BrokerError';
    this.type = type;
    this.retriable = definition?.canRetry ?? false;
  }
}

/** No answer: the connection could not be made or is lost, or the request took too long. */
export class ConnectionLost extends Error {
  readonly retriable: boolean;

  constructor(message: string, options: { cause?: unknown; retriable?: boolean } = {}) {
    super(message, { cause: options.cause });
    this.name = 'ConnectionLost';
    this.retriable = options.retriable ?? true;
  }
}

/** Throws the error that a code stands for. */
export function check(code: number, detail = ''): void {
  if (code !== 0) throw new BrokerError(errorName(code), detail);
}

export function typeOf(error: unknown): string | undefined {
  let at = error as { type?: unknown; cause?: unknown } | undefined;
  for (let depth = 0; at !== undefined && at !== null && depth < 5; depth++) {
    if (typeof at.type === 'string') return at.type;
    at = at.cause as typeof at;
  }
  return undefined;
}

/** Another owner has taken over: of a transactional id, or of the member's place in its group. */
const FENCED: ReadonlySet<string> = new Set([
  'INVALID_PRODUCER_EPOCH',
  'PRODUCER_FENCED',
  'INVALID_PRODUCER_ID_MAPPING',
  'FENCED_INSTANCE_ID',
  'FENCED_MEMBER_EPOCH',
  'STALE_MEMBER_EPOCH',
  'ILLEGAL_GENERATION',
  'UNKNOWN_MEMBER_ID',
]);

const TOPIC_GONE: ReadonlySet<string> = new Set([
  'UNKNOWN_TOPIC_OR_PARTITION',
  'UNKNOWN_TOPIC_ID',
  'INCONSISTENT_TOPIC_ID',
]);

export function isTopicGone(error: unknown): boolean {
  return TOPIC_GONE.has(typeOf(error) ?? '');
}

/** What retrying does not mend: it is the deployment's to mend. */
const REFUSED: ReadonlySet<string> = new Set([
  'TOPIC_AUTHORIZATION_FAILED',
  'GROUP_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
  'SASL_AUTHENTICATION_FAILED',
  'UNSUPPORTED_SASL_MECHANISM',
  'ILLEGAL_SASL_STATE',
  'MESSAGE_TOO_LARGE',
  'RECORD_LIST_TOO_LARGE',
  'INVALID_RECORD',
  'INVALID_TIMESTAMP',
  'INVALID_REQUIRED_ACKS',
  'INVALID_REQUEST',
  'INVALID_TOPIC_EXCEPTION',
  'INVALID_GROUP_ID',
  'INVALID_SESSION_TIMEOUT',
  'INVALID_TRANSACTION_TIMEOUT',
  'INCONSISTENT_GROUP_PROTOCOL',
  'OFFSET_METADATA_TOO_LARGE',
  'POLICY_VIOLATION',
  'UNSUPPORTED_VERSION',
  'UNSUPPORTED_COMPRESSION_TYPE',
  'UNSUPPORTED_FOR_MESSAGE_FORMAT',
]);

/**
 * The failure in the words of the house; a CarillonError stays what it is. CAR643 for a fence,
 * CAR642 for a topic that is not there, CAR645 for a refusal; all else is CAR640 and retryable.
 *
 * @param at what was asked of whom: `produce events.plan-change/3`
 */
export function wireError(error: unknown, at: string): CarillonError {
  if (error instanceof CarillonError) return error;
  const type = typeOf(error) ?? '';
  const why = (error as Error)?.message ?? String(error);
  const options = { where: { at }, cause: error };
  if (FENCED.has(type)) {
    return new CarillonError('CAR643', `"${at}" has another owner now: ${why}`, options);
  }
  if (TOPIC_GONE.has(type)) {
    return new CarillonError('CAR642', `"${at}" names a topic that is not there.`, options);
  }
  if (REFUSED.has(type) || (error instanceof ConnectionLost && !error.retriable)) {
    return new CarillonError('CAR645', `Kafka refuses "${at}": ${why}`, options);
  }
  return new CarillonError('CAR640', `Kafka does not answer "${at}": ${why}`, {
    ...options,
    retryable: true,
  });
}
