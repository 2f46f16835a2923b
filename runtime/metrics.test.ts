import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FlowSnapshot } from './flow.ts';
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
