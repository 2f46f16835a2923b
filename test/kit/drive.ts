/**
 * Drives a topology text in a test: compiles it, opens a driver on it, feeds plain values, and
 * keeps what was written, dropped and delivered. The conservation of records is asserted at the
 * end.
 */
import assert from 'node:assert/strict';
import { type Compiled, compile } from '../../compiler/compile.ts';
import { withPriorities } from '../../compiler/notification-priorities.ts';
import type { Plan } from '../../compiler/plan.ts';
import { render } from '../../compiler/render.ts';
import { topicSchemas } from '../../compiler/topic-schemas.ts';
import { sinks } from '../../connectors/index.ts';
import { MemoryLog } from '../../connectors/memory/log.ts';
import { BatchBuilder } from '../../core/batch-builder.ts';
import { HandClock } from '../../core/clock.ts';
import { type DeviceTransport, TRANSPORTS, type Transport } from '../../core/device.ts';
import type { Diagnostic } from '../../core/error.ts';
import type { DeviceNotification } from '../../core/notification.ts';
import { type Delivery, delivered, type Outcome } from '../../core/outcome.ts';
import { partitionOfText } from '../../core/partition.ts';
import type { Record } from '../../core/record.ts';
import type { StepSpec } from '../../core/spec.ts';
import { steps } from '../../processors/index.ts';
import { DRIVER_START_MS, Driver } from '../../runtime/driver/driver.ts';
import { totalsGap } from '../../runtime/driver/totals.ts';
import { AvroSchemas } from '../../schemas/avro-schemas.ts';
import {
  type AvroRecord,
  readSchemaFolder,
  type SchemaFolder,
  schemaFolderOf,
} from '../../schemas/folder.ts';
import { MemoryRegistry } from '../../schemas/memory-registry.ts';
import type { RegistryPort } from '../../schemas/registry.ts';

export const START_MS = DRIVER_START_MS;
export const REGISTRATIONS = 'events.device-registration';

const folder = readSchemaFolder(new URL('../../schemas', import.meta.url).pathname);

type Plain = { readonly [field: string]: unknown };
/** `never`: no answer, ever; `throw`: the connector is broken. */
export type Answer = (delivery: Delivery, sink: string) => Outcome | 'never' | 'throw';

export interface DrivenOptions {
  readonly partitions?: number;
  readonly commitEvery?: number;
  /** Custom processors, or others in the place of the catalog's. */
  readonly steps?: readonly StepSpec[];
  /** Schemas beside the project's own. */
  readonly schemas?: readonly AvroRecord[];
  readonly registry?: RegistryPort;
  /** One that another topology has run on; its own unless it is given. */
  readonly log?: MemoryLog;
  /** Where its clock begins; `START_MS` unless it is given. */
  readonly startMs?: number;
  /** What sinks answer; `delivered` unless it is given. */
  readonly answer?: Answer;
}

/** One record that has become visible. */
export interface Written {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly key: string | null;
  /** Decoded by its writer schema; the bytes where they are of none. */
  readonly value: unknown;
  readonly timestamp: number;
  readonly headers: { readonly [name: string]: string };
  /** The clock when it became visible. */
  readonly atMs: number;
}

export interface Given {
  readonly sink: string;
  readonly priority: string;
  readonly atMs: number;
  readonly attempt: number;
  readonly notification: DeviceNotification;
  readonly outcome: string;
}

/** Its time is `at` ms after the start; null: a tombstone. */
export interface Appended {
  readonly topic: string;
  readonly key: string;
  readonly value: Plain | null;
  readonly at: number;
}

export interface Registering {
  readonly class?: string;
  readonly transports?: readonly Transport[];
  readonly at?: number;
}

export class Driven {
  readonly plan: Plan;
  readonly schemas: AvroSchemas;
  readonly log: MemoryLog;
  driver!: Driver;
  readonly written: Written[] = [];
  readonly given: Given[] = [];
  /** `stream/step reason`, once for each record. */
  readonly drops: string[] = [];
  /** What the start has said of the schemas. */
  readonly warnings: Diagnostic[] = [];
  readonly #options: DrivenOptions;

  private constructor(plan: Plan, schemas: AvroSchemas, options: DrivenOptions) {
    this.plan = plan;
    this.schemas = schemas;
    this.#options = options;
    this.log = options.log ?? new MemoryLog();
  }

  static async open(text: string, options: DrivenOptions = {}): Promise<Driven> {
    const known = withSchemas(options.schemas ?? []);
    const plan = planOf(text, known, options.steps ?? []);
    // The driver's clock is the schemas' too, but the driver is opened after them.
    const before = new HandClock(START_MS);
    const clock = { now: () => (driven.driver?.clock ?? before).now() };
    const registry = options.registry ?? new MemoryRegistry();
    const own = withPriorities(known, plan.priorities.names);
    const schemas = new AvroSchemas(own, registry, clock);
    const driven = new Driven(plan, schemas, options);
    driven.warnings.push(...(await schemas.open(topicSchemas(plan))));
    driven.driver = await driven.#openDriver();
    return driven;
  }

  /** One event by the topic's schema; its time is `at` ms after the start, or the clock's. */
  async feed(
    topic: string,
    key: string | null,
    value: Plain,
    more: { partition?: number; at?: number } = {},
  ): Promise<void> {
    const { schema } = this.plan.topics.find(({ name }) => name === topic)!;
    await this.raw(topic, key, this.schemas.encoder(schema!).toBuffer(value), more);
  }

  async raw(
    topic: string,
    key: string | null,
    value: Buffer | null,
    { partition, at }: { partition?: number; at?: number } = {},
  ): Promise<void> {
    await this.driver.feed({
      topic,
      key,
      value,
      ...(partition === undefined ? {} : { partition }),
      ...(at === undefined ? {} : { timestamp: START_MS + at }),
    });
  }

  /** Many events that lie in their topics before any is read, in batches of so many. */
  async append(events: readonly Appended[], perBatch: number): Promise<void> {
    const { partitions = 1 } = this.#options;
    const builders = new Map<string, BatchBuilder>();
    const producer = await this.log.producer();
    for (const { topic, key, value, at } of events) {
      const partition = partitionOfText(key, partitions);
      const place = `${topic}/${partition}`;
      const builder = builders.get(place) ?? new BatchBuilder(topic, partition);
      builders.set(place, builder);
      const { schema } = this.plan.topics.find(({ name }) => name === topic)!;
      const bytes = value === null ? null : this.schemas.encoder(schema!).toBuffer(value);
      builder.append(START_MS + at, key, bytes);
      if (builder.count === perBatch) await producer.send([builder.finish()]);
    }
    const rest = [...builders.values()].filter(({ count }) => count > 0);
    if (rest.length > 0) await producer.send(rest.map((builder) => builder.finish()));
  }

  async register(deviceId: string, memberId: string, of: Registering = {}): Promise<void> {
    const occurredAt = of.at ?? this.driver.clock.now();
    const transports = (of.transports ?? ['inbox']).map(
      (kind): DeviceTransport => ({
        kind,
        token: kind === 'fcm' || kind === 'apns' ? `token-${deviceId}` : null,
        environment: null,
        registeredAt: 0,
      }),
    );
    await this.#tell(deviceId, {
      action: 'REGISTERED',
      memberId,
      class: of.class ?? 'tv',
      transports,
      occurredAt,
    });
  }

  async remove(deviceId: string): Promise<void> {
    await this.#tell(deviceId, { action: 'DELETED', occurredAt: this.driver.clock.now() });
  }

  async #tell(deviceId: string, said: Plain): Promise<void> {
    const rest = { memberId: '', class: 'web', platform: '', app: '', locale: '', transports: [] };
    const dead = { deadToken: null, deadBefore: null };
    await this.feed(REGISTRATIONS, deviceId, { deviceId, ...rest, ...dead, ...said });
  }

  of(topic: string): Written[] {
    return this.written.filter((record) => record.topic === topic);
  }

  /** Everything that lanes were given, in order; `handedBy` who could not reach the device. */
  get notifications(): (DeviceNotification & {
    readonly lane: string;
    readonly handedBy: string;
  })[] {
    const lanes = new Set(
      this.plan.topics.filter(({ use }) => use === 'lane').map(({ name }) => name),
    );
    return this.written
      .filter(({ topic }) => lanes.has(topic))
      .map(({ topic, value, headers }) => ({
        ...(value as DeviceNotification),
        lane: topic,
        handedBy: headers['carillon.handed-by'] ?? '',
      }));
  }

  /** `code step topic/partition@offset` of each dead letter. */
  get letters(): string[] {
    return this.of(this.plan.deadLetters).map(({ headers }) => {
      const of = (name: string) => headers[`carillon.${name}`];
      const origin = `${of('topic')}/${of('partition')}@${of('offset')}`;
      return `${of('code')} ${of('stream')}/${of('step')} ${origin}`;
    });
  }

  /** Closes, and asserts that no record is lost and none was made up. */
  async end(): Promise<void> {
    await this.driver.close();
    assert.equal(totalsGap(this.driver.totals()), 0, 'in = passed + dropped + dead letters + held');
  }

  #openDriver(): Promise<Driver> {
    const { partitions, commitEvery, startMs } = this.#options;
    return Driver.open({
      ...(startMs === undefined ? {} : { startMs }),
      plan: this.plan,
      log: this.log,
      schemas: this.schemas,
      ...(partitions === undefined ? {} : { partitions }),
      ...(commitEvery === undefined ? {} : { commitEvery }),
      openSink: async (sink, priority, nowMs) => ({
        probe: async () => {},
        close: async () => {},
        deliver: (batch) =>
          Promise.all(
            batch.map((delivery) => {
              const answer = this.#options.answer?.(delivery, sink.name) ?? delivered();
              this.given.push({
                sink: sink.name,
                priority: sink.lane.order.nameOf(priority),
                atMs: nowMs(),
                attempt: delivery.attempt,
                notification: delivery.notification,
                outcome: typeof answer === 'string' ? answer : answer.kind,
              });
              if (answer === 'throw') throw new Error('the connector is broken');
              return answer === 'never' ? new Promise<Outcome>(() => {}) : answer;
            }),
          ),
      }),
      onRecord: (record) => this.written.push(this.#written(record)),
      onDrop: (_record, stream, step, reason, by) => {
        for (let n = 0; n < by; n++) this.drops.push(`${stream}/${step} ${reason}`);
      },
    });
  }

  #written(record: Record): Written {
    const { topic, partition, offset, key, timestamp, valueBytes } = record;
    const headers = (record.headers ?? []).map(({ key: name, value }) => [name, String(value)]);
    return {
      topic,
      partition,
      offset,
      key,
      value: this.#decoded(valueBytes),
      timestamp,
      headers: Object.fromEntries(headers),
      // Registrations of a driver that is being opened: there are none, but the clock is not there.
      atMs: this.driver?.clock.now() ?? START_MS,
    };
  }

  #decoded(bytes: Buffer | null): unknown {
    if (bytes === null) return null;
    try {
      return this.schemas.decodeByWriter(bytes, 0, bytes.length);
    } catch {
      return bytes;
    }
  }
}

export function withSchemas(more: readonly AvroRecord[]): SchemaFolder {
  const own = folder.names().map((name) => {
    return [name, { record: folder.get(name)!, file: folder.fileOf(name)! }] as const;
  });
  const given = more.map((record) => [record.name, { record, file: 'test' }] as const);
  return schemaFolderOf(new Map([...own, ...given]));
}

/** What the desk says of a topology, with schemas beside the project's own. */
export function compiledOf(text: string, more: readonly AvroRecord[] = []): Compiled {
  const catalog = { steps, sinks };
  return compile(text, { file: 'test.yaml', catalog, schemas: withSchemas(more), env: {} });
}

export function planOf(
  text: string,
  schemas: SchemaFolder = folder,
  more: readonly StepSpec[] = [],
): Plan {
  const all = new Map([...steps, ...more.map((spec) => [spec.type, spec] as const)]);
  const options = { file: 'test.yaml', catalog: { steps: all, sinks }, schemas, env: {} };
  const { plan, diagnostics } = compile(text, options);
  if (plan === undefined) assert.fail(render(diagnostics, new Map([['test.yaml', text]])));
  return plan;
}

/** Every transport has a sink that tells its devices; what a test looks at is the inbox. */
const PUSHES = `  websocket:
    from: { lane: notifications, transport: websocket }
    steps: [{ gate_online: { table: presence } }]
    to: { type: websocket }
  fcm: { from: { lane: notifications, transport: fcm }, to: { type: fcm, project: p } }
  apns: { from: { lane: notifications, transport: apns }, to: { type: apns, bundle: b } }
`;

/** A topology with lanes and an inbox around the streams of a test. */
export function lanesWith(
  streams: string,
  more = '',
  transports: readonly Transport[] = TRANSPORTS,
): string {
  return `topology: t
tables:
  devices:  { topic: tables.devices, schema: MemberDevices, key: memberId }
  owners:   { topic: tables.device-owners, schema: Device, key: deviceId }
  presence: { topic: tables.presence, schema: Presence, key: deviceId }
lanes:
  notifications:
    topic: notifications.{priority}.{transport}
    schema: DeviceNotification
    key: value.deviceId
    transports: [${transports.join(', ')}]
streams:
${streams}
${
  more === ''
    ? `sinks:
  inbox: { from: { lane: notifications, transport: all }, to: { type: inbox, ttl: 7d } }
${PUSHES}`
    : more
}`;
}

/** One stream over plan changes, so far as a test does not say otherwise. */
export function planChanges(of: {
  name?: string;
  priority?: string;
  steps?: string;
  id?: string;
  lane?: string;
  time?: string;
}): string {
  const { name = 'plan-change', priority = '{ as: critical }', lane = '' } = of;
  const id = of.id === undefined ? ', id: value.eventId' : of.id;
  const time = of.time === undefined ? ', time: value.changedAt' : of.time;
  return `  ${name}:
    id: ${name}
    priority: ${priority}
    from: { topic: events.plan-change, schema: PlanChange${time}${id} }
    steps:
${of.steps ?? ''}      - fan_out: { table: devices }
    to: { lane: notifications${lane} }
`;
}

export const planChange = (eventId: string, memberId: string, more: Plain = {}): Plain => ({
  eventId,
  memberId,
  planFrom: null,
  planTo: 'basic',
  streamsMax: 1,
  changedAt: START_MS,
  ...more,
});
