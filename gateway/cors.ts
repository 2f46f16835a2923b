/**
 * Pages of other origins (CORS). The public paths are for any page unless origins are named, as
 * only a token opens them, which the page must have; where a cookie may bring it, they are named.
 * The Fetch standard gives the headers.
 */
import type { FastifyInstance } from 'fastify';
import { HttpProblem } from './problem.ts';

/** What pages may come to; everything else answers as if there were no CORS. */
const PUBLIC = '/v1/';
const METHODS = 'GET, PUT, POST, DELETE, OPTIONS';
const REQUEST_HEADERS = 'authorization, content-type';
const ANSWER_HEADERS = 'retry-after, www-authenticate';
/** Chrome remembers a preflight for two hours at most. */
const REMEMBERED_SECONDS = 7_200;

/** Origins that may come; undefined: all. */
export type Origins = ReadonlySet<string> | undefined;

/** Throws CAR729 when a page of this origin may not come. Who is no page sends no origin. */
export function checkOrigin(origins: Origins, origin: string | undefined): void {
  if (origins === undefined || origin === undefined || origins.has(origin)) return;
  throw new HttpProblem('CAR729', 'pages of this origin are not let in.');
}

/** `cookies`: a page of another site may send its cookie along. */
export function allowOrigins(app: FastifyInstance, origins: Origins, cookies: boolean): void {
  app.addHook('onRequest', async (request, reply) => {
    const { origin } = request.headers;
    if (origin === undefined || !request.url.startsWith(PUBLIC)) return;
    if (origins !== undefined) reply.header('vary', 'origin');
    checkOrigin(origins, origin);
    reply.header('access-control-allow-origin', origins === undefined ? '*' : origin);
    reply.header('access-control-expose-headers', ANSWER_HEADERS);
    if (cookies) reply.header('access-control-allow-credentials', 'true');
  });
  app.options(`${PUBLIC}*`, async (request, reply) => {
    reply.code(204).header('allow', METHODS);
    if (request.headers['access-control-request-method'] === undefined) return;
    reply.header('access-control-allow-methods', METHODS);
    reply.header('access-control-allow-headers', REQUEST_HEADERS);
    reply.header('access-control-max-age', String(REMEMBERED_SECONDS));
  });
}
