/**
 * A pipeline whose topology is edited: one version after the other runs on one log, with events
 * before, during and after, as `carillon run` does it at each start. The clock is moved by hand.
 */
import assert from 'node:assert/strict';
import { compile } from '../../compiler/compile.ts';
import { withPriorities } from '../../compiler/notification-priorities.ts';
import type { Plan, SubTopologyPlan } from '../../compiler/plan.ts';
import { render } from '../../compiler/render.ts';
import { topicSchemas } from '../../compiler/topic-schemas.ts';
import { sinks } from '../../connectors/index.ts';
import { BatchBuilder } from '../../core/batch-builder.ts';
import { HandClock } from '../../core/clock.ts';
import type { EditableLog } from '../../core/log.ts';
import type { DeviceNotification } from '../../core/notification.ts';
import { delivered } from '../../core/outcome.ts';
import { partitionOfText } from '../../core/partition.ts';
import type { Catalog, Sink } from '../../core/spec.ts';
import { conservationGap, type StepCounts } from '../../core/verdict.ts';
import { steps } from '../../processors/index.ts';
import { DRIVER_START_MS } from '../../runtime/driver/driver.ts';
import { appliedTopic } from '../../runtime/edits/applied.ts';
import { applyTopology } from '../../runtime/edits/apply.ts';
import type { Losing } from '../../runtime/edits/judge.ts';
import { Engine, topicSpecs } from '../../runtime/engine.ts';
import type { StepFlow } from '../../runtime/streams/streams-task.ts';
import { AvroSchemas } from '../../schemas/avro-schemas.ts';
import { readSchemaFolder } from '../../schemas/folder.ts';
import { MemoryRegistry } from '../../schemas/memory-registry.ts';
import { planChange } from './drive.ts';

const folder = readSchemaFolder(new URL('../../schemas', import.meta.url).pathname);
const WAIT_MS = 30_000;
/** The clock of these tests stands in the past: a broker would delete what they write as old. */
const KEPT_MS = 3_650 * 86_400_000;
const LOOK_MS = 2;
const COMMITS = { minMs: 0, maxMs: 0, recordsMax: 1 };
const HEADER_BYTES = 5;

export const EVENTS = 'events.plan-change';

/** One stream over plan changes, by what an edit may change of it. */
export interface StreamText {
  readonly id: string;
  readonly name?: string;
  readonly priority?: string;
  readonly start?: string;
  readonly topic?: string;
  readonly key?: string;
  /** What devices are looked up by. */
  readonly by?: string;
  readonly steps?: readonly string[];
}

export function streamText(of: StreamText): string {
  const { id, name = id, priority = '{ as: normal }', topic = EVENTS } = of;
  const start = of.start === undefined ? '' : `, start: ${of.start}`;
  const key = of.key === undefined ? '' : `, key: ${of.key}`;
  return `  ${name}:
    id: ${id}
    priority: ${priority}
    from: { topic: ${topic}, schema: PlanChange, time: value.changedAt, id: value.eventId${key}${start} }
    steps:
${(of.steps ?? []).map((step) => `      - ${step}\n`).join('')}      - fan_out: { table: devices, by: ${of.by ?? 'value.memberId'} }
    to: { lane: notifications }
`;
}

export interface Posting {
  readonly member?: string;
  readonly topic?: string;
  readonly more?: { readonly [field: string]: unknown };
}

/** Which parts of a version run in this process; all of its streams unless it is said. */
export interface Starting {
  /** A priority. */
  readonly only?: string;
  readonly sinks?: boolean;
  /** False: nobody waits until it has settled, as tasks are shared with others. */
  readonly waits?: boolean;
}

export interface PipelineOptions {
  readonly partitions?: number;
  readonly catalog?: Catalog;
  /** Of several processes. */
  readonly registry?: MemoryRegistry;
  /** In front of topics and groups, so that runs on one broker do not meet. */
  readonly prefix?: string | undefined;
}

const open = new Set<EditedPipeline>();

/** After each test: what a failed one has left would keep its process alive for ever. */
export const closePipelines = () => Promise.all([...open].map((pipeline) => pipeline.close()));

export class EditedPipeline {
  readonly clock = new HandClock(DRIVER_START_MS);
  readonly said: string[] = [];
  /** Former texts do not compile any more. */
  forgetsTexts = false;
  /** What sinks were given, of all versions. */
  readonly delivered: string[] = [];
  readonly #log: EditableLog;
  readonly #registry: MemoryRegistry;
  readonly #partitions: number;
  readonly #lanes = new Set<string>();
  readonly #catalog: Catalog;
  readonly #prefix: string | undefined;
  #engine: Engine | null = null;
  /** Of its streams; while they are not all there, an empty lag says nothing. */
  #tasksWanted = 0;
  /** Those of its streams that run here. */
  #subs: readonly SubTopologyPlan[] = [];
  #closed: Promise<void> | null = null;
  #text = '';
  #schemas: AvroSchemas;
  /** What versions that ended have counted. */
  readonly #flows: StepFlow[] = [];

  constructor(log: EditableLog, options: PipelineOptions = {}) {
    this.#prefix = options.prefix;
    this.#registry = options.registry ?? new MemoryRegistry();
    this.#log = log;
    open.add(this);
    this.#partitions = options.partitions ?? 2;
    this.#catalog = options.catalog ?? { steps, sinks };
    this.#schemas = new AvroSchemas(folder, this.#registry, this.clock);
  }

  plan(written: string): Plan {
    const text = this.#named(written);
    const options = { file: 'test.yaml', catalog: this.#catalog, schemas: folder, env: {} };
    const { plan, diagnostics } = compile(text, options);
    if (plan === undefined) assert.fail(render(diagnostics, new Map([['test.yaml', text]])));
    return plan;
  }

  /** Topics and schemas of a version, as they are before anything runs. */
  async prepare(text: string): Promise<Plan> {
    const plan = this.plan(text);
    const own = withPriorities(folder, plan.priorities.names);
    this.#schemas = new AvroSchemas(own, this.#registry, this.clock);
    const specs = topicSpecs(plan, this.#partitions);
    await this.#log.applyTopics(
      specs.map((spec) =>
        spec.retentionMs === undefined ? spec : { ...spec, retentionMs: KEPT_MS },
      ),
    );
    await this.#schemas.open(topicSchemas(plan));
    for (const { name, use } of plan.topics) if (use === 'lane') this.#lanes.add(name);
    return plan;
  }

  /** Rejects with what is refused. */
  async start(text: string, losing: Losing = 'refuse', of: Starting = {}): Promise<void> {
    const plan = await this.prepare(text);
    const engine = (of: Plan, more: object) =>
      new Engine({
        plan: of,
        log: this.#log,
        schemas: this.#schemas,
        clock: this.clock,
        partitions: this.#partitions,
        streamsCommit: COMMITS,
        sinksCommit: COMMITS,
        random: () => 0,
        onFailure: (error) => this.said.push(String(error)),
        ...more,
      });
    const before = await applyTopology({
      log: this.#log,
      plan,
      text: this.#named(text),
      partitions: this.#partitions,
      clock: this.clock,
      losing,
      former: async (former) => {
        if (this.forgetsTexts) throw new Error('there is no schema "PlanChange".');
        const of = await this.prepare(former);
        return {
          plan: { ...of, hash: `end ${of.hash}` },
          open: (readTo) => engine(of, { readTo }),
          openSink: async (sink) => this.#sink(sink.name),
        };
      },
      say: (_, facts) => this.said.push(JSON.stringify(facts)),
    });
    this.#engine = engine(plan, { before });
    const subs = plan.subTopologies.filter(
      ({ role }) =>
        role.startsWith('streams') && (of.only === undefined || role === `streams/${of.only}`),
    );
    for (const sub of subs) await this.#engine.startStreams(sub);
    this.#tasksWanted = of.waits === false ? 0 : subs.length * this.#partitions;
    this.#subs = subs;
    for (const sink of of.sinks === true ? plan.sinks : []) {
      for (const priority of sink.lane.priorities) {
        await this.#engine.startSink(sink, priority, this.#sink(sink.name));
      }
    }
    this.#text = text;
    if (of.waits !== false) await this.settled();
  }

  /** The last version again, for a while, in a process with one role of it. */
  async runOnly(priority: string): Promise<void> {
    await this.start(this.#text, 'refuse', { only: priority });
    await this.stop();
  }

  async stop(): Promise<void> {
    const engine = this.#engine;
    this.#engine = null;
    if (engine === null) return;
    await engine.close();
    this.#flows.push(...engine.flow());
  }

  /** As a log of before edits were compared: nothing says what ran. */
  async forgetApplied(): Promise<void> {
    const { topology } = this.plan(this.#text);
    const builder = new BatchBuilder(appliedTopic(topology).name, 0);
    builder.append(this.clock.now(), topology, null);
    await (await this.#log.producer()).send([builder.finish()]);
  }

  /** Devices `tv-<member>`, straight into the table. */
  async devices(members: readonly string[]): Promise<void> {
    for (const memberId of members) {
      const device = { deviceId: `tv-${memberId}`, epoch: 1, class: 'tv' };
      const devices = [{ ...device, transports: ['inbox'], updatedAt: DRIVER_START_MS }];
      await this.#send('tables.devices', memberId, 'MemberDevices', { memberId, devices });
    }
    await this.settled();
  }

  async post(eventIds: readonly string[], of: Posting = {}): Promise<void> {
    await this.send(eventIds, of);
    await this.settled();
  }

  /** As `post`, for whoever reads them. */
  async send(eventIds: readonly string[], of: Posting = {}): Promise<void> {
    const { member = 'm-1', topic = EVENTS, more = {} } = of;
    for (const eventId of eventIds) {
      const event = { changedAt: this.clock.now(), ...more };
      await this.#send(topic, member, 'PlanChange', planChange(eventId, member, event));
    }
  }

  /** Its tasks look at the clock again. */
  wake(): void {
    for (const task of this.#engine?.tasks ?? []) task.wake();
  }

  async advance(ms: number): Promise<void> {
    this.clock.moveTo(this.clock.now() + ms);
    await this.settled();
  }

  /** Of all lanes: `use case, priority, event`, in the order of each lane. */
  async told(): Promise<string[]> {
    const told: string[] = [];
    for (const lane of this.#lanes) {
      for await (const records of this.#log.read(lane, { from: 'start', follow: false })) {
        for (const { valueBytes } of records) {
          const at = valueBytes!;
          const of = this.#schemas.decodeByWriter(at, 0, at.length) as DeviceNotification;
          const eventId = this.#eventOf(of);
          told.push(`${of.useCase} ${of.priority} ${eventId}`);
          assert.ok(lane.includes(`.${of.priority}.`), `${eventId} of ${of.priority} in ${lane}`);
        }
      }
    }
    return told;
  }

  /** Answers that everything is delivered, and keeps what: `sink event`. */
  #sink(name: string): Sink {
    return {
      probe: async () => {},
      close: async () => {},
      deliver: async (batch) =>
        batch.map(({ notification }) => {
          this.delivered.push(`${name} ${this.#eventOf(notification)}`);
          return delivered();
        }),
    };
  }

  #eventOf({ payloadSchemaId, payload }: DeviceNotification): string {
    const header = Buffer.alloc(HEADER_BYTES);
    header.writeUInt32BE(payloadSchemaId, 1);
    const bytes = Buffer.concat([header, payload]);
    const event = this.#schemas.decodeByWriter(bytes, 0, bytes.length);
    return (event as { readonly eventId: string }).eventId;
  }

  /** Of a step, over all versions and tasks that ran. */
  counts(stream: string, step: string): StepCounts[] {
    const flows = [...this.#flows, ...(this.#engine?.flow() ?? [])];
    return flows
      .filter((one) => one.stream === stream && one.step === step)
      .map((one) => one.counts);
  }

  dropped(stream: string, step: string, reason: string): number {
    const all = this.counts(stream, step).map(({ dropped }) => dropped.get(reason) ?? 0);
    return all.reduce((sum, by) => sum + by, 0);
  }

  held(stream: string, step: string): number {
    const flows = this.#engine?.flow() ?? [];
    const own = flows.filter((one) => one.stream === stream && one.step === step);
    return own.reduce((sum, { counts }) => sum + counts.held, 0);
  }

  /** Stops, closes, and asserts the law of conservation over all that was counted. */
  async end(): Promise<void> {
    await this.close();
    for (const { stream, step, counts } of this.#flows) {
      assert.equal(conservationGap(counts), 0, `${stream}/${step}`);
    }
  }

  /** Whatever state it is in: a test that failed leaves nothing running. May be called again. */
  close(): Promise<void> {
    open.delete(this);
    this.#closed ??= this.stop().finally(() => this.#log.close());
    return this.#closed;
  }

  /**
   * Resolves when nothing is left to do, and nothing was done since it was first seen: a record may
   * be between two hops, and in no lag.
   */
  async settled(): Promise<void> {
    const engine = this.#engine;
    if (engine === null) return;
    const startedAt = performance.now();
    let seen = '';
    for (;;) {
      const nowMs = this.clock.now();
      const lags = await engine.lag();
      const tasks = [...engine.tasks];
      const isDone =
        tasks.length > 0 &&
        tasks.length >= this.#tasksWanted &&
        lags.length >= this.#tasksWanted &&
        tasks.every((task) => task.idle && task.uncommitted === 0 && task.nextDueMs() > nowMs) &&
        lags.every(({ lag }) => lag === 0);
      const done = JSON.stringify(engine.flow().map(({ counts }) => [counts.in, counts.out]));
      if (isDone && done === seen && (await this.#hopsAreRead())) return;
      seen = isDone ? done : '';
      this.wake();
      const why = `${tasks.length} of ${this.#tasksWanted} tasks, ${JSON.stringify(lags)}`;
      assert.ok(performance.now() - startedAt < WAIT_MS, `it does not settle: ${why}`);
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  /** A lag is as old as the last answer of a broker: what was just told may not be in it. */
  async #hopsAreRead(): Promise<boolean> {
    for (const { group, streams } of this.#subs) {
      for (const { source } of streams) {
        const isHop = source.keyedBy !== undefined || source.clock !== undefined;
        const { topic } = source;
        if (topic === null || !isHop) continue;
        const bounds = (await this.#log.positions.bounds(topic)) ?? [];
        const committed = await this.#log.positions.committed(group, [topic]);
        const at = (p: number) => committed.find(({ partition }) => partition === p)?.offset ?? -1;
        if (bounds.some(({ start, end }, p) => end > Math.max(start, at(p)))) return false;
      }
    }
    return true;
  }

  /** Of the topology, its events, tables and lanes. */
  #named(text: string): string {
    const prefix = this.#prefix;
    if (prefix === undefined || text.startsWith(`topology: ${prefix}`)) return text;
    return text
      .replace('topology: t', `topology: ${prefix}`)
      .replaceAll(/topic: (events|tables|notifications)\./g, `topic: ${prefix}.$1.`);
  }

  async #send(written: string, key: string, schema: string, value: object): Promise<void> {
    const topic = this.#prefix === undefined ? written : `${this.#prefix}.${written}`;
    const builder = new BatchBuilder(topic, partitionOfText(key, this.#partitions));
    builder.append(this.clock.now(), key, this.#schemas.encoder(schema).toBuffer(value));
    const producer = await this.#log.producer();
    try {
      await producer.send([builder.finish()]);
    } finally {
      await producer.close();
    }
  }
}
