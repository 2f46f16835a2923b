/**
 * One lane of a sink in memory: a log, a clock moved by hand, a sink that answers as the test says.
 * What was given, which outcomes were written and what is behind can be looked at.
 */
import type { LanePlan, Plan, SinkPlan } from '../../compiler/plan.ts';
import { MemoryLog } from '../../connectors/memory/log.ts';
import { BatchBuilder } from '../../core/batch-builder.ts';
import { HandClock } from '../../core/clock.ts';
import type { Group, Producer } from '../../core/log.ts';
import type { DeviceNotification } from '../../core/notification.ts';
import {
  type Delivery,
  type DeliveryOutcome,
  delivered,
  type Outcome,
} from '../../core/outcome.ts';
import { partitionOfText } from '../../core/partition.ts';
import { defineSink, type Sink } from '../../core/spec.ts';
import { SinkLane } from '../../runtime/sinks/sink-lane.ts';
import { AvroSchemas } from '../../schemas/avro-schemas.ts';
import { readSchemaFolder } from '../../schemas/folder.ts';
import { MemoryRegistry } from '../../schemas/memory-registry.ts';

const LANE: LanePlan = {
  name: 'notifications',
  schema: 'DeviceNotification',
  priorities: [0, 1, 2, 3],
  transports: ['websocket', 'fcm'],
  bytesMax: 65_536,
  topicOf: (priority, transport) => `lane.${priority}.${transport}`,
};
const PLAN: Plan = {
  topology: 't',
  doc: '',
  hash: 'h',
  tables: [{ name: 'owners', topic: 'owners', schema: 'Device', key: 'deviceId' }],
  lanes: [LANE],
  subTopologies: [],
  sinks: [],
  topics: [],
  deadLetters: 'dead-letters',
  attempts: 3,
};
const SCHEMAS = [
  { topic: 'lane', schema: 'DeviceNotification' },
  { topic: 'owners', schema: 'Device' },
  { topic: 'outcomes', schema: 'DeliveryOutcome' },
  { topic: 'events.device-registration', schema: 'DeviceRegistration' },
];
const TOPICS = [
  'lane.0.websocket',
  'owners',
  'outcomes',
  'dead-letters',
  'events.device-registration',
];
export const SINK_WORLD_START_MS = 1_000_000;
/** Turns of the event loop without anything moving. */
const QUIET_TURNS = 3;

const folder = readSchemaFolder(new URL('../../schemas', import.meta.url).pathname);

const NOTIFICATION: DeviceNotification = {
  id: 'n',
  deviceId: 'd',
  epoch: 1,
  sequence: 1,
  previous: 0,
  useCase: 'va',
  priority: 'critical',
  deadline: 0,
  collapseKey: null,
  count: 1,
  born: 0,
  payloadSchemaId: 1,
  payload: Buffer.from('x'),
};
const DEVICE = {
  memberId: 'm',
  class: 'tv',
  platform: '',
  app: '',
  locale: '',
  transports: [],
  updatedAt: 0,
};

export type Answer = (delivery: Delivery) => Outcome | 'throw' | 'never';
export type SinkWorldOptions = Partial<SinkPlan> & { keeps?: boolean; batchMax?: number };

const none = () => {};

export class SinkWorld {
  readonly clock = new HandClock(SINK_WORLD_START_MS);
  readonly log = new MemoryLog();
  /** `device#sequence/attempt`, in the order of the tries. */
  readonly given: string[] = [];
  readonly schemas = new AvroSchemas(folder, new MemoryRegistry(), this.clock);
  readonly lane: SinkLane;
  answer: Answer = () => delivered();
  #group: Group | undefined;
  #producer: Producer | undefined;

  private constructor(options: SinkWorldOptions) {
    this.lane = new SinkLane(PLAN, this.#plan(options), 0, this.#sink(), {
      clock: this.clock,
      schemas: this.schemas,
      partitions: 1,
      commit: { minMs: 0, maxMs: 0, recordsMax: 1 },
      wake: () => {},
      scheduler: { add: none, remove: none, addUnit: none, removeUnit: none },
      random: () => 0,
    });
  }

  static async open(options: SinkWorldOptions = {}): Promise<SinkWorld> {
    const world = new SinkWorld(options);
    await world.log.applyTopics(
      TOPICS.map((name) => ({ name, partitions: 1, cleanup: 'delete' as const })),
    );
    await world.schemas.open(SCHEMAS);
    world.#producer = await world.log.producer();
    world.#group = await world.log.openGroup(
      {
        group: 'g',
        partitions: 1,
        inputs: world.lane.inputs(),
        tables: world.lane.tables().map((table) => table.topic),
        stores: [],
        transactional: false,
        topologyHash: 'h',
      },
      world.lane,
    );
    return world;
  }

  async send(...notifications: Partial<DeviceNotification>[]): Promise<void> {
    for (const one of notifications) {
      const value = { ...NOTIFICATION, born: this.clock.now(), ...one };
      await this.#append('lane.0.websocket', 'DeviceNotification', value.deviceId, value);
    }
  }

  /** The device's row in the owners' table. */
  async own(deviceId: string, epoch: number, status = 'ACTIVE'): Promise<void> {
    await this.#append('owners', 'Device', deviceId, { ...DEVICE, deviceId, epoch, status });
  }

  /** Moves the clock and runs until nothing moves. */
  async settle(ms = 0): Promise<void> {
    this.clock.moveTo(this.clock.now() + ms);
    for (let quiet = 0; quiet < QUIET_TURNS; ) {
      const before = this.given.length;
      let worked = false;
      for (const task of this.lane.tasks) {
        while (task.runSlice()) worked = true;
      }
      for (const unit of this.lane.units) unit.commitIfDue();
      await new Promise<void>((resolve) => setImmediate(resolve));
      quiet = worked || this.given.length > before ? 0 : quiet + 1;
    }
  }

  /** `device outcome reason`, as written. */
  async outcomes(): Promise<string[]> {
    const rows = (await this.#valuesOf('outcomes')) as DeliveryOutcome[];
    return rows.map(({ deviceId, outcome, reason }) => `${deviceId} ${outcome} ${reason}`.trim());
  }

  async registrations(): Promise<readonly { [field: string]: unknown }[]> {
    return (await this.#valuesOf('events.device-registration')) as { [field: string]: unknown }[];
  }

  /** Codes of the dead letters. */
  async deadLetters(): Promise<string[]> {
    const codes: string[] = [];
    for await (const records of this.log.read('dead-letters', { from: 'start', follow: false })) {
      for (const { headers } of records) {
        codes.push(String(headers?.find(({ key }) => key === 'carillon.code')?.value));
      }
    }
    return codes;
  }

  async lag(): Promise<number> {
    return (await this.#group!.lag()).reduce((sum, { lag }) => sum + lag, 0);
  }

  async #valuesOf(topic: string): Promise<unknown[]> {
    const values: unknown[] = [];
    for await (const records of this.log.read(topic, { from: 'start', follow: false })) {
      for (const { valueBytes } of records) {
        values.push(this.schemas.decodeByWriter(valueBytes!, 0, valueBytes!.length));
      }
    }
    return values;
  }

  async #append(topic: string, schema: string, key: string, value: object): Promise<void> {
    const builder = new BatchBuilder(topic, partitionOfText(key, 1));
    builder.append(this.clock.now(), key, this.schemas.encoder(schema).toBuffer(value));
    await this.#producer!.send([builder.finish()]);
  }

  #sink(): Sink {
    return {
      probe: async () => {},
      close: async () => {},
      deliver: async (batch) => Promise.all(batch.map((delivery) => this.#deliver(delivery))),
    };
  }

  #deliver(delivery: Delivery): Outcome | Promise<Outcome> {
    const { deviceId, sequence } = delivery.notification;
    this.given.push(`${deviceId}#${sequence}/${delivery.attempt}`);
    const outcome = this.answer(delivery);
    if (outcome === 'throw') throw new Error('broken');
    return outcome === 'never' ? new Promise<Outcome>(() => {}) : outcome;
  }

  #plan(options: SinkWorldOptions): SinkPlan {
    const spec = defineSink({
      type: 'fake',
      summary: '',
      config: {},
      promises: [],
      batchMax: options.batchMax ?? 1,
      needsOwner: true,
      keeps: options.keeps ?? false,
      example: '',
      open: async () => this.#sink(),
    });
    return {
      name: 'fake',
      spec,
      config: {},
      lane: LANE,
      transport: 'websocket',
      steps: [],
      tables: [],
      inFlightMax: 8,
      timeoutMs: 50,
      groupOf: () => 'g',
      ...options,
    };
  }
}
