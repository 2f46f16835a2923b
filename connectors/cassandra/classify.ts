/**
 * What each error of cassandra-driver means for a row: try again, or never. The rows of this table
 * were seen on Cassandra 5.0.9 with driver 4.10 (2026). All writes are idempotent, so an unknown
 * outcome is simply tried again.
 *
 * No message of `NoHostAvailableError` is ever passed on: it has stack traces in it.
 */
import { errors, types } from 'cassandra-driver';
import type { Outcome } from '../../core/outcome.ts';

export interface Classified {
  /** `login`: the ring answers, but not to this user. */
  readonly fate: 'retry' | 'reject' | 'login';
  /** The server may have done it. */
  readonly ambiguous: boolean;
  /** Short, of one line, without values of the row. */
  readonly why: string;
}

const CODES = types.responseErrorCodes;

interface CodeMeaning {
  readonly fate: Classified['fate'];
  readonly ambiguous?: boolean;
  readonly why: string;
}

const MEANINGS: ReadonlyMap<number, CodeMeaning> = new Map<number, CodeMeaning>([
  [CODES.serverError, { fate: 'retry', ambiguous: true, why: 'server error' }],
  [CODES.badCredentials, { fate: 'login', why: 'login refused' }],
  [CODES.unavailableException, { fate: 'retry', why: 'too few replicas are up' }],
  [CODES.overloaded, { fate: 'retry', why: 'overloaded' }],
  [CODES.isBootstrapping, { fate: 'retry', why: 'node is bootstrapping' }],
  [CODES.truncateError, { fate: 'retry', why: 'truncation failed' }],
  [CODES.writeTimeout, { fate: 'retry', ambiguous: true, why: 'write timeout at the replicas' }],
  [CODES.readTimeout, { fate: 'retry', why: 'read timeout at the replicas' }],
  [CODES.readFailure, { fate: 'retry', why: 'read failed at a replica' }],
  [CODES.writeFailure, { fate: 'retry', ambiguous: true, why: 'write failed at a replica' }],
  // A prepared statement that a node has forgotten: the driver prepares it again at the next try.
  [CODES.unprepared, { fate: 'retry', why: 'statement not prepared' }],
  [CODES.syntaxError, { fate: 'reject', why: 'syntax error' }],
  [CODES.unauthorized, { fate: 'reject', why: 'not authorised' }],
  [CODES.invalid, { fate: 'reject', why: 'invalid request' }],
  [CODES.configError, { fate: 'reject', why: 'configuration error' }],
  [CODES.alreadyExists, { fate: 'reject', why: 'already exists' }],
  [CODES.functionFailure, { fate: 'reject', why: 'function failed' }],
  [CODES.protocolError, { fate: 'reject', why: 'protocol error' }],
]);

const WHY_CHARS_MAX = 200;

export function classify(error: unknown): Classified {
  if (error instanceof errors.NoHostAvailableError) return classifyHosts(error);
  if (error instanceof errors.ResponseError) return classifyResponse(error);
  if (error instanceof errors.OperationTimedOutError) {
    return { fate: 'retry', ambiguous: true, why: 'no reply in time' };
  }
  if (isSocketError(error)) return { fate: 'retry', ambiguous: true, why: 'connection lost' };
  if (error instanceof errors.BusyConnectionError) {
    return { fate: 'retry', ambiguous: false, why: 'all connections are busy' };
  }
  if (error instanceof errors.AuthenticationError) {
    return { fate: 'login', ambiguous: false, why: 'login refused' };
  }
  // A wrong JavaScript type, or one that does not fit the column: the row will never be written.
  if (error instanceof TypeError || error instanceof RangeError) {
    return { fate: 'reject', ambiguous: false, why: oneLine(error.message) };
  }
  if (error instanceof errors.ArgumentError || error instanceof errors.NotSupportedError) {
    return { fate: 'reject', ambiguous: false, why: oneLine(error.message) };
  }
  // Unknown: a connection that closes under a request can surface as a bare Error. Losing a row
  // would be worse than trying it again.
  return { fate: 'retry', ambiguous: true, why: oneLine(messageOf(error)) };
}

/**
 * The outcome of a row whose write ended in `error`. The whole store is in trouble, not one device.
 */
export function outcomeOf(error: unknown): Outcome {
  const { fate, ambiguous, why } = classify(error);
  if (fate === 'reject') {
    return { kind: 'rejected', reason: `cassandra: ${why}`, deadLetter: true };
  }
  return { kind: 'retry', why: `cassandra: ${why}`, ambiguous, scope: 'lane' };
}

function classifyResponse(error: errors.ResponseError): Classified {
  const meaning = MEANINGS.get(error.code);
  if (meaning === undefined) {
    const why = `error 0x${error.code.toString(16).padStart(4, '0')}`;
    return { fate: 'retry', ambiguous: true, why };
  }
  const { fate, ambiguous = false, why } = meaning;
  // The server's own words name the table or column that is wrong; they hold no values.
  return { fate, ambiguous, why: fate === 'retry' ? why : `${why}: ${oneLine(error.message)}` };
}

/**
 * Every host that was asked has its own error within. One that may have done the write makes the
 * whole ambiguous; the request is only refused for good when each host that answered refused it.
 */
function classifyHosts(error: errors.NoHostAvailableError): Classified {
  const inner: Classified[] = [];
  for (const one of Object.values((error.innerErrors ?? {}) as Record<string, unknown>)) {
    if (one === null || one === undefined) continue;
    inner.push(
      typeof one === 'string'
        ? { fate: 'retry', ambiguous: false, why: 'host is down' }
        : classify(one),
    );
  }
  if (inner.length === 0) return { fate: 'retry', ambiguous: false, why: 'no host is up' };
  const whys = [...new Set(inner.map((one) => one.why))].join('; ');
  const first = inner[0]!.fate;
  return {
    fate: inner.every((one) => one.fate === first) ? first : 'retry',
    ambiguous: inner.some((one) => one.ambiguous),
    why: oneLine(whys),
  };
}

/** The driver marks errors of a lost socket by a field, whatever their class. */
function isSocketError(error: unknown): boolean {
  return (error as { isSocketError?: boolean } | null)?.isSocketError === true;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function oneLine(text: string): string {
  const line = text.split('\n', 1)[0]!.trim();
  return line.length > WHY_CHARS_MAX ? `${line.slice(0, WHY_CHARS_MAX)}…` : line;
}
