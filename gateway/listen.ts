/** Opens the port of a server of ours, and says what is wrong when it cannot be opened. */
import type { FastifyInstance } from 'fastify';
import { CarillonError } from '../core/error.ts';

export interface ListenOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** The name of the port in the deployment config, for the error. */
  readonly setting: string;
  /** True: it speaks TLS. */
  readonly secure?: boolean;
}

/** Throws CAR718 when the port is taken. `url` is how this machine reaches it. */
export async function listenOn(
  app: FastifyInstance,
  { host, port, setting, secure }: ListenOptions,
): Promise<{ readonly port: number; readonly url: string }> {
  try {
    await app.listen({ host, port });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why =
      code === 'EADDRINUSE' ? 'another process listens there' : (code ?? 'no reason given');
    throw new CarillonError('CAR718', `port ${port} of ${host} cannot be listened on: ${why}.`, {
      where: { at: setting },
      cause,
    });
  }
  const address = app.server.address();
  const open = typeof address === 'object' && address !== null ? address.port : port;
  return { port: open, url: urlOf(secure ? 'https' : 'http', host, open) };
}

function urlOf(scheme: string, host: string, port: number): string {
  const reached = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `${scheme}://${reached.includes(':') ? `[${reached}]` : reached}:${port}`;
}
