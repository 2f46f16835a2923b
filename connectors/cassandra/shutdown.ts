/**
 * Closes a client so that the process can end.
 *
 * When all connections to a ring were lost, driver 4.10 looks its contact points up again and makes
 * new `Host` objects for nodes that it knows already. The old ones, each with a timer and perhaps a
 * connection that came back late, are in no list any more, so `shutdown()` misses them and the
 * process hangs (seen with one node after kill -9 and restart). So every host is remembered from
 * the start.
 */
import type { Client, Host } from 'cassandra-driver';

/** What the driver's own `shutdown()` calls; not in its types. */
interface ClosableHost extends Host {
  shutdown?(waitForPending: boolean): Promise<void>;
}

interface ControlConnection {
  readonly connection?: { closeAsync?(): Promise<void> } | null;
}

const clients = new WeakMap<Client, Set<ClosableHost>>();

/** To be called once, when the client has connected. */
export function rememberHosts(client: Client): void {
  const hosts = new Set<ClosableHost>(client.hosts.values());
  client.hosts.on('add', (host: ClosableHost) => void hosts.add(host));
  clients.set(client, hosts);
}

export async function shutDown(client: Client): Promise<void> {
  const { connection } =
    (client as unknown as { controlConnection?: ControlConnection }).controlConnection ?? {};
  await client.shutdown();
  const hosts = clients.get(client) ?? [];
  await Promise.all([...hosts].map((host) => host.shutdown?.(false)));
  // The control connection can be one of no host's pool; to close it twice does no harm.
  await connection?.closeAsync?.().catch(() => undefined);
}
