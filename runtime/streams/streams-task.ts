/**
 * One task: partition p of one sub-topology, with its inputs, tables and stores. It takes batches
 * from the log when it can use more; the scheduler tells it when to run a slice, its unit commits
 * what it has done. It never waits and never reads a clock but its own, which is moved once a slice
 * (rules D11, D12).
 */
import { type Plan, partId, type StreamPlan, type SubTopologyPlan } from '../../compiler/plan.ts';
import { HandClock } from '../../core/clock.ts';
import type { LogBatch, TaskHost, TaskPort, UnitPart } from '../../core/log.ts';
import type { Priorities } from '../../core/priority.ts';
import { NEVER } from '../../core/store.ts';
import type { StepCounts } from '../../core/verdict.ts';
import { Collector } from '../collector.ts';
import { writeAside, writeDeadLetter } from '../dead-letters.ts';
import type { EngineOptions } from '../engine-options.ts';
import { inputsOf } from '../group-specs.ts';
import type { Schedulable } from '../scheduler.ts';
import { SchemaLoader } from '../schema-loader.ts';
import { MemoryBudget, MemoryPart } from '../state/memory-budget.ts';
import { TableFeed } from '../state/table-feed.ts';
import { Deriving } from '../tables/deriving.ts';
import type { Unit, UnitTask } from '../unit.ts';
import { type Counted, flowOf, lostIn, type StepFlow } from './counted.ts';
import { DeviceNumbers } from './device-numbers.ts';
import { type Done, Input } from './input.ts';
import { inputOrder } from './input-order.ts';
import { turnsOf } from './ordered-inputs.ts';
import { Stream } from './stream.ts';
import { linkStreams } from './stream-links.ts';
import { noteStreamPositions, readStreamPositions } from './stream-positions.ts';
import { TableInput } from './table-input.ts';
import type { TaskParts } from './task-parts.ts';
import { TaskStores } from './task-stores.ts';
import { Ticker } from './ticker.ts';

export type { StepFlow } from './counted.ts';

/** While there is no memory for more state. */
const LOOK_AGAIN_MS = 1_000;

export class StreamsTask implements TaskHost, Schedulable, UnitTask {
  readonly name: string;
  readonly priority: number;
  readonly stores: TaskStores;
  readonly #priorities: Priorities;
  readonly #sub: SubTopologyPlan;
  readonly #port: TaskPort;
  readonly #unit: Unit;
  readonly #options: EngineOptions;
  readonly #clock: HandClock;
  readonly #collector: Collector;
  readonly #loader: SchemaLoader;
  readonly #tables: TableFeed;
  readonly #streams: readonly Stream[];
  readonly #tableInputs: readonly TableInput[];
  readonly #deriving: Deriving | undefined;
  readonly #ticker: Ticker | null;
  readonly #numbers: DeviceNumbers | null;
  readonly #inputs: readonly Input[];
  /** What takes turns: inputs alone, and those that are joined together. */
  readonly #turns: readonly { run(clockMs: number): Done | undefined }[];
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
    this.#priorities = plan.priorities;
    this.#sub = sub;
    this.#port = port;
    this.#unit = unit;
    this.#options = options;
    this.#clock = new HandClock(options.clock.now());
    this.#collector = new Collector(options.partitions, options.pool);
    this.#loader = new SchemaLoader(options.schemas, options.clock, () => options.wake());
    const parts = this.#parts(plan);
    this.stores = new TaskStores(sub.stores, new MemoryPart(options.memory ?? new MemoryBudget()));
    this.#tables = new TableFeed(sub.tables, options.schemas, this.#loader, parts, (row, why) => {
      parts.deadLetter(row, { code: 'CAR503', why, stream: sub.role, step: 'table' });
      this.#uncommitted++; // The letter is committed though no input has moved.
    });
    this.#deriving = sub.deriving && Deriving.open(sub, sub.deriving, parts);
    this.#tableInputs =
      this.#deriving?.tableInputs ??
      sub.tableInputs.map((table) => new TableInput(table, sub.role, options.schemas, parts));
    this.#streams = sub.streams.map((stream) => new Stream(stream, sub.priority, parts));
    linkStreams(this.#streams);
    this.#ticker = sub.clock === undefined ? null : new Ticker(sub.clock, parts);
    const { together, oneByOne } = inputOrder(sub);
    this.#inputs = inputsOf(sub).map((topic) => {
      const ticker = this.#ticker?.plan.topic === topic ? [this.#ticker] : [];
      const hops = this.#deriving?.hops.filter((hop) => hop.topic === topic) ?? [];
      const tables = [...this.#tableInputsOf(topic), ...hops];
      const readers = [...tables, ...ticker, ...this.#streamsOf(topic)];
      return new Input(topic, port, readers, this.#need, {
        to: options.readTo?.(topic, port.partition),
        isOneByOne: oneByOne.has(topic),
      });
    });
    // Tables before streams, so that an event meets the row of its own millisecond.
    this.#turns = turnsOf(this.#inputs, together);
    for (const { steps } of this.#streams) {
      for (const { store } of steps.steps) if (store !== null) this.stores.add(store);
    }
    for (const { table } of this.#tableInputs) this.stores.add(table);
    for (const store of this.#deriving?.stores ?? []) this.stores.add(store);
    if (parts.numbers !== null) this.stores.add(parts.numbers);
    this.#numbers = parts.numbers;
    this.stores.addTables(this.#tables);
  }

  // The log's side.

  restore(store: string, batch: LogBatch): void {
    this.stores.restore(store, batch, this.#clock.now());
  }

  table(topic: string, batch: LogBatch): void {
    this.#tables.add(topic, batch);
    this.stores.tableRead(topic);
    this.#options.wake();
  }

  ready(): void {
    for (const { steps } of this.#streams) {
      steps.restored();
      this.#loader.need(steps.heldSchemaIds());
    }
    for (const { table } of this.#tableInputs) {
      table.restored();
      this.#loader.need([...table.schemaIds()]);
    }
    this.#deriving?.restored();
    this.#numbers?.restored();
    this.#ticker?.startAt(this.#port.committedMetadata(this.#ticker.plan.topic));
    for (const { topic } of this.#inputs) {
      const positions = readStreamPositions(this.#port.committedMetadata(topic));
      for (const stream of this.#streamsOf(topic)) {
        stream.startAt(positions.get(partId(stream.plan)) ?? 0);
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
    this.stores.close();
    if (why !== 'fenced' && !this.#failed) await this.#unit.settle();
    this.#options.onClosed?.(this);
  }

  snapshot() {
    const isWhole = this.#closed && !this.#failed && !this.stores.hasChanges;
    return isWhole ? this.stores.snapshot(this.#clock.now()) : undefined;
  }

  // The scheduler's side.

  /** Runs due timers and one slice of one input; false when there was nothing to do. */
  runSlice(): boolean {
    if (!this.#canRun()) return false;
    this.#clock.moveTo(this.#options.clock.now());
    const clockMs = this.#clock.now();
    let worked = false;
    for (const stream of this.#streams) {
      const done = stream.tick(clockMs);
      this.#uncommitted += done;
      worked ||= done > 0;
    }
    const told = this.#deriving?.goOn() ?? 0;
    this.#uncommitted += told;
    worked ||= told > 0;
    // What is due was let go, which makes room.
    if (this.stores.look()) return worked;
    for (let tries = this.#turns.length; tries > 0; tries--) {
      const done = this.#turns[this.#turn++ % this.#turns.length]!.run(clockMs);
      if (done === undefined) continue;
      this.#offsets.set(done.topic, done.nextOffset);
      this.#uncommitted += Math.max(1, done.records);
      return true;
    }
    return this.#tick(clockMs) || worked;
  }

  /** When to look again though nothing arrives: a timer, or a schema to ask for again. */
  nextWakeMs(): number {
    if (!this.#canRun()) return this.#closed ? NEVER : this.#loader.retryAtMs();
    if (this.stores.isSpent) return this.#options.clock.now() + LOOK_AGAIN_MS;
    return Math.min(this.#loader.retryAtMs(), this.nextDueMs());
  }

  // Its unit's side.

  get uncommitted(): number {
    return this.#failed ? 0 : this.#uncommitted;
  }

  get hasOutputs(): boolean {
    return this.stores.hasChanges || !this.#collector.isEmpty;
  }

  get quiet(): boolean {
    return this.#deriving?.isBusy !== true && this.#inputs.every((input) => !input.ready);
  }

  takePart(): UnitPart | null {
    if (this.#uncommitted === 0 || this.#failed) return null;
    const lost = lostIn(this.#counted());
    if (lost !== null) {
      this.#fail(lost);
      return null;
    }
    const { partition } = this.#port;
    const nowMs = this.#clock.now();
    this.stores.writeChanged(this.#collector, partition, nowMs);
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
    const isTold = this.#ticker === null || (this.#isTickerReady() && this.#ticker.isRead);
    return this.#started && this.#tables.idle && this.quiet && isTold;
  }

  /** When the next row of a timed step is due; while a schema is missing, when it is asked for. */
  nextDueMs(): number {
    if (this.waitsForSchema) return this.#loader.retryAtMs();
    let next = NEVER;
    for (const { steps } of this.#streams) next = Math.min(next, steps.nextDueMs());
    return this.#isTickerReady() ? Math.min(next, this.#ticker!.dueMs) : next;
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
    const { priority } = this.#sub;
    return flowOf(this.#counted(), priority < 0 ? null : this.#priorities.nameOf(priority));
  }

  /** Makes no ticks any more. */
  stopClock(): void {
    this.#ticker?.stop();
  }

  /** By stream, in reading order. */
  streamCounts(): { readonly plan: StreamPlan; readonly counts: readonly StepCounts[] }[] {
    return this.#streams.map(({ plan, nodes }) => ({
      plan,
      counts: nodes.map(({ counts }) => counts),
    }));
  }

  readonly #need = (schemaId: number): void => this.#loader.need([schemaId]);

  #parts(plan: Plan): TaskParts {
    const { schemas, partitions, onDrop, onDeadLetter } = this.#options;
    return {
      partition: this.#port.partition,
      clock: this.#clock,
      priorities: plan.priorities,
      deviceClasses: plan.words.deviceClasses,
      schemas,
      collector: this.#collector,
      partitions,
      numbers: this.#sub.numbers === null ? null : new DeviceNumbers(this.#sub.numbers),
      table: (name) =>
        this.#options.wholeTables?.get(name) ??
        this.#tableInputs.find(({ plan }) => plan.name === name)?.table ??
        this.#tables.view(name),
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

  #tableInputsOf(topic: string): TableInput[] {
    return this.#tableInputs.filter(({ plan }) => plan.topic === topic);
  }

  #streamsOf(topic: string): Stream[] {
    return this.#streams.filter(({ plan }) => plan.source.topic === topic);
  }

  #counted(): readonly Counted[] {
    const more = [this.#ticker, this.#deriving].filter((one) => one != null);
    return [...this.#streams, ...this.#tableInputs, ...more];
  }

  /** It has read all that was told; false where there is none. */
  #isTickerReady(): boolean {
    return this.#ticker !== null && this.quiet && this.#port.isAtEnd(this.#ticker.plan.topic);
  }

  #tick(clockMs: number): boolean {
    const settled = this.#isTickerReady() ? this.#ticker!.tick(clockMs) : 0;
    if (settled === 0) return false;
    const { plan, offset } = this.#ticker!;
    this.#offsets.set(plan.topic, this.#offsets.get(plan.topic) ?? offset);
    this.#uncommitted += settled;
    return true;
  }

  /** Of the streams that are further than the group. */
  #positionsOf(topic: string, offset: number): string {
    if (this.#ticker?.plan.topic === topic) return this.#ticker.note(offset);
    const positions = this.#streamsOf(topic).map(({ plan, from }) => [partId(plan), from] as const);
    return noteStreamPositions(new Map(positions), offset);
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

  #fail(error: unknown): void {
    if (this.#failed) return;
    this.#failed = true;
    const failure = error instanceof Error ? error : new Error(String(error));
    this.#options.onFailure?.(failure);
    this.#port.fail(failure);
  }
}
