/** What a gateway is given, and the topics that it writes. */
import type { Clock } from '../core/clock.ts';
import type { InboxStore } from '../core/inbox.ts';
import type { Log } from '../core/log.ts';
import type { Schemas } from '../core/schema.ts';
import type { Words } from '../core/words.ts';
import type { RegistryPort } from '../schemas/registry.ts';
import type { AuthOptions } from './auth.ts';
import type { BudgetLimits } from './budgets.ts';
import type { CompressionLimits } from './compression.ts';
import type { ConsoleSource } from './console.ts';
import type { HealthCheck } from './health.ts';
import type { EventType } from './ingest.ts';
import type { KeyBounds } from './ingest-keys.ts';
import type { GatewayLimits } from './limits.ts';
import type { LogLine } from './problem.ts';

export interface GatewayTopics {
  readonly owners: string;
  readonly registration: string;
  readonly connections: string;
  readonly gateways: string;
  readonly presence: string;
  readonly outcomes: string;
  readonly reports: string;
  readonly keys: string;
  readonly acknowledgements: string;
}

export const GATEWAY_TOPICS: GatewayTopics = {
  owners: 'tables.device-owners',
  registration: 'events.device-registration',
  connections: 'events.connections',
  gateways: 'tables.gateways',
  presence: 'tables.presence',
  outcomes: 'outcomes',
  reports: 'events.device-reports',
  keys: 'tables.ingest-keys',
  acknowledgements: 'tables.acknowledgements',
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
  { topic: GATEWAY_TOPICS.reports, schema: 'DeviceReport' },
  { topic: GATEWAY_TOPICS.keys, schema: 'IngestKey' },
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
  /** The page for operators, on the internal port, when given. */
  readonly console?: ConsoleSource;
  readonly inbox: InboxStore;
  readonly clock: Clock;
  readonly auth: AuthOptions;
  readonly eventTypes: ReadonlyMap<string, EventType>;
  /** Of the topology; by default RENO's. */
  readonly words?: Words;
  /** Ids of use cases that have to be acknowledged; their topology has the table of that. */
  readonly acked?: ReadonlySet<string>;
  /** devices: stream, pull, deliveries, presence; ingest: events. Registration is in both. */
  readonly roles: { readonly devices: boolean; readonly ingest: boolean };
  readonly metrics?: () => string | Promise<string>;
  /** What it has counted, as data, for consoles of other processes. */
  readonly flow?: () => Promise<object>;
  /** Beside `log` and `inbox`, which the gateway asks by itself. */
  readonly health?: ReadonlyMap<string, HealthCheck>;
  /** Origins whose pages may come; by default all. */
  readonly origins?: readonly string[];
  readonly limits?: Partial<GatewayLimits>;
  /** Frames are packed for devices that offer it (permessage-deflate); undefined: for none. */
  readonly compression?: CompressionLimits;
  /** Files that this process may open; undefined: no limit is known. */
  readonly openFilesMax?: number;
  /** Of Carillon, for the OpenAPI document. */
  readonly version?: string;
  readonly budgets?: Partial<BudgetLimits>;
  readonly keyBounds?: Partial<KeyBounds>;
  /** Addresses and networks whose `Forwarded` and `X-Forwarded-For` are believed. */
  readonly trustedProxies?: readonly string[];
  /**
   * Every connection to the public port begins with the PROXY protocol; of `trustedProxies`, where
   * they are named.
   */
  readonly proxyProtocol?: boolean;
  readonly topics?: Partial<GatewayTopics>;
  readonly say?: LogLine;
  readonly newId?: () => string;
  /** In [0, 1). */
  random(): number;
}

export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}
