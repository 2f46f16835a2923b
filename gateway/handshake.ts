/**
 * What a WebSocket handshake asks for, and how it is refused. A browser shows its scripts nothing
 * of an HTTP answer to a handshake, only close code 1006, which means "come back": so who may be a
 * browser is accepted, and closed at once with the code of the table.
 */
import type { IncomingMessage } from 'node:http';
import { type Cursor, parseCursor } from '../core/cursor.ts';
import type { ErrorCode } from '../core/error-table.ts';
import { bearerOf, type Credential } from './auth.ts';
import { CLOSE_CODES, type CloseCode } from './close-codes.ts';
import { EVENT_STREAM_TYPE } from './event-stream.ts';
import { HttpProblem } from './problem.ts';

export const SUBPROTOCOL = 'carillon.v1';
/** The same frames as Avro, in binary messages. */
export const AVRO_SUBPROTOCOL = 'carillon.v1+avro';
const SUBPROTOCOLS: readonly string[] = [SUBPROTOCOL, AVRO_SUBPROTOCOL];
/** Of the sub-protocol that is a token. */
const BEARER = 'bearer.';
/** Of no consequence: a request's address begins with its path. */
const ORIGIN = 'http://gateway';

/**
 * True: the request is to become a WebSocket. Any other `Upgrade` (h2c, which Java's HttpClient and
 * curl offer with each request) is ignored and the request served as it is (RFC 9110, 7.8).
 */
export function isWebSocketHandshake({ method, headers }: IncomingMessage): boolean {
  const offered = headers.upgrade?.split(',') ?? [];
  return method === 'GET' && offered.some((name) => name.trim().toLowerCase() === 'websocket');
}

/** The address of a request, or undefined when it is none. */
export function addressOf(request: IncomingMessage): URL | undefined {
  const address = request.url ?? '/';
  return URL.canParse(address, ORIGIN) ? new URL(address, ORIGIN) : undefined;
}

/**
 * The Authorization header, or, as browsers cannot set one, the sub-protocol `bearer.<jwt>`, or
 * `?access_token=`. A header of another kind says nothing: a proxy or a browser with a password for
 * the page sends `Basic` beside them.
 */
export function tokenOf(
  { headers }: Pick<IncomingMessage, 'headers'>,
  url: URL,
): string | undefined {
  const offered = headers['sec-websocket-protocol']?.split(',') ?? [];
  const named = offered.map((name) => name.trim()).find((name) => name.startsWith(BEARER));
  return (
    bearerOf(headers.authorization) ??
    named?.slice(BEARER.length) ??
    url.searchParams.get('access_token') ??
    undefined
  );
}

/**
 * The sub-protocol that is answered: the first that is known. A browser that is answered none of
 * those that it offered fails with 1006: so who offers nothing but the token is answered it, and
 * nobody else.
 */
export function chosenOf(offered: ReadonlySet<string>): string | false {
  const names = [...offered];
  const known = names.find((name) => SUBPROTOCOLS.includes(name));
  return known ?? names.find((name) => name.startsWith(BEARER)) ?? false;
}

/** True: who asks for the stream is no WebSocket, and takes server-sent events. */
export function takesEvents({ headers }: IncomingMessage): boolean {
  return headers.accept?.toLowerCase().includes(EVENT_STREAM_TYPE) ?? false;
}

/**
 * Where the device wants to go on; undefined: it does not say. An EventSource that comes back by
 * itself says it in Last-Event-ID, which is newer than its address. Throws CAR714.
 */
export function afterOf({ headers }: IncomingMessage, url: URL): Cursor | undefined {
  const last = headers['last-event-id'];
  const text = (typeof last === 'string' ? last : '') || (url.searchParams.get('after') ?? '');
  const after = text === '' ? undefined : parseCursor(text);
  if (text !== '' && after === undefined) {
    throw new HttpProblem('CAR714', '"after" is not a cursor that was given.');
  }
  return after;
}

const CLOSES: Readonly<Partial<globalThis.Record<ErrorCode, CloseCode>>> = {
  CAR701: CLOSE_CODES.noToken,
  CAR702: CLOSE_CODES.badToken,
  CAR703: CLOSE_CODES.tokenExpired,
  CAR704: CLOSE_CODES.notAllowed,
  CAR705: CLOSE_CODES.unknownPath,
  CAR714: CLOSE_CODES.badCursor,
  CAR725: CLOSE_CODES.tokenNotYetValid,
  CAR726: CLOSE_CODES.tooMuch,
  CAR727: CLOSE_CODES.tokenRevoked,
  CAR729: CLOSE_CODES.notAllowed,
  CAR776: CLOSE_CODES.notAllowed,
};

/**
 * With which code a handshake is refused after it was accepted; undefined: it is answered with an
 * HTTP status. That is so for who sets the Authorization header (no browser can, and such clients
 * read the status), and for 503 and 500: 1006 says just that, come back with backoff.
 */
export function refusalOf(request: IncomingMessage, error: unknown): CloseCode | undefined {
  const { authorization, 'sec-websocket-key': key } = request.headers;
  if (bearerOf(authorization) !== undefined) return undefined;
  if (key === undefined && !takesEvents(request)) return undefined;
  return closeOf(error);
}

/** The close code that stands for a problem; undefined: none does, which says come back. */
export function closeOf(error: unknown): CloseCode | undefined {
  return error instanceof HttpProblem ? CLOSES[error.code] : undefined;
}

/** True: it will say who it is with its first frame (`first-frame.ts`). */
export function saysLater({ headers }: IncomingMessage, { token }: Credential): boolean {
  if (headers['sec-websocket-key'] === undefined || token !== undefined) return false;
  const offered = headers['sec-websocket-protocol']?.split(',') ?? [];
  return offered.some((name) => SUBPROTOCOLS.includes(name.trim()));
}
