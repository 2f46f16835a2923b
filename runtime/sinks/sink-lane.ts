/**
 * One sink for one priority in one process: the in-flight budget, the breaker and the retries that
 * its tasks share. Lanes share nothing with each other: one failing or slow transport, or one
 * priority that is behind, holds up no other (bulkheads).
 */
import type { Plan, SinkPlan, TablePlan } from '../../compiler/plan.ts';
import type { GroupHost, TaskHost, TaskPort } from '../../core/log.ts';
import type { Outcome } from '../../core/outcome.ts';
import type { Priority } from '../../core/priority.ts';
import type { Sink } from '../../core/spec.ts';
import { NEVER } from '../../core/store.ts';
import type { EngineOptions } from '../engine-options.ts';
import { GoneCounts } from '../gone-counts.ts';
import type { Scheduler } from '../scheduler.ts';
import { type CommitPolicy, Unit, Units } from '../unit.ts';
import { AgeHistogram } from './age-histogram.ts';
import { Breaker } from './breaker.ts';
import { Concurrency } from './concurrency.ts';
import { DueHeap } from './due-heap.ts';
import { addFollowers } from './followers.ts';
import type { Item } from './item.ts';
import { type OutcomeLevels, outcomeLevelsOf } from './outcome-level.ts';
import type { Pace } from './pace.ts';
import { type Reaches, reachesOf } from './reach.ts';
import { Resting } from './resting.ts';
import { SinkTask } from './sink-task.ts';

export interface SinkLaneOptions extends EngineOptions {
  readonly scheduler: Pick<Scheduler, 'add' | 'remove' | 'addUnit' | 'removeUnit'>;
  readonly commit: CommitPolicy;
  /** The sink's rate, shared with its other lanes here; null: as fast as it goes. */
  readonly pace: Pace | null;
  /** Its deliveries have begun to fail, or no longer do. */
  onTrouble?(lane: string, why: string | null): void;
  /** In [0, 1); spreads retries. */
  random(): number;
}

const NO_OUTCOME: Outcome = { kind: 'retry', scope: 'lane', why: 'the sink gave no outcome' };
const RETRY_FIRST_MS = 200;
const RETRY_MAX_MS = 30_000;
/** A parked record holds its lane's mark no longer than this; then the retry topic has it (D8). */
const PARKED_MS_MAX = 30_000;
const TROUBLE_SAID_EVERY_MS = 30_000;
/** More that wait go there too, so that those behind them are read. */
const PARKED_RECORDS_MAX = 1_000;

export class SinkLane implements GroupHost {
  readonly plan: Plan;
  readonly sinkPlan: SinkPlan;
  readonly priority: Priority;
  readonly options: SinkLaneOptions;
  readonly breaker = new Breaker();
  /** By outcome kind; `offline`, `expired`, `moved` and `abandoned` among them. */
  readonly outcomes = new Map<string, number>();
  readonly ages = new AgeHistogram();
  readonly tasks = new Set<SinkTask>();
  readonly resting = new Resting();
  readonly reaches: Reaches;
  readonly outcomeLevels: OutcomeLevels;
  /** Where what has to wait longer goes; null: it is left to the inbox. */
  readonly retryTopic: string | null;
  readonly gone = new GoneCounts();
  readonly #sink: Sink;
  readonly #concurrency: Concurrency;
  readonly #units: Units;
  /** Items that may be tried now, in order of arrival. */
  #ready: Item[] = [];
  #readyFrom = 0;
  readonly #parked = new DueHeap();
  readonly #parkedItems = new Map<string, Item>();
  #inFlight = 0;
  #troubled = false;
  #silentUntilMs = 0;
  #parkedCount = 0;
  /** Counts successes, so that a retry knows whether others got through meanwhile. */
  #successes = 0;

  constructor(
    plan: Plan,
    sinkPlan: SinkPlan,
    priority: Priority,
    sink: Sink,
    options: SinkLaneOptions,
  ) {
    this.plan = plan;
    this.sinkPlan = sinkPlan;
    this.priority = priority;
    this.options = options;
    this.#sink = sink;
    this.#concurrency = new Concurrency(sinkPlan.inFlightMax);
    this.reaches = reachesOf(plan);
    this.outcomeLevels = outcomeLevelsOf(plan);
    this.retryTopic = sinkPlan.retryTopicOf?.(priority) ?? null;
    const { clock, commit, scheduler } = options;
    this.#units = new Units(
      (port) => new Unit(port, commit, clock, () => options.wake()),
      scheduler,
    );
  }

  get name(): string {
    return `sink/${this.sinkPlan.name}/${this.priorityName}`;
  }

  get priorityName(): string {
    return this.plan.priorities.nameOf(this.priority);
  }

  /** The lane topics that it reads: one transport's, or all; and its retry topic. */
  inputs(): string[] {
    const { lane, transport } = this.sinkPlan;
    const transports = transport === 'all' ? lane.transports : [transport];
    const topics = transports.map((one) => lane.topicOf(this.priority, one));
    return this.retryTopic === null ? topics : [...topics, this.retryTopic];
  }

  /** The tables of its tasks: those of its steps, and the owners unless it keeps everything. */
  tables(): TablePlan[] {
    const tables = [...this.sinkPlan.tables];
    const owners = this.plan.tables.find(({ schema }) => schema === 'Device');
    const knows = owners === undefined || tables.includes(owners);
    if (this.sinkPlan.spec.keeps !== true && !knows) tables.push(owners);
    return tables;
  }

  /** What commits for its tasks. */
  get units(): Iterable<Unit> {
    return this.#units.all;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get waiting(): number {
    return this.#ready.length - this.#readyFrom + this.#parkedItems.size;
  }

  get successes(): number {
    return this.#successes;
  }

  open(port: TaskPort): TaskHost {
    const task = new SinkTask(this, port, this.#units.of(port.unit));
    this.#units.add(port.unit, task);
    this.tasks.add(task);
    this.options.pace?.opened();
    this.options.scheduler.add(task);
    return task;
  }

  closed(task: SinkTask, port: TaskPort): void {
    this.gone.add(task.flow());
    this.tasks.delete(task);
    this.options.pace?.closed();
    this.options.scheduler.remove(task);
    this.#units.remove(port.unit, task);
  }

  ready(item: Item): void {
    this.#ready.push(item);
  }

  /** Puts an item aside until a time; its device waits with it, nobody else does. */
  park(item: Item, untilMs: number): void {
    const key = String(this.#parkedCount++);
    this.#parkedItems.set(key, item);
    this.#parked.add(untilMs, key);
  }

  /**
   * The parked item of that offset, taken out of its parking place; undefined: it is not parked.
   */
  unparkOffset(task: SinkTask, topic: string, offset: number): Item | undefined {
    for (const [key, item] of this.#parkedItems) {
      if (item.task !== task || item.topic !== topic || item.offset !== offset) continue;
      this.#parkedItems.delete(key);
      return item;
    }
    return undefined;
  }

  nextWakeMs(): number {
    const parked = this.#parked.top()?.dueMs ?? NEVER;
    if (this.#readyFrom === this.#ready.length) return parked;
    const until = this.breaker.openUntilMs;
    const { pace, clock } = this.options;
    if (until === 0 && pace === null) return parked;
    // What is under way wakes the lane when it ends.
    const busy = until > 0 ? this.#inFlight > 0 : this.#inFlight >= this.#concurrency.limit;
    if (busy) return parked;
    return Math.min(parked, Math.max(until, pace?.nextMs(clock.now()) ?? 0));
  }

  /** Starts as many deliveries as the budget and the breaker allow. */
  pump(): void {
    const nowMs = this.options.clock.now();
    this.#unpark(nowMs);
    const { limit } = this.#concurrency;
    const { pace } = this.options;
    const batchMax = pace === null ? this.sinkPlan.spec.batchMax : 1;
    while (
      this.#readyFrom < this.#ready.length &&
      this.#inFlight < limit &&
      this.breaker.allows(nowMs, this.#inFlight) &&
      (pace === null || pace.take(nowMs))
    ) {
      const batch = this.#take(Math.min(batchMax, limit - this.#inFlight), nowMs);
      if (batch.length > 0) void this.#deliver(batch);
    }
  }

  async close(): Promise<void> {
    await this.#sink.close();
  }

  probe(): Promise<void> {
    return this.#sink.probe();
  }

  count(kind: string): void {
    this.outcomes.set(kind, (this.outcomes.get(kind) ?? 0) + 1);
  }

  #unpark(nowMs: number): void {
    for (;;) {
      const top = this.#parked.top();
      if (top === undefined || top.dueMs > nowMs) return;
      this.#parked.pop();
      const item = this.#parkedItems.get(top.key);
      this.#parkedItems.delete(top.key);
      if (item !== undefined && !item.task.closed) this.#ready.push(item);
    }
  }

  /**
   * The next items, after the last checks: deadline, epoch, and whether their task is still ours.
   */
  #take(max: number, nowMs: number): Item[] {
    const batch: Item[] = [];
    while (batch.length < max && this.#readyFrom < this.#ready.length) {
      const item = this.#ready[this.#readyFrom++]!;
      if (!item.task.closed && item.task.lastCheck(item, nowMs)) batch.push(item);
    }
    if (this.#readyFrom === this.#ready.length) {
      this.#ready = [];
      this.#readyFrom = 0;
    }
    addFollowers(batch, max, this.sinkPlan.spec, nowMs);
    return batch;
  }

  async #deliver(batch: readonly Item[]): Promise<void> {
    this.#inFlight += batch.length;
    const outcomes = await this.#attempt(batch);
    this.#inFlight -= batch.length;
    const nowMs = this.options.clock.now();
    /** Devices with a record of this batch that is held up: what followed it waits again. */
    const held = new Set<string>();
    const { keeps, together } = this.sinkPlan.spec;
    const hasFollowers = together !== undefined && keeps !== true;
    const back: Item[] = [];
    batch.forEach((item, i) => {
      const outcome: Outcome = outcomes[i] ?? NO_OUTCOME;
      const { deviceId } = item.notification;
      if (!held.has(deviceId)) {
        const isHeld = this.#settle(item, outcome, nowMs, false);
        if (isHeld && hasFollowers) held.add(deviceId);
      } else if (this.#settle(item, outcome, nowMs, true)) back.push(item);
    });
    for (const item of back.reverse()) {
      item.task.devices.giveBack(item.notification.deviceId, item);
    }
    this.options.wake();
  }

  async #attempt(batch: readonly Item[]): Promise<readonly Outcome[]> {
    const { timeoutMs } = this.sinkPlan;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<readonly Outcome[]>((resolve) => {
      const why = `no answer within ${timeoutMs} ms`;
      const outcome: Outcome = { kind: 'retry', scope: 'lane', why, ambiguous: true };
      timer = setTimeout(() => resolve(batch.map(() => outcome)), timeoutMs);
    });
    try {
      return await Promise.race([this.#sink.deliver(batch.map((item) => item.delivery)), late]);
    } catch (error) {
      // A throw means that the connector is broken, not the records.
      const why = error instanceof Error ? error.message : String(error);
      return batch.map(() => ({ kind: 'retry', scope: 'lane', why }));
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * True: the record is held up, and will be tried again.
   *
   * @param isBehind one of its device before it is held up: it is not put aside by itself
   */
  #settle(item: Item, outcome: Outcome, nowMs: number, isBehind: boolean): boolean {
    const { options, sinkPlan } = this;
    const inTrouble = outcome.kind === 'retry' && outcome.scope === 'lane';
    this.#concurrency.answered(inTrouble);
    if (!inTrouble) {
      this.breaker.success(nowMs);
      if (this.#troubled) this.#sayTrouble(nowMs);
    }
    if (outcome.kind !== 'retry') {
      this.#successes++;
      item.task.finish(item, outcome, nowMs);
      return false;
    }
    const { why, afterMs = 0, opens = false } = outcome;
    if (inTrouble) {
      this.breaker.failure(nowMs, { why, afterMs, opens }, options.random());
      this.#sayTrouble(nowMs);
      // While nobody gets through it is the service's fault; a record is only counted against when
      // others did get through since its last try.
      if (item.successesBefore === this.#successes) item.tries--;
    }
    item.successesBefore = this.#successes;
    item.tries++;
    if (sinkPlan.spec.keeps !== true && item.tries >= this.plan.attempts) {
      item.task.abandon(item, why, nowMs);
      return false;
    }
    const backoff = Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** Math.min(item.tries, 10));
    const untilMs = nowMs + Math.max(afterMs, backoff * (0.5 + options.random() / 2));
    if (outcome.scope === 'device') {
      this.resting.rest(item.notification.deviceId, untilMs);
      if (this.#isLeft(item, untilMs)) {
        item.task.abandon(item, `parked_too_long: ${why}`, nowMs);
        return false;
      }
    }
    item.task.retried(item, outcome, nowMs);
    return isBehind || this.#waitUntil(item, untilMs, outcome.scope === 'device', nowMs);
  }

  /** Said once when it begins and once when it is over, and not more often than twice a minute. */
  #sayTrouble(nowMs: number): void {
    const why = this.breaker.told(nowMs);
    if ((why !== null) === this.#troubled || nowMs < this.#silentUntilMs) return;
    this.#troubled = why !== null;
    this.#silentUntilMs = nowMs + TROUBLE_SAID_EVERY_MS;
    this.options.onTrouble?.(this.name, why);
  }

  /** True: its device was told too much, and it was put aside without a try. */
  rests(item: Item, nowMs: number): boolean {
    const untilMs = this.resting.untilMs(item.notification.deviceId, nowMs);
    if (untilMs === 0) return false;
    if (this.#isLeft(item, untilMs)) item.task.abandon(item, 'parked_too_long', nowMs);
    else this.#waitUntil(item, untilMs, true, nowMs);
    return true;
  }

  /** Where there is no retry topic, a device that rests for long is left to the inbox. */
  #isLeft(item: Item, untilMs: number): boolean {
    const keeps = this.sinkPlan.spec.keeps === true;
    return !keeps && this.retryTopic === null && untilMs - item.beganMs > PARKED_MS_MAX;
  }

  /** False: the retry topic has it. */
  #waitUntil(item: Item, untilMs: number, rests: boolean, nowMs: number): boolean {
    const tooLong =
      untilMs - item.beganMs > PARKED_MS_MAX || this.#parkedItems.size >= PARKED_RECORDS_MAX;
    if (this.retryTopic === null || !tooLong) {
      this.park(item, untilMs);
      return true;
    }
    item.task.postpone(item, this.retryTopic, untilMs, rests, nowMs);
    return false;
  }

  /** A parked item that holds the mark too far behind. */
  letGo(item: Item, nowMs: number): void {
    const { retryTopic } = this;
    if (retryTopic === null) item.task.abandon(item, 'mark_held_too_long', nowMs);
    else item.task.postpone(item, retryTopic, nowMs + RETRY_FIRST_MS, false, nowMs);
  }
}
