/** Whether the process lives, whether it can do its work, and its figures. */
import type { FastifyInstance } from 'fastify';
import { CarillonError } from '../core/error.ts';

/**
 * Resolves when the part can do its work, with a text if something is to be said of it all the
 * same; rejects with why not.
 */
export type HealthCheck = () => Promise<unknown>;

/** A check that says nothing for so long has failed. */
const CHECK_MS_MAX = 2_000;
const NO_ANSWER = `no answer within ${CHECK_MS_MAX} ms`;
const READY = 'ready';
/** Prometheus' text format 0.0.4. */
const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export function healthRoutes(
  app: FastifyInstance,
  checks: ReadonlyMap<string, HealthCheck>,
  metrics: (() => string | Promise<string>) | undefined,
): void {
  app.get('/health/live', async () => ({ status: 'live' }));
  app.get('/health/ready', async (_request, reply) => {
    const parts = await Promise.all(
      [...checks].map(async ([name, check]) => [name, await stateOf(check)] as const),
    );
    const ready = parts.every(([, state]) => state === READY || state.startsWith(`${READY}, `));
    reply.code(ready ? 200 : 503);
    return { status: ready ? 'ready' : 'not ready', parts: Object.fromEntries(parts) };
  });
  if (metrics === undefined) return;
  app.get('/metrics', async (_request, reply) => {
    reply.type(METRICS_TYPE);
    return await metrics();
  });
}

async function stateOf(check: HealthCheck): Promise<string> {
  const late = Promise.withResolvers<string>();
  const timer = setTimeout(() => late.resolve(NO_ANSWER), CHECK_MS_MAX);
  try {
    const said = check().then((more) =>
      typeof more === 'string' && more !== '' ? `${READY}, ${more}` : READY,
    );
    return await Promise.race([said, late.promise]);
  } catch (error) {
    // Only what was written for people: another message could name hosts or keys.
    if (error instanceof CarillonError) return `${error.code}: ${error.what}`;
    return 'failed';
  } finally {
    clearTimeout(timer);
  }
}
