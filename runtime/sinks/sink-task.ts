/**
 * One partition of a sink's lanes: decodes and gates records, hands them to the lane in order per
 * device, tracks which offsets are done, and writes outcomes.
 */
import { Subject } from 'rxjs';
import { HandClock } from '../../core/clock.ts';
import type { LogBatch, TaskHost, TaskPort, UnitPart } from '../../core/log.ts';
import type { DeliveryOutcome, Outcome } from '../../core/outcome.ts';
import { Record } from '../../core/record.ts';
import type { Slice } from '../../core/slice.ts';
import { Collector } from '../collector.ts';
import { Node } from '../node.ts';
import type { Schedulable } from '../scheduler.ts';
import { SchemaLoader } from '../schema-loader.ts';
import { SOURCE_STEP } from '../streams/source.ts';
import type { StepHost } from '../streams/step.ts';
import { Steps } from '../streams/steps.ts';
import type { StepFlow } from '../streams/streams-task.ts';
import type { Unit, UnitTask } from '../unit.ts';
import { DeviceQueues } from './device-queues.ts';
import { Handing, OFFLINE } from './handing.ts';
import { type Item, newItem } from './item.ts';
import { LaneInput } from './lane-input.ts';
import { LaneOffsets } from './lane-offsets.ts';
import type { SinkLane } from './sink-lane.ts';
import { DELIVER_STEP, SinkOutputs } from './sink-outputs.ts';
import { SinkTables } from './sink-tables.ts';

/** Records that a task has begun and not finished; at it no more are taken. */
const BEGUN_RECORDS_MAX = 2_000;
/** How long a record of the retry topic waits here, before it is written to its end again. */
const DUE_WAIT_MS = 30_000;
const OWNER_LOOK_AGAIN_MS = 50;
const FAR_END_KINDS = ['offline', 'moved', 'expired'] as const;

export class SinkTask implements TaskHost, Schedulable, UnitTask {
  readonly name: string;
  readonly priority: number;
  closed = false;
  readonly #lane: SinkLane;
  readonly #port: TaskPort;
  readonly #unit: Unit;
  readonly #clock: HandClock;
  readonly #collector: Collector;
  readonly #outputs: SinkOutputs;
  readonly #loader: SchemaLoader;
  readonly tables: SinkTables;
  readonly #handing: Handing;
  readonly #inputs: readonly LaneInput[];
  readonly #offsets: LaneOffsets;
  readonly #source: Node;
  readonly #deliver: Node;
  readonly #steps: Steps;
  readonly #slices = new Subject<Slice>();
  readonly devices = new DeviceQueues<Item>();
  /** Begun and not finished: of the lanes, and of the retry topic. */
  readonly #begun = { lanes: 0, retries: 0 };
  /** Offsets of the slice that is begun whose device is offline. */
  readonly #offline = new Set<number>();
  #started = false;
  /** Records that were begun or have ended since the last commit. */
  #uncommitted = 0;
  #turn = 0;
  readonly settle = (): Promise<void> => this.#unit.settle();

  constructor(lane: SinkLane, port: TaskPort, unit: Unit) {
    const { options, sinkPlan } = lane;
    this.#lane = lane;
    this.#port = port;
    this.#unit = unit;
    this.name = `${lane.name}/${port.partition}`;
    this.priority = lane.priority;
    this.#offsets = new LaneOffsets(port);
    this.#clock = new HandClock(options.clock.now());
    this.#collector = new Collector(options.partitions);
    this.#outputs = new SinkOutputs(lane, this.#collector);
    this.#loader = new SchemaLoader(options.schemas, options.clock, () => options.wake());
    const host = this.#host();
    const stream = sinkPlan.name;
    this.#source = new Node(stream, SOURCE_STEP, host);
    this.#deliver = new Node(stream, DELIVER_STEP, host);
    this.tables = new SinkTables(lane, this.#loader, host);
    this.#handing = new Handing(lane, this.tables.owners, this.#outputs);
    this.#inputs = lane
      .inputs()
      .map((topic) => new LaneInput(topic, port, sinkPlan, options.schemas, this.#source));
    const { reading } = this.#inputs[0]!;
    this.#steps = new Steps({ stream, useCase: '', steps: sinkPlan.steps }, host, reading, 0);
    this.#slices.pipe(this.#steps.operator).subscribe({
      next: (slice) => this.#passed(slice),
      error: (error) => port.fail(error instanceof Error ? error : new Error(String(error))),
    });
  }

  // The log's side.

  restore(): void {}

  table(topic: string, batch: LogBatch): void {
    this.tables.add(topic, batch);
    this.#lane.options.wake();
  }

  ready(): void {
    this.#started = true;
    this.#lane.options.wake();
  }

  wake(): void {
    this.#lane.options.wake();
  }

  async close(why: 'revoked' | 'stopped' | 'fenced'): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.#slices.complete();
    this.tables.close();
    if (why !== 'fenced') await this.#unit.settle();
    this.#lane.closed(this, this.#port);
  }

  // The scheduler's side.

  runSlice(): boolean {
    if (this.closed || !this.#started || !this.tables.feed.drain() || !this.#loader.idle)
      return false;
    this.#lane.pump();
    for (let tries = this.#inputs.length; tries > 0; tries--) {
      const input = this.#inputs[this.#turn++ % this.#inputs.length]!;
      if (this.#begun[this.#kindOf(input.topic)] >= BEGUN_RECORDS_MAX) continue;
      const slice = input.next(this.#need);
      if (slice === undefined) continue;
      this.#clock.moveTo(this.#lane.options.clock.now());
      slice.clockMs = this.#clock.now();
      this.#begin(input, slice);
      this.#lane.pump();
      return true;
    }
    return false;
  }

  nextWakeMs(): number {
    return Math.min(this.#lane.nextWakeMs(), this.#loader.retryAtMs());
  }

  // Its unit's side.

  get uncommitted(): number {
    return this.#uncommitted + this.#outputs.written;
  }

  get hasOutputs(): boolean {
    return !this.#collector.isEmpty;
  }

  /** A sink's cadence is that of its answers, whatever waits. */
  get quiet(): boolean {
    return true;
  }

  takePart(): UnitPart | null {
    if (this.uncommitted === 0) return null;
    this.#uncommitted = 0;
    this.#outputs.written = 0;
    return {
      partition: this.#port.partition,
      batches: this.#collector.takeBatches(),
      offsets: this.#offsets.commits(),
    };
  }

  // What others may look at.

  get idle(): boolean {
    return (
      this.#started &&
      this.#begunCount === 0 &&
      this.tables.feed.idle &&
      this.#inputs.every((input) => !input.ready)
    );
  }

  /** True while some of its records are with the sink. */
  get delivering(): boolean {
    return this.#begunCount > 0 && this.#lane.inFlight > 0;
  }

  /** When a schema that is missing is asked for again; undefined: none is missing. */
  get schemaAtMs(): number | undefined {
    return this.#loader.settled ? undefined : this.#loader.retryAtMs();
  }

  get blockedBy(): string | null {
    return this.#loader.trouble ?? this.#lane.breaker.trouble;
  }

  get #begunCount(): number {
    return this.#begun.lanes + this.#begun.retries;
  }

  flow(): StepFlow[] {
    const nodes = [this.#source, ...this.#steps.steps.map(({ node }) => node), this.#deliver];
    const stream = this.#lane.sinkPlan.name;
    const priority = this.#lane.priorityName;
    return nodes.map(({ name, counts }) => ({ stream, priority, step: name, counts }));
  }

  // The lane's side.

  /** The last hop's checks (D4, D9); false when the item is done or put aside. */
  lastCheck(item: Item, nowMs: number): boolean {
    if (this.#lane.sinkPlan.spec.keeps === true) return true;
    const hop = this.tables.lastHop(item, nowMs);
    if (hop === 'elsewhere') {
      this.#ended(item, 'other_app');
      return false;
    }
    if (hop.go === 'wait') this.#lane.park(item, nowMs + OWNER_LOOK_AGAIN_MS);
    else if (hop.go !== false) {
      if (!this.#isDue(item, nowMs) || this.#lane.rests(item, nowMs)) return false;
      const { device } = hop;
      item.delivery = { ...item.delivery, device, attempt: item.delivery.attempt + 1 };
    } else if (hop.kind === 'abandoned') this.abandon(item, hop.reason, nowMs);
    else this.#end(item, hop.kind, hop.reason, nowMs);
    return hop.go === true;
  }

  finish(item: Item, outcome: Exclude<Outcome, { kind: 'retry' }>, nowMs: number): void {
    if (this.closed) return;
    if (outcome.kind === 'delivered') {
      this.#lane.ages.add(Math.max(0, nowMs - item.notification.born));
      this.#end(item, 'delivered', outcome.receipt ?? '', nowMs);
      return;
    }
    if (outcome.deadToken !== undefined) {
      this.#outputs.deadToken(item.notification.deviceId, outcome.deadToken, nowMs);
    }
    if (outcome.deadLetter === true) this.#outputs.letter(item, 'CAR510', outcome.reason);
    // What the far end of the last hop saw has a kind of its own; the rest was refused.
    const kind = FAR_END_KINDS.find((one) => one === outcome.reason) ?? 'rejected';
    // A record that is at fault itself is refused by every transport.
    const goesOn = (kind === 'offline' || kind === 'rejected') && outcome.deadLetter !== true;
    if (goesOn && this.#handOn(item, outcome.reason, nowMs)) return;
    this.#end(item, kind, outcome.reason, nowMs);
  }

  retried(item: Item, outcome: Extract<Outcome, { kind: 'retry' }>, nowMs: number): void {
    this.#lane.count(outcome.ambiguous === true ? 'ambiguous' : 'retried');
    this.#outcome(item, 'retried', outcome.why, outcome.ambiguous === true, nowMs);
  }

  /** It was tried as often as the topology says; another transport has it, or the dead letters. */
  abandon(item: Item, why: string, nowMs: number): void {
    if (this.closed || this.#handOn(item, why, nowMs)) return;
    this.#outputs.letter(item, 'CAR668', why);
    this.#end(item, 'abandoned', why, nowMs);
  }

  /** It waits for longer than a lane's mark may: the retry topic has it, and its device's next. */
  postpone(item: Item, topic: string, dueMs: number, rests: boolean, nowMs: number): void {
    if (this.closed) return;
    this.#outputs.postpone(item, topic, dueMs, rests);
    this.#end(item, 'postponed', new Date(dueMs).toISOString(), nowMs);
  }

  readonly #need = (schemaId: number): void => this.#loader.need([schemaId]);

  #host(): StepHost {
    const { options } = this.#lane;
    return {
      partition: this.#port.partition,
      priorities: this.#lane.plan.priorities,
      deviceClasses: this.#lane.plan.words.deviceClasses,
      clock: this.#clock,
      table: (name) => this.tables.feed.view(name),
      devices: (name) => this.tables.feed.devices(name),
      deadLetter: (record, letter) => this.#outputs.deadLetter(record, letter),
      onDrop: (record, stream, step, reason, by) => {
        if (reason === OFFLINE) this.#offline.add(record.offset);
        options.onDrop?.(record, stream, step, reason, by);
      },
    };
  }

  #begin(input: LaneInput, slice: Slice): void {
    const { topic } = input;
    this.#offsets.begin(topic, slice, input.nextOffset);
    this.#uncommitted += Math.max(1, slice.n);
    const begun = slice.selection.slice(0, slice.selected);
    input.admit(slice);
    this.#letGoOfMark(topic);
    this.#offline.clear();
    this.#slices.next(slice);
    const passed = new Set(slice.selection.subarray(0, slice.selected));
    for (const i of begun) {
      if (passed.has(i)) continue;
      const offset = slice.offset[i]!;
      if (this.#offline.has(offset))
        this.#handing.offline(newItem(this, new Record(slice, i), 0, 0));
      this.#offsets.done(topic, offset);
    }
  }

  /** The slice is this one's own: its records are kept until they are told. */
  #passed(slice: Slice): void {
    for (let j = 0; j < slice.selected; j++) {
      this.#enqueue(new Record(slice, slice.selection[j]!));
    }
  }

  /** A parked record may hold the mark only so far behind (rule D8). */
  #letGoOfMark(topic: string): void {
    for (;;) {
      const offset = this.#offsets.heldBackAt(topic);
      if (offset === undefined) return;
      const item = this.#lane.unparkOffset(this, topic, offset);
      if (item === undefined) return;
      this.#lane.letGo(item, this.#lane.options.clock.now());
    }
  }

  #enqueue(record: Record): void {
    const nowMs = this.#lane.options.clock.now();
    const item = newItem(this, record, nowMs, this.#lane.successes);
    const { deviceId } = item.notification;
    this.#begun[this.#kindOf(item.topic)]++;
    this.#deliver.counts.in++;
    this.#deliver.counts.held++;
    if (this.#lane.sinkPlan.spec.keeps === true) {
      // Its first lane brought it already.
      if (item.marks.handedBy.length > 0 || item.marks.again === true)
        this.#end(item, 'handed_on', 'kept already', nowMs);
      else this.#lane.ready(item);
      return;
    }
    if (item.marks.rests) this.#lane.resting.rest(deviceId, item.marks.dueMs);
    const isFirst = this.devices.begin(deviceId, item);
    if (isFirst && this.#isDue(item, nowMs)) this.#lane.ready(item);
  }

  #kindOf(topic: string): 'lanes' | 'retries' {
    return topic === this.#lane.retryTopic ? 'retries' : 'lanes';
  }

  /** False: it is not yet due, and was put aside. */
  #isDue(item: Item, nowMs: number): boolean {
    const { dueMs } = item.marks;
    if (dueMs <= nowMs) return true;
    const { retryTopic } = this.#lane;
    const isSoon = dueMs - nowMs <= DUE_WAIT_MS;
    if (isSoon || nowMs < item.beganMs + DUE_WAIT_MS || retryTopic === null) {
      this.#lane.park(item, isSoon ? dueMs : item.beganMs + DUE_WAIT_MS);
    } else this.postpone(item, retryTopic, dueMs, item.marks.rests, nowMs);
    return false;
  }

  /** True: the next transport of the device has it. */
  #handOn(item: Item, why: string, nowMs: number): boolean {
    const to = this.#handing.handOn(item);
    if (to !== undefined) this.#end(item, 'handed_on', `${to}: ${why}`, nowMs);
    return to !== undefined;
  }

  #end(item: Item, kind: DeliveryOutcome['outcome'], reason: string, nowMs: number): void {
    if (this.closed) return;
    this.#lane.count(kind);
    this.#outcome(item, kind, reason, false, nowMs);
    this.#ended(item, kind);
  }

  #ended(item: Item, kind: DeliveryOutcome['outcome'] | 'other_app'): void {
    const { counts } = this.#deliver;
    counts.held--;
    if (kind === 'delivered') {
      counts.passed++;
      counts.out++;
    } else counts.dropped.set(kind, (counts.dropped.get(kind) ?? 0) + 1);
    this.#begun[this.#kindOf(item.topic)]--;
    this.#offsets.done(item.topic, item.offset);
    this.#uncommitted++;
    this.#letNext(item.notification.deviceId);
  }

  #letNext(deviceId: string): void {
    const next = this.devices.next(deviceId);
    if (next !== undefined) this.#lane.ready(next);
  }

  #outcome(
    { notification, delivery }: Item,
    outcome: DeliveryOutcome['outcome'],
    reason: string,
    ambiguous: boolean,
    nowMs: number,
  ): void {
    if (this.closed) return;
    const { attempt } = delivery;
    this.#outputs.outcome(notification, { outcome, reason, ambiguous, attempt }, nowMs);
  }
}
