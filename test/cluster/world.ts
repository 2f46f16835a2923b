/**
 * Servers, a pipeline of processes on them, its devices, and what is expected of it: what the tests
 * of whole pipelines share. The broker is its own, as the topics of a topology have fixed names.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DeviceClient } from '../../client/client.ts';
import { pythonUnavailableReason } from '../kit/python.ts';
import { progress } from '../kit/servers/progress.ts';
import { type KafkaServer, startKafka } from '../kit/servers.ts';
import { clusterSkip, type SharedServers, sharedServers } from '../kit/shared-servers.ts';
import { devicesOf, Expected, type ProducedPart } from './expected.ts';
import { Pipeline, type PipelineOptions, type PipelineProcess, until } from './pipeline.ts';
import { type ProducerTarget, startProducer } from './produced-events.ts';
import { lagOf, offsetsOf, readInbox, type StoredRow } from './stored.ts';

export const EVENTS = 'events.viewing-activity';
export const EVENT_SCHEMA = join(import.meta.dirname, '../../schemas/events/viewing-activity.avsc');
const ROWS_MS = 15_000;
const CAUGHT_UP_MS = 240_000;
const REGISTRATIONS_AT_ONCE = 64;

/** For `describe(…, { skip })`: servers and Python are both needed. */
export async function worldSkip(): Promise<string | false> {
  const servers = await clusterSkip();
  if (servers !== false || process.env.CI === 'true') return servers;
  return (await pythonUnavailableReason()) ?? false;
}

export interface WorldOptions {
  readonly topology: string;
  /** The topology's name, as its groups begin. */
  readonly name: string;
  /** Members with devices; others are nobody's. */
  readonly members: number;
  readonly connectors?: PipelineOptions['connectors'];
  /** In place of servers of its own and shared ones. */
  readonly servers?: PipelineOptions['servers'];
  readonly httpPort?: number;
  readonly sessionTimeout?: PipelineOptions['sessionTimeout'];
}

/** What one device on a WebSocket was told. */
export interface Socket {
  readonly ids: Set<string>;
  /** Arrival of each notification, ms since the event's time. */
  readonly agesMs: number[];
}

export class World {
  readonly expected: Expected;
  readonly keyspace = `w_${process.pid}_${Math.random().toString(36).slice(2, 10)}`;
  readonly sockets = new Map<string, Socket>();
  readonly pipeline: Pipeline;
  readonly servers: PipelineOptions['servers'];
  readonly #options: WorldOptions;
  readonly #stops: (() => unknown)[];

  private constructor(
    options: WorldOptions,
    servers: PipelineOptions['servers'],
    stops: (() => unknown)[],
  ) {
    this.#options = options;
    this.servers = servers;
    this.#stops = stops;
    this.expected = new Expected(options.members);
    this.pipeline = new Pipeline({
      servers,
      topology: options.topology,
      keyspace: this.keyspace,
      httpPort: options.httpPort ?? 0,
      ...(options.connectors === undefined ? {} : { connectors: options.connectors }),
      ...(options.sessionTimeout === undefined ? {} : { sessionTimeout: options.sessionTimeout }),
    });
  }

  static async start(options: WorldOptions): Promise<World> {
    if (options.servers !== undefined) return new World(options, options.servers, []);
    const started = await Promise.allSettled([
      startKafka(),
      sharedServers(['registry', 'cassandra']),
    ] as const);
    const stops = started.flatMap((one) => {
      if (one.status === 'rejected') return [];
      const { value } = one;
      return [() => value.stop()];
    });
    const [kafka, shared] = started;
    if (kafka.status === 'rejected' || shared.status === 'rejected') {
      await Promise.all(stops.map((stop) => stop()));
      throw kafka.status === 'rejected' ? kafka.reason : (shared as PromiseRejectedResult).reason;
    }
    const { brokers } = kafka.value as KafkaServer;
    const { registry, cassandra } = shared.value as SharedServers;
    return new World(options, { kafka: brokers, registry, cassandra }, stops);
  }

  get brokers(): readonly string[] {
    return this.servers.kafka;
  }

  async stop(): Promise<void> {
    await this.pipeline.stop();
    for (const stop of this.#stops.reverse()) await stop();
  }

  /** All devices of the world over HTTP; resolves when both hops of registration are through. */
  async register(gateway: PipelineProcess, devices: PipelineProcess): Promise<number> {
    const client = await this.pipeline.client(gateway, 'registrar');
    const { members } = this.#options;
    const queue = Array.from({ length: members }, (_, member) => devicesOf(member)).flat();
    const count = queue.length;
    const worker = async () => {
      for (let one = queue.pop(); one !== undefined; one = queue.pop()) {
        const { deviceId, memberId, class: deviceClass, transport: kind } = one;
        const transport = kind === 'fcm' ? { kind, token: `token-${deviceId}` } : { kind };
        const body = { memberId, class: deviceClass, transports: [transport] };
        await client.register(deviceId, body);
      }
    };
    await Promise.all(Array.from({ length: REGISTRATIONS_AT_ONCE }, worker));
    await until('both hops have seen all devices', async () => {
      const metrics = await devices.metrics();
      const at = { stream: 'devices-fold', step: 'source' };
      const folded = metrics.sum('carillon_step_records_in_total', at);
      return folded >= count && metrics.lag(`${this.#options.name}.devices`) === 0;
    });
    return count;
  }

  /** Holds a WebSocket for a device and keeps what it is told; resolves at the welcome. */
  async connect(gateway: PipelineProcess, deviceId: string): Promise<Socket> {
    const socket: Socket = { ids: new Set(), agesMs: [] };
    this.sockets.set(deviceId, socket);
    const token = await this.pipeline.token('device', deviceId);
    let welcomed: () => void = () => {};
    const open = new Promise<void>((resolve) => {
      welcomed = resolve;
    });
    const device = new DeviceClient({
      url: gateway.url,
      deviceId,
      token: () => token,
      transports: ['websocket'],
      random: () => 0.5,
      onNotification: () => {},
      onFrame: (frame) => {
        if (frame.type === 'welcome') welcomed();
        if (frame.type !== 'notification') return;
        socket.ids.add(frame.id);
        socket.agesMs.push(Date.now() - frame.born);
      },
    });
    void device.start();
    this.#stops.push(() => device.stop());
    await open;
    return socket;
  }

  /** The producer that is not ours; resolves when all is acknowledged. */
  async produce(part: ProducedPart, target: Partial<ProducerTarget> = {}): Promise<void> {
    this.expected.add(part);
    const { kafka: brokers, registry } = this.servers;
    const own = { brokers, registry, topic: EVENTS, schemaFile: EVENT_SCHEMA };
    const all: ProducerTarget = { ...own, partitioner: 'murmur2_random', ...target };
    await (await startProducer(all, part.run)).output;
  }

  /** Events of a topic that some priority has not committed yet. */
  async behind(priorities: readonly string[], topic: string = EVENTS): Promise<number> {
    const lags = await Promise.all(
      priorities.map((one) => lagOf(this.brokers, `${this.#options.name}.streams.${one}`, topic)),
    );
    return lags.reduce((sum, lag) => sum + lag, 0);
  }

  /** Resolves when streams and sinks have done all that there is. */
  async caughtUp(priorities: readonly string[], sinks: readonly PipelineProcess[]): Promise<void> {
    const done = async () => (await this.behind(priorities)) === 0;
    await until('the streams are done', done, CAUGHT_UP_MS);
    const idle = async () => {
      const all = await Promise.all(sinks.map((sink) => sink.metrics()));
      return all.every((one) => one.lag(`${this.#options.name}.sink`) === 0);
    };
    await until('the sinks are done', idle, CAUGHT_UP_MS);
  }

  rows(): Promise<StoredRow[]> {
    return readInbox(this.servers.cassandra, this.keyspace);
  }

  deadLetters(): Promise<number> {
    return offsetsOf(this.brokers, 'dead-letters');
  }

  /** Every (device, notification) that should exist is there once, and none that should not. */
  async checkInbox(): Promise<void> {
    const { expected } = this;
    let rows = await this.rows();
    // A lag of nothing says it of what readers may see: the end of the last transaction comes to
    // the lanes a moment after its offsets have.
    const isThere = async () => {
      if (rows.length < expected.count) rows = await this.rows();
      return rows.length >= expected.count;
    };
    // What is missing then is told below, by its device.
    await until('all rows are there', isThere, ROWS_MS).catch(() => {});
    const found = new Map<string, string[]>();
    for (const { device, epoch, priority, sequence, id } of rows) {
      const key = `${device}/${priority}`;
      const ids = found.get(key) ?? [];
      assert.equal(epoch, 1, `${key}: epoch`);
      // Cassandra gives a device's rows in the order of their numbers: from 1, with no gap.
      assert.equal(sequence, ids.length + 1, `${key}: number`);
      ids.push(id);
      found.set(key, ids);
    }
    for (const [key, ids] of expected.rows) {
      const has = found.get(key) ?? [];
      const missing = ids.filter((id) => !has.includes(id)).length;
      const surplus = has.filter((id) => !ids.includes(id)).length;
      assert.deepEqual({ missing, surplus }, { missing: 0, surplus: 0 }, key);
      assert.ok(
        ids.every((id, at) => id === has[at]),
        `${key}: another order, or one twice`,
      );
    }
    assert.equal(rows.length, expected.count);
    assert.equal(found.size, expected.rows.size);
    progress(`${rows.length} rows in Cassandra are those that should exist`);
  }

  /** Every device that holds a socket was told all that is its, pushed or from the inbox. */
  async checkSockets(): Promise<void> {
    await until('all frames are there', async () => {
      for (const [device, { ids }] of this.sockets) {
        const wanted = this.expected.idsOf(device);
        const missing = wanted.filter((id) => !ids.has(id)).length;
        assert.equal(missing, 0, `${device} misses ${missing} of ${wanted.length}`);
        assert.equal(ids.size, wanted.length, `${device} was told what is not its`);
      }
      return true;
    });
  }
}
