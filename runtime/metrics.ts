/**
 * The Prometheus text of a flow. Nothing is counted for it on the way of a record: it is made from
 * the verdict counts when somebody asks. Labels never name a device, a member or a key.
 */
import { Counter, Gauge, Registry } from 'prom-client';
import type { FlowSnapshot, LaneSnapshot, StepSnapshot } from './flow.ts';
import { type CounterName, type GaugeName, type LabelsOf, METRICS } from './metric-table.ts';
import { AGE_BUCKETS_MS } from './sinks/age-histogram.ts';

export interface ProcessFacts {
  readonly connections: number;
  /** The log can be reached, and so on: what /health/ready says. */
  readonly ready: boolean;
  readonly gateway?: GatewayFacts;
}

/** What a gateway has counted since its start. */
export interface GatewayFacts {
  /** By name, as `doubles`. */
  readonly counts: { readonly [name: string]: number };
  /** Connections that were closed, by close code. */
  readonly closed: ReadonlyMap<number, number>;
}

export async function metricsText(flow: FlowSnapshot, facts: ProcessFacts): Promise<string> {
  const text = new MetricsText();
  for (const step of flow.steps) stepMetrics(text, step);
  for (const lane of flow.lanes) laneMetrics(text, lane);
  for (const { group, topic, lag } of flow.lags) {
    text.add('carillon_lag_records', { group, topic }, lag);
  }
  for (const { group, topic, offsets } of flow.missed) {
    text.add('carillon_missed_records_total', { group, topic }, offsets);
  }
  for (const { store, rows, bytes } of flow.stores) {
    text.add('carillon_state_bytes', { store }, bytes);
    text.add('carillon_state_rows', { store }, rows);
  }
  text.add('carillon_state_used_bytes', {}, flow.memory.used);
  text.add('carillon_state_max_bytes', {}, flow.memory.limit);
  text.add('carillon_tasks', {}, flow.tasks);
  text.add('carillon_connections', {}, facts.connections);
  text.add('carillon_ready', {}, facts.ready ? 1 : 0);
  text.add('carillon_troubles', {}, flow.troubles.length);
  if (facts.gateway !== undefined) gatewayMetrics(text, facts.gateway);
  return (await text.written()) + ages(flow.lanes);
}

/** Each metric of the table is there, also when it has nothing to say yet. */
class MetricsText {
  readonly #registry = new Registry();
  readonly #metrics = new Map<string, Counter | Gauge>();

  constructor() {
    const registers = [this.#registry];
    for (const [name, { type, help, labels }] of Object.entries(METRICS)) {
      if (type === 'histogram') continue;
      const of = { name, help, labelNames: [...labels], registers };
      this.#metrics.set(name, type === 'counter' ? new Counter(of) : new Gauge(of));
    }
  }

  add<N extends CounterName | GaugeName>(name: N, labels: LabelsOf<N>, by: number): void {
    this.#metrics.get(name)!.inc(labels, by);
  }

  written(): Promise<string> {
    return this.#registry.metrics();
  }
}

function stepMetrics(text: MetricsText, counts: StepSnapshot): void {
  const at = { stream: counts.stream, step: counts.step };
  const ended = (verdict: string, reason: string, n: number) =>
    text.add('carillon_records_total', { ...at, verdict, reason }, n);
  text.add('carillon_step_records_in_total', at, counts.in);
  text.add('carillon_step_records_out_total', at, counts.out);
  text.add('carillon_records_held', at, counts.held);
  text.add('carillon_records_restored', at, counts.restored);
  for (const [count, n] of Object.entries(counts.counted)) {
    text.add('carillon_step_counts_total', { ...at, count }, n);
  }
  ended('passed', '', counts.passed);
  for (const [reason, n] of Object.entries(counts.dropped)) ended('dropped', reason, n);
  for (const [code, n] of Object.entries(counts.deadLettered)) ended('dead-lettered', code, n);
}

const placeOf = ({ sink, priority }: LaneSnapshot) => ({ sink, priority });

function laneMetrics(text: MetricsText, lane: LaneSnapshot): void {
  const at = placeOf(lane);
  text.add('carillon_deliveries_in_flight', at, lane.inFlight);
  text.add('carillon_deliveries_waiting', at, lane.waiting);
  for (const [outcome, n] of Object.entries(lane.outcomes)) {
    text.add('carillon_deliveries_total', { ...at, outcome }, n);
  }
}

function gatewayMetrics(text: MetricsText, { counts, closed }: GatewayFacts): void {
  for (const [event, n] of Object.entries(counts)) {
    text.add('carillon_gateway_events_total', { event }, n);
  }
  for (const [code, n] of closed) {
    text.add('carillon_gateway_closes_total', { code: String(code) }, n);
  }
}

/**
 * A histogram whose buckets were counted elsewhere; prom-client can only observe, so this is text.
 */
function ages(lanes: readonly LaneSnapshot[]): string {
  const name = 'carillon_event_age_at_delivery_ms';
  const lines = [`# HELP ${name} ${METRICS[name].help}`, `# TYPE ${name} histogram`];
  for (const lane of lanes) {
    const at = `sink="${lane.sink}",priority="${lane.priority}"`;
    let sum = 0;
    AGE_BUCKETS_MS.forEach((bound, i) => {
      sum += lane.ageBuckets[i] ?? 0;
      lines.push(`${name}_bucket{${at},le="${bound}"} ${sum}`);
    });
    lines.push(`${name}_bucket{${at},le="+Inf"} ${lane.ageCount}`);
    lines.push(`${name}_sum{${at}} ${lane.ageSumMs}`, `${name}_count{${at}} ${lane.ageCount}`);
  }
  return `${lines.join('\n')}\n`;
}
