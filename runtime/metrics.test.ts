import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FlowSnapshot } from './flow.ts';
import { METRICS } from './metric-table.ts';
import { metricsText } from './metrics.ts';

const FLOW = {
  steps: [
    {
      stream: 'plan-change',
      step: 'fan_out',
      in: 3,
      restored: 0,
      passed: 1,
      dropped: { no_devices: 1 },
      deadLettered: { CAR506: 1 },
      held: 0,
      out: 64,
      counted: { over_limit: 236 },
    },
  ],
  lanes: [],
  lags: [],
  missed: [],
  stores: [{ store: 't.critical.a.dedup', rows: 3, bytes: 270 }],
  memory: { used: 250, limit: 1_000 },
  tasks: 1,
  troubles: [],
} as unknown as FlowSnapshot;

test('every verdict of a step, and what it counts beside them', async () => {
  const text = await metricsText(FLOW, { connections: 2, ready: true });
  const lines = text.split('\n').filter((line) => /^carillon_(records_total|step)/.test(line));
  const at = 'stream="plan-change",step="fan_out"';
  assert.deepEqual(lines.sort(), [
    `carillon_records_total{${at},verdict="dead-lettered",reason="CAR506"} 1`,
    `carillon_records_total{${at},verdict="dropped",reason="no_devices"} 1`,
    `carillon_records_total{${at},verdict="passed",reason=""} 1`,
    `carillon_step_counts_total{${at},count="over_limit"} 236`,
    `carillon_step_records_in_total{${at}} 3`,
    `carillon_step_records_out_total{${at}} 64`,
  ]);
});

test('what a gateway has counted, and why connections ended', async () => {
  const gateway = { counts: { opened: 3, reportsLost: 0 }, closed: new Map([[3003, 2]]) };
  const text = await metricsText(FLOW, { connections: 1, ready: true, gateway });
  assert.deepEqual(
    text.split('\n').filter((line) => line.startsWith('carillon_gateway')),
    [
      'carillon_gateway_events_total{event="opened"} 3',
      'carillon_gateway_events_total{event="reportsLost"} 0',
      'carillon_gateway_closes_total{code="3003"} 2',
    ],
  );
});

test('each metric of the table is there from the start, with what it is', async () => {
  const text = await metricsText(FLOW, { connections: 0, ready: false });
  for (const [name, { help, type }] of Object.entries(METRICS)) {
    assert.ok(text.includes(`# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`), name);
  }
  assert.equal(text.match(/^# TYPE/gm)!.length, Object.keys(METRICS).length);
});

test('how old events were at their delivery, bucket by bucket', async () => {
  const lane = {
    sink: 'fcm',
    priority: 'high',
    outcomes: { delivered: 3 },
    inFlight: 2,
    waiting: 5,
    ageBuckets: [1, 0, 1, ...new Array(13).fill(0), 1],
    ageSumMs: 400_004,
    ageCount: 3,
  };
  const text = await metricsText({ ...FLOW, lanes: [lane] }, { connections: 0, ready: true });
  const at = 'sink="fcm",priority="high"';
  const ages = text.split('\n').filter((line) => line.startsWith('carillon_event_age'));
  assert.deepEqual(
    [ages.slice(0, 4), ages.slice(-4)],
    [
      ['1"} 1', '2"} 1', '5"} 2', '10"} 2'].map(
        (end) => `carillon_event_age_at_delivery_ms_bucket{${at},le="${end}`,
      ),
      [
        `carillon_event_age_at_delivery_ms_bucket{${at},le="300000"} 2`,
        `carillon_event_age_at_delivery_ms_bucket{${at},le="+Inf"} 3`,
        `carillon_event_age_at_delivery_ms_sum{${at}} 400004`,
        `carillon_event_age_at_delivery_ms_count{${at}} 3`,
      ],
    ],
  );
  assert.deepEqual(
    text.split('\n').filter((line) => line.startsWith('carillon_deliveries')),
    [
      `carillon_deliveries_total{${at},outcome="delivered"} 3`,
      `carillon_deliveries_in_flight{${at}} 2`,
      `carillon_deliveries_waiting{${at}} 5`,
    ],
  );
});

test('what state takes, by store, and of what it may take', async () => {
  const text = await metricsText(FLOW, { connections: 0, ready: true });
  assert.match(text, /^carillon_state_bytes\{store="t.critical.a.dedup"\} 270$/m);
  assert.match(text, /^carillon_state_rows\{store="t.critical.a.dedup"\} 3$/m);
  assert.match(text, /^carillon_state_used_bytes 250$/m);
  assert.match(text, /^carillon_state_max_bytes 1000$/m);
});

test('lag and what was missed, by group and topic', async () => {
  const at = { group: 'g', topic: 't' };
  const flow = { ...FLOW, lags: [{ ...at, lag: 7 }], missed: [{ ...at, offsets: 4 }] };
  const text = await metricsText(flow as unknown as FlowSnapshot, { connections: 0, ready: false });
  assert.match(text, /^carillon_lag_records\{group="g",topic="t"\} 7$/m);
  assert.match(text, /^carillon_missed_records_total\{group="g",topic="t"\} 4$/m);
  assert.match(text, /^carillon_ready 0$/m);
});
