/**
 * One partition of a sink's lanes: decodes and gates records, hands them to the lane in order per
 * device, tracks which offsets are done, and writes outcomes.
 */
import { Subject } from 'rxjs';
import { HandClock } from '../core/clock.ts';
import type { Device } from '../core/device.ts';
import type { TaskHost, TaskPort } from '../core/log.ts';
import type { DeviceNotification } from '../core/notification.ts';
import type { Delivery, DeliveryOutcome, Outcome } from '../core/outcome.ts';
import { priorityName } from '../core/priority.ts';
import type { Batch, Record } from '../core/record.ts';
import type { TableView } from '../core/store.ts';
import { newStepCounts } from '../core/verdict.ts';
import { Collector, writeDeadLetter } from './collector.ts';
import { InputQueue } from './input-queue.ts';
import { LaneOffsets } from './lane-offsets.ts';
import { LaneSource } from './lane-source.ts';
import { lastHop } from './last-hop.ts';
import { OutcomeWriter } from './outcome-writer.ts';
import { onDropOf, type Schedulable } from './scheduler.ts';
import { SchemaLoader } from './schema-loader.ts';
import type { SinkLane } from './sink-lane.ts';
import { SOURCE_STEP } from './source.ts';
import { StepChain } from './step-chain.ts';
import type { StepFlow } from './streams-task.ts';
import { TableFeed } from './table-feed.ts';

/** Records that a task has begun and not finished; over it the lane topic is paused. */
const BEGUN_RECORDS_MAX = 2_000;
const SLICE_RECORDS_MAX = 200;
const OWNER_LOOK_AGAIN_MS = 50;
export const DELIVER_STEP = 'deliver';
const FAR_END_KINDS = ['offline', 'moved', 'expired'] as const;

/** One record on its way to a device. */
export interface Item {
  readonly task: SinkTask;
  readonly topic: string;
  readonly offset: number;
  readonly record: Record;
  readonly notification: DeviceNotification;
  readonly beganMs: number;
  delivery: Delivery;
  /** Tries that count against the record. */
  tries: number;
  successesBefore: number;
}

export class SinkTask implements TaskHost, Schedulable {
  readonly name: string;
  readonly priority: number;
  closed = false;
  readonly #lane: SinkLane;
  readonly #port: TaskPort;
  readonly #clock: HandClock;
  readonly #collector: Collector;
  readonly #outcomes: OutcomeWriter;
  readonly #loader: SchemaLoader;
  readonly #tables: TableFeed;
  readonly #owners: TableView<Device> | null;
  readonly #inputs: InputQueue[];
  readonly #offsets: LaneOffsets;
  readonly #source: LaneSource;
  readonly #deliver = newStepCounts();
  readonly #chain: StepChain;
  readonly #batches = new Subject<Batch>();
  #passed: readonly Record[] = [];
  /** Devices with a record under way, and what waits behind it. */
  readonly #busy = new Map<string, Item[]>();
  #begun = 0;
  #started = false;
  #dirty = false;
  #committing: Promise<void> | null = null;
  #lastCommitMs = 0;
  #turn = 0;

  constructor(lane: SinkLane, port: TaskPort) {
    const { options, sinkPlan } = lane;
    this.#lane = lane;
    this.#port = port;
    this.name = `${lane.name}/${port.partition}`;
    this.priority = lane.priority;
    this.#offsets = new LaneOffsets(port);
    this.#clock = new HandClock(options.clock.now());
    this.#collector = new Collector(options.partitions);
    this.#outcomes = new OutcomeWriter(this.#collector, options.schemas);
    this.#loader = new SchemaLoader(options.schemas, options.clock, () => options.wake());
    const tables = lane.tables();
    this.#tables = new TableFeed(tables, options.schemas, this.#loader);
    const owners = tables.find(({ schema }) => schema === 'Device');
    this.#owners =
      owners === undefined ? null : (this.#tables.view(owners.name) as TableView<Device>);
    this.#source = new LaneSource(
      sinkPlan.lane.schema,
      options.schemas,
      this.#loader,
      (record, code, why) => this.#deadLetter(record, code, why, SOURCE_STEP),
    );
    this.#inputs = lane.inputs().map((topic) => new InputQueue(topic, port));
    this.#chain = new StepChain(
      { stream: sinkPlan.name, useCase: '', steps: sinkPlan.steps },
      {
        partition: port.partition,
        clock: this.#clock,
        table: (name) => this.#tables.view(name),
        revive: () => {},
        deadLetter: (record, code, why, step) => this.#deadLetter(record, code, why, step),
        onDrop: onDropOf(options, sinkPlan.name),
      },
    );
    const steps =
      this.#chain.operator === null ? this.#batches : this.#batches.pipe(this.#chain.operator);
    steps.subscribe({
      next: ({ records }) => {
        this.#passed = records;
      },
      error: (error) => port.fail(error instanceof Error ? error : new Error(String(error))),
    });
  }

  // The log's side.

  restore(): void {}

  table(topic: string, records: readonly Record[]): void {
    this.#tables.add(topic, records);
    this.#lane.options.wake();
  }

  ready(): void {
    this.#started = true;
    this.#lane.options.wake();
  }

  offer(topic: string, records: readonly Record[], nextOffset: number): void {
    this.#inputs.find((input) => input.topic === topic)?.add(records, nextOffset);
    this.#lane.options.wake();
  }

  async close(why: 'revoked' | 'stopped' | 'fenced'): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.#batches.complete();
    this.#lane.closed(this);
    if (why === 'fenced') return;
    if (this.#committing !== null) await this.#committing.catch(() => {});
    await this.#commit();
  }

  // The scheduler's side.

  runSlice(): boolean {
    if (this.closed || !this.#started || !this.#tables.drain() || !this.#loader.idle) return false;
    this.#lane.pump();
    if (this.#begun >= BEGUN_RECORDS_MAX) return false;
    for (let tries = this.#inputs.length; tries > 0; tries--) {
      const input = this.#inputs[this.#turn++ % this.#inputs.length]!;
      const taken = input.take(SLICE_RECORDS_MAX, (record) => this.#source.isReadable(record));
      if (taken === undefined) continue;
      this.#clock.moveTo(this.#lane.options.clock.now());
      this.#begin(input.topic, taken.records, taken.nextOffset);
      this.#lane.pump();
      return true;
    }
    return false;
  }

  nextWakeMs(): number {
    const wake = Math.min(this.#lane.nextWakeMs(), this.#loader.retryAtMs());
    if (!this.#dirty || this.#committing !== null) return wake;
    return Math.min(wake, this.#lastCommitMs + this.#lane.options.commit.minMs);
  }

  commitIfDue(): void {
    if (!this.#dirty || this.#committing !== null || this.closed) return;
    if (this.#lane.options.clock.now() < this.#lastCommitMs + this.#lane.options.commit.minMs) {
      return;
    }
    this.commitNow();
  }

  commitNow(): Promise<void> | undefined {
    const committing = this.#commit();
    if (committing === undefined) return undefined;
    this.#committing = committing.finally(() => {
      this.#committing = null;
      this.#lane.options.wake();
    });
    this.#committing.catch(() => {});
    return this.#committing;
  }

  get idle(): boolean {
    return (
      this.#started &&
      this.#begun === 0 &&
      this.#tables.idle &&
      this.#inputs.every((input) => input.size === 0)
    );
  }

  /** True while some of its records are with the sink. */
  get delivering(): boolean {
    return this.#begun > 0 && this.#lane.inFlight > 0;
  }

  /** When a schema that is missing is asked for again; undefined: none is missing. */
  get schemaAtMs(): number | undefined {
    return this.#loader.settled ? undefined : this.#loader.retryAtMs();
  }

  get blockedBy(): string | null {
    return this.#loader.trouble ?? this.#lane.breaker.trouble;
  }

  flow(): StepFlow[] {
    const stream = this.#lane.sinkPlan.name;
    return [
      { stream, step: SOURCE_STEP, counts: this.#source.counts },
      ...this.#chain.steps.map((step) => ({ stream, step: step.name, counts: step.counts })),
      { stream, step: DELIVER_STEP, counts: this.#deliver },
    ];
  }

  // The lane's side.

  /** The last hop's checks (D4, D9); false when the item is done or put aside. */
  lastCheck(item: Item, nowMs: number): boolean {
    const { keeps, needsOwner } = this.#lane.sinkPlan.spec;
    if (keeps === true) return true;
    const waitedMs = nowMs - item.beganMs;
    const hop = lastHop(item.notification, { owners: this.#owners, needsOwner, nowMs, waitedMs });
    if (hop.go === 'wait') this.#lane.park(item, nowMs + OWNER_LOOK_AGAIN_MS);
    else if (hop.go === false) this.#end(item, hop.kind, hop.reason, nowMs);
    else {
      const { device } = hop;
      item.delivery = { ...item.delivery, device, attempt: item.delivery.attempt + 1 };
    }
    return hop.go === true;
  }

  finish(item: Item, outcome: Exclude<Outcome, { kind: 'retry' }>, nowMs: number): void {
    if (outcome.kind === 'delivered') {
      this.#lane.ages.add(Math.max(0, nowMs - item.notification.born));
      this.#end(item, 'delivered', outcome.receipt ?? '', nowMs);
      return;
    }
    if (outcome.deadToken !== undefined && !this.closed) {
      this.#outcomes.deadToken(item.notification.deviceId, outcome.deadToken, nowMs);
    }
    if (outcome.deadLetter === true && !this.closed) {
      this.#deadLetter(item.record, 'CAR510', outcome.reason, DELIVER_STEP);
    }
    // What the far end of the last hop saw has a kind of its own; the rest was refused.
    const kind = FAR_END_KINDS.find((one) => one === outcome.reason) ?? 'rejected';
    this.#end(item, kind, outcome.reason, nowMs);
  }

  retried(item: Item, outcome: Extract<Outcome, { kind: 'retry' }>, nowMs: number): void {
    this.#lane.count('retried');
    this.#outcome(item, 'retried', outcome.why, outcome.ambiguous === true, nowMs);
  }

  /** It was tried as often as the topology says; the inbox still has it. */
  abandon(item: Item, why: string, nowMs: number): void {
    this.#end(item, 'abandoned', why, nowMs);
  }

  #begin(topic: string, records: readonly Record[], nextOffset: number): void {
    const readable: Record[] = [];
    for (const record of this.#offsets.begin(topic, records, nextOffset)) {
      if (this.#source.admit(record)) readable.push(record);
      else this.#offsets.done(topic, record.offset);
    }
    this.#letGoOfMark(topic);
    this.#dirty = true;
    this.#passed = [];
    this.#batches.next({ records: readable, clockMs: this.#clock.now() });
    const passed = new Set(this.#passed);
    for (const record of readable) {
      if (passed.has(record)) this.#enqueue(topic, record);
      else this.#offsets.done(topic, record.offset);
    }
  }

  /** A parked record may hold the mark only so far behind (rule D8). */
  #letGoOfMark(topic: string): void {
    for (;;) {
      const offset = this.#offsets.heldBackAt(topic);
      if (offset === undefined) return;
      const item = this.#lane.unparkOffset(this, topic, offset);
      if (item === undefined) return;
      this.abandon(item, 'mark_held_too_long', this.#lane.options.clock.now());
    }
  }

  #enqueue(topic: string, record: Record): void {
    const notification = record.value as DeviceNotification;
    const item: Item = {
      task: this,
      topic,
      offset: record.offset,
      record,
      notification,
      beganMs: this.#lane.options.clock.now(),
      delivery: {
        notification,
        bytes: record.valueBytes.subarray(record.valueStart, record.valueEnd),
        device: undefined,
        joined: record.joined ?? undefined,
        attempt: 0,
      },
      tries: 0,
      successesBefore: -1,
    };
    this.#begun++;
    this.#deliver.in++;
    this.#deliver.held++;
    if (this.#lane.sinkPlan.spec.keeps === true) {
      this.#lane.ready(item);
      return;
    }
    const behind = this.#busy.get(notification.deviceId);
    if (behind !== undefined) behind.push(item);
    else {
      this.#busy.set(notification.deviceId, []);
      this.#lane.ready(item);
    }
  }

  #end(item: Item, kind: DeliveryOutcome['outcome'], reason: string, nowMs: number): void {
    if (this.closed) return;
    this.#lane.count(kind);
    this.#outcome(item, kind, reason, false, nowMs);
    this.#deliver.held--;
    if (kind === 'delivered') {
      this.#deliver.passed++;
      this.#deliver.out++;
    } else this.#deliver.dropped.set(kind, (this.#deliver.dropped.get(kind) ?? 0) + 1);
    this.#begun--;
    this.#offsets.done(item.topic, item.offset);
    this.#dirty = true;
    this.#letNext(item.notification.deviceId);
  }

  #letNext(deviceId: string): void {
    const behind = this.#busy.get(deviceId);
    if (behind === undefined) return;
    const next = behind.shift();
    if (next === undefined) this.#busy.delete(deviceId);
    else this.#lane.ready(next);
  }

  #outcome(
    item: Item,
    kind: DeliveryOutcome['outcome'],
    reason: string,
    ambiguous: boolean,
    nowMs: number,
  ): void {
    // An inbox is no attempt to tell a device: that is told by who reads it.
    if (this.closed || this.#lane.sinkPlan.spec.keeps === true) return;
    const { notification } = item;
    const outcome: DeliveryOutcome = {
      notificationId: notification.id,
      deviceId: notification.deviceId,
      useCase: notification.useCase,
      priority: priorityName(this.#lane.priority),
      sink: this.#lane.sinkPlan.name,
      attempt: Math.max(1, item.delivery.attempt),
      outcome: kind,
      reason,
      ambiguous,
      at: nowMs,
      ageMs: Math.max(0, nowMs - notification.born),
    };
    this.#outcomes.outcome(outcome);
    this.#dirty = true;
  }

  #deadLetter(record: Record, code: string, why: string, step: string): void {
    const letter = { code, why, stream: this.#lane.sinkPlan.name, step };
    const nowMs = this.#lane.options.clock.now();
    writeDeadLetter(this.#collector, this.#lane.plan.deadLetters, record, letter, nowMs);
    this.#lane.options.onDeadLetter?.(record, letter);
    this.#dirty = true;
  }

  #commit(): Promise<void> | undefined {
    if (!this.#dirty) return undefined;
    this.#dirty = false;
    this.#lastCommitMs = this.#lane.options.clock.now();
    const offsets = this.#offsets.commits();
    return this.#port.commit({ batches: this.#collector.takeBatches(), rows: [], offsets });
  }
}
