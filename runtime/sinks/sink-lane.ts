/**
 * One sink for one priority in one process: the in-flight budget, the breaker and the retries that
 * its tasks share. Lanes share nothing with each other: one failing or slow transport, or one
 * priority that is behind, holds up no other (bulkheads).
 */
import type { Plan, SinkPlan, TablePlan } from '../../compiler/plan.ts';
import type { GroupHost, TaskHost, TaskPort } from '../../core/log.ts';
import type { Outcome } from '../../core/outcome.ts';
import { type Priority, priorityName } from '../../core/priority.ts';
import type { Sink } from '../../core/spec.ts';
import { NEVER } from '../../core/store.ts';
import type { EngineOptions } from '../engine-options.ts';
import { GoneCounts } from '../gone-counts.ts';
import type { Scheduler } from '../scheduler.ts';
import { type CommitPolicy, Unit, Units } from '../unit.ts';
import { AgeHistogram } from './age-histogram.ts';
import { Breaker } from './breaker.ts';
import { DueHeap } from './due-heap.ts';
import { type Item, SinkTask } from './sink-task.ts';

export interface SinkLaneOptions extends EngineOptions {
  readonly scheduler: Pick<Scheduler, 'add' | 'remove' | 'addUnit' | 'removeUnit'>;
  readonly commit: CommitPolicy;
  /** In [0, 1); spreads retries. */
  random(): number;
}

const RETRY_FIRST_MS = 200;
const RETRY_MAX_MS = 30_000;
/** A parked record holds its lane's mark no longer than this; then it is left to the inbox (D8). */
const PARKED_MS_MAX = 30_000;

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
  readonly gone = new GoneCounts();
  readonly #sink: Sink;
  readonly #units: Units;
  /** Items that may be tried now, in order of arrival. */
  #ready: Item[] = [];
  #readyFrom = 0;
  readonly #parked = new DueHeap();
  readonly #parkedItems = new Map<string, Item>();
  #inFlight = 0;
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
    const { clock, commit, scheduler } = options;
    this.#units = new Units(
      (port) => new Unit(port, commit, clock, () => options.wake()),
      scheduler,
    );
  }

  get name(): string {
    return `sink/${this.sinkPlan.name}/${priorityName(this.priority)}`;
  }

  /** The lane topics that it reads: one transport's, or all. */
  inputs(): string[] {
    const { lane, transport } = this.sinkPlan;
    const transports = transport === 'all' ? lane.transports : [transport];
    return transports.map((one) => lane.topicOf(this.priority, one));
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

  open(port: TaskPort): TaskHost {
    const task = new SinkTask(this, port, this.#units.of(port.unit));
    this.#units.add(port.unit, task);
    this.tasks.add(task);
    this.options.scheduler.add(task);
    return task;
  }

  closed(task: SinkTask, port: TaskPort): void {
    this.gone.add(task.flow());
    this.tasks.delete(task);
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
    return until > 0 && this.#inFlight === 0 ? Math.min(parked, until) : parked;
  }

  /** Starts as many deliveries as the budget and the breaker allow. */
  pump(): void {
    const nowMs = this.options.clock.now();
    this.#unpark(nowMs);
    const { inFlightMax, spec } = this.sinkPlan;
    while (
      this.#readyFrom < this.#ready.length &&
      this.#inFlight < inFlightMax &&
      this.breaker.allows(nowMs, this.#inFlight)
    ) {
      const batch = this.#take(Math.min(spec.batchMax, inFlightMax - this.#inFlight), nowMs);
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
    return batch;
  }

  async #deliver(batch: readonly Item[]): Promise<void> {
    this.#inFlight += batch.length;
    const outcomes = await this.#attempt(batch);
    this.#inFlight -= batch.length;
    const nowMs = this.options.clock.now();
    batch.forEach((item, i) => {
      const outcome = outcomes[i] ?? {
        kind: 'retry',
        scope: 'lane',
        why: 'the sink gave no outcome',
      };
      this.#settle(item, outcome as Outcome, nowMs);
    });
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

  #settle(item: Item, outcome: Outcome, nowMs: number): void {
    if (outcome.kind !== 'retry') {
      this.#successes++;
      this.breaker.success();
      item.task.finish(item, outcome, nowMs);
      return;
    }
    const afterMs = outcome.afterMs ?? 0;
    if (outcome.scope === 'lane') {
      this.breaker.failure(nowMs, outcome.why, afterMs, this.options.random());
      // While nobody gets through it is the service's fault; a record is only counted against when
      // others did get through since its last try.
      if (item.successesBefore === this.#successes) item.tries--;
    } else this.breaker.success();
    item.successesBefore = this.#successes;
    item.tries++;
    const keeps = this.sinkPlan.spec.keeps === true;
    if (!keeps && item.tries >= this.plan.attempts) {
      item.task.abandon(item, outcome.why, nowMs);
      return;
    }
    const backoff = Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** Math.min(item.tries, 10));
    const pause = Math.max(afterMs, backoff * (0.5 + this.options.random() / 2));
    const tooLong = nowMs + pause - item.beganMs > PARKED_MS_MAX;
    if (!keeps && outcome.scope === 'device' && tooLong) {
      item.task.abandon(item, `parked_too_long: ${outcome.why}`, nowMs);
      return;
    }
    item.task.retried(item, outcome, nowMs);
    if (outcome.scope === 'lane') this.ready(item);
    else this.park(item, nowMs + pause);
  }
}
