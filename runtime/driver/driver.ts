/**
 * The test driver: a real plan on a log in memory, one thread, the clock in the feed's hand. What
 * TopologyTestDriver is to Kafka Streams; `carillon drive`, test files, simulator and replay stand
 * on it. It runs the very tasks of production: only source, clock and sinks differ. Feeding the
 * same always gives the same.
 */
import type { Plan, SinkPlan } from '../../compiler/plan.ts';
import { BatchBuilder } from '../../core/batch-builder.ts';
import { HandClock } from '../../core/clock.ts';
import type { Header } from '../../core/headers.ts';
import type { EncodedBatch, Group, Log, TaskPort } from '../../core/log.ts';
import { partitionOfText } from '../../core/partition.ts';
import type { Priority } from '../../core/priority.ts';
import type { Record } from '../../core/record.ts';
import { readBatch, wholeBatch } from '../../core/record-batch.ts';
import type { Schemas } from '../../core/schema.ts';
import type { Sink } from '../../core/spec.ts';
import { NEVER } from '../../core/store.ts';
import { topicSpecs } from '../engine.ts';
import type { EngineOptions } from '../engine-options.ts';
import { sinkGroup, streamsGroup } from '../group-specs.ts';
import type { NodeHost } from '../node.ts';
import { Scheduler } from '../scheduler.ts';
import { SinkLane } from '../sinks/sink-lane.ts';
import { type PlanStore, planStores, TABLES } from '../streams/plan-stores.ts';
import { StreamsTask } from '../streams/streams-task.ts';
import { type CommitPolicy, Unit, Units } from '../unit.ts';
import { WholeTables } from '../whole-tables.ts';
import { type DriverTotals, TotalsLedger } from './totals.ts';

/** Where the clock starts unless the feed says otherwise. */
export const DRIVER_START_MS = Date.UTC(2026, 0, 1);

/** What the driver's log can do beside a log's work; the one in memory does (connectors/memory). */
export interface DriverLog extends Log {
  /** Called with each batch that has become visible, in order. */
  onAppended: (batch: EncodedBatch, baseOffset: number) => void;
  onFailure: (error: Error) => void;
  /**
   * Drops all tasks with what they have not committed, and opens them again; or those of one
   * worker, which the next one has then.
   */
  crash(worker?: number): Promise<void>;
  /** Some tasks go to another worker; what they have done is committed. */
  rebalance(): Promise<void>;
}

export interface DriverOptions {
  readonly plan: Plan;
  /** An empty one. */
  readonly log: DriverLog;
  readonly schemas: Schemas;
  /** 1 unless the feed wants more. */
  readonly partitions?: number;
  readonly startMs?: number;
  /** Commits after so many records; 1: after each. */
  readonly commitEvery?: number;
  openSink(sink: SinkPlan, priority: Priority, nowMs: () => number): Promise<Sink>;
  /** A record that has become visible, in order; those that were fed are not told. */
  onRecord(record: Record): void;
  onDrop?: NodeHost['onDrop'];
}

export interface FedRecord {
  readonly topic: string;
  readonly key: string | null;
  /** In wire format, or null for a tombstone. */
  readonly value: Buffer | null;
  readonly timestamp?: number;
  readonly partition?: number;
  readonly headers?: readonly Header[];
}

/** Before the name of a table, where its rows are asked for. */
const NO_RETRY_SPREAD = 0;
/** The feed says when: a unit commits when it is told to. */
const BY_HAND: CommitPolicy = { minMs: 0, maxMs: 0, recordsMax: 1 };

export class Driver {
  readonly clock: HandClock;
  readonly #options: DriverOptions;
  readonly #stores: readonly PlanStore[];
  readonly #log: DriverLog;
  readonly #scheduler: Scheduler;
  /** Of the streams, in the plan's order: commits become visible in it. */
  readonly #units: Units[] = [];
  readonly #changelogs: ReadonlySet<string>;
  readonly #partitions: number;
  #tasks: StreamsTask[] = [];
  readonly #closed = new Set<StreamsTask>();
  readonly #lanes: SinkLane[] = [];
  readonly #groups: Group[] = [];
  readonly #totals: TotalsLedger;
  readonly #wholeTables: WholeTables;
  #feeding = false;
  #uncommitted = 0;
  /** Batches that have become visible; a commit that made one has given others work. */
  #visible = 0;
  #failure: Error | null = null;
  /** The topic behind which a process is killed, and whether a record of it has become visible. */
  #killBehind: { readonly topic: string; isVisible: boolean } | null = null;
  /** A task has asked for a schema, and may have it by now. */
  #asked = false;

  private constructor(options: DriverOptions) {
    this.#options = options;
    this.#stores = planStores(options.plan);
    this.#partitions = options.partitions ?? 1;
    this.clock = new HandClock(options.startMs ?? DRIVER_START_MS);
    this.#totals = new TotalsLedger();
    this.#scheduler = new Scheduler(this.clock, options.plan.priorities);
    // It serves when it is told to, and never by itself.
    this.#scheduler.stop();
    this.#wholeTables = new WholeTables(options.log, options.schemas, () => {});
    const { topics } = options.plan;
    this.#changelogs = new Set(
      topics.filter(({ use }) => use === 'changelog').map(({ name }) => name),
    );
    this.#log = options.log;
    this.#log.onAppended = (batch, baseOffset) => this.#appended(batch, baseOffset);
    this.#log.onFailure = (error) => {
      this.#failure ??= error;
    };
  }

  static async open(options: DriverOptions): Promise<Driver> {
    const driver = new Driver(options);
    await driver.#log.applyTopics(topicSpecs(options.plan, driver.#partitions));
    await driver.#openGroups();
    return driver;
  }

  /** Appends one record and runs everything that follows from it. */
  async feed(fed: FedRecord): Promise<void> {
    const partition =
      fed.partition ?? (fed.key === null ? 0 : partitionOfText(fed.key, this.#partitions));
    const builder = new BatchBuilder(fed.topic, partition);
    builder.append(fed.timestamp ?? this.clock.now(), fed.key, fed.value, fed.headers ?? null);
    const producer = await this.#log.producer();
    this.#feeding = true;
    try {
      await producer.send([builder.finish()]);
    } finally {
      this.#feeding = false;
    }
    this.#uncommitted++;
    await this.#run();
  }

  /** Moves the clock on; timers fire at their own time, in order. */
  async advance(ms: number): Promise<void> {
    await this.advanceTo(this.clock.now() + ms);
  }

  async advanceTo(atMs: number): Promise<void> {
    for (;;) {
      const due = this.#nextDueMs();
      if (due > atMs) break;
      this.clock.moveTo(due);
      await this.#run();
    }
    this.clock.moveTo(atMs);
    await this.#run();
  }

  /** Clocks make no ticks any more; timers go on. */
  stopClocks(): void {
    for (const task of this.#tasks) task.stopClock();
  }

  async commit(): Promise<void> {
    this.#uncommitted = Number.POSITIVE_INFINITY;
    await this.#run();
  }

  /** Closes cleanly and opens again from what was committed. */
  async restart(): Promise<void> {
    await this.commit();
    this.#totals.committed(this.#tasks);
    await this.#reopen(() => this.#log.crash());
  }

  /** Drops all that was not committed, or what one worker has not, and opens again. */
  async crash(worker?: number): Promise<void> {
    await this.#reopen(() => this.#log.crash(worker));
  }

  /** Some tasks go to another worker, the others stay as they are. */
  async rebalance(): Promise<void> {
    await this.commit();
    this.#totals.committed(this.#tasks);
    await this.#reopen(() => this.#log.rebalance());
  }

  /**
   * At the next record that becomes visible in `topic`: whoever reads it works on it, and before it
   * commits all is dropped that is not committed, as when a process is killed between two hops.
   */
  crashBehind(topic: string): void {
    this.#killBehind = { topic, isVisible: false };
  }

  /** The rows of a store (its whole name, or `<stream>/<step>`), over all tasks, in key order. */
  rows(store: string, key?: string): [string, unknown][] {
    const rows: [string, unknown][] = [...(this.#whole(store)?.rows() ?? [])].filter(
      ([of]) => key === undefined || of === key,
    );
    for (const task of this.#tasks) {
      for (const name of task.stores.names) {
        if (name !== store && !this.#isAt(store, name)) continue;
        for (const row of task.stores.rows(name))
          if (key === undefined || row[0] === key) rows.push(row);
      }
    }
    return rows.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  }

  hasStore(store: string): boolean {
    if (this.#whole(store) !== undefined) return true;
    return this.#tasks.some((task) =>
      task.stores.names.some((name) => name === store || this.#isAt(store, name)),
    );
  }

  #isAt(path: string, store: string): boolean {
    return this.#stores.some((one) => one.store === store && one.path === path);
  }

  /** `tables/<name>` of one that is held whole. */
  #whole(path: string) {
    return path.startsWith(TABLES) ? this.#wholeTables.get(path.slice(TABLES.length)) : undefined;
  }

  get storeNames(): string[] {
    return [...new Set(this.#tasks.flatMap((task) => task.stores.names))].sort();
  }

  totals(): DriverTotals {
    return this.#totals.now(this.#tasks);
  }

  async close(): Promise<void> {
    await this.commit();
    for (const group of this.#groups) await group.close();
    for (const lane of this.#lanes) await lane.close();
    await this.#wholeTables.close();
  }

  async #openGroups(): Promise<void> {
    const { plan } = this.#options;
    for (const sub of plan.subTopologies) {
      const units = new Units((port) => new Unit(port, BY_HAND, this.clock, () => {}), {
        addUnit: () => {},
        removeUnit: () => {},
      });
      this.#units.push(units);
      await this.#wholeTables.open(sub.wholeTables);
      const spec = streamsGroup(plan, sub, this.#partitions);
      const open = (port: TaskPort) => {
        const task = new StreamsTask(plan, sub, port, units.of(port.unit), {
          ...this.#engineOptions(),
          onClosed: () => {
            this.#scheduler.remove(task);
            units.remove(port.unit, task);
            this.#closed.add(task);
          },
        });
        this.#tasks.push(task);
        this.#scheduler.add(task);
        units.add(port.unit, task);
        return task;
      };
      this.#groups.push(await this.#log.openGroup(spec, { open }));
    }
    for (const sink of plan.sinks) {
      for (const priority of sink.lane.priorities) await this.#openSink(sink, priority);
    }
    await this.#run();
  }

  async #openSink(sink: SinkPlan, priority: Priority): Promise<void> {
    const { plan } = this.#options;
    const open = await this.#options.openSink(sink, priority, () => this.clock.now());
    const none = () => {};
    const lane = new SinkLane(plan, sink, priority, open, {
      ...this.#engineOptions(),
      commit: BY_HAND,
      // Sinks follow the streams' commits, in the plan's order.
      scheduler: { add: none, remove: none, addUnit: none, removeUnit: none },
      // Virtual time has no provider that counts.
      pace: null,
      random: () => NO_RETRY_SPREAD,
    });
    this.#lanes.push(lane);
    const spec = sinkGroup(lane, this.#partitions, false);
    this.#groups.push(await this.#log.openGroup(spec, lane));
  }

  #engineOptions(): EngineOptions {
    const { schemas, onDrop } = this.#options;
    return {
      clock: this.clock,
      schemas,
      partitions: this.#partitions,
      wholeTables: this.#wholeTables,
      wake: () => {},
      ...(onDrop === undefined ? {} : { onDrop }),
    };
  }

  async #reopen(how: () => Promise<void>): Promise<void> {
    this.#closed.clear();
    await how();
    this.#totals.dropped(this.#closed);
    this.#tasks = this.#tasks.filter((task) => !this.#closed.has(task));
    await this.#run();
  }

  /** Runs slices, commits and deliveries until nothing is left to do. */
  async #run(): Promise<void> {
    let again = true;
    while (again) {
      again = false;
      await this.#wholeTables.settled();
      while (this.#scheduler.serve()) again = true;
      // Its answer may come while something else is awaited: who has asked is served again.
      this.#asked ||= this.#tasks.some((task) => task.asksForSchema);
      if (this.#killBehind?.isVisible === true) {
        this.#killBehind = null;
        await this.crash();
      }
      const visible = this.#visible;
      if (this.#commitsAreDue()) {
        for (const units of this.#units) for (const unit of units.all) await unit.commit();
        this.#totals.committed(this.#tasks);
      }
      for (const lane of this.#lanes) again = (await this.#deliver(lane)) || again;
      again ||= this.#visible > visible;
      if (!again) again = await this.#schemasArrive();
      if (this.#failure !== null) throw this.#failure;
    }
    if (this.#commitsAreDue()) this.#uncommitted = 0;
  }

  async #deliver(lane: SinkLane): Promise<boolean> {
    let worked = false;
    for (const task of lane.tasks) {
      while (task.runSlice()) worked = true;
      this.#asked ||= task.schemaAtMs === NEVER;
      // Recorders answer in the same turn of the event loop.
      if (task.delivering) {
        await new Promise<void>((resolve) => setImmediate(resolve));
        worked = true;
      }
    }
    for (const unit of lane.units) await unit.commit();
    return worked;
  }

  /** A task that waits for a schema goes on in a later turn of the event loop. */
  async #schemasArrive(): Promise<boolean> {
    if (!this.#asked) return false;
    this.#asked = false;
    await new Promise<void>((resolve) => setImmediate(resolve));
    return true;
  }

  #commitsAreDue(): boolean {
    return this.#uncommitted >= (this.#options.commitEvery ?? 1) || this.#uncommitted === 0;
  }

  #nextDueMs(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const task of this.#tasks) next = Math.min(next, task.nextDueMs());
    for (const lane of this.#lanes) {
      const schemas = [...lane.tasks].map((task) => task.schemaAtMs);
      for (const atMs of schemas) next = Math.min(next, atMs ?? NEVER);
      // Nobody lets the lane's records go while all of its tasks wait for a schema.
      if (schemas.includes(undefined)) next = Math.min(next, lane.nextWakeMs());
    }
    return next;
  }

  #appended(batch: EncodedBatch, baseOffset: number): void {
    // State is asked for by query.
    if (this.#changelogs.has(batch.topic)) return;
    this.#visible++;
    if (this.#killBehind?.topic === batch.topic) this.#killBehind.isVisible = true;
    if (this.#feeding) return;
    this.#totals.out(batch.topic, batch.count);
    for (const record of readBatch(
      wholeBatch(batch.topic, batch.partition, batch.bytes, baseOffset),
    )) {
      this.#options.onRecord(record);
    }
  }
}
