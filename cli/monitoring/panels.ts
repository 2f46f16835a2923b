/** What operators look at, and when they are called: PromQL over the metrics of the table. */

export interface Panel {
  readonly title: string;
  /** What a rise or a fall of it means. */
  readonly doc: string;
  readonly unit: 'short' | 'ops' | 'ms' | 'percentunit';
  /** With what each line of it is called, `{{label}}` for a label's value. */
  readonly lines: readonly { readonly expr: string; readonly legend: string }[];
}

export interface Alert {
  readonly name: string;
  readonly expr: string;
  /** How long it holds before somebody is called. */
  readonly lasts: string;
  readonly severity: 'page' | 'ticket';
  readonly summary: string;
  /** What to look at first. */
  readonly mend: string;
}

const RATE = '$__rate_interval';

export const PANELS: readonly Panel[] = [
  {
    title: 'Events in, by stream',
    doc: 'What the sources read a second. Nothing where something was: look at the producers, then at lag.',
    unit: 'ops',
    lines: [
      {
        expr: `sum by (stream) (rate(carillon_step_records_in_total{step="source"}[${RATE}]))`,
        legend: '{{stream}}',
      },
    ],
  },
  {
    title: 'Notifications out, by stream',
    doc: 'What goes to the lanes a second: one for each device that is told.',
    unit: 'ops',
    lines: [
      {
        expr: `sum by (stream) (rate(carillon_step_records_out_total{step=~"lane|to"}[${RATE}]))`,
        legend: '{{stream}}',
      },
    ],
  },
  {
    title: 'Dropped, by reason',
    doc: 'Duplicates, stale events, bursts that were folded: each reason is one that a step declares.',
    unit: 'ops',
    lines: [
      {
        expr: `sum by (reason) (rate(carillon_records_total{verdict="dropped"}[${RATE}]))`,
        legend: '{{reason}}',
      },
    ],
  },
  {
    title: 'Dead letters, by code',
    doc: 'What could not be used. `carillon explain <code>` says how to mend it, `carillon redrive` sends it again.',
    unit: 'ops',
    lines: [
      {
        expr: `sum by (reason) (rate(carillon_records_total{verdict="dead-lettered"}[${RATE}]))`,
        legend: '{{reason}}',
      },
    ],
  },
  {
    title: 'Held now, by step',
    doc: 'Waits in windows and for quiet hours to end. It is told later, and survives a restart.',
    unit: 'short',
    lines: [
      { expr: 'sum by (stream, step) (carillon_records_held) > 0', legend: '{{stream}}/{{step}}' },
    ],
  },
  {
    title: 'Lag, by group',
    doc: 'Records behind the end of their topics. A rising line is a part that is too slow, or stands.',
    unit: 'short',
    lines: [{ expr: 'sum by (group) (carillon_lag_records)', legend: '{{group}}' }],
  },
  {
    title: 'Deliveries, by sink and outcome',
    doc: 'Attempts a second, by how they ended.',
    unit: 'ops',
    lines: [
      {
        expr: `sum by (sink, outcome) (rate(carillon_deliveries_total[${RATE}]))`,
        legend: '{{sink}} {{outcome}}',
      },
    ],
  },
  {
    title: 'Age at delivery, 99th percentile',
    doc: "From the event's own time to its delivery, waiting in windows included.",
    unit: 'ms',
    lines: [
      {
        expr: `histogram_quantile(0.99, sum by (sink, priority, le) (rate(carillon_event_age_at_delivery_ms_bucket[${RATE}])))`,
        legend: '{{sink}} {{priority}}',
      },
    ],
  },
  {
    title: 'Deliveries that wait, and those under way',
    doc: 'Waiting: for their turn, a pause that a provider asked for, or a breaker.',
    unit: 'short',
    lines: [
      { expr: 'sum by (sink) (carillon_deliveries_waiting)', legend: '{{sink}} waiting' },
      { expr: 'sum by (sink) (carillon_deliveries_in_flight)', legend: '{{sink}} under way' },
    ],
  },
  {
    title: 'Connected devices, by gateway',
    doc: 'Open sockets and event streams.',
    unit: 'short',
    lines: [{ expr: 'carillon_connections', legend: '{{instance}}' }],
  },
  {
    title: 'Connections that ended, by close code',
    doc: 'docs/close-codes.md says what each means, and whether the device comes back.',
    unit: 'ops',
    lines: [
      {
        expr: `sum by (code) (rate(carillon_gateway_closes_total[${RATE}]))`,
        legend: '{{code}}',
      },
    ],
  },
  {
    title: 'Processes that are not ready',
    doc: '/health/ready of the process says why.',
    unit: 'short',
    lines: [
      { expr: '1 - carillon_ready', legend: '{{instance}}' },
      { expr: 'carillon_troubles', legend: '{{instance}} troubles' },
    ],
  },
];

export const ALERTS: readonly Alert[] = [
  {
    name: 'CarillonNotReady',
    expr: 'carillon_ready == 0',
    lasts: '2m',
    severity: 'page',
    summary: '{{ $labels.instance }} is not ready.',
    mend: 'GET /health/ready on its internal port says what it waits for.',
  },
  {
    name: 'CarillonMissedRecords',
    expr: 'increase(carillon_missed_records_total[10m]) > 0',
    lasts: '0m',
    severity: 'page',
    summary: '{{ $labels.topic }} lost records before {{ $labels.group }} had read them.',
    mend: "The topic's retention is shorter than the group's lag: raise it, then add processes.",
  },
  {
    name: 'CarillonLagGrows',
    expr: 'sum by (group) (carillon_lag_records) > 10000 and sum by (group) (deriv(carillon_lag_records[15m])) > 0',
    lasts: '15m',
    severity: 'page',
    summary: '{{ $labels.group }} falls behind.',
    mend: 'Look at deliveries that wait, at the load of its processes, and at /health/ready.',
  },
  {
    name: 'CarillonDeadLetters',
    expr: 'sum by (stream, reason) (increase(carillon_records_total{verdict="dead-lettered"}[15m])) > 10',
    lasts: '0m',
    severity: 'ticket',
    summary: '{{ $labels.stream }} has dead letters: {{ $labels.reason }}.',
    mend: 'carillon explain {{ $labels.reason }}, carillon tail dead-letters.',
  },
  {
    name: 'CarillonDeliveriesRejected',
    expr: 'sum by (sink) (rate(carillon_deliveries_total{outcome="rejected"}[15m])) > 0.1 * sum by (sink) (rate(carillon_deliveries_total[15m]))',
    lasts: '15m',
    severity: 'ticket',
    summary: '{{ $labels.sink }} refuses more than a tenth.',
    mend: 'carillon tail outcomes --where \'value.outcome == "rejected"\' says why.',
  },
  {
    name: 'CarillonDeliveriesWait',
    expr: 'sum by (sink, priority) (carillon_deliveries_waiting) > 1000',
    lasts: '10m',
    severity: 'ticket',
    summary: '{{ $labels.sink }} lets {{ $labels.priority }} wait.',
    mend: 'A breaker is open, or the provider asked for a pause: its log and /health/ready say which.',
  },
];
