/**
 * What devices and producers talk to: sockets, pull, registration, ingest, health, on one port.
 * Everything that it needs is handed in; it keeps nothing that is not in the log or the inbox.
 */
import { randomUUID } from 'node:crypto';
import fastify, { type FastifyInstance } from 'fastify';
import type { Clock } from '../core/clock.ts';
import type { InboxStore } from '../core/inbox.ts';
import type { Log } from '../core/log.ts';
import type { Schemas } from '../core/schema.ts';
import type { RegistryPort } from '../schemas/registry.ts';
import { Auth } from './auth.ts';
import { allowOrigins, type Origins } from './cors.ts';
import { deliverRoute } from './deliver.ts';
import { Filler } from './fill.ts';
import { isWebSocketHandshake } from './handshake.ts';
import { type HealthCheck, healthRoutes } from './health.ts';
import { Hub } from './hub.ts';
import { type EventType, ingestRoutes } from './ingest.ts';
import { takeJson } from './json-body.ts';
import { GATEWAY_LIMITS, type GatewayCounts, type GatewayLimits, newCounts } from './limits.ts';
import { listenOn } from './listen.ts';
import { LogWriter } from './log-writer.ts';
import { Owners } from './owners.ts';
import { PayloadReader } from './payload.ts';
import { Presence } from './presence.ts';
import { HttpProblem, installProblems, type LogLine, noLog, REFUSALS } from './problem.ts';
import { pullRoutes } from './pull.ts';
import { registrationRoutes } from './registration.ts';
import { registryRoutes } from './registry-routes.ts';
import { Reporter } from './reporter.ts';
import { STREAM_PATH, Streams } from './stream.ts';

/**
 * Longer than a sink's pool keeps its connections, so that it is never the gateway that hangs up.
 */
const KEEP_ALIVE_MS = 75_000;
const REQUEST_MS_MAX = 30_000;
const PARAM_CHARS_MAX = 512;

export interface GatewayTopics {
  readonly owners: string;
  readonly registration: string;
  readonly connections: string;
  readonly gateways: string;
  readonly outcomes: string;
}

export const GATEWAY_TOPICS: GatewayTopics = {
  owners: 'tables.device-owners',
  registration: 'events.device-registration',
  connections: 'events.connections',
  gateways: 'tables.gateways',
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
  /** Where sinks reach it; by default the address that it listens on. */
  readonly internalUrl?: string;
  readonly log: Log;
  readonly schemas: Schemas;
  /** Served at a registry's own paths when given. */
  readonly registry?: RegistryPort;
  readonly inbox: InboxStore;
  readonly clock: Clock;
  readonly auth: { readonly secret: string; readonly internalToken: string };
  readonly eventTypes: ReadonlyMap<string, EventType>;
  /** devices: stream, pull, deliveries, presence; ingest: events. Registration is in both. */
  readonly roles: { readonly devices: boolean; readonly ingest: boolean };
  readonly metrics?: () => string | Promise<string>;
  /** Beside `log` and `inbox`, which the gateway asks by itself. */
  readonly health?: ReadonlyMap<string, HealthCheck>;
  /** Origins whose pages may come; by default all. */
  readonly origins?: readonly string[];
  readonly limits?: Partial<GatewayLimits>;
  readonly topics?: Partial<GatewayTopics>;
  readonly say?: LogLine;
  readonly newId?: () => string;
}

export interface Gateway {
  readonly url: string;
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
  readonly counts: GatewayCounts;
  readonly writer: LogWriter;
  readonly outcomes: Reporter;
}

/**
 * Throws CAR718 when the port is taken, CAR719 when a secret is weak, CAR712 when the log is away.
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const limits = { ...GATEWAY_LIMITS, ...options.limits };
  const topics = { ...GATEWAY_TOPICS, ...options.topics };
  const say = options.say ?? noLog;
  const auth = new Auth(options.auth, options.clock);
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
  const counts = newCounts();
  const origins = options.origins === undefined ? undefined : new Set(options.origins);
  const shared = { options, origins, limits, topics, say, auth, counts, writer, outcomes };
  const app = newApp(shared);
  let devices: Devices | undefined;
  const stop = async () => {
    await devices?.close();
    await app.close();
    await outcomes.close();
    await writer.close();
  };
  let port: number;
  let url: string;
  try {
    plainRoutes(app, shared);
    devices = options.roles.devices ? await deviceRoutes(app, shared) : undefined;
    ({ port, url } = await listenOn(app, { ...options, setting: 'http.port' }));
    await devices?.open(options.internalUrl ?? url);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url,
    port,
    counts,
    connections: () => devices?.hub.size ?? 0,
    reportsLost: () => outcomes.lost + (devices?.lost() ?? 0),
    close: stop,
  };
}

function newApp({ limits, say, origins }: Shared): FastifyInstance {
  const app = fastify({
    logger: false,
    ...REFUSALS,
    bodyLimit: limits.bodyBytesMax,
    requestTimeout: REQUEST_MS_MAX,
    keepAliveTimeout: KEEP_ALIVE_MS,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: PARAM_CHARS_MAX },
    // Known from Node 24.9 on; before it such requests are answered 404.
    http: { shouldUpgradeCallback: isWebSocketHandshake },
  });
  installProblems(app, say);
  takeJson(app);
  allowOrigins(app, origins);
  return app;
}

function plainRoutes(app: FastifyInstance, shared: Shared): void {
  const { options, auth, writer, limits, counts, topics } = shared;
  const checks = new Map<string, HealthCheck>([
    ['log', () => options.log.probe()],
    ['inbox', () => options.inbox.probe()],
    ...(options.health ?? []),
  ]);
  healthRoutes(app, checks, options.metrics);
  if (options.registry !== undefined) registryRoutes(app, options.registry);
  if (options.roles.ingest) {
    ingestRoutes(app, { auth, writer, limits, counts, eventTypes: options.eventTypes });
  }
  if (options.roles.ingest || options.roles.devices) {
    registrationRoutes(app, { auth, writer, clock: options.clock, topic: topics.registration });
  }
}

interface Devices {
  readonly hub: Hub;
  lost(): number;
  /** Takes the lease and starts the heartbeat. */
  open(internalUrl: string): Promise<void>;
  close(): Promise<void>;
}

async function deviceRoutes(app: FastifyInstance, shared: Shared): Promise<Devices> {
  const { options, origins, limits, topics, say, writer, counts, outcomes, auth } = shared;
  const { clock, inbox, schemas } = options;
  const owners = await Owners.follow(options.log, schemas, topics.owners, say);
  const payload = new PayloadReader(schemas, clock);
  const hub = new Hub(clock);
  const filler = new Filler({ inbox, payload, clock, limits, counts, log: say });
  pullRoutes(app, { auth, inbox, owners, payload, outcomes, clock, counts, limits });
  deliverRoute(app, { auth, hub, schemas, payload, clock });
  app.get(STREAM_PATH, async () => {
    throw new HttpProblem('CAR724', 'this path is a WebSocket.');
  });
  let presence: Presence | undefined;
  let streams: Streams | undefined;
  return {
    hub,
    lost: () => presence?.lost ?? 0,
    async open(internalUrl) {
      const facts = { gatewayId: options.gatewayId, url: internalUrl, leaseMs: limits.leaseMs };
      const told = { connectionsTopic: topics.connections, gatewaysTopic: topics.gateways };
      const bounded = { queueMax: limits.reportsMax };
      presence = new Presence({ ...facts, ...told, ...bounded }, writer, clock, say);
      await presence.open();
      const newId = options.newId ?? randomUUID;
      const parts = { auth, owners, hub, presence, filler, origins, newId, log: say };
      streams = new Streams({ ...parts, clock, inbox, outcomes, counts, limits });
      // Only now: a device that connected before the lease would be void at once.
      streams.attach(app.server);
      hub.start(limits.heartbeatMs);
    },
    async close() {
      await streams?.drain();
      await presence?.close();
      await owners.close();
    },
  };
}
