/** A gateway on fakes, with schemas from the folder, and what tests say to it. */
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { BatchBuilder } from '../../core/batch-builder.ts';
import { HandClock } from '../../core/clock.ts';
import type { Device } from '../../core/device.ts';
import type { DeviceNotification } from '../../core/notification.ts';
import { partitionOfText } from '../../core/partition.ts';
import { isUndecodable, schemaIdOf, WIRE_HEADER_BYTES } from '../../core/schema.ts';
import { mintToken } from '../../gateway/auth.ts';
import { type Gateway, startGateway } from '../../gateway/gateway.ts';
import { GATEWAY_SCHEMAS, type GatewayOptions } from '../../gateway/gateway-options.ts';
import type { Scope } from '../../gateway/identity.ts';
import { AvroSchemas } from '../../schemas/avro-schemas.ts';
import {
  DELIVER_PATH,
  DELIVERIES_TYPE,
  decodeOutcomes,
  encodeDeliveries,
} from '../../schemas/deliveries.ts';
import { readSchemaFolder } from '../../schemas/folder.ts';
import type { ServerFrame } from '../../schemas/frames.ts';
import { MemoryRegistry } from '../../schemas/memory-registry.ts';
import { FakeInbox, FakeLog } from './gateway-fakes.ts';

export const NOW = 1_767_225_600_000;
export const SECRET = 'a test secret that is long enough, and no more than that';
export const INTERNAL = 'an-internal-token-for-tests-which-is-long-enough-too';
const HOUR_MS = 3_600_000;
const WAIT_MS_MAX = 5_000;

export class Bench {
  readonly log: FakeLog;
  readonly inbox = new FakeInbox();
  readonly clock = new HandClock(NOW);
  readonly registry = new MemoryRegistry();
  readonly schemas: AvroSchemas;
  readonly said: string[] = [];
  gateway!: Gateway;
  readonly #clients: Client[] = [];

  private constructor(log: FakeLog) {
    this.log = log;
    const folder = readSchemaFolder(join(import.meta.dirname, '../../schemas'));
    this.schemas = new AvroSchemas(folder, this.registry, this.clock);
  }

  static async open(options: Partial<GatewayOptions> = {}, log = new FakeLog()): Promise<Bench> {
    const bench = new Bench(log);
    await bench.schemas.open([
      ...GATEWAY_SCHEMAS,
      { topic: 'tables.device-owners', schema: 'Device' },
      { topic: 'tables.presence', schema: 'Presence' },
      { topic: 'tables.acknowledgements', schema: 'Acknowledgement' },
      { topic: 'notifications.normal.websocket', schema: 'DeviceNotification' },
      { topic: 'events.viewing-activity', schema: 'ViewingActivity' },
      { topic: 'events.plan-change', schema: 'PlanChange' },
      { topic: 'acme.plans', schema: 'PlanChange' },
    ]);
    const folder = readSchemaFolder(join(import.meta.dirname, '../../schemas'));
    const type = (topic: string, schema: string, key: string[] | null = ['memberId']) => ({
      topic,
      schema,
      avro: folder.get(schema),
      key,
      id: ['eventId'],
    });
    bench.gateway = await startGateway({
      host: '127.0.0.1',
      port: 0,
      gatewayId: 'gateway-1',
      log,
      schemas: bench.schemas,
      registry: bench.registry,
      inbox: bench.inbox,
      clock: bench.clock,
      auth: { secret: SECRET, internalToken: INTERNAL },
      eventTypes: new Map([
        ['viewing-activity', type('events.viewing-activity', 'ViewingActivity')],
        ['plan-change', type('events.plan-change', 'PlanChange')],
        ['acme.plans', type('acme.plans', 'PlanChange')],
        ['plan-kept', type('events.plan-change', 'PlanChange', null)],
      ]),
      random: () => 0,
      roles: { devices: true, ingest: true },
      say: (sentence) => bench.said.push(sentence),
      ...options,
    });
    return bench;
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.socket.terminate();
    this.log.release();
    await this.gateway.close();
  }

  async token(subject: string, scope?: Scope, ttlMs = HOUR_MS): Promise<string> {
    const more = scope === undefined ? {} : { scope };
    return await mintToken({ secret: SECRET, subject, clock: this.clock, ttlMs, ...more });
  }

  /** A token whose claims `member` and `scope` stand only if they are given. */
  async tokenOfMember(subject: string, member?: string, scope?: Scope): Promise<string> {
    const more = {
      ...(member === undefined ? {} : { member }),
      ...(scope === undefined ? {} : { scope }),
    };
    return await mintToken({ secret: SECRET, subject, clock: this.clock, ttlMs: HOUR_MS, ...more });
  }

  /** A row of tables.device-owners. */
  async own(
    deviceId: string,
    epoch = 1,
    status: Device['status'] = 'ACTIVE',
    more: Partial<Device> = {},
  ): Promise<void> {
    const row = {
      deviceId,
      memberId: 'm-1',
      epoch,
      status,
      class: 'tv',
      platform: '',
      app: '',
      locale: '',
      transports: [],
      // Before the tokens of the tests: a deletion would revoke them.
      updatedAt: NOW - 1,
      ...more,
    };
    await this.#write('tables.device-owners', 'Device', deviceId, row);
  }

  /** A row of tables.presence, as the fold writes it. */
  async online(deviceId: string, connectionId: string, generation: number): Promise<void> {
    const row = { deviceId, gatewayId: 'another', connectionId, generation, connectedAt: NOW };
    await this.#write('tables.presence', 'Presence', deviceId, row);
  }

  async #write(topic: string, schema: string, key: string, row: object): Promise<void> {
    const builder = new BatchBuilder(topic, partitionOfText(key, 4));
    builder.append(NOW, key, this.schemas.encoder(schema).toBuffer(row));
    await (await this.log.producer()).send([builder.finish()]);
  }

  notification(
    deviceId: string,
    sequence: number,
    more: Partial<DeviceNotification> = {},
  ): DeviceNotification {
    const encoder = this.schemas.encoder('PlanChange');
    const event = {
      eventId: `e-${sequence}`,
      memberId: 'm-1',
      planFrom: null,
      planTo: 'premium',
      streamsMax: 4,
      changedAt: NOW,
    };
    const priority = more.priority ?? 'normal';
    return {
      id: `${deviceId}/${priority}/${sequence}`,
      deviceId,
      epoch: 1,
      sequence,
      previous: sequence - 1,
      useCase: 'plc',
      priority,
      deadline: 0,
      collapseKey: null,
      count: 1,
      born: NOW,
      payloadSchemaId: encoder.schemaId,
      payload: encoder.toBuffer(event).subarray(WIRE_HEADER_BYTES),
      ...more,
    };
  }

  /** As the websocket sink does it. */
  async deliver(
    items: readonly { readonly connectionId: string; readonly notification: DeviceNotification }[],
  ): Promise<readonly string[]> {
    const encoder = this.schemas.encoder('DeviceNotification');
    const body = encodeDeliveries(
      items.map(({ connectionId, notification }) => ({
        connectionId,
        value: encoder.toBuffer(notification),
      })),
    );
    const response = await fetch(`${this.gateway.url}${DELIVER_PATH}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${INTERNAL}`, 'content-type': DELIVERIES_TYPE },
      body: new Uint8Array(body),
    });
    const bytes = Buffer.from(await response.arrayBuffer());
    return decodeOutcomes(bytes, items.length) ?? [`${response.status} ${bytes}`];
  }

  async call(
    method: string,
    path: string,
    options: Called = {},
    // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever came.
  ): Promise<{ status: number; body: any; headers: Headers }> {
    const { token, body, type, headers } = options;
    const raw = options.raw ?? (body === undefined ? undefined : JSON.stringify(body));
    const response = await fetch(`${this.gateway.url}${path}`, {
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(raw === undefined ? {} : { 'content-type': type ?? 'application/json' }),
        ...headers,
      },
      ...(raw === undefined ? {} : { body: typeof raw === 'string' ? raw : new Uint8Array(raw) }),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') ?? false;
    return {
      status: response.status,
      body: isJson ? JSON.parse(text) : text,
      headers: response.headers,
    };
  }

  /** The values of a topic, decoded by their writer's schema. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever came.
  values(topic: string): any[] {
    return this.log.records(topic).map(({ valueBytes }) => {
      if (valueBytes === null) return null;
      const { length } = valueBytes;
      const id = schemaIdOf(valueBytes, 0, length);
      const decoder = this.schemas.decoder(id, { schema: SCHEMA_OF[topic]! });
      if (decoder === undefined || isUndecodable(decoder)) throw new Error(`no decoder: ${topic}`);
      return { ...(decoder.decode(valueBytes, 0, length) as object) };
    });
  }

  client(query = '', options: { headers?: object; protocols?: string[] } = {}): Client {
    const url = `${this.gateway.url.replace('http', 'ws')}/v1/stream${query}`;
    const client = new Client(url, options.protocols ?? [], options.headers ?? {});
    this.#clients.push(client);
    return client;
  }

  /** A client that has been welcomed. */
  async connect(deviceId: string, after = ''): Promise<Client> {
    const headers = { authorization: `Bearer ${await this.token(deviceId)}` };
    const client = this.client(after === '' ? '' : `?after=${after}`, { headers });
    const welcome = await client.next();
    if (welcome.type !== 'welcome') throw new Error(`not a welcome: ${JSON.stringify(welcome)}`);
    client.connectionId = welcome.connectionId;
    return client;
  }
}

interface Called {
  readonly token?: string;
  readonly body?: unknown;
  readonly raw?: string | Buffer;
  readonly type?: string;
  readonly headers?: Readonly<globalThis.Record<string, string>>;
}

const SCHEMA_OF: Readonly<globalThis.Record<string, string>> = {
  outcomes: 'DeliveryOutcome',
  'events.connections': 'Connection',
  'events.device-registration': 'DeviceRegistration',
  'events.device-reports': 'DeviceReport',
  'events.plan-change': 'PlanChange',
  'events.viewing-activity': 'ViewingActivity',
  'tables.acknowledgements': 'Acknowledgement',
  'tables.gateways': 'Gateway',
  'tables.ingest-keys': 'IngestKey',
};

/** A device. Frames are taken in order. */
export class Client {
  readonly socket: WebSocket;
  connectionId = '';
  readonly #frames: ServerFrame[] = [];
  #wake: () => void = () => undefined;
  closed: { code: number; reason: string } | undefined;
  /** What the upgrade was answered instead. */
  refused: { status: number; body: string } | undefined;

  constructor(url: string, protocols: string[], headers: object) {
    this.socket = new WebSocket(url, protocols, { headers: { ...headers } });
    this.socket.on('message', (data) => {
      this.#frames.push(JSON.parse(String(data)));
      this.#wake();
    });
    this.socket.on('close', (code, reason) => {
      this.closed = { code, reason: String(reason) };
      this.#wake();
    });
    this.socket.on('error', () => undefined);
    this.socket.on('unexpected-response', (_request, response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        this.refused = { status: response.statusCode ?? 0, body: String(Buffer.concat(chunks)) };
        this.#wake();
      });
    });
  }

  get waiting(): number {
    return this.#frames.length;
  }

  /** The next frame; throws when the socket closes or nothing comes. */
  async next(): Promise<ServerFrame> {
    await this.until(() => this.#frames.length > 0 || this.closed !== undefined);
    const frame = this.#frames.shift();
    if (frame === undefined) throw new Error(`closed: ${JSON.stringify(this.closed)}`);
    return frame;
  }

  async take(count: number): Promise<ServerFrame[]> {
    const frames: ServerFrame[] = [];
    while (frames.length < count) frames.push(await this.next());
    return frames;
  }

  send(frame: unknown): void {
    this.socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
  }

  async close(): Promise<void> {
    this.socket.close(1000);
    await this.until(() => this.closed !== undefined);
  }

  async until(holds: () => boolean): Promise<void> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.#wake();
    }, WAIT_MS_MAX);
    while (!holds()) {
      if (late) throw new Error('nothing came in time');
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    clearTimeout(timer);
  }
}

/** Polls real I/O until a condition holds. */
export async function eventually(
  holds: () => boolean | Promise<boolean>,
  what: string,
): Promise<void> {
  const deadline = performance.now() + WAIT_MS_MAX;
  while (!(await holds())) {
    if (performance.now() >= deadline) throw new Error(`did not come: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
