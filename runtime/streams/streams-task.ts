/**
 * One task: partition p of one sub-topology, with its inputs, tables and stores. It takes batches
 * from the log when it can use more; the scheduler tells it when to run a slice, its unit commits
 * what it has done. It never waits and never reads a clock but its own, which is moved once a slice
 * (rules D11, D12).
 */
import type { Plan, SubTopologyPlan } from '../../compiler/plan.ts';
import { HandClock } from '../../core/clock.ts';
import { CarillonError } from '../../core/error.ts';
import type { LogBatch, TaskHost, TaskPort, UnitPart } from '../../core/log.ts';
import { NEVER } from '../../core/store.ts';
import type { StepCounts } from '../../core/verdict.ts';
import { Collector } from '../collector.ts';
import { writeAside, writeDeadLetter } from '../dead-letters.ts';
import type { EngineOptions } from '../engine-options.ts';
import type { Schedulable } from '../scheduler.ts';
import { SchemaLoader } from '../schema-loader.ts';
import { TableFeed } from '../state/table-feed.ts';
import type { TaskStore } from '../state/task-store.ts';
import type { Unit, UnitTask } from '../unit.ts';
import { DeviceNumbers } from './device-numbers.ts';
import { Input } from './input.ts';
import { Stream } from './stream.ts';
import { noteStreamPositions, readStreamPositions } from './stream-positions.ts';
import type { TaskParts } from './task-parts.ts';

/** The counts of one node, for metrics and for the driver's sums. */
export interface StepFlow {
  readonly stream: string;
  readonly step: string;
  readonly counts: StepCounts;
}

export class StreamsTask implements TaskHost, Schedulable, UnitTask {
  readonly name: string;
  readonly priority: number;
  readonly #sub: SubTopologyPlan;
  readonly #port: TaskPort;
  readonly #unit: Unit;
  readonly #options: EngineOptions;
  readonly #clock: HandClock;
  readonly #collector: Collector;
  readonly #loader: SchemaLoader;
  readonly #tables: TableFeed;
  readonly #streams: readonly Stream[];
  readonly #inputs: readonly Input[];
  /** With the changelog topic of each. */
  readonly #stores = new Map<string, { readonly store: TaskStore; readonly changelog: string }>();
  /** Positions that changed since the last commit, by topic. */
  readonly #offsets = new Map<string, number>();
  #uncommitted = 0;
  #turn = 0;
  #started = false;
  #closed = false;
  #failed = false;

  constructor(
    plan: Plan,
    sub: SubTopologyPlan,
    port: TaskPort,
    unit: Unit,
    options: EngineOptions,
  ) {
    this.name = `${sub.role}/${port.partition}`;
    this.priority = Math.max(0, sub.priority);
    this.#sub = sub;
    this.#port = port;
    this.#unit = unit;
    this.#options = options;
    this.#clock = new HandClock(options.clock.now());
    this.#collector = new Collector(options.partitions, options.pool);
    this.#loader = new SchemaLoader(options.schemas, options.clock, () => options.wake());
    const parts = this.#parts(plan);
    this.#tables = new TableFeed(sub.tables, options.schemas, this.#loader, (record, why) => {
      parts.deadLetter(record, { code: 'CAR503', why, stream: sub.role, step: 'table' });
      // The letter is committed though no input has moved.
      this.#uncommitted++;
    });
    this.#streams = sub.streams.map((stream) => new Stream(stream, sub.priority, parts));
    const topics = new Set(sub.streams.map((stream) => stream.source.topic));
    this.#inputs = [...topics].map(
      (topic) =>
        new Input(topic, port, this.#streamsOf(topic), options.readTo?.(topic, port.partition)),
    );
    for (const { steps } of this.#streams) {
      for (const { store } of steps.steps) if (store !== null) this.#addStore(store);
    }
    if (parts.numbers !== null) this.#addStore(parts.numbers);
  }

  // The log's side.

  restore(store: string, batch: LogBatch): void {
    this.#stores.get(store)?.store.restore(batch, this.#clock.now());
  }

  table(topic: string, batch: LogBatch): void {
    this.#tables.add(topic, batch);
    this.#options.wake();
  }

  ready(): void {
    for (const { steps } of this.#streams) {
      steps.restored();
      this.#loader.need(steps.heldSchemaIds());
    }
    this.#stores.get(this.#sub.numbers ?? '')?.store.restored();
    for (const { topic } of this.#inputs) {
      const positions = readStreamPositions(this.#port.committedMetadata(topic));
      for (const stream of this.#streamsOf(topic)) {
        stream.startAt(positions.get(stream.plan.useCase) ?? 0);
      }
    }
    this.#started = true;
    this.#options.wake();
  }

  wake(): void {
    this.#options.wake();
  }

  settle(): Promise<void> {
    return this.#unit.settle();
  }

  async close(why: 'revoked' | 'stopped' | 'fenced'): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const stream of this.#streams) stream.close();
    if (why !== 'fenced' && !this.#failed) await this.#unit.settle();
    this.#options.onClosed?.(this);
  }

  // The scheduler's side.

  /** Runs due timers and one slice of one input; false when there was nothing to do. */
  runSlice(): boolean {
    if (!this.#canRun()) return false;
    this.#clock.moveTo(this.#options.clock.now());
    const clockMs = this.#clock.now();
    let worked = false;
    for (const stream of this.#streams) {
      if (!stream.tick(clockMs)) continue;
      this.#uncommitted++;
      worked = true;
    }
    for (let tries = this.#inputs.length; tries > 0; tries--) {
      const input = this.#inputs[this.#turn++ % this.#inputs.length]!;
      const done = input.run(clockMs, this.#need);
      if (done === undefined) continue;
      this.#offsets.set(input.topic, done.nextOffset);
      this.#uncommitted += Math.max(1, done.records);
      return true;
    }
    return worked;
  }

  /** When to look again though nothing arrives: a timer, or a schema to ask for again. */
  nextWakeMs(): number {
    if (!this.#canRun()) return this.#closed ? NEVER : this.#loader.retryAtMs();
    return Math.min(this.#loader.retryAtMs(), this.nextDueMs());
  }

  // Its unit's side.

  get uncommitted(): number {
    return this.#failed ? 0 : this.#uncommitted;
  }

  get hasOutputs(): boolean {
    for (const { store } of this.#stores.values()) if (store.changedCount > 0) return true;
    return !this.#collector.isEmpty;
  }

  get quiet(): boolean {
    return this.#inputs.every((input) => !input.ready);
  }

  takePart(): UnitPart | null {
    if (this.#uncommitted === 0 || this.#failed) return null;
    const lost = this.#lost();
    if (lost !== null) {
      this.#fail(lost);
      return null;
    }
    const { partition } = this.#port;
    const nowMs = this.#clock.now();
    for (const { store, changelog } of this.#stores.values()) {
      if (store.changedCount > 0) {
        store.writeChanged(this.#collector.builder(changelog, partition), nowMs);
      }
    }
    const offsets = [...this.#offsets].map(([topic, offset]) => {
      return { topic, offset, metadata: this.#positionsOf(topic, offset) };
    });
    this.#offsets.clear();
    this.#uncommitted = 0;
    return { partition, batches: this.#collector.takeBatches(), offsets };
  }

  giveBack(): void {
    this.#collector.giveBack();
  }

  // What others may look at.

  /** Its state is back. */
  get started(): boolean {
    return this.#started;
  }

  get idle(): boolean {
    return this.#started && this.#tables.idle && this.quiet;
  }

  /** When the next row of a timed step is due; while a schema is missing, when it is asked for. */
  nextDueMs(): number {
    if (this.waitsForSchema) return this.#loader.retryAtMs();
    let next = NEVER;
    for (const { steps } of this.#streams) next = Math.min(next, steps.nextDueMs());
    return next;
  }

  get waitsForSchema(): boolean {
    return !this.#loader.settled;
  }

  /** True while an answer of the registry is awaited. */
  get asksForSchema(): boolean {
    return this.waitsForSchema && this.#loader.retryAtMs() === NEVER;
  }

  get blockedBy(): string | null {
    return this.#loader.trouble;
  }

  /**
   * Lets go at once of what these stores hold; called again where a step lets go one by one. Gives
   * how many records they hold still.
   */
  release(stores: ReadonlySet<string>): number {
    let held = 0;
    for (const { steps } of this.#streams) {
      for (const { rows } of steps.steps) {
        if (rows === null || !stores.has(rows.name)) continue;
        rows.dueAt(this.#clock.now());
        held += rows.held;
      }
    }
    this.#options.wake();
    return held;
  }

  flow(): StepFlow[] {
    return this.#streams.flatMap((stream) =>
      stream.nodes.map((node) => ({
        stream: stream.plan.name,
        step: node.name,
        counts: node.counts,
      })),
    );
  }

  *rows(store: string): IterableIterator<[string, unknown]> {
    const found = this.#stores.get(store);
    if (found !== undefined) yield* found.store.rows();
  }

  get storeNames(): readonly string[] {
    return [...this.#stores.keys()];
  }

  readonly #need = (schemaId: number): void => this.#loader.need([schemaId]);

  #parts(plan: Plan): TaskParts {
    const { schemas, partitions, onDrop, onDeadLetter } = this.#options;
    return {
      partition: this.#port.partition,
      clock: this.#clock,
      schemas,
      collector: this.#collector,
      partitions,
      numbers: this.#sub.numbers === null ? null : new DeviceNumbers(this.#sub.numbers),
      table: (name) => this.#tables.view(name),
      devices: (name) => this.#tables.devices(name),
      deadLetter: (record, letter) => {
        writeDeadLetter(this.#collector, plan.deadLetters, record, letter, this.#clock.now());
        onDeadLetter?.(record, letter);
      },
      aside: (record, topic, headers, at) =>
        writeAside(this.#collector, topic, record, headers, at, this.#clock.now()),
      onDrop,
      fail: (error) => this.#fail(error),
    };
  }

  #streamsOf(topic: string): Stream[] {
    return this.#streams.filter(({ plan }) => plan.source.topic === topic);
  }

  /** Of the streams that are further than the group. */
  #positionsOf(topic: string, offset: number): string {
    const positions = this.#streamsOf(topic).map(({ plan, from }) => [plan.useCase, from] as const);
    return noteStreamPositions(new Map(positions), offset);
  }

  #addStore(store: TaskStore): void {
    const { changelog } = this.#sub.stores.find((one) => one.store === store.name)!;
    this.#stores.set(store.name, { store, changelog });
  }

  #canRun(): boolean {
    return (
      this.#started &&
      !this.#closed &&
      !this.#failed &&
      !this.#unit.full &&
      this.#tables.drain() &&
      this.#loader.idle
    );
  }

  /** The law of conservation, for every node; null when it holds. */
  #lost(): CarillonError | null {
    for (const stream of this.#streams) {
      const gap = stream.gap();
      if (gap === null) continue;
      const at = `${stream.plan.name}/${gap.node}`;
      return new CarillonError('CAR801', `${at} misses ${gap.by} records.`, { where: { at } });
    }
    return null;
  }

  #fail(error: unknown): void {
    if (this.#failed) return;
    this.#failed = true;
    const failure = error instanceof Error ? error : new Error(String(error));
    this.#options.onFailure?.(failure);
    this.#port.fail(failure);
  }
}
