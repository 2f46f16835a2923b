/**
 * One lane of a sink in memory: a log, a clock moved by hand, a sink that answers as the test says.
 * What was given, which outcomes were written and what is behind can be looked at.
 */

import type {
  LanePlan,
  OutcomeLevel,
  Plan,
  Reach,
  SinkPlan,
  StreamPlan,
} from '../../compiler/plan.ts';
import { MemoryLog } from '../../connectors/memory/log.ts';
import { BatchBuilder } from '../../core/batch-builder.ts';
import { HandClock } from '../../core/clock.ts';
import type { DeviceTransport, Transport } from '../../core/device.ts';
import type { Header } from '../../core/headers.ts';
import { headersOf } from '../../core/lane-marks.ts';
import type { Group, Producer } from '../../core/log.ts';
import type { DeviceNotification } from '../../core/notification.ts';
import {
  type Delivery,
  type DeliveryOutcome,
  delivered,
  type Outcome,
} from '../../core/outcome.ts';
import { partitionOfText } from '../../core/partition.ts';
import { RENO_PRIORITIES } from '../../core/priority.ts';
import { defineSink, type Sink, type SinkSpec } from '../../core/spec.ts';
import { RENO_WORDS } from '../../core/words.ts';
import type { Pace } from '../../runtime/sinks/pace.ts';
import { SinkLane } from '../../runtime/sinks/sink-lane.ts';
import { AvroSchemas } from '../../schemas/avro-schemas.ts';
import { readSchemaFolder } from '../../schemas/folder.ts';
import { MemoryRegistry } from '../../schemas/memory-registry.ts';

const LANE: LanePlan = {
  name: 'notifications',
  schema: 'DeviceNotification',
  order: RENO_PRIORITIES,
  priorities: [0, 1, 2, 3],
  transports: ['websocket', 'fcm'],
  bytesMax: 65_536,
  topicOf: (priority, transport) => `lane.${priority}.${transport}`,
};
/** With one use case, `va`, which may go by every transport of the lane. */
function planOf(
  reach: Reach,
  outcomes: OutcomeLevel,
  attempts: number,
  sinks: readonly SinkPlan[],
): Plan {
  const { transports } = LANE;
  const to = { kind: 'lane', lane: LANE, transports, reach, outcomes, collapse: [] };
  const streams = [{ useCase: 'va', to } as unknown as StreamPlan];
  const sub = { role: 'streams/critical', group: 's', priority: 0, streams } as const;
  return {
    topology: 't',
    doc: '',
    hash: 'h',
    priorities: RENO_PRIORITIES,
    words: RENO_WORDS,
    tables: [{ name: 'owners', topic: 'owners', schema: 'Device', key: 'deviceId' }],
    derived: [],
    lanes: [LANE],
    subTopologies: [
      { ...sub, tables: [], tableInputs: [], wholeTables: [], stores: [], numbers: null },
    ],
    sinks,
    topics: [],
    deadLetters: 'dead-letters',
    attempts,
  };
}
const SCHEMAS = [
  { topic: 'lane', schema: 'DeviceNotification' },
  { topic: 'owners', schema: 'Device' },
  { topic: 'outcomes', schema: 'DeliveryOutcome' },
  { topic: 'events.device-registration', schema: 'DeviceRegistration' },
];
const TOPICS = [
  'lane.0.websocket',
  'lane.0.fcm',
  'retry.0',
  'owners',
  'outcomes',
  'dead-letters',
  'events.device-registration',
];
export const SINK_WORLD_START_MS = 1_000_000;
/** Turns of the event loop without anything moving. */
const QUIET_TURNS = 10;

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
const TRANSPORT = { kind: 'websocket', token: null, environment: null, registeredAt: 0 };
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
export type SinkWorldOptions = Partial<SinkPlan> & {
  keeps?: boolean;
  batchMax?: number;
  /** Which records of a device go in one call; none by default. */
  together?: NonNullable<SinkSpec['together']>;
  /** True: it has a retry topic. */
  retries?: boolean;
  reach?: Reach;
  /** True: there is no other sink, so nobody delivers by FCM. */
  alone?: boolean;
  outcomes?: OutcomeLevel;
  attempts?: number;
  /** A sink of its own, with real answers; the world waits for them. */
  sink?: Sink;
  clock?: HandClock;
  pace?: Pace;
};

const none = () => {};

const shortOf = ({ notification: { deviceId, sequence }, attempt }: Delivery) =>
  `${deviceId}#${sequence}/${attempt}`;

export class SinkWorld {
  readonly clock: HandClock;
  readonly log = new MemoryLog();
  /** `device#sequence/attempt`, in the order of the tries. */
  readonly given: string[] = [];
  /** The same, a line a call of the sink. */
  readonly calls: string[] = [];
  /** What the lane said of its deliveries: why they fail; null: they do no longer. */
  readonly said: (string | null)[] = [];
  readonly registry = new MemoryRegistry();
  readonly schemas: AvroSchemas;
  readonly lane: SinkLane;
  answer: Answer = () => delivered();
  readonly #waits: boolean;
  #group: Group | undefined;
  #producer: Producer | undefined;

  private constructor(options: SinkWorldOptions) {
    const { reach = 'first', outcomes = 'told', attempts = 3 } = options;
    this.clock = options.clock ?? new HandClock(SINK_WORLD_START_MS);
    this.schemas = new AvroSchemas(folder, this.registry, this.clock);
    this.#waits = options.sink !== undefined;
    const own = this.#plan(options);
    const others = options.alone === true ? [] : [this.#plan({ transport: 'fcm' })];
    const plan = planOf(reach, outcomes, attempts, [own, ...others]);
    this.lane = new SinkLane(plan, own, 0, options.sink ?? this.#sink(), {
      clock: this.clock,
      schemas: this.schemas,
      partitions: 1,
      commit: { minMs: 0, maxMs: 0, recordsMax: 1 },
      wake: () => {},
      scheduler: { add: none, remove: none, addUnit: none, removeUnit: none },
      random: () => 0,
      pace: options.pace ?? null,
      onTrouble: (_lane, why) => this.said.push(why),
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

  /** As `send`, in one batch. */
  async sendAtOnce(...notifications: Partial<DeviceNotification>[]): Promise<void> {
    const builder = new BatchBuilder('lane.0.websocket', 0);
    const encoder = this.schemas.encoder('DeviceNotification');
    for (const one of notifications) {
      const value = { ...NOTIFICATION, born: this.clock.now(), ...one };
      builder.append(this.clock.now(), value.deviceId, encoder.toBuffer(value), null);
    }
    await this.#producer!.send([builder.finish()]);
  }

  /** As another sink hands it on. */
  async handed(
    topic: string,
    one: Partial<DeviceNotification>,
    handedBy: readonly Transport[],
  ): Promise<void> {
    const value = { ...NOTIFICATION, born: this.clock.now(), ...one };
    const marks = { dueMs: 0, rests: false, attempt: 0, tries: 0, handedBy };
    await this.#append(topic, 'DeviceNotification', value.deviceId, value, headersOf(marks));
  }

  /** The device's row in the owners' table. */
  async own(
    deviceId: string,
    epoch: number,
    status = 'ACTIVE',
    transports: readonly Partial<DeviceTransport>[] = [],
    app = '',
  ): Promise<void> {
    const all = transports.map((one) => ({ ...TRANSPORT, ...one }));
    const row = { ...DEVICE, deviceId, epoch, status, app, transports: all };
    await this.#append('owners', 'Device', deviceId, row);
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
      const busy = worked || this.given.length > before || (this.#waits && this.lane.inFlight > 0);
      quiet = busy ? 0 : quiet + 1;
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

  /** What lies in a lane or retry topic: `device#sequence`, and its marks as `name=value`. */
  async written(topic: string): Promise<string[]> {
    const written: string[] = [];
    for await (const records of this.log.read(topic, { from: 'start', follow: false })) {
      for (const { valueBytes, headers } of records) {
        const value = this.schemas.decodeByWriter(valueBytes!, 0, valueBytes!.length);
        const { deviceId, sequence } = value as DeviceNotification;
        const marks = (headers ?? []).map((one) => `${one.key.slice(9)}=${one.value}`);
        written.push([`${deviceId}#${sequence}`, ...marks].join(' '));
      }
    }
    return written;
  }

  /** The worker goes, and another takes its place, with what was committed. */
  async reopen(): Promise<void> {
    await this.log.crash();
    await this.settle();
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

  async #append(
    topic: string,
    schema: string,
    key: string,
    value: object,
    headers: readonly Header[] | null = null,
  ): Promise<void> {
    const builder = new BatchBuilder(topic, partitionOfText(key, 1));
    builder.append(this.clock.now(), key, this.schemas.encoder(schema).toBuffer(value), headers);
    await this.#producer!.send([builder.finish()]);
  }

  #sink(): Sink {
    return {
      probe: async () => {},
      close: async () => {},
      deliver: async (batch) => {
        this.calls.push(batch.map(shortOf).join(' '));
        return Promise.all(batch.map((delivery) => this.#deliver(delivery)));
      },
    };
  }

  #deliver(delivery: Delivery): Outcome | Promise<Outcome> {
    this.given.push(shortOf(delivery));
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
      ...(options.together === undefined ? {} : { together: options.together }),
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
      rateMax: null,
      timeoutMs: 50,
      groupOf: () => 'g',
      ...(options.retries === true ? { retryTopicOf: () => 'retry.0' } : {}),
      ...options,
    };
  }
}
