/**
 * Health and metrics of a process that has neither devices nor producers: streams and sinks alone.
 * The same paths as a gateway's, on a port of their own.
 */
import fastify from 'fastify';
import { type Figures, type HealthCheck, healthRoutes } from './health.ts';
import { listenOn } from './listen.ts';
import { installProblems, type LogLine, noLog } from './problem.ts';

export interface HealthServerOptions extends Figures {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly checks: ReadonlyMap<string, HealthCheck>;
  readonly say?: LogLine;
}

export interface HealthServer {
  readonly url: string;
  close(): Promise<void>;
}

/** Throws CAR718 when the port is taken. */
export async function startHealthServer(options: HealthServerOptions): Promise<HealthServer> {
  const app = fastify({ logger: false, forceCloseConnections: true });
  installProblems(app, options.say ?? noLog);
  healthRoutes(app, options.checks, options);
  const { url } = await listenOn(app, { ...options, setting: 'http.health_port' });
  return { url, close: () => app.close() };
}
