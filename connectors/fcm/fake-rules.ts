/** What FCM HTTP v1 accepts as a message, and the form of its errors; for the stand-in. */
import type { Answer } from '../stand-in.ts';

export interface FcmMessage {
  readonly token: string;
  readonly data: Readonly<Record<string, string>>;
  readonly android: {
    readonly priority?: string;
    readonly ttl?: string;
    readonly collapse_key?: string;
  };
}

export interface CheckedMessage {
  readonly message: FcmMessage;
  readonly validateOnly: boolean;
}

const DATA_BYTES_MAX = 4096;
const TTL_MAX_S = 2_419_200;
const MESSAGE_FIELDS = new Set(['token', 'topic', 'data', 'android', 'apns', 'notification']);
const ANDROID_FIELDS = new Set(['priority', 'ttl', 'collapse_key', 'data', 'notification']);
const RESERVED_KEY = /^(from$|message_type$|gcm|google)/;

/** An error in Google's form; `code` is FCM's own (`FcmError`), empty for none. */
export function fcmError(
  status: number,
  statusName: string,
  message: string,
  code: string,
  more: { retryAfterS?: number; details?: readonly unknown[] } = {},
): Answer {
  const own =
    code === ''
      ? []
      : [{ '@type': 'type.googleapis.com/google.firebase.fcm.v1.FcmError', errorCode: code }];
  const details = [...own, ...(more.details ?? [])];
  const headers: Record<string, string> =
    more.retryAfterS === undefined ? {} : { 'retry-after': String(more.retryAfterS) };
  return {
    act: 'answer',
    status,
    headers,
    body: { error: { code: status, message, status: statusName, details } },
  };
}

function badRequest(field: string, description: string): Answer {
  return fcmError(400, 'INVALID_ARGUMENT', `Invalid value at '${field}'.`, 'INVALID_ARGUMENT', {
    details: [violation(field, description)],
  });
}

/** The detail that names a field which is wrong. */
export function violation(field: string, description: string): unknown {
  return {
    '@type': 'type.googleapis.com/google.rpc.BadRequest',
    fieldViolations: [{ field, description }],
  };
}

/** The message, or the answer that refuses it. */
export function checkMessage(body: string): Answer | CheckedMessage {
  let parsed: { message?: Record<string, unknown>; validate_only?: boolean };
  try {
    parsed = JSON.parse(body);
  } catch {
    return badRequest('', 'The body is not JSON.');
  }
  const { message, validate_only: validateOnly = false } = parsed;
  if (typeof message !== 'object' || message === null) return badRequest('message', 'Missing.');
  for (const name of Object.keys(message)) {
    if (!MESSAGE_FIELDS.has(name)) return badRequest(`message.${name}`, 'Unknown name.');
  }
  const targets = ['token', 'topic'].filter((name) => typeof message[name] === 'string');
  if (targets.length !== 1) return badRequest('message', 'One target is required.');
  return (
    dataFault(message.data ?? {}) ??
    androidFault(message.android ?? {}) ?? {
      message: { data: {}, android: {}, ...message } as FcmMessage,
      validateOnly,
    }
  );
}

function dataFault(data: unknown): Answer | undefined {
  if (typeof data !== 'object' || data === null) return badRequest('message.data', 'Not a map.');
  let bytes = 0;
  for (const [key, value] of Object.entries(data)) {
    if (typeof value !== 'string') return badRequest(`message.data[${key}]`, 'Not a string.');
    if (RESERVED_KEY.test(key)) return badRequest(`message.data[${key}]`, 'A reserved key.');
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  return bytes > DATA_BYTES_MAX ? badRequest('message', 'Message is too big.') : undefined;
}

function androidFault(android: unknown): Answer | undefined {
  if (typeof android !== 'object' || android === null) {
    return badRequest('message.android', 'Not a message.');
  }
  for (const name of Object.keys(android)) {
    if (!ANDROID_FIELDS.has(name)) return badRequest(`message.android.${name}`, 'Unknown name.');
  }
  const { priority, ttl } = android as FcmMessage['android'];
  if (priority !== undefined && !/^(high|normal)$/i.test(priority)) {
    return badRequest('message.android.priority', 'Not a priority.');
  }
  if (ttl === undefined) return undefined;
  const seconds = /^(\d+(?:\.\d{1,9})?)s$/.exec(String(ttl))?.[1];
  if (seconds === undefined || Number(seconds) > TTL_MAX_S) {
    return badRequest('message.android.ttl', 'Must be a duration within 0s and 2419200s.');
  }
  return undefined;
}
