/**
 * How the engine is doing, as plain data: it crosses threads, feeds the metrics, the health page
 * and the live view. Counts are totals since the process started.
 */

import type { Engine, MissedSnapshot } from './engine.ts';
import { AGE_BUCKETS_MS } from './sinks/age-histogram.ts';
import type { StoreSize } from './streams/task-stores.ts';

export interface StepSnapshot {
  readonly stream: string;
  /** A stream of several priorities has its steps in each; null: there are none. */
  readonly priority: string | null;
  readonly step: string;
  readonly in: number;
  /** Came held with a task, less what left so: may be negative. */
  readonly restored: number;
  readonly passed: number;
  readonly held: number;
  readonly out: number;
  readonly dropped: { readonly [reason: string]: number };
  readonly deadLettered: { readonly [code: string]: number };
  readonly counted: { readonly [name: string]: number };
}

export interface LaneSnapshot {
  readonly sink: string;
  readonly priority: string;
  readonly outcomes: { readonly [kind: string]: number };
  readonly inFlight: number;
  readonly waiting: number;
  /** Counts by AGE_BUCKETS_MS, the last one above all bounds. */
  readonly ageBuckets: readonly number[];
  readonly ageSumMs: number;
  readonly ageCount: number;
}

export interface LagSnapshot {
  readonly group: string;
  readonly topic: string;
  readonly lag: number;
}

export interface FlowSnapshot {
  readonly steps: readonly StepSnapshot[];
  readonly lanes: readonly LaneSnapshot[];
  readonly lags: readonly LagSnapshot[];
  readonly missed: readonly MissedSnapshot[];
  readonly tasks: number;
  /** State in memory, by store. */
  readonly stores: readonly StoreSize[];
  /** What all state needs and may take, bytes. */
  readonly memory: { readonly used: number; readonly limit: number };
  /** What keeps tasks from going on, in words. */
  readonly troubles: readonly string[];
}

export const EMPTY_FLOW: FlowSnapshot = {
  steps: [],
  lanes: [],
  lags: [],
  missed: [],
  tasks: 0,
  stores: [],
  memory: { used: 0, limit: 0 },
  troubles: [],
};

type Counts = { [name: string]: number };

function addCounts(to: Counts, from: ReadonlyMap<string, number> | Counts): void {
  const entries = from instanceof Map ? from.entries() : Object.entries(from as Counts);
  for (const [name, n] of entries) to[name] = (to[name] ?? 0) + n;
}

/** Adds up the tasks of each step. `lags` is asked of the log, and so comes in. */
export function snapshotOf(engine: Engine, lags: readonly LagSnapshot[]): FlowSnapshot {
  const steps = new Map<string, StepSnapshot>();
  for (const { stream, priority, step, counts } of engine.flow()) {
    const key = `${stream}/${priority}/${step}`;
    const sum = steps.get(key) ?? {
      stream,
      priority,
      step,
      in: 0,
      restored: 0,
      passed: 0,
      held: 0,
      out: 0,
      dropped: {},
      deadLettered: {},
      counted: {},
    };
    addCounts(sum.dropped, counts.dropped);
    addCounts(sum.deadLettered, counts.deadLettered);
    addCounts(sum.counted, counts.counted);
    steps.set(key, {
      ...sum,
      in: sum.in + counts.in,
      restored: sum.restored + counts.restored,
      passed: sum.passed + counts.passed,
      held: sum.held + counts.held,
      out: sum.out + counts.out,
    });
  }
  const lanes = engine.laneFlow().map(({ ages, outcomes, sink, priority, inFlight, waiting }) => ({
    sink,
    priority,
    inFlight,
    waiting,
    outcomes: Object.fromEntries(outcomes),
    ageBuckets: [...ages.buckets],
    ageSumMs: ages.sumMs,
    ageCount: ages.count,
  }));
  return {
    steps: [...steps.values()],
    lanes,
    lags,
    missed: engine.missed(),
    tasks: engine.tasks.size,
    stores: engine.stores(),
    memory: { used: engine.memory.used, limit: engine.memory.limit },
    troubles: engine.troubles(),
  };
}

/** Adds up what threads or processes have counted of the same step, lane or topic. */
export function mergeFlows(flows: readonly FlowSnapshot[]): FlowSnapshot {
  return {
    steps: summed(
      flows.flatMap((flow) => flow.steps),
      ({ stream, priority, step }) => `${stream}/${priority}/${step}`,
    ),
    lanes: summed(
      flows.flatMap((flow) => flow.lanes),
      ({ sink, priority }) => `${sink}/${priority}`,
    ),
    lags: summed(
      flows.flatMap((flow) => flow.lags),
      ({ group, topic }) => `${group} ${topic}`,
    ),
    missed: flows.flatMap((flow) => flow.missed),
    tasks: flows.reduce((sum, flow) => sum + flow.tasks, 0),
    stores: flows.flatMap((flow) => flow.stores),
    memory: {
      used: flows.reduce((sum, flow) => sum + flow.memory.used, 0),
      limit: flows.reduce((sum, flow) => sum + flow.memory.limit, 0),
    },
    troubles: flows.flatMap((flow) => flow.troubles),
  };
}

/** Numbers are added, also within; what is no number names the same thing in all of them. */
function summed<T extends object>(all: readonly T[], keyOf: (one: T) => string): T[] {
  const sums = new Map<string, T>();
  for (const one of all) {
    const key = keyOf(one);
    const sum = sums.get(key);
    sums.set(key, sum === undefined ? one : (added(sum, one) as T));
  }
  return [...sums.values()];
}

function added(a: unknown, b: unknown): unknown {
  if (typeof a === 'number' && typeof b === 'number') return a + b;
  if (Array.isArray(a) && Array.isArray(b)) return a.map((one, i) => added(one, b[i] ?? 0));
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a ?? b;
  const sum: { [name: string]: unknown } = { ...a };
  for (const [name, value] of Object.entries(b)) {
    sum[name] = name in sum ? added(sum[name], value) : value;
  }
  return sum;
}

/** The bound of the bucket in which a quantile of the ages lies; 0 when none was counted. */
export function ageQuantile(lanes: readonly LaneSnapshot[], q: number): number {
  let rest = lanes.reduce((sum, lane) => sum + lane.ageCount, 0) * q;
  if (rest === 0) return 0;
  for (let i = 0; i < AGE_BUCKETS_MS.length; i++) {
    for (const lane of lanes) rest -= lane.ageBuckets[i] ?? 0;
    if (rest <= 0) return AGE_BUCKETS_MS[i]!;
  }
  return Number.POSITIVE_INFINITY;
}
