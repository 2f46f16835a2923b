/** A port that could be listened on instead of one that is taken. */
import { once } from 'node:events';
import { createServer } from 'node:net';

/** So many beside the one that is taken are tried; then the system is asked for any. */
const TRIED_MAX = 50;
/** Ports below need rights that few processes have. */
const UNPRIVILEGED_MIN = 1_024;
const PORT_MAX = 65_535;

/**
 * The next one that nobody listens on at that host now; undefined: there is none, or no such host.
 */
export async function freePortBeside(host: string, taken: number): Promise<number | undefined> {
  const first = Math.max(taken + 1, UNPRIVILEGED_MIN);
  for (let port = first; port < first + TRIED_MAX && port <= PORT_MAX; port++) {
    if ((await listened(host, port)) !== undefined) return port;
  }
  return await listened(host, 0);
}

/** The port that was listened on for a moment; undefined: it cannot be. */
async function listened(host: string, port: number): Promise<number | undefined> {
  const server = createServer();
  try {
    server.listen({ host, port, exclusive: true });
    await once(server, 'listening');
    const address = server.address();
    return typeof address === 'object' ? address?.port : undefined;
  } catch {
    return undefined;
  } finally {
    server.close();
  }
}
