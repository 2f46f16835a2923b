/** Whether the process lives, whether it can do its work, and its figures. */
import type { FastifyInstance } from 'fastify';
import { CarillonError } from '../core/error.ts';
import { FLOW, LIVE, METRICS, READY } from './api/operator-operations.ts';

/**
 * Resolves when the part can do its work, with a text if something is to be said of it all the
 * same; rejects with why not.
 */
export type HealthCheck = () => Promise<unknown>;

/** What a process has counted. */
export interface Figures {
  readonly metrics?: () => string | Promise<string>;
  /** As data: what consoles of other processes add up. */
  readonly flow?: () => Promise<object>;
}

/** A check that says nothing for so long has failed. */
const CHECK_MS_MAX = 2_000;
const NO_ANSWER = `no answer within ${CHECK_MS_MAX} ms`;
const IS_READY = 'ready';

/**
 * For anybody: whether it lives, and whether it is ready, not why. `parts` of `healthRoutes` say
 * that, on the internal port.
 */
export function plainHealthRoutes(
  app: FastifyInstance,
  checks: ReadonlyMap<string, HealthCheck>,
): void {
  const ask = asker(checks);
  app.get(LIVE.path, { config: { operation: LIVE } }, async () => ({ status: 'live' }));
  app.get(READY.path, { config: { operation: READY } }, async (_request, reply) => {
    const { ready } = await ask();
    reply.code(ready ? 200 : 503);
    return { status: ready ? 'ready' : 'not ready' };
  });
}

export function healthRoutes(
  app: FastifyInstance,
  checks: ReadonlyMap<string, HealthCheck>,
  { metrics, flow }: Figures,
): void {
  app.get(LIVE.path, { config: { operation: LIVE } }, async () => ({ status: 'live' }));
  const ask = asker(checks);
  app.get(READY.path, { config: { operation: READY } }, async (_request, reply) => {
    const { ready, parts } = await ask();
    reply.code(ready ? 200 : 503);
    return { status: ready ? 'ready' : 'not ready', parts };
  });
  if (flow !== undefined) {
    app.get(FLOW.path, { config: { operation: FLOW } }, async (_request, reply) => {
      reply.header('cache-control', 'no-store');
      return await flow();
    });
  }
  if (metrics === undefined) return;
  app.get(METRICS.path, { config: { operation: METRICS } }, async (_request, reply) => {
    reply.type(METRICS.answers[200]!.body!.type);
    return await metrics();
  });
}

interface Health {
  readonly ready: boolean;
  readonly parts: Readonly<globalThis.Record<string, string>>;
}

/** Who asks while the parts are being asked gets the same answer: they are asked once. */
function asker(checks: ReadonlyMap<string, HealthCheck>): () => Promise<Health> {
  let asked: Promise<Health> | null = null;
  const ask = async (): Promise<Health> => {
    try {
      const parts = await Promise.all(
        [...checks].map(async ([name, check]) => [name, await stateOf(check)] as const),
      );
      const isReady = (state: string) => state === IS_READY || state.startsWith(`${IS_READY}, `);
      const ready = parts.every(([, state]) => isReady(state));
      return { ready, parts: Object.fromEntries(parts) };
    } finally {
      asked = null;
    }
  };
  return () => {
    asked ??= ask();
    return asked;
  };
}

async function stateOf(check: HealthCheck): Promise<string> {
  const late = Promise.withResolvers<string>();
  const timer = setTimeout(() => late.resolve(NO_ANSWER), CHECK_MS_MAX);
  try {
    const said = check().then((more) =>
      typeof more === 'string' && more !== '' ? `${IS_READY}, ${more}` : IS_READY,
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
