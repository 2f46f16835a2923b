/** All metrics of a process, in the order of its text: what each counts, and by which labels. */

export interface MetricEntry {
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** The sentence that stands with it in the text. */
  readonly help: string;
  readonly labels: readonly string[];
}

export const METRICS = {
  carillon_records_total: {
    type: 'counter',
    help: 'Records by step and verdict: in + restored = all verdicts + held, at every scrape.',
    labels: ['stream', 'step', 'verdict', 'reason'],
  },
  carillon_step_records_in_total: {
    type: 'counter',
    help: 'Records that a step was given.',
    labels: ['stream', 'step'],
  },
  carillon_step_records_out_total: {
    type: 'counter',
    help: 'Records that a step sent on; a fan-out makes many of one.',
    labels: ['stream', 'step'],
  },
  carillon_records_held: {
    type: 'gauge',
    help: 'Records in windows, buffers and deliveries now.',
    labels: ['stream', 'step'],
  },
  carillon_records_restored: {
    type: 'gauge',
    help: 'Records that came held with a task, less those that left so with one.',
    labels: ['stream', 'step'],
  },
  carillon_step_counts_total: {
    type: 'counter',
    help: 'What a step counts beside its verdicts: devices over a limit, identities forgotten.',
    labels: ['stream', 'step', 'count'],
  },
  carillon_deliveries_total: {
    type: 'counter',
    help: 'Attempts to deliver, by how they ended; ambiguous: tried again, and may have been delivered.',
    labels: ['sink', 'priority', 'outcome'],
  },
  carillon_deliveries_in_flight: {
    type: 'gauge',
    help: 'Deliveries that wait for an answer now.',
    labels: ['sink', 'priority'],
  },
  carillon_deliveries_waiting: {
    type: 'gauge',
    help: 'Deliveries that wait for their turn, for a pause or for a breaker.',
    labels: ['sink', 'priority'],
  },
  carillon_event_age_at_delivery_ms: {
    type: 'histogram',
    help: "Milliseconds from the event's time to its delivery.",
    labels: ['sink', 'priority'],
  },
  carillon_lag_records: {
    type: 'gauge',
    help: 'How far behind the end of a topic a group is, over the partitions of this process.',
    labels: ['group', 'topic'],
  },
  carillon_missed_records_total: {
    type: 'counter',
    help: 'Records that were deleted from a topic before a group had read them.',
    labels: ['group', 'topic'],
  },
  carillon_state_bytes: {
    type: 'gauge',
    help: 'Memory that a store has, over the tasks of this process.',
    labels: ['store'],
  },
  carillon_state_rows: {
    type: 'gauge',
    help: 'Rows of a store, over the tasks of this process.',
    labels: ['store'],
  },
  carillon_state_used_bytes: {
    type: 'gauge',
    help: 'Memory that all state and all tables of this process need.',
    labels: [],
  },
  carillon_state_max_bytes: {
    type: 'gauge',
    help: 'Memory that they may need (`state.memory_max`).',
    labels: [],
  },
  carillon_tasks: { type: 'gauge', help: 'Tasks of this process.', labels: [] },
  carillon_connections: {
    type: 'gauge',
    help: 'Devices that are connected to this gateway.',
    labels: [],
  },
  carillon_ready: { type: 'gauge', help: '1 when /health/ready is content.', labels: [] },
  carillon_troubles: {
    type: 'gauge',
    help: 'Tasks and lanes that cannot go on now.',
    labels: [],
  },
  carillon_gateway_events_total: {
    type: 'counter',
    help: 'What the gateway counts: frames, acknowledgements, fills, facts that the log never got.',
    labels: ['event'],
  },
  carillon_gateway_closes_total: {
    type: 'counter',
    help: 'Connections that ended, by close code (docs/close-codes.md).',
    labels: ['code'],
  },
} as const satisfies { readonly [name: string]: MetricEntry };

export type MetricName = keyof typeof METRICS;
type Named<K extends MetricEntry['type']> = {
  [N in MetricName]: (typeof METRICS)[N]['type'] extends K ? N : never;
}[MetricName];
export type CounterName = Named<'counter'>;
export type GaugeName = Named<'gauge'>;
export type LabelsOf<N extends MetricName> = {
  readonly [L in (typeof METRICS)[N]['labels'][number]]: string;
};
