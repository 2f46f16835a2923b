/**
 * The test driver: a real plan on a log in memory, one thread, the clock in the feed's hand. What
 * TopologyTestDriver is to Kafka Streams; `carillon drive`, test files, simulator and replay stand
 * on it. It runs the very tasks of production: only source, clock and sinks differ. Feeding the
 * same always gives the same.
 */
import type { Plan, SinkPlan } from '../compiler/plan.ts';
import { HandClock } from '../core/clock.ts';
import type { EncodedBatch, Group } from '../core/log.ts';
import { partitionOfText } from '../core/partition.ts';
import { type Priority, priorityName } from '../core/priority.ts';
import type { Header, Record } from '../core/record.ts';
import { BatchBuilder, readBatch } from '../core/record-batch.ts';
import type { Schemas } from '../core/schema.ts';
import type { Sink } from '../core/spec.ts';
import { NEVER } from '../core/store.ts';
import { topicSpecs } from './engine.ts';
import { sinkGroup, streamsGroup } from './group-specs.ts';
import { MemoryLog } from './memory-log.ts';
import type { Drop, EngineOptions } from './scheduler.ts';
import { SinkLane } from './sink-lane.ts';
import type { SinkTask } from './sink-task.ts';
import { StreamsTask } from './streams-task.ts';
import { type DriverTotals, TotalsLedger } from './totals.ts';

/** Where the clock starts unless the feed says otherwise. */
export const DRIVER_START_MS = Date.UTC(2026, 0, 1);

export interface DriverOptions {
  readonly plan: Plan;
  readonly schemas: Schemas;
  /** 1 unless the feed wants more. */
  readonly partitions?: number;
  readonly startMs?: number;
  /** Commits after so many records; 1: after each. */
  readonly commitEvery?: number;
  openSink(sink: SinkPlan, priority: Priority, nowMs: () => number): Promise<Sink>;
  /** A record that has become visible, in order; those that were fed are not told. */
  onRecord(record: Record): void;
  onDrop?(drop: Drop): void;
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

const NO_RETRY_SPREAD = 0;

export class Driver {
  readonly clock: HandClock;
  readonly #options: DriverOptions;
  readonly #log = new MemoryLog();
  readonly #partitions: number;
  readonly #tasks: StreamsTask[] = [];
  readonly #lanes: SinkLane[] = [];
  readonly #groups: Group[] = [];
  readonly #totals: TotalsLedger;
  #feeding = false;
  #uncommitted = 0;
  /** Batches that have become visible; a commit that made one has given others work. */
  #visible = 0;
  #failure: Error | null = null;

  private constructor(options: DriverOptions) {
    this.#options = options;
    this.#partitions = options.partitions ?? 1;
    this.clock = new HandClock(options.startMs ?? DRIVER_START_MS);
    this.#totals = new TotalsLedger(options.plan);
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

  async commit(): Promise<void> {
    this.#uncommitted = Number.POSITIVE_INFINITY;
    await this.#run();
  }

  /** Closes cleanly and opens again from what was committed. */
  async restart(): Promise<void> {
    await this.commit();
    await this.#reopen('stopped');
  }

  /** Drops all that was not committed and opens again. */
  async crash(): Promise<void> {
    await this.#reopen('fenced');
  }

  /** The rows of a store (its whole name, or `<stream>/<step>`), over all tasks, in key order. */
  rows(store: string, key?: string): [string, unknown][] {
    const rows: [string, unknown][] = [];
    for (const task of this.#tasks) {
      for (const name of task.storeNames) {
        if (name !== store && !storeIs(this.#options.plan, name, store)) continue;
        for (const row of task.rows(name)) if (key === undefined || row[0] === key) rows.push(row);
      }
    }
    return rows.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  }

  hasStore(store: string): boolean {
    return this.#tasks.some((task) =>
      task.storeNames.some((name) => name === store || storeIs(this.#options.plan, name, store)),
    );
  }

  get storeNames(): string[] {
    return [...new Set(this.#tasks.flatMap((task) => task.storeNames))].sort();
  }

  totals(): DriverTotals {
    return this.#totals.now(this.#tasks);
  }

  async close(): Promise<void> {
    await this.commit();
    for (const group of this.#groups) await group.close();
    for (const lane of this.#lanes) await lane.close();
  }

  async #openGroups(): Promise<void> {
    const { plan } = this.#options;
    const options = this.#engineOptions();
    for (const sub of plan.subTopologies) {
      const spec = streamsGroup(plan, sub, this.#partitions);
      const open = (port: ConstructorParameters<typeof StreamsTask>[2]) => {
        const task = new StreamsTask(plan, sub, port, options);
        this.#tasks.push(task);
        return task;
      };
      this.#groups.push(await this.#log.openGroup(spec, { open }));
    }
    for (const sink of plan.sinks) {
      for (const priority of sink.lane.priorities) await this.#openSink(sink, priority, options);
    }
    await this.#run();
  }

  async #openSink(sink: SinkPlan, priority: Priority, options: EngineOptions): Promise<void> {
    const { plan } = this.#options;
    const open = await this.#options.openSink(sink, priority, () => this.clock.now());
    const lane = new SinkLane(plan, sink, priority, open, {
      ...options,
      scheduler: { add: () => {}, remove: () => {} },
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
      commit: { minMs: 0, maxMs: 0, recordsMax: 1 },
      wake: () => {},
      ...(onDrop === undefined ? {} : { onDrop }),
    };
  }

  async #reopen(why: 'stopped' | 'fenced'): Promise<void> {
    if (why === 'stopped') this.#totals.committed(this.#tasks);
    this.#totals.dropped();
    this.#tasks.length = 0;
    await this.#log.crash();
    await this.#run();
  }

  /** Runs slices, commits and deliveries until nothing is left to do. */
  async #run(): Promise<void> {
    let again = true;
    while (again) {
      again = false;
      for (const task of this.#tasks) while (task.runSlice()) again = true;
      const visible = this.#visible;
      if (this.#commitsAreDue()) {
        for (const task of this.#tasks) task.commitNow();
        this.#totals.committed(this.#tasks);
      }
      for (const task of this.#sinkTasks()) again = (await this.#deliver(task)) || again;
      again ||= this.#visible > visible;
      if (!again) again = await this.#schemasArrive();
      if (this.#failure !== null) throw this.#failure;
    }
    if (this.#commitsAreDue()) this.#uncommitted = 0;
  }

  async #deliver(task: SinkTask): Promise<boolean> {
    let worked = false;
    while (task.runSlice()) worked = true;
    // Recorders answer in the same turn of the event loop.
    if (task.delivering) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      worked = true;
    }
    task.commitNow();
    return worked;
  }

  /** A task that waits for a schema goes on in a later turn of the event loop. */
  async #schemasArrive(): Promise<boolean> {
    const asks =
      this.#tasks.some((task) => task.asksForSchema) ||
      this.#sinkTasks().some((task) => task.schemaAtMs === NEVER);
    if (!asks) return false;
    await new Promise<void>((resolve) => setImmediate(resolve));
    return true;
  }

  #sinkTasks(): SinkTask[] {
    return this.#lanes.flatMap((lane) => [...lane.tasks]);
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
    this.#visible++;
    if (this.#feeding) return;
    this.#totals.out(batch.topic, batch.count);
    for (const record of readBatch(batch.topic, batch.partition, batch.bytes, baseOffset)) {
      this.#options.onRecord(record);
    }
  }
}

/** True when `<stream>/<step>` names this store. */
function storeIs(plan: Plan, store: string, path: string): boolean {
  for (const sub of plan.subTopologies) {
    for (const stream of sub.streams) {
      for (const step of stream.steps) {
        if (step.store === store && `${stream.name}/${step.name}` === path) return true;
      }
    }
    if (sub.numbers === store && path === `${priorityNameOf(sub.priority)}/numbers`) return true;
  }
  return false;
}

function priorityNameOf(priority: number): string {
  return priority < 0 ? 'streams' : priorityName(priority);
}
