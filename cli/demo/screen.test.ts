import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LaneSnapshot, StepSnapshot } from '../../runtime/flow.ts';
import { FlowHistory, lineBlock } from './dashboard.ts';
import { type LiveSnapshot, sumsOf } from './flow-snapshot.ts';
import { ageOf, drawScreen, number, pairs, rateOf, type ScreenView } from './screen.ts';

const NONE = {
  in: 0,
  restored: 0,
  passed: 0,
  held: 0,
  out: 0,
  dropped: {},
  deadLettered: {},
  counted: {},
};
const step = (stream: string, name: string, counts: Partial<StepSnapshot>): StepSnapshot => ({
  priority: null,
  ...NONE,
  stream,
  step: name,
  ...counts,
});
const lane = (sink: string, priority: string, delivered: number): LaneSnapshot => ({
  sink,
  priority,
  outcomes: { delivered, offline: 2 },
  inFlight: 1,
  waiting: 0,
  ageBuckets: [0, 0, 0, 0, 0, delivered, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
  ageSumMs: 40 * delivered,
  ageCount: delivered,
});

const snapshot = (factor: number): LiveSnapshot => ({
  connections: 3,
  flow: {
    tasks: 4,
    stores: [],
    memory: { used: 0, limit: 0 },
    troubles: ['sink/fcm/low: no answer within 5000 ms'],
    missed: [],
    lags: [
      { group: 'reno.streams.high', topic: 'events.profile-change', lag: 2 },
      { group: 'reno.sink.fcm.low', topic: 'notifications.low.fcm', lag: 9 },
    ],
    steps: [
      // Two priorities read the same topic: each passes by what belongs to the other.
      step('profile-change', 'source', {
        in: 20 * factor,
        dropped: { other_priority: 10 * factor },
      }),
      step('profile-change', 'dedup', { in: 10 * factor, dropped: { duplicate: 3 * factor } }),
      step('profile-change', 'lane', { out: 21 * factor }),
      step('viewing-activity', 'source', { in: 100 * factor, deadLettered: { CAR508: 1 } }),
      step('viewing-activity', 'coalesce', { held: 7, dropped: { superseded: 50 * factor } }),
      step('devices-fold', 'source', { in: 5 }),
      step('websocket', 'source', { in: 5 }),
    ],
    lanes: [lane('websocket', 'critical', 4 * factor), lane('websocket', 'low', 6 * factor)],
  },
});

const ORDER = ['viewing-activity', 'profile-change'];
const LINKS = [{ what: 'metrics', how: 'http://127.0.0.1:7400/metrics' }];

function view(): ScreenView {
  const history = new FlowHistory(ORDER);
  history.add(0, sumsOf(snapshot(1), ORDER, 'critical'));
  history.add(1_000, sumsOf(snapshot(2), ORDER, 'critical'));
  return history.view(LINKS);
}

test('sums: what other priorities own is not in, and device folds are no use cases', () => {
  const { useCases, sinks, lag } = sumsOf(snapshot(1), ORDER, 'critical');
  assert.deepEqual(
    useCases.map(({ name, in: read, deadLetters, held, out }) => [
      name,
      read,
      deadLetters,
      held,
      out,
    ]),
    [
      ['viewing-activity', 100, 1, 7, 0],
      ['profile-change', 10, 0, 0, 21],
    ],
  );
  assert.deepEqual(useCases[1]!.dropped, [['duplicate', 3]]);
  assert.equal(lag, 2);
  assert.deepEqual(
    sinks.map(({ name, delivered, others, ageMsP99 }) => [name, delivered, others, ageMsP99]),
    [['websocket', 10, [['offline', 4]], 50]],
  );
});

for (const [columns, rows] of [
  [80, 24],
  [120, 40],
  [72, 12],
] as const) {
  test(`the screen fits into ${columns} × ${rows}`, () => {
    const lines = drawScreen(view(), { columns, rows });
    assert.ok(lines.length <= rows);
    for (const line of lines) assert.ok(line.length <= columns, `${line.length}: ${line}`);
    assert.ok(lines.some((line) => line.includes('viewing-activity') && line.includes('200')));
  });
}

test('the screen at 80 columns, as it is', () => {
  assert.deepEqual(drawScreen(view(), { columns: 80, rows: 24 }).slice(0, 11), [
    ' CARILLON  one event in, every device told               00:00:01   Ctrl-C ends ',
    '',
    ' USE CASE                    IN    /s  DROPPED                  HELD DEAD    OUT',
    ' viewing-activity           200   100  superseded 100              7    1      0',
    ' profile-change              20    10  duplicate 6                 0    0     42',
    '',
    ' TOLD BY     DELIVERED    /s  NOT DELIVERED            AGE p50     p99  critical',
    ' websocket          20    10  offline 4                  ≤50ms   ≤50ms     ≤50ms',
    '',
    ' 3 devices connected  ·  2 events behind  ·  2 deliveries under way',
    ' ! sink/fcm/low: no answer within 5000 ms',
  ]);
});

test('a start that takes over what was held says so', () => {
  const sums = { ...view().sums, restored: 43 };
  const [title] = drawScreen({ ...view(), sums }, { columns: 80, rows: 24 });
  assert.match(title!, /^ CARILLON {2}goes on, with 43 events that were held +00:00:01/);
});

test('the lines of a log hold the same, without cursor and colour', () => {
  const block = lineBlock(view());
  assert.match(block, /^\[1 s\] 3 devices connected, 2 events behind\n/);
  assert.match(block, /viewing-activity +in +200 \(100\/s\).*dropped: superseded 100\n/);
  assert.ok(!block.includes('\u001b'));
});

const numbers: readonly [number, string][] = [
  [0, '0'],
  [9_999, '9,999'],
  [12_345, '12.3k'],
  [123_456, '123k'],
  [2_500_000, '2.5M'],
];
for (const [n, text] of numbers) test(`${n} is ${text}`, () => assert.equal(number(n), text));

test('rates and ages', () => {
  assert.deepEqual([0, 0.25, 9.94, 120].map(rateOf), ['·', '0.3', '9.9', '120']);
  assert.deepEqual([0, 50, 2_000, 60_000, Infinity].map(ageOf), [
    '·',
    '≤50ms',
    '≤2s',
    '≤1m',
    '>5m',
  ]);
});

test('reasons: as many as fit, the rest as a number', () => {
  const all: [string, number][] = [
    ['superseded', 4_800],
    ['duplicate', 33],
    ['stale', 2],
  ];
  assert.equal(pairs(all, 60), 'superseded 4.8k  duplicate 33  stale 2');
  assert.equal(pairs(all, 34), 'superseded 4.8k  duplicate 33  +1');
  assert.equal(pairs(all, 20), 'superseded 4.8k  +2');
  assert.equal(pairs(all, 8), 'superse…');
  assert.equal(pairs([], 8), '');
});
