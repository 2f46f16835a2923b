/**
 * One task: partition p of one sub-topology, with its inputs, tables and stores. The log hands it
 * records, the scheduler tells it when to run a slice and when to commit; it never waits and never
 * reads a clock but its own, which is moved once a slice (rules D11, D12).
 */
import { Subject } from 'rxjs';
import type { Plan, SubTopologyPlan } from '../compiler/plan.ts';
import { HandClock } from '../core/clock.ts';
import { CarillonError } from '../core/error.ts';
import type { CommitSet, CommittedOffset, StateRow, TaskHost, TaskPort } from '../core/log.ts';
import type { Batch, Record } from '../core/record.ts';
import { NEVER, type TableView } from '../core/store.ts';
import { conservationGap, type StepCounts } from '../core/verdict.ts';
import { Collector, writeDeadLetter } from './collector.ts';
import { CommitClock } from './commit-clock.ts';
import { InputQueue } from './input-queue.ts';
import { LANE_STEP, LaneWriter } from './lane-writer.ts';
import { MemoryStore } from './memory-store.ts';
import { type MemberNumbers, numbersCodec } from './numbers.ts';
import { type EngineOptions, onDropOf, type Schedulable } from './scheduler.ts';
import { SchemaLoader } from './schema-loader.ts';
import { SOURCE_STEP, Source } from './source.ts';
import { StepChain } from './step-chain.ts';
import { TableFeed } from './table-feed.ts';
import { OUTPUT_STEP, TopicWriter } from './topic-writer.ts';

/** Records of one slice: large enough to fuse, small enough that a critical one waits little. */
export const SLICE_RECORDS_MAX = 500;

interface StreamRun {
  readonly source: Source;
  readonly chain: StepChain;
  readonly batches: Subject<Batch>;
  readonly writer: LaneWriter | TopicWriter;
}

/** The counts of one step, for metrics and for the driver's sums. */
export interface StepFlow {
  readonly stream: string;
  readonly step: string;
  readonly counts: StepCounts;
}

export class StreamsTask implements TaskHost, Schedulable {
  readonly name: string;
  readonly priority: number;
  readonly #sub: SubTopologyPlan;
  readonly #plan: Plan;
  readonly #port: TaskPort;
  readonly #options: EngineOptions;
  readonly #clock: HandClock;
  readonly #collector: Collector;
  readonly #runs: StreamRun[] = [];
  readonly #inputs: InputQueue[] = [];
  readonly #tables: TableFeed;
  readonly #loader: SchemaLoader;
  readonly #stores = new Map<string, MemoryStore<unknown>>();
  readonly #offsets = new Map<string, number>();
  readonly #commits: CommitClock;
  #turn = 0;
  #started = false;
  #closed = false;
  #failed = false;
  #committing: Promise<void> | null = null;

  constructor(plan: Plan, sub: SubTopologyPlan, port: TaskPort, options: EngineOptions) {
    this.name = `${sub.role}/${port.partition}`;
    this.priority = Math.max(0, sub.priority);
    this.#plan = plan;
    this.#sub = sub;
    this.#port = port;
    this.#options = options;
    this.#commits = new CommitClock(options.commit, options.clock);
    this.#clock = new HandClock(options.clock.now());
    this.#collector = new Collector(options.partitions);
    this.#loader = new SchemaLoader(options.schemas, options.clock, () => options.wake());
    this.#tables = new TableFeed(sub.tables, options.schemas, this.#loader);
    this.#openStreams();
    for (const topic of new Set(sub.streams.map((stream) => stream.source.topic))) {
      this.#inputs.push(new InputQueue(topic, port));
    }
  }

  // The log's side.

  restore(store: string, key: Buffer, value: Buffer | null): void {
    this.#stores.get(store)?.restore(key, value);
  }

  table(topic: string, records: readonly Record[]): void {
    this.#tables.add(topic, records);
    this.#options.wake();
  }

  ready(): void {
    this.#runs.forEach((run, i) => {
      const { steps } = this.#sub.streams[i]!;
      run.chain.restored();
      run.chain.steps.forEach((step, at) => {
        const { spec } = steps[at]!;
        if (spec.kind !== 'timed' || spec.schemaIds === undefined || step.store === null) return;
        for (const [, row] of step.store.rows()) this.#loader.need(spec.schemaIds(row));
      });
    });
    this.#stores.get(this.#sub.numbers ?? '')?.restored();
    this.#started = true;
    this.#options.wake();
  }

  offer(topic: string, records: readonly Record[], nextOffset: number): void {
    this.#inputs.find((input) => input.topic === topic)?.add(records, nextOffset);
    this.#options.wake();
  }

  async close(why: 'revoked' | 'stopped' | 'fenced'): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#options.onClosed?.(this);
    for (const run of this.#runs) run.batches.complete();
    if (why === 'fenced' || this.#failed) return;
    // A commit under way that fails is followed by `fenced`; here it only has to end.
    if (this.#committing !== null) await this.#committing.catch(() => {});
    await this.#commit();
  }

  // The scheduler's side.

  /** Runs due timers and one slice of one input; false when there was nothing to do. */
  runSlice(): boolean {
    if (!this.#canRun()) return false;
    this.#clock.moveTo(this.#options.clock.now());
    const worked = this.#tick();
    for (let tries = this.#inputs.length; tries > 0; tries--) {
      const input = this.#inputs[this.#turn++ % this.#inputs.length]!;
      const taken = input.take(SLICE_RECORDS_MAX, (record) => this.#isReadable(record));
      if (taken === undefined) continue;
      this.#process(input.topic, taken.records);
      this.#offsets.set(input.topic, taken.nextOffset);
      this.#commits.did(Math.max(1, taken.records.length));
      return true;
    }
    return worked;
  }

  /** When to look again though nothing arrives: a timer, a commit, a schema to ask for again. */
  nextWakeMs(): number {
    if (!this.#canRun()) return this.#closed ? NEVER : this.#loader.retryAtMs();
    let wake = Math.min(this.#loader.retryAtMs(), this.nextDueMs());
    if (this.#commits.pending) {
      wake = Math.min(wake, this.#commits.dueMs(this.#quiet(), this.#hasOutputs()));
    }
    return wake;
  }

  commitIfDue(): void {
    if (!this.#commits.pending || this.#committing !== null || this.#closed) return;
    if (this.#commits.isDue(this.#quiet(), this.#hasOutputs())) this.commitNow();
  }

  /** Commits what has been done; undefined when the log took it at once. */
  commitNow(): Promise<void> | undefined {
    const committing = this.#commit();
    if (committing === undefined) return undefined;
    this.#committing = committing.finally(() => {
      this.#committing = null;
      this.#options.wake();
    });
    // The log closes the task with `fenced` when a commit is lost; nothing more is to be done here.
    this.#committing.catch(() => {});
    return this.#committing;
  }

  // What others may look at.

  get idle(): boolean {
    return this.#started && this.#tables.idle && this.#inputs.every((input) => input.size === 0);
  }

  /** When the next row of a timed step is due; while a schema is missing, when it is asked for. */
  nextDueMs(): number {
    if (this.waitsForSchema) return this.#loader.retryAtMs();
    let next = NEVER;
    for (const { chain } of this.#runs) next = Math.min(next, chain.nextDueMs());
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

  flow(): StepFlow[] {
    return this.#runs.flatMap((run, i) => {
      const stream = this.#sub.streams[i]!;
      return [
        { stream: stream.name, step: SOURCE_STEP, counts: run.source.counts },
        ...run.chain.steps.map((step) => ({
          stream: stream.name,
          step: step.name,
          counts: step.counts,
        })),
        {
          stream: stream.name,
          step: stream.to.kind === 'lane' ? LANE_STEP : OUTPUT_STEP,
          counts: run.writer.counts,
        },
      ];
    });
  }

  *rows(store: string): IterableIterator<[string, unknown]> {
    const found = this.#stores.get(store);
    if (found !== undefined) for (const [key, row] of found.rows()) yield [key, row];
  }

  get storeNames(): readonly string[] {
    return [...this.#stores.keys()];
  }

  #openStreams(): void {
    const { schemas, partitions } = this.#options;
    const numbers =
      this.#sub.numbers === null
        ? null
        : new MemoryStore<MemberNumbers>(this.#sub.numbers, numbersCodec);
    if (numbers !== null) this.#stores.set(numbers.name, numbers as MemoryStore<unknown>);
    for (const stream of this.#sub.streams) {
      const deadLetter = (record: Record, code: string, why: string, step: string) => {
        const letter = { code, why, stream: stream.name, step };
        const nowMs = this.#clock.now();
        writeDeadLetter(this.#collector, this.#plan.deadLetters, record, letter, nowMs);
        this.#options.onDeadLetter?.(record, letter);
      };
      const source = new Source(stream, this.#sub.priority, {
        clock: this.#clock,
        schemas,
        partitions,
        deadLetter,
      });
      const chain = new StepChain(
        { stream: stream.name, useCase: stream.useCase, steps: stream.steps },
        {
          partition: this.#port.partition,
          clock: this.#clock,
          table: (name) => this.#table(name),
          revive: (record) => source.revive(record),
          deadLetter,
          onDrop: onDropOf(this.#options, stream.name),
        },
      );
      const onDrop = onDropOf(this.#options, stream.name);
      const host = { collector: this.#collector, schemas, deadLetter, onDrop };
      const writer =
        stream.to.kind === 'lane'
          ? new LaneWriter(stream, stream.to, numbers!, host)
          : new TopicWriter(stream.to, host);
      for (const { store } of chain.steps) if (store !== null) this.#stores.set(store.name, store);
      this.#runs.push({ source, chain, batches: this.#connect(chain, writer), writer });
    }
  }

  #connect(chain: StepChain, writer: LaneWriter | TopicWriter): Subject<Batch> {
    const batches = new Subject<Batch>();
    const steps = chain.operator === null ? batches : batches.pipe(chain.operator);
    steps.subscribe({
      next: (batch) => {
        try {
          for (const record of batch.records) writer.write(record);
        } catch (error) {
          this.#fail(error);
        }
      },
      error: (error) => this.#fail(error),
    });
    return batches;
  }

  #table(name: string): TableView {
    return this.#tables.view(name);
  }

  #canRun(): boolean {
    return (
      this.#started &&
      !this.#closed &&
      !this.#failed &&
      this.#committing === null &&
      this.#tables.drain() &&
      this.#loader.idle
    );
  }

  #isReadable(record: Record): boolean {
    for (const { source } of this.#runs) {
      if (source.plan.source.topic !== record.topic) continue;
      const missing = source.missingSchema(record);
      if (missing < 0) continue;
      this.#loader.need([missing]);
      return false;
    }
    return true;
  }

  #process(topic: string, records: readonly Record[]): void {
    const clockMs = this.#clock.now();
    const runs = this.#runs.filter(({ source }) => source.plan.source.topic === topic);
    runs.forEach((run, i) => {
      const admitted: Record[] = [];
      // Time and slots are set on the record: all but the last stream get copies, as it came.
      const isLast = i === runs.length - 1;
      for (const record of records) {
        const own = isLast ? record : record.fork();
        if (run.source.admit(own)) admitted.push(own);
      }
      run.batches.next({ records: admitted, clockMs });
    });
  }

  /** An empty batch is a tick: steps let go what is due. */
  #tick(): boolean {
    const clockMs = this.#clock.now();
    let worked = false;
    for (const run of this.#runs) {
      if (run.chain.nextDueMs() > clockMs) continue;
      run.batches.next({ records: [], clockMs });
      this.#commits.did(1);
      worked = true;
    }
    return worked;
  }

  #quiet(): boolean {
    return this.#inputs.every((input) => input.size === 0);
  }

  #hasOutputs(): boolean {
    for (const store of this.#stores.values()) if (store.changedCount > 0) return true;
    return !this.#collector.isEmpty;
  }

  #commit(): Promise<void> | undefined {
    if (!this.#commits.pending || this.#failed) return undefined;
    const lost = this.#lost();
    if (lost !== null) {
      this.#fail(lost);
      return undefined;
    }
    const rows: StateRow[] = [];
    for (const store of this.#stores.values()) rows.push(...store.takeChanged());
    const offsets: CommittedOffset[] = [];
    for (const [topic, offset] of this.#offsets) offsets.push({ topic, offset, metadata: '' });
    const set: CommitSet = { batches: this.#collector.takeBatches(), rows, offsets };
    this.#offsets.clear();
    this.#commits.committed();
    return this.#port.commit(set);
  }

  /** The law of conservation, for every step; null when it holds. */
  #lost(): CarillonError | null {
    for (const [i, { source, chain, writer }] of this.#runs.entries()) {
      const { name, to } = this.#sub.streams[i]!;
      const gaps: [string, number][] = [
        [SOURCE_STEP, conservationGap(source.counts)],
        ...chain.steps.map((step): [string, number] => [step.name, step.gap()]),
        [to.kind === 'lane' ? LANE_STEP : OUTPUT_STEP, conservationGap(writer.counts)],
      ];
      const lost = gaps.find(([, gap]) => gap !== 0);
      if (lost === undefined) continue;
      const at = `${name}/${lost[0]}`;
      return new CarillonError('CAR801', `${at} misses ${lost[1]} records.`, { where: { at } });
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
