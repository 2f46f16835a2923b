/**
 * What the gateway answers when something is wrong: always the same JSON form, with a code, the
 * fields by path and how to mend it; never a stack trace, never a value of the body or a token.
 */
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { CarillonError } from '../core/error.ts';
import { ERROR_TABLE, type ErrorCode } from '../core/error-table.ts';
import type { FieldProblem } from '../schemas/json-events.ts';
import { KnownPaths } from './known-paths.ts';

/** The HTTP status of each code that a request can end in. */
const STATUS: Readonly<Partial<globalThis.Record<ErrorCode, number>>> = {
  CAR701: 401,
  CAR702: 401,
  CAR703: 401,
  CAR704: 403,
  CAR705: 404,
  CAR706: 404,
  CAR707: 413,
  CAR708: 415,
  CAR709: 400,
  CAR710: 400,
  CAR711: 503,
  CAR712: 503,
  CAR713: 404,
  CAR714: 400,
  CAR715: 503,
  CAR716: 503,
  CAR717: 500,
  CAR721: 400,
  CAR724: 426,
  CAR725: 401,
  CAR726: 429,
  CAR727: 401,
  CAR729: 403,
  CAR730: 503,
  CAR731: 503,
  CAR734: 409,
  CAR740: 409,
  CAR741: 405,
  CAR742: 415,
  CAR743: 400,
  CAR744: 409,
  CAR745: 400,
  CAR746: 429,
  CAR747: 503,
  CAR773: 503,
  CAR776: 403,
};
export function statusOf(code: ErrorCode): number {
  return STATUS[code] ?? 500;
}

/** Long enough for a commit or a leader election to pass, short enough for a person to wait. */
const RETRY_AFTER_SECONDS = 1;

/** An error that a client is told. */
export class HttpProblem extends CarillonError {
  readonly status: number;
  readonly problems: readonly FieldProblem[];
  readonly retryAfterSeconds: number;
  readonly allow: string | undefined;

  constructor(
    code: ErrorCode,
    what: string,
    options: {
      problems?: readonly FieldProblem[];
      mend?: string;
      cause?: unknown;
      /** Of 429 and 503. */
      retryAfterSeconds?: number;
      /** Of 405: the methods that there are. */
      allow?: string;
    } = {},
  ) {
    const status = statusOf(code);
    super(code, what, {
      retryable: status === 503 || status === 429,
      ...(options.mend === undefined ? {} : { mend: options.mend }),
      cause: options.cause,
    });
    this.status = status;
    this.problems = options.problems ?? [];
    this.allow = options.allow;
    this.retryAfterSeconds = options.retryAfterSeconds ?? RETRY_AFTER_SECONDS;
  }
}

export function problemBody(problem: HttpProblem): object {
  const { code, what, mend, problems } = problem;
  const body = { code, slug: ERROR_TABLE[code].slug, what, mend };
  return problems.length === 0 ? body : { ...body, problems };
}

export function problemHeaders(problem: HttpProblem): globalThis.Record<string, string> {
  if (problem.status === 503 || problem.status === 429) {
    return { 'retry-after': String(problem.retryAfterSeconds) };
  }
  if (problem.status === 401) return { 'www-authenticate': 'Bearer' };
  if (problem.allow !== undefined) return { allow: problem.allow };
  return problem.status === 426 ? { upgrade: 'websocket' } : {};
}

/** Without a level: a warning when there is an `error` among the facts, else information. */
export type LogLine = (
  sentence: string,
  facts: Readonly<globalThis.Record<string, unknown>>,
  level?: 'info' | 'warn' | 'error',
) => void;

/** Makes all errors of an app problems. What nobody foresaw is logged whole and told as CAR717. */
export function installProblems(app: FastifyInstance, log: LogLine): void {
  app.setErrorHandler((error: FastifyError, request, reply) => {
    send(reply, problemOf(error, request, log));
  });
  const paths = new KnownPaths(app);
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0]!;
    const what = `${request.method} ${path.slice(0, 200)} is not here`;
    const allow = paths.methodsOf(path).join(', ');
    if (allow === '') return send(reply, new HttpProblem('CAR705', `${what}.`));
    send(reply, new HttpProblem('CAR741', `${what}, but ${allow}.`, { allow }));
  });
}

/** What Fastify and Node refuse before there is a route, in our form too: options of the app. */
export const REFUSALS = {
  frameworkErrors: (_error: FastifyError, _request: FastifyRequest, reply: FastifyReply): void =>
    send(reply, new HttpProblem('CAR721', 'the address does not decode, or is too long.')),
  clientErrorHandler: (error: NodeJS.ErrnoException, socket: Duplex): void => {
    // After a reset nobody is there to be told.
    if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
    const refused = REFUSED[error.code ?? ''] ?? { status: 400, what: 'it is no HTTP request.' };
    writeProblem(socket, refused.status, new HttpProblem('CAR721', refused.what));
  },
};

const REFUSED: Readonly<globalThis.Record<string, { status: number; what: string }>> = {
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, what: 'the request did not come in time.' },
  HPE_HEADER_OVERFLOW: { status: 431, what: 'the headers are too large.' },
};

/** Answers on a bare socket, and ends it. */
export function writeProblem(socket: Duplex, status: number, problem: HttpProblem): void {
  const body = JSON.stringify(problemBody(problem));
  const headers = {
    connection: 'close',
    'content-type': 'application/json; charset=utf-8',
    'content-length': String(Buffer.byteLength(body)),
    ...problemHeaders(problem),
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  // The other side may never close its half: a refused socket must not outlive its answer.
  socket.once('finish', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`);
}

function send(reply: FastifyReply, problem: HttpProblem): void {
  reply.code(problem.status).headers(problemHeaders(problem)).send(problemBody(problem));
}

function problemOf(error: FastifyError, request: FastifyRequest, log: LogLine): HttpProblem {
  if (error instanceof HttpProblem) return error;
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    const max = request.routeOptions.bodyLimit;
    return new HttpProblem('CAR707', `the body has more than ${max} bytes.`);
  }
  if (error.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
    return new HttpProblem('CAR708', 'the content type of the body is not taken here.');
  }
  if ((error.statusCode ?? 500) < 500) {
    // What Fastify itself refuses: a content length that lies, a path that does not decode.
    return new HttpProblem('CAR721', 'the request is malformed.');
  }
  log('A request failed.', { method: request.method, path: request.routeOptions.url, error });
  return new HttpProblem('CAR717', 'the gateway failed on this request.');
}

/** Logs to nobody; the wiring hands in a real one. */
export const noLog: LogLine = () => undefined;
