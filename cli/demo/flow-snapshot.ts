/** What the live view shows, as sums over tasks and threads; made from what the engine counts. */
import { ageQuantile, type FlowSnapshot } from '../../runtime/flow.ts';

/** What the wiring hands to the live view, as often as it asks. */
export interface LiveSnapshot {
  readonly flow: FlowSnapshot;
  /** Devices that hold a socket. */
  readonly connections: number;
}

export interface UseCaseSums {
  readonly name: string;
  readonly in: number;
  /** By reason, most first. */
  readonly dropped: readonly (readonly [reason: string, n: number])[];
  readonly deadLetters: number;
  readonly held: number;
  /** Notifications: one for each device that is told. */
  readonly out: number;
}

export interface SinkSums {
  readonly name: string;
  readonly delivered: number;
  /** All outcomes but `delivered`, and what the sink's own steps dropped; most first. */
  readonly others: readonly (readonly [outcome: string, n: number])[];
  readonly waiting: number;
  /** Milliseconds, the bounds of the histogram's buckets; 0: nothing delivered yet. */
  readonly ageMsP50: number;
  readonly ageMsP99: number;
  /** Of the topology's first priority. */
  readonly urgentAgeMsP99: number;
}

export interface FlowSums {
  readonly useCases: readonly UseCaseSums[];
  readonly sinks: readonly SinkSums[];
  readonly mostUrgent: string;
  readonly connections: number;
  /** Events that an earlier run, or another process, held and that were taken over. */
  readonly restored: number;
  /** Events that are in the log and not processed yet. */
  readonly lag: number;
  readonly troubles: readonly string[];
}

const SOURCE_STEP = 'source';
/** The engine's own folds of registrations and presence: not use cases. */
const DEVICE_STREAMS = 'devices-';
/** Records of a stream that belong to another priority are passed by, not dropped. */
const PASSED_BY = 'other_priority';

type Counts = Map<string, number>;

/** `order`: the use cases as the topology lists them; `mostUrgent`: its first priority. */
export function sumsOf(
  { flow, connections }: LiveSnapshot,
  order: readonly string[],
  mostUrgent: string,
): FlowSums {
  const sinkNames = [...new Set(flow.lanes.map(({ sink }) => sink))];
  const streams = new Set(flow.steps.map(({ stream }) => stream));
  const useCases = [...streams].filter(
    (name) => !sinkNames.includes(name) && !name.startsWith(DEVICE_STREAMS),
  );
  const place = (name: string) => (order.includes(name) ? order.indexOf(name) : order.length);
  useCases.sort((a, b) => place(a) - place(b) || (a < b ? -1 : 1));
  const groups = flow.lags.filter(({ group }) => group.includes('.streams'));
  return {
    useCases: useCases.map((name) => useCaseSums(flow, name)),
    sinks: sinkNames.map((name) => sinkSums(flow, name, mostUrgent)),
    mostUrgent,
    connections,
    restored: Math.max(
      0,
      flow.steps.reduce((sum, step) => sum + step.restored, 0),
    ),
    lag: groups.reduce((sum, { lag }) => sum + lag, 0),
    troubles: flow.troubles,
  };
}

function useCaseSums(flow: FlowSnapshot, name: string): UseCaseSums {
  const dropped: Counts = new Map();
  let read = 0;
  let deadLetters = 0;
  let held = 0;
  let out = 0;
  const steps = flow.steps.filter(({ stream }) => stream === name);
  for (const step of steps) {
    for (const [reason, n] of Object.entries(step.dropped)) {
      if (reason !== PASSED_BY) add(dropped, reason, n);
    }
    for (const n of Object.values(step.deadLettered)) deadLetters += n;
    held += step.held;
    if (step.step === SOURCE_STEP) read += step.in - (step.dropped[PASSED_BY] ?? 0);
    if (step.step === 'lane' || step.step === 'output') out += step.out;
  }
  return { name, in: read, dropped: mostFirst(dropped), deadLetters, held, out };
}

function sinkSums(flow: FlowSnapshot, name: string, mostUrgent: string): SinkSums {
  const lanes = flow.lanes.filter(({ sink }) => sink === name);
  const others: Counts = new Map();
  let delivered = 0;
  for (const lane of lanes) {
    for (const [outcome, n] of Object.entries(lane.outcomes)) {
      if (outcome === 'delivered') delivered += n;
      else add(others, outcome, n);
    }
  }
  const urgent = lanes.filter(({ priority }) => priority === mostUrgent);
  return {
    name,
    delivered,
    others: mostFirst(others),
    waiting: lanes.reduce((sum, lane) => sum + lane.waiting + lane.inFlight, 0),
    ageMsP50: ageQuantile(lanes, 0.5),
    ageMsP99: ageQuantile(lanes, 0.99),
    urgentAgeMsP99: ageQuantile(urgent, 0.99),
  };
}

function add(to: Counts, name: string, n: number): void {
  if (n > 0) to.set(name, (to.get(name) ?? 0) + n);
}

function mostFirst(counts: Counts): [string, number][] {
  return [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));
}
