/**
 * What devices and producers talk to: sockets, pull, registration, ingest, health; and, on a port
 * of its own, what sinks, operators and tools do: deliveries, metrics, schemas.
 * Everything that it needs is handed in; it keeps nothing that is not in the log or the inbox.
 */
import { randomUUID } from 'node:crypto';
import fastify, { type FastifyInstance } from 'fastify';
import type { Clock } from '../core/clock.ts';
import type { Cursor } from '../core/cursor.ts';
import type { InboxStore } from '../core/inbox.ts';
import type { Log } from '../core/log.ts';
import type { Schemas } from '../core/schema.ts';
import type { RegistryPort } from '../schemas/registry.ts';
import { Auth, type AuthOptions } from './auth.ts';
import { BUDGET_LIMITS, type BudgetLimits, Budgets } from './budgets.ts';
import { ClientAddresses } from './client-address.ts';
import { allowOrigins, type Origins } from './cors.ts';
import { deliverRoute } from './deliver.ts';
import { EventStream } from './event-stream.ts';
import { Filler } from './fill.ts';
import { isWebSocketHandshake, takesEvents } from './handshake.ts';
import { type HealthCheck, healthRoutes, plainHealthRoutes } from './health.ts';
import { Hub } from './hub.ts';
import { type EventType, ingestRoutes } from './ingest.ts';
import { takeJson } from './json-body.ts';
import { GATEWAY_LIMITS, type GatewayCounts, type GatewayLimits, newCounts } from './limits.ts';
import { listenOn } from './listen.ts';
import { LogWriter } from './log-writer.ts';
import { connectionsFor, fewFiles } from './open-files.ts';
import { Owners } from './owners.ts';
import { PayloadReader } from './payload.ts';
import { Presence } from './presence.ts';
import { HttpProblem, installProblems, type LogLine, noLog, REFUSALS } from './problem.ts';
import { pullRoutes } from './pull.ts';
import { registrationRoutes } from './registration.ts';
import { registryRoutes } from './registry-routes.ts';
import { Reporter } from './reporter.ts';
import { followRivals } from './rivals.ts';
import { STREAM_PATH, Streams } from './stream.ts';
import type { TableFollower } from './table-follower.ts';

/**
 * Longer than a sink's pool keeps its connections, so that it is never the gateway that hangs up.
 */
const KEEP_ALIVE_MS = 75_000;
const REQUEST_MS_MAX = 30_000;
/** A connection on which nothing moves, as nobody reads the answer, is cut. */
const STALLED_MS_MAX = 60_000;
const PARAM_CHARS_MAX = 512;

export interface GatewayTopics {
  readonly owners: string;
  readonly registration: string;
  readonly connections: string;
  readonly gateways: string;
  readonly presence: string;
  readonly outcomes: string;
}

export const GATEWAY_TOPICS: GatewayTopics = {
  owners: 'tables.device-owners',
  registration: 'events.device-registration',
  connections: 'events.connections',
  gateways: 'tables.gateways',
  presence: 'tables.presence',
  outcomes: 'outcomes',
};

/**
 * The topics and schemas that a gateway writes: the wiring hands them to `AvroSchemas.open` beside
 * the topology's own.
 */
export const GATEWAY_SCHEMAS: readonly { readonly topic: string; readonly schema: string }[] = [
  { topic: GATEWAY_TOPICS.registration, schema: 'DeviceRegistration' },
  { topic: GATEWAY_TOPICS.connections, schema: 'Connection' },
  { topic: GATEWAY_TOPICS.gateways, schema: 'Gateway' },
  { topic: GATEWAY_TOPICS.outcomes, schema: 'DeliveryOutcome' },
];

export interface GatewayOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly gatewayId: string;
  /** Certificate and key of the public port, as PEM; without them it speaks plain HTTP. */
  readonly tls?: TlsFiles;
  /**
   * The port for sinks, operators and tools: deliveries, metrics, details of health, schemas.
   * Without it they are on the public one, as tests want it.
   */
  readonly internal?: { readonly host: string; readonly port: number; readonly tls?: TlsFiles };
  /** Where sinks reach it; by default the address of the internal port. */
  readonly internalUrl?: string;
  readonly log: Log;
  readonly schemas: Schemas;
  /** Served at a registry's own paths when given. */
  readonly registry?: RegistryPort;
  readonly inbox: InboxStore;
  readonly clock: Clock;
  readonly auth: AuthOptions;
  readonly eventTypes: ReadonlyMap<string, EventType>;
  /** devices: stream, pull, deliveries, presence; ingest: events. Registration is in both. */
  readonly roles: { readonly devices: boolean; readonly ingest: boolean };
  readonly metrics?: () => string | Promise<string>;
  /** Beside `log` and `inbox`, which the gateway asks by itself. */
  readonly health?: ReadonlyMap<string, HealthCheck>;
  /** Origins whose pages may come; by default all. */
  readonly origins?: readonly string[];
  readonly limits?: Partial<GatewayLimits>;
  /** Files that this process may open; undefined: no limit is known. */
  readonly openFilesMax?: number;
  readonly budgets?: Partial<BudgetLimits>;
  /** Addresses and networks whose `Forwarded` and `X-Forwarded-For` are believed. */
  readonly trustedProxies?: readonly string[];
  readonly topics?: Partial<GatewayTopics>;
  readonly say?: LogLine;
  readonly newId?: () => string;
}

export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

export interface Gateway {
  readonly url: string;
  /** Of the internal port. */
  readonly internalUrl: string;
  readonly port: number;
  /** Open connections. */
  connections(): number;
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

/** What the parts share. */
interface Shared {
  readonly options: GatewayOptions;
  readonly origins: Origins;
  readonly limits: GatewayLimits;
  readonly topics: GatewayTopics;
  readonly say: LogLine;
  readonly auth: Auth;
  readonly owners: Owners;
  readonly budgets: Budgets;
  readonly addresses: ClientAddresses;
  readonly counts: GatewayCounts;
  readonly writer: LogWriter;
  readonly outcomes: Reporter;
}

/**
 * Throws CAR718 when the port is taken, CAR719 when a secret is weak, CAR712 when the log is away.
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const wanted = { ...GATEWAY_LIMITS, ...options.limits };
  const connectionsMax = connectionsFor(options.openFilesMax, wanted.connectionsMax);
  const limits = { ...wanted, connectionsMax };
  const topics = { ...GATEWAY_TOPICS, ...options.topics };
  const say = options.say ?? noLog;
  const auth = new Auth(options.auth, options.clock);
  if (connectionsMax < wanted.connectionsMax) {
    const error = fewFiles(options.openFilesMax, connectionsMax);
    say('There are few files for connections.', { error });
  }
  const writer = await LogWriter.open(options.log, options.schemas, options.clock, {
    recordsMax: limits.writeRecordsMax,
    bytesMax: limits.writeBytesMax,
  });
  const outcomes = new Reporter(writer, {
    topic: topics.outcomes,
    schema: 'DeliveryOutcome',
    queueMax: limits.reportsMax,
    log: say,
  });
  const addresses = new ClientAddresses(options.trustedProxies);
  const counts = newCounts();
  const budgets = new Budgets(options.clock, { ...BUDGET_LIMITS, ...options.budgets });
  const origins = options.origins === undefined ? undefined : new Set(options.origins);
  const owners = await Owners.follow(options.log, options.schemas, topics.owners, say);
  const shared = {
    options,
    owners,
    origins,
    limits,
    topics,
    say,
    auth,
    budgets,
    addresses,
    counts,
    writer,
    outcomes,
  };
  const app = newApp(shared, options.tls);
  const inner = options.internal === undefined ? app : newApp(shared, options.internal.tls);
  let devices: Devices | undefined;
  const stop = async () => {
    await devices?.close();
    await app.close();
    await inner.close();
    await owners.close();
    await outcomes.close();
    await writer.close();
  };
  let opened: { readonly port: number; readonly url: string };
  let internalUrl: string;
  try {
    internalRoutes(inner, shared);
    publicRoutes(app, shared);
    if (inner !== app) plainHealthRoutes(app, checksOf(options));
    devices = options.roles.devices ? await deviceRoutes(app, inner, shared) : undefined;
    opened = await listenOn(app, { ...options, setting: 'http.port', secure: !!options.tls });
    internalUrl = await openInternal(inner, options, opened.url);
    await devices?.open(options.internalUrl ?? internalUrl);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    ...opened,
    internalUrl,
    counts,
    connections: () => devices?.hub.size ?? 0,
    reportsLost: () => outcomes.lost + (devices?.lost() ?? 0),
    close: stop,
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

function newApp({ limits, say, origins, budgets }: Shared, tls?: TlsFiles): FastifyInstance {
  // Known from Node 24.9 on; before it such requests are answered 404.
  const server = { shouldUpgradeCallback: isWebSocketHandshake };
  const app = fastify({
    logger: false,
    ...REFUSALS,
    bodyLimit: limits.bodyBytesMax,
    requestTimeout: REQUEST_MS_MAX,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionTimeout: STALLED_MS_MAX,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: PARAM_CHARS_MAX },
    ...(tls === undefined ? { http: server } : { https: { ...server, ...tls } }),
  }) as FastifyInstance;
  installProblems(app, say);
  takeJson(app);
  allowOrigins(app, origins);
  budgets.watch(app);
  return app;
}

function checksOf({ log, inbox, health }: GatewayOptions): ReadonlyMap<string, HealthCheck> {
  return new Map([['log', () => log.probe()], ['inbox', () => inbox.probe()], ...(health ?? [])]);
}

/** For operators and tools, behind the internal port. */
function internalRoutes(app: FastifyInstance, { options }: Shared): void {
  healthRoutes(app, checksOf(options), options.metrics);
  if (options.registry !== undefined) registryRoutes(app, options.registry);
}

function publicRoutes(app: FastifyInstance, shared: Shared): void {
  const { options, auth, budgets, addresses, owners, writer, limits, counts, topics } = shared;
  if (options.roles.ingest) {
    const { eventTypes } = options;
    ingestRoutes(app, { auth, budgets, addresses, writer, limits, counts, eventTypes });
  }
  if (options.roles.ingest || options.roles.devices) {
    const { clock } = options;
    const { registration: topic } = topics;
    registrationRoutes(app, { auth, budgets, addresses, owners, writer, clock, topic });
  }
}

interface Devices {
  readonly hub: Hub;
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
  const {
    options,
    origins,
    limits,
    topics,
    say,
    writer,
    counts,
    outcomes,
    auth,
    budgets,
    addresses,
    owners,
  } = shared;
  const { clock, inbox, schemas } = options;
  const payload = new PayloadReader(schemas, clock);
  const hub = new Hub(clock);
  const filler = new Filler({ inbox, payload, clock, limits, counts, log: say });
  const acknowledged = (deviceId: string, cursor: Cursor) =>
    hub.ofDevice(deviceId)?.acks.elsewhere(cursor);
  pullRoutes(app, {
    auth,
    budgets,
    addresses,
    inbox,
    owners,
    payload,
    outcomes,
    clock,
    counts,
    limits,
    acknowledged,
  });
  deliverRoute(inner, { auth, hub, schemas, payload, clock });
  let presence: Presence | undefined;
  let streams: Streams | undefined;
  let rivals: TableFollower | undefined;
  app.get(STREAM_PATH, async (request, reply) => {
    if (!takesEvents(request.raw) || streams === undefined) {
      throw new HttpProblem('CAR724', 'this path is a WebSocket, or a stream of events.');
    }
    const asked = await streams.asks(request.raw);
    reply.hijack();
    const stream = new EventStream(reply.raw, reply.getHeaders(), limits.closeMs);
    streams.acceptEvents(stream, request.raw.socket, asked);
  });
  const onLapse = () => {
    counts.leasesLapsed++;
    say('The lease had lapsed: all connections are filled anew.', { connections: hub.size });
    for (const connection of hub.all()) filler.start(connection);
  };
  return {
    hub,
    lost: () => presence?.lost ?? 0,
    async open(internalUrl) {
      const facts = { gatewayId: options.gatewayId, url: internalUrl, leaseMs: limits.leaseMs };
      const told = { connectionsTopic: topics.connections, gatewaysTopic: topics.gateways };
      const bounded = { queueMax: limits.reportsMax, onLapse };
      presence = new Presence({ ...facts, ...told, ...bounded }, writer, clock, say);
      await presence.open();
      rivals = await followRivals(options.log, schemas, { topic: topics.presence, hub, say });
      const newId = options.newId ?? randomUUID;
      const parts = {
        auth,
        budgets,
        addresses,
        owners,
        hub,
        presence,
        filler,
        origins,
        newId,
        log: say,
      };
      streams = new Streams({ ...parts, clock, inbox, outcomes, counts, limits });
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
