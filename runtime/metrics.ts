/**
 * The Prometheus text of a flow. Nothing is counted for it on the way of a record: it is made from
 * the verdict counts when somebody asks. Labels never name a device, a member or a key.
 */
import { Counter, Gauge, Registry } from 'prom-client';
import type { FlowSnapshot, LaneSnapshot } from './flow.ts';
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
  const registry = new Registry();
  const registers = [registry];
  const records = new Counter({
    name: 'carillon_records_total',
    help: 'Records by step and verdict: in + restored = all verdicts + held, at every scrape.',
    labelNames: ['stream', 'step', 'verdict', 'reason'],
    registers,
  });
  const read = new Counter({
    name: 'carillon_step_records_in_total',
    help: 'Records that a step was given.',
    labelNames: ['stream', 'step'],
    registers,
  });
  const sent = new Counter({
    name: 'carillon_step_records_out_total',
    help: 'Records that a step sent on; a fan-out makes many of one.',
    labelNames: ['stream', 'step'],
    registers,
  });
  const held = new Gauge({
    name: 'carillon_records_held',
    help: 'Records in windows, buffers and deliveries now.',
    labelNames: ['stream', 'step'],
    registers,
  });
  const restored = new Gauge({
    name: 'carillon_records_restored',
    help: 'Records that came held with a task, less those that left so with one.',
    labelNames: ['stream', 'step'],
    registers,
  });
  const counted = new Counter({
    name: 'carillon_step_counts_total',
    help: 'What a step counts beside its verdicts: devices over a limit, identities forgotten.',
    labelNames: ['stream', 'step', 'count'],
    registers,
  });
  for (const step of flow.steps) {
    const at = { stream: step.stream, step: step.step };
    read.inc(at, step.in);
    restored.inc(at, step.restored);
    sent.inc(at, step.out);
    held.inc(at, step.held);
    for (const [count, n] of Object.entries(step.counted)) counted.inc({ ...at, count }, n);
    records.inc({ ...at, verdict: 'passed', reason: '' }, step.passed);
    for (const [reason, n] of Object.entries(step.dropped)) {
      records.inc({ ...at, verdict: 'dropped', reason }, n);
    }
    for (const [reason, n] of Object.entries(step.deadLettered)) {
      records.inc({ ...at, verdict: 'dead-lettered', reason }, n);
    }
  }
  laneMetrics(flow, registers);
  processMetrics(flow, facts, registers);
  if (facts.gateway !== undefined) gatewayMetrics(facts.gateway, registers);
  return (await registry.metrics()) + ages(flow.lanes);
}

function laneMetrics(flow: FlowSnapshot, registers: Registry[]): void {
  const outcomes = new Counter({
    name: 'carillon_deliveries_total',
    help: 'Attempts to deliver, by how they ended; ambiguous: tried again, and may have been delivered.',
    labelNames: ['sink', 'priority', 'outcome'],
    registers,
  });
  const inFlight = new Gauge({
    name: 'carillon_deliveries_in_flight',
    help: 'Deliveries that wait for an answer now.',
    labelNames: ['sink', 'priority'],
    registers,
  });
  const waiting = new Gauge({
    name: 'carillon_deliveries_waiting',
    help: 'Deliveries that wait for their turn, for a pause or for a breaker.',
    labelNames: ['sink', 'priority'],
    registers,
  });
  for (const lane of flow.lanes) {
    const at = { sink: lane.sink, priority: lane.priority };
    inFlight.inc(at, lane.inFlight);
    waiting.inc(at, lane.waiting);
    for (const [outcome, n] of Object.entries(lane.outcomes)) outcomes.inc({ ...at, outcome }, n);
  }
}

function gatewayMetrics({ counts, closed }: GatewayFacts, registers: Registry[]): void {
  const events = new Counter({
    name: 'carillon_gateway_events_total',
    help: 'What the gateway counts: frames, acknowledgements, fills, facts that the log never got.',
    labelNames: ['event'],
    registers,
  });
  for (const [event, n] of Object.entries(counts)) events.inc({ event }, n);
  const closes = new Counter({
    name: 'carillon_gateway_closes_total',
    help: 'Connections that ended, by close code (docs/close-codes.md).',
    labelNames: ['code'],
    registers,
  });
  for (const [code, n] of closed) closes.inc({ code: String(code) }, n);
}

function processMetrics(flow: FlowSnapshot, facts: ProcessFacts, registers: Registry[]): void {
  const lag = new Gauge({
    name: 'carillon_lag_records',
    help: 'How far behind the end of a topic a group is, over the partitions of this process.',
    labelNames: ['group', 'topic'],
    registers,
  });
  for (const { group, topic, lag: records } of flow.lags) lag.inc({ group, topic }, records);
  const missed = new Counter({
    name: 'carillon_missed_records_total',
    help: 'Records that were deleted from a topic before a group had read them.',
    labelNames: ['group', 'topic'],
    registers,
  });
  for (const { group, topic, offsets } of flow.missed) missed.inc({ group, topic }, offsets);
  const gauge = (name: string, help: string, value: number) =>
    new Gauge({ name, help, registers }).set(value);
  gauge('carillon_tasks', 'Tasks of this process.', flow.tasks);
  gauge('carillon_connections', 'Devices that are connected to this gateway.', facts.connections);
  gauge('carillon_ready', '1 when /health/ready is content.', facts.ready ? 1 : 0);
  gauge('carillon_troubles', 'Tasks and lanes that cannot go on now.', flow.troubles.length);
}

/**
 * A histogram whose buckets were counted elsewhere; prom-client can only observe, so this is text.
 */
function ages(lanes: readonly LaneSnapshot[]): string {
  const name = 'carillon_event_age_at_delivery_ms';
  const lines = [
    `# HELP ${name} Milliseconds from the event's time to its delivery.`,
    `# TYPE ${name} histogram`,
  ];
  for (const lane of lanes) {
    const at = `lane="${lane.priority}",transport="${lane.sink}"`;
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
