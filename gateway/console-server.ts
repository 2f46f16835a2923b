/**
 * The console in a process of its own, which has neither devices nor producers: the page, and the
 * same paths as a gateway's internal port has for operators.
 */
import fastify, { type FastifyInstance } from 'fastify';
import type { Clock } from '../core/clock.ts';
import { documentRoute } from './api/document-route.ts';
import { Auth, type AuthOptions } from './auth.ts';
import { BUDGET_LIMITS, Budgets } from './budgets.ts';
import { ClientAddresses } from './client-address.ts';
import { type ConsoleSource, consoleRoutes } from './console.ts';
import type { TlsFiles } from './gateway-options.ts';
import { type Figures, type HealthCheck, healthRoutes } from './health.ts';
import type { HealthServer } from './health-server.ts';
import { takeJson } from './json-body.ts';
import { listenOn } from './listen.ts';
import { installProblems, type LogLine, REFUSALS } from './problem.ts';
import { checkQueries } from './query.ts';

const BODY_BYTES_MAX = 64 * 1024;

export interface ConsoleServerOptions extends Figures {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly tls?: TlsFiles;
  readonly auth: AuthOptions;
  readonly clock: Clock;
  readonly source: ConsoleSource;
  readonly checks: ReadonlyMap<string, HealthCheck>;
  /** Of Carillon, for the OpenAPI document. */
  readonly version: string;
  /** Whose `Forwarded` and `X-Forwarded-For` are believed. */
  readonly trustedProxies?: readonly string[];
  readonly origins?: readonly string[];
  readonly say: LogLine;
}

/** Throws CAR718 when the port is taken, CAR719 when a secret is weak. */
export async function startConsoleServer(options: ConsoleServerOptions): Promise<HealthServer> {
  const { clock, source, say, tls, version } = options;
  const origins = options.origins === undefined ? undefined : new Set(options.origins);
  const deps = {
    auth: new Auth(options.auth, clock, { origins, say }),
    budgets: new Budgets(clock, BUDGET_LIMITS),
    addresses: new ClientAddresses(options.trustedProxies),
  };
  const app = fastify({
    logger: false,
    ...REFUSALS,
    bodyLimit: BODY_BYTES_MAX,
    forceCloseConnections: true,
    ...(tls === undefined ? {} : { https: tls }),
  }) as FastifyInstance;
  installProblems(app, say);
  documentRoute(app, version);
  checkQueries(app);
  takeJson(app);
  deps.budgets.watch(app);
  healthRoutes(app, options.checks, options);
  consoleRoutes(app, { ...deps, clock, source });
  const secure = tls !== undefined;
  const { url } = await listenOn(app, { ...options, secure, setting: 'http.internal_port' });
  return { url, close: () => app.close() };
}
