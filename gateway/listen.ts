/** Opens the port of a server of ours, and says what is wrong when it cannot be opened. */
import cluster from 'node:cluster';
import { once } from 'node:events';
import type { Server } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { CarillonError } from '../core/error.ts';
import { freePortBeside } from './free-port.ts';
import { behindProxy, type ProxyFront } from './proxy-protocol.ts';

/**
 * Connects that wait to be accepted, up to the system's own limit (4,096): Node's 511 would
 * overflow when a gateway's devices all come at once, and each of them then waits for a
 * retransmission.
 */
const BACKLOG = 4_096;

export interface ListenOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** The name of the port in the deployment config, for the error. */
  readonly setting: string;
  /** True: it speaks TLS. */
  readonly secure?: boolean;
  /** The PROXY protocol is asked of every connection. */
  readonly front?: ProxyFront | undefined;
  /** True: workers of one machine share it (node:cluster); else it is this process's alone. */
  readonly shared?: boolean;
}

type ListenPlace = Pick<ListenOptions, 'host' | 'port'>;

export interface Listening {
  readonly port: number;
  /** How this machine reaches it. */
  readonly url: string;
  /**
   * Before a drain: where workers share the port the others are handed what comes from now on. Who
   * has it alone goes on, and says itself that it stops.
   */
  leave(): void;
}

/** Throws CAR718 when the port is taken. */
export async function listenOn(
  app: FastifyInstance,
  { host, port, setting, secure, front, shared = false }: ListenOptions,
): Promise<Listening> {
  let server: Server = app.server;
  try {
    const place = { host, port, backlog: BACKLOG, exclusive: !shared };
    if (front === undefined) await app.listen(place);
    else server = await listenBehindProxy(app, front, place);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why =
      code === 'EADDRINUSE' ? 'another process listens there' : (code ?? 'no reason given');
    const free = code === 'EADDRNOTAVAIL' ? undefined : await freePortBeside(host, port);
    throw new CarillonError('CAR718', `port ${port} of ${host} cannot be listened on: ${why}.`, {
      where: { at: setting },
      ...(free === undefined ? {} : { mend: mendOf(setting, free) }),
      cause,
    });
  }
  const address = server.address();
  const open = typeof address === 'object' && address !== null ? address.port : port;
  const url = urlOf(secure ? 'https' : 'http', host, open);
  const leave = () => {
    // What this process was handed and has not taken goes back, and to another (node:cluster).
    if (shared && cluster.isWorker) server.close();
  };
  return { port: open, url, leave };
}

function mendOf(setting: string, free: number): string {
  const [section, key] = setting.split('.');
  const edit = `\`${section}: { ${key}: ${free} }\` into carillon.yaml (${free} is free now)`;
  return `Stop what listens there, or write ${edit}.`;
}

/** The app's own server never listens: it is handed the connections. */
async function listenBehindProxy(
  app: FastifyInstance,
  front: ProxyFront,
  place: ListenPlace,
): Promise<Server> {
  const server = behindProxy(app.server, front);
  app.addHook('onClose', async () => {
    server.close();
    app.server.closeAllConnections();
  });
  await app.ready();
  server.listen(place);
  await once(server, 'listening');
  return server;
}

function urlOf(scheme: string, host: string, port: number): string {
  const reached = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `${scheme}://${reached.includes(':') ? `[${reached}]` : reached}:${port}`;
}
