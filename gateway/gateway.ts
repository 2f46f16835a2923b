/**
 * What devices and producers talk to: sockets, pull, registration, ingest, health; and, on a port
 * of its own, what sinks, operators and tools do: deliveries, metrics, schemas.
 * Everything that it needs is handed in; it keeps nothing that is not in the log or the inbox.
 */
import { randomUUID } from 'node:crypto';
import fastify, { type FastifyInstance } from 'fastify';
import type { Cursor } from '../core/cursor.ts';
import { RENO_WORDS } from '../core/words.ts';
import { STREAM } from './api/device-operations.ts';
import { documentRoute } from './api/document-route.ts';
import { consoleRoutes } from './console.ts';
import { allowOrigins } from './cors.ts';
import { deliverRoute } from './deliver.ts';
import { EventStream } from './event-stream.ts';
import { Filler } from './fill.ts';
import type { GatewayOptions, TlsFiles } from './gateway-options.ts';
import { isWebSocketHandshake, takesEvents } from './handshake.ts';
import { type HealthCheck, healthRoutes, plainHealthRoutes } from './health.ts';
import { ingestRoutes } from './ingest.ts';
import { takeJson } from './json-body.ts';
import type { GatewayCounts } from './limits.ts';
import { type Listening, listenOn } from './listen.ts';
import { fewFiles } from './open-files.ts';
import { PayloadReader } from './payload.ts';
import { Polls } from './polls.ts';
import { Presence } from './presence.ts';
import { HttpProblem, installProblems, REFUSALS } from './problem.ts';
import type { ProxyFront } from './proxy-protocol.ts';
import { pullRoutes } from './pull.ts';
import { checkQueries } from './query.ts';
import { registrationRoutes } from './registration.ts';
import { registryRoutes } from './registry-routes.ts';
import { Reports, reportRoutes } from './reports.ts';
import { followRivals } from './rivals.ts';
import { openShared, type Shared } from './shared.ts';
import { STREAM_PATH, Streams } from './stream.ts';
import type { TableFollower } from './table-follower.ts';
import { unpackBodies } from './unpack.ts';

/**
 * Longer than a sink's pool keeps its connections, so that it is never the gateway that hangs up.
 */
const KEEP_ALIVE_MS = 75_000;
const REQUEST_MS_MAX = 30_000;
const PARAM_CHARS_MAX = 512;

export interface Gateway {
  readonly url: string;
  /** Of the internal port. */
  readonly internalUrl: string;
  readonly port: number;
  /** Devices that hold their stream. */
  connections(): number;
  /** Connections to the public port, for whatever. */
  httpConnections(): Promise<number>;
  /** What has happened since the start; live, for metrics. */
  readonly counts: GatewayCounts;
  /** Facts of presence and outcomes that the log did not take in time. */
  reportsLost(): number;
  /**
   * Asks all devices to reconnect elsewhere, waits for them at most `closeMs`, tells the log, gives
   * the lease back.
   */
  close(): Promise<void>;
}

/**
 * Throws CAR718 when the port is taken, CAR719 when a secret is weak, CAR775, CAR712 when the log
 * is away.
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const shared = await openShared(options);
  const { owners, outcomes, guarantee, writer, keys, hub } = shared;
  const app = newApp(shared, options.tls);
  const inner = options.internal === undefined ? app : newApp(shared, options.internal.tls);
  let devices: Devices | undefined;
  let opened: Listening | undefined;
  const stop = async () => {
    opened?.leave();
    await devices?.close();
    await app.close();
    await inner.close();
    await owners.close();
    await keys.close();
    await outcomes.close();
    await guarantee.close();
    await writer.close();
  };
  let internalUrl: string;
  try {
    internalRoutes(inner, shared);
    publicRoutes(app, shared);
    if (inner !== app) plainHealthRoutes(app, checksOf(shared));
    devices = options.roles.devices ? await deviceRoutes(app, inner, shared) : undefined;
    const front = options.proxyProtocol ? frontOf(shared) : undefined;
    const secure = options.tls !== undefined;
    opened = await listenOn(app, { ...options, setting: 'http.port', secure, front, shared: true });
    internalUrl = await openInternal(inner, options, opened.url);
    await devices?.open(options.internalUrl ?? internalUrl);
  } catch (error) {
    await stop();
    throw error;
  }
  const { port, url } = opened;
  return {
    port,
    url,
    internalUrl,
    counts: shared.counts,
    connections: () => hub.size,
    httpConnections: () =>
      new Promise((resolve) => app.server.getConnections((_, count) => resolve(count ?? 0))),
    reportsLost: () => outcomes.lost + guarantee.lost + (devices?.lost() ?? 0),
    close: stop,
  };
}

function frontOf({ addresses }: Shared): ProxyFront {
  return {
    accepts: (socket) => addresses.accepts(socket),
    tell: (socket, address) => addresses.tell(socket, address),
    timeoutMs: REQUEST_MS_MAX,
  };
}

async function openInternal(
  inner: FastifyInstance,
  { internal }: GatewayOptions,
  url: string,
): Promise<string> {
  if (internal === undefined) return url;
  const setting = 'http.internal_port';
  return (await listenOn(inner, { ...internal, setting, secure: !!internal.tls })).url;
}

function newApp(
  { options, limits, say, origins, budgets }: Shared,
  tls?: TlsFiles,
): FastifyInstance {
  // Known from Node 24.9 on; before it such requests are answered 404.
  const server = { shouldUpgradeCallback: isWebSocketHandshake };
  const app = fastify({
    logger: false,
    ...REFUSALS,
    bodyLimit: limits.bodyBytesMax,
    requestTimeout: REQUEST_MS_MAX,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionTimeout: limits.stalledMs,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: PARAM_CHARS_MAX },
    ...(tls === undefined ? { http: server } : { https: { ...server, ...tls } }),
  }) as FastifyInstance;
  installProblems(app, say);
  documentRoute(app, options.version ?? '', options.words);
  checkQueries(app);
  unpackBodies(app);
  takeJson(app);
  allowOrigins(app, origins, options.auth.cookie !== undefined);
  budgets.watch(app);
  return app;
}

function checksOf({ options, limits, hub }: Shared): ReadonlyMap<string, HealthCheck> {
  const { log, inbox, health, openFilesMax } = options;
  const checks = new Map<string, HealthCheck>([
    ['log', () => log.probe()],
    ['inbox', () => inbox.probe()],
    ...(health ?? []),
  ]);
  if (limits.connectionsMax >= limits.connectionsWanted) return checks;
  return checks.set('files', async () => {
    if (hub.size >= limits.connectionsMax) throw fewFiles(openFilesMax, limits.connectionsMax);
  });
}

/** For operators and tools, behind the internal port. */
function internalRoutes(app: FastifyInstance, shared: Shared): void {
  const { options } = shared;
  healthRoutes(app, checksOf(shared), options);
  if (options.registry !== undefined) registryRoutes(app, options.registry);
  if (options.console !== undefined) {
    consoleRoutes(app, { ...shared, clock: options.clock, source: options.console });
  }
}

function publicRoutes(app: FastifyInstance, shared: Shared): void {
  const { options, auth, budgets, addresses, owners, writer, keys, limits, counts, topics } =
    shared;
  if (options.roles.ingest) {
    const { eventTypes } = options;
    ingestRoutes(app, { auth, budgets, addresses, writer, keys, limits, counts, eventTypes });
  }
  if (options.roles.ingest || options.roles.devices) {
    const { clock } = options;
    const { registration: topic } = topics;
    const words = options.words ?? RENO_WORDS;
    registrationRoutes(app, { auth, budgets, addresses, owners, writer, clock, topic, words });
  }
}

interface Devices {
  lost(): number;
  /** Takes the lease and starts the heartbeat. */
  open(internalUrl: string): Promise<void>;
  close(): Promise<void>;
}

async function deviceRoutes(
  app: FastifyInstance,
  inner: FastifyInstance,
  shared: Shared,
): Promise<Devices> {
  const { options, auth, budgets, addresses, owners, hub, origins, limits, topics } = shared;
  const { say, writer, counts, outcomes, guarantee } = shared;
  const { clock, inbox, schemas } = options;
  const payload = new PayloadReader(schemas, clock);
  const filler = new Filler({ inbox, payload, guarantee, clock, limits, counts, log: say });
  const acknowledged = (deviceId: string, cursor: Cursor) =>
    hub.ofDevice(deviceId)?.acks.elsewhere(cursor);
  let streams: Streams | undefined;
  pullRoutes(app, {
    auth,
    budgets,
    addresses,
    inbox,
    owners,
    payload,
    outcomes,
    guarantee,
    clock,
    counts,
    limits,
    acknowledged,
    polls: new Polls(limits, () => streams),
  });
  const { reports: topic } = topics;
  const reports = new Reports({ budgets, owners, writer, clock, topic });
  reportRoutes(app, { auth, budgets, addresses, owners }, reports);
  deliverRoute(inner, { auth, hub, schemas, payload, clock });
  let presence: Presence | undefined;
  let rivals: TableFollower | undefined;
  eventsRoute(app, limits.closeMs, () => streams);
  const onLapse = () => {
    counts.leasesLapsed++;
    say('The lease had lapsed: all connections are filled anew.', { connections: hub.size });
    for (const connection of hub.all()) filler.start(connection);
  };
  return {
    lost: () => presence?.lost ?? 0,
    async open(internalUrl) {
      const facts = { gatewayId: options.gatewayId, url: internalUrl, leaseMs: limits.leaseMs };
      const told = { connectionsTopic: topics.connections, gatewaysTopic: topics.gateways };
      const bounded = { queueMax: limits.reportsMax, onLapse };
      presence = new Presence({ ...facts, ...told, ...bounded }, writer, clock, say);
      await presence.open();
      rivals = await followRivals(options.log, schemas, { topic: topics.presence, hub, say });
      const newId = options.newId ?? randomUUID;
      const random = () => options.random();
      const shares = { auth, budgets, addresses, owners, hub, origins, counts, limits };
      const { compression } = options;
      const parts = { ...shares, compression, presence, filler, newId, random, log: say };
      streams = new Streams({ ...parts, clock, inbox, outcomes, guarantee, reports });
      // Only now: a device that connected before the lease would be void at once.
      streams.attach(app.server);
      hub.start(limits.heartbeatMs);
    },
    async close() {
      await streams?.drain();
      await presence?.close();
      await rivals?.close();
    },
  };
}

/** The stream for who takes server-sent events; WebSockets do not come by here. */
function eventsRoute(
  app: FastifyInstance,
  closeMs: number,
  streamsOf: () => Streams | undefined,
): void {
  app.get(STREAM_PATH, { config: { operation: STREAM } }, async (request, reply) => {
    const streams = streamsOf();
    if (!takesEvents(request.raw) || streams === undefined) {
      throw new HttpProblem('CAR724', 'this path is a WebSocket, or a stream of events.');
    }
    const asked = await streams.asks(request.raw);
    reply.hijack();
    const stream = new EventStream(reply.raw, reply.getHeaders(), closeMs);
    streams.acceptEvents(stream, request.raw.socket, asked);
  });
}
