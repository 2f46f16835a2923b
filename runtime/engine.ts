/**
 * Brings a plan to life in one process: opens the task groups of the roles that this process has,
 * over whatever log it is given, and tells how they are.
 */
import type { Plan, SinkPlan, SubTopologyPlan } from '../compiler/plan.ts';
import { BytePool } from '../core/byte-pool.ts';
import type { Clock } from '../core/clock.ts';
import type { Group, Log, TopicSpec } from '../core/log.ts';
import type { Priority } from '../core/priority.ts';
import type { Record } from '../core/record.ts';
import type { Schemas } from '../core/schema.ts';
import type { Sink } from '../core/spec.ts';
import { appliedTopic } from './edits/applied.ts';
import type { EngineOptions } from './engine-options.ts';
import { GoneCounts } from './gone-counts.ts';
import { sinkGroup, streamsGroup } from './group-specs.ts';
import { Scheduler } from './scheduler.ts';
import { Pace } from './sinks/pace.ts';
import { SinkLane } from './sinks/sink-lane.ts';
import { MemoryBudget } from './state/memory-budget.ts';
import { type StepFlow, StreamsTask } from './streams/streams-task.ts';
import type { StoreSize } from './streams/task-stores.ts';
import { type CommitPolicy, Unit, Units } from './unit.ts';
import { WholeTables } from './whole-tables.ts';

/** Less is caught up within two minutes, and moves nothing that a person would see. */
const CLOCK_AHEAD_MS = 10_000;

/** Ready is who makes progress: beyond the slowest commit, its retries and a rebalance. */
const STALLED_S = 30;

/** Records that were gone before they were read. */
export interface MissedSnapshot {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  readonly offsets: number;
}

export interface EngineParts {
  readonly plan: Plan;
  readonly log: Log;
  readonly schemas: Schemas;
  readonly clock: Clock;
  readonly partitions: number;
  readonly streamsCommit: CommitPolicy;
  readonly sinksCommit: CommitPolicy;
  /**
   * True: a sink that keeps everything writes to the log's own file, in the log's own transaction,
   * so it may be given records that are not committed yet.
   */
  readonly keepsInTransaction?: boolean;
  /** Memory that the state of this process may take, bytes; absent: as much as it needs. */
  readonly stateBytesMax?: number;
  /** What the former topology has counted at this start: what it let go, and what was dropped. */
  readonly before?: readonly StepFlow[];
  /** For a topology that ends: where its streams stop reading. */
  readonly readTo?: EngineOptions['readTo'];
  /** In [0, 1): spreads retries. */
  random(): number;
  /** A task met a broken invariant and was closed. */
  onFailure(error: Error): void;
  /** A row of a table that is held whole cannot be read; the one before it stays in force. */
  onUnreadable?(table: string, row: Record, why: string): void;
  /** The deliveries of a lane have begun to fail, though it goes on; null: no longer. */
  onTrouble?(lane: string, why: string | null): void;
}

export interface LaneFlow {
  readonly sink: string;
  readonly priority: string;
  readonly outcomes: ReadonlyMap<string, number>;
  readonly ages: SinkLane['ages'];
  readonly inFlight: number;
  readonly waiting: number;
  readonly trouble: string | null;
}

/** All topics of a plan, as the deployment has them. */
export function topicSpecs(
  plan: Pick<Plan, 'topics' | 'topology'>,
  partitions: number,
): TopicSpec[] {
  const own = plan.topics.map(({ name, cleanup, retentionMs }) => ({
    name,
    partitions,
    cleanup,
    ...(retentionMs === undefined ? {} : { retentionMs }),
  }));
  return [...own, appliedTopic(plan.topology)];
}

export class Engine {
  readonly #parts: EngineParts;
  readonly #scheduler: Scheduler;
  readonly #groups = new Map<string, Group>();
  readonly #tasks = new Set<StreamsTask>();
  readonly #lanes: SinkLane[] = [];
  readonly #paces = new Map<string, Pace>();
  readonly #gone = new GoneCounts();
  readonly #pool = new BytePool();
  readonly #memory: MemoryBudget;
  readonly #wholeTables: WholeTables;
  /** Of the streams, by group. */
  readonly #units = new Map<string, Units>();

  constructor(parts: EngineParts) {
    this.#parts = parts;
    this.#scheduler = new Scheduler(parts.clock, parts.plan.priorities);
    this.#gone.add(parts.before ?? []);
    const { log, schemas, onUnreadable } = parts;
    this.#memory = new MemoryBudget(parts.stateBytesMax);
    const told = (table: string, row: Record, why: string) => onUnreadable?.(table, row, why);
    this.#wholeTables = new WholeTables(log, schemas, told, this.#memory);
  }

  get lanes(): readonly SinkLane[] {
    return this.#lanes;
  }

  get tasks(): ReadonlySet<StreamsTask> {
    return this.#tasks;
  }

  /**
   * Joins the group of a sub-topology; resolves when the group was joined, not when it caught up.
   */
  async startStreams(sub: SubTopologyPlan): Promise<void> {
    const { plan, log, partitions, clock, streamsCommit } = this.#parts;
    const units = new Units(
      (port) => new Unit(port, streamsCommit, clock, () => this.#scheduler.wake()),
      this.#scheduler,
    );
    this.#units.set(sub.group, units);
    await this.#wholeTables.open(sub.wholeTables);
    const spec = streamsGroup(plan, sub, partitions);
    const group = await log.openGroup(spec, {
      open: (port) => {
        const task = new StreamsTask(plan, sub, port, units.of(port.unit), {
          ...this.#options(),
          pool: this.#pool,
          onClosed: () => {
            this.#gone.add(task.flow());
            this.#tasks.delete(task);
            this.#scheduler.remove(task);
            units.remove(port.unit, task);
            // Its memory may be what others wait for.
            this.#scheduler.wake();
          },
        });
        this.#tasks.add(task);
        this.#scheduler.add(task);
        units.add(port.unit, task);
        return task;
      },
    });
    this.#groups.set(sub.group, group);
  }

  /** A commit of streams is under way: what it holds counts as done, and is not seen yet. */
  get committing(): boolean {
    for (const units of this.#units.values()) {
      for (const unit of units.all) if (unit.committing) return true;
    }
    return false;
  }

  async startSink(sinkPlan: SinkPlan, priority: Priority, sink: Sink): Promise<void> {
    const { plan, log, partitions } = this.#parts;
    const lane = new SinkLane(plan, sinkPlan, priority, sink, {
      ...this.#options(),
      commit: this.#parts.sinksCommit,
      scheduler: this.#scheduler,
      random: this.#parts.random,
      pace: this.#paceOf(sinkPlan),
      onTrouble: (lane, why) => this.#parts.onTrouble?.(lane, why),
    });
    this.#lanes.push(lane);
    const inTransaction = this.#parts.keepsInTransaction === true && sinkPlan.spec.keeps === true;
    const spec = sinkGroup(lane, partitions, inTransaction);
    this.#groups.set(spec.group, await log.openGroup(spec, lane));
  }

  /** One for all lanes of a sink in this process. */
  #paceOf({ name, rateMax, lane }: SinkPlan): Pace | null {
    if (rateMax === null) return null;
    const known = this.#paces.get(name);
    if (known !== undefined) return known;
    const pace = new Pace(rateMax, this.#parts.partitions * lane.priorities.length);
    this.#paces.set(name, pace);
    return pace;
  }

  flow(): StepFlow[] {
    const flows: StepFlow[] = [...this.#gone.flows()];
    for (const task of this.#tasks) flows.push(...task.flow());
    for (const lane of this.#lanes) {
      flows.push(...lane.gone.flows());
      for (const task of lane.tasks) flows.push(...task.flow());
    }
    return flows;
  }

  laneFlow(): LaneFlow[] {
    return this.#lanes.map((lane) => ({
      sink: lane.sinkPlan.name,
      priority: lane.priorityName,
      outcomes: lane.outcomes,
      ages: lane.ages,
      inFlight: lane.inFlight,
      waiting: lane.waiting,
      trouble: lane.breaker.told(this.#parts.clock.now()),
    }));
  }

  /** Lanes that go on although deliveries fail, in words. */
  warnings(): string[] {
    const nowMs = this.#parts.clock.now();
    const lanes = this.#lanes.flatMap(({ name, breaker }) => {
      const told = breaker.trouble === null ? breaker.told(nowMs) : null;
      return told === null ? [] : [`${name}: ${told}`];
    });
    for (const [group, open] of this.#groups) {
      const rest = open.restoring?.() ?? [];
      const records = rest.reduce((sum, { position, end }) => sum + end - position, 0);
      if (rest.length > 0) lanes.push(`${group}: ${records} records of state are still to be read`);
    }
    const { isShort, isSpent, told } = this.#memory;
    return isShort && !isSpent ? [...lanes, `CAR695 ${told}; steps do as if full`] : lanes;
  }

  /** What keeps tasks from going on, in words; empty when all is well. */
  troubles(): string[] {
    const troubles = new Set<string>(this.#clockTroubles());
    if (this.#memory.isSpent) troubles.add(`CAR696 ${this.#memory.told}; nothing is taken`);
    for (const task of this.#tasks) {
      if (task.blockedBy !== null) troubles.add(`${task.name}: ${task.blockedBy}`);
    }
    for (const lane of this.#lanes) {
      if (lane.breaker.trouble !== null) troubles.add(`${lane.name}: ${lane.breaker.trouble}`);
    }
    for (const [group, units] of this.#units) {
      for (const unit of units.all) {
        const seconds = Math.floor(unit.stalledMs() / 1_000);
        if (seconds < STALLED_S) continue;
        troubles.add(`${group}: input has waited for ${seconds} s, and nothing was committed`);
      }
    }
    return [...troubles];
  }

  #clockTroubles(): string[] {
    const aheadMs = this.#parts.clock.aheadMs?.() ?? 0;
    if (aheadMs < CLOCK_AHEAD_MS) return [];
    const seconds = Math.round(aheadMs / 1_000);
    return [`CAR803 the clock of this machine was set back; tasks are ${seconds} s ahead of it`];
  }

  /** Offsets that were deleted from the log before a group had read them, since it was opened. */
  missed(): MissedSnapshot[] {
    return [...this.#groups].flatMap(([group, open]) =>
      open.missed().map(({ topic, partition, offsets }) => ({ group, topic, partition, offsets })),
    );
  }

  /** Of all tasks of a store together; by name. */
  stores(): StoreSize[] {
    const sums = new Map<string, StoreSize>();
    for (const { store, rows, bytes } of [...this.#tasks].flatMap((task) => task.stores.sizes())) {
      const sum = sums.get(store);
      sums.set(store, {
        store,
        rows: rows + (sum?.rows ?? 0),
        bytes: bytes + (sum?.bytes ?? 0),
      });
    }
    return [...sums.values()];
  }

  /** What state may take, and what it needs, bytes. */
  get memory(): { readonly limit: number; readonly used: number } {
    return this.#memory;
  }

  async lag(): Promise<{ group: string; topic: string; partition: number; lag: number }[]> {
    const lags = [];
    for (const [name, group] of this.#groups) {
      for (const lag of await group.lag()) lags.push({ group: name, ...lag });
    }
    return lags;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#groups.values()].map((group) => group.close()));
    this.#groups.clear();
    this.#scheduler.stop();
    for (const lane of this.#lanes) await lane.close();
    await this.#wholeTables.close();
  }

  #options(): EngineOptions {
    const { clock, schemas, partitions, readTo } = this.#parts;
    return {
      ...(readTo === undefined ? {} : { readTo }),
      clock,
      schemas,
      partitions,
      wholeTables: this.#wholeTables,
      memory: this.#memory,
      wake: () => this.#scheduler.wake(),
      onFailure: this.#parts.onFailure,
    };
  }
}
