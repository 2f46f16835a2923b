import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FlowAnswer, LaneCounts, StepCounts } from './answers.ts';
import { ageAt, eventsIn, FlowHistory, shownBy } from './rates.ts';

const step = (stream: string, name: string, more: Partial<StepCounts> = {}): StepCounts => ({
  stream,
  priority: 'high',
  step: name,
  in: 0,
  passed: 0,
  held: 0,
  out: 0,
  dropped: {},
  deadLettered: {},
  ...more,
});
const lane = (sink: string, delivered: number, more: Partial<LaneCounts> = {}): LaneCounts => ({
  sink,
  priority: 'high',
  outcomes: { delivered, expired: 3 },
  inFlight: 1,
  waiting: 0,
  ageBuckets: [],
  ageCount: 0,
  ...more,
});
const answer = (at: number, more: Partial<FlowAnswer> = {}): FlowAnswer => ({
  at,
  connections: 0,
  tasks: 1,
  steps: [],
  lanes: [],
  lags: [],
  missed: [],
  troubles: [],
  ageBoundsMs: [1, 10, 100],
  ...more,
});

const words = { rate: (n: number) => n.toFixed(1), count: String };

/** Of two answers, two seconds apart. */
const before = answer(1_000, {
  steps: [
    step('plan', 'source', { in: 100, dropped: { other_priority: 40 } }),
    step('plan', 'dedup', { in: 60, dropped: { late: 1 }, held: 9 }),
    step('plan', 'dedup', { priority: 'low', in: 1_000 }),
    step('fcm', 'source', { in: 500 }),
    step('devices-fold', 'source', { in: 500 }),
  ],
  lanes: [lane('fcm', 50)],
});
const after = answer(3_000, {
  steps: [
    step('plan', 'source', { in: 120, dropped: { other_priority: 50 } }),
    step('plan', 'dedup', { in: 70, dropped: { late: 4 }, held: 7 }),
    step('plan', 'dedup', { priority: 'low', in: 1_200 }),
    step('fcm', 'source', { in: 900 }),
    step('devices-fold', 'source', { in: 900 }),
  ],
  lanes: [lane('fcm', 58, { waiting: 4 })],
  lags: [
    { group: 'a', topic: 't', lag: 3 },
    { group: 'a', topic: 'u', lag: 4 },
    { group: 'b', topic: 't', lag: 100 },
  ],
});

const rows: readonly [key: string, shown: string][] = [
  ['in|high|plan|dedup', '5.0/s'],
  ['in|low|plan|dedup', '100.0/s'],
  ['in|high|plan|source', '5.0/s'],
  ['in|high|plan|target', ''],
  ['in||plan|dedup', ''],
  ['drop|high|plan|dedup|late', '1.5/s'],
  ['drop|high|plan|dedup|stale', ''],
  ['held|high|plan|dedup', '7 held'],
  ['held|low|plan|dedup', ''],
  ['told|high|fcm', '4.0/s'],
  ['told|low|fcm', ''],
  ['wait|high|fcm', '5 wait'],
  ['wait|low|fcm', ''],
  ['lag|a', '7 behind'],
  ['lag|a,b', '107 behind'],
  ['lag|c', ''],
];
for (const [key, shown] of rows) {
  test(`the picture shows at ${key}: ${shown === '' ? 'nothing' : shown}`, () => {
    const history = new FlowHistory();
    history.add(before);
    history.add(after);
    assert.equal(shownBy(history, words)(key), shown);
  });
}

test('nothing is shown before there is an answer, and no rate before there are two', () => {
  const history = new FlowHistory();
  const shown = shownBy(history, words);
  assert.equal(shown('lag|a'), '');
  history.add(after);
  assert.deepEqual([shown('in|high|plan|dedup'), shown('lag|a')], ['', '7 behind']);
});

test('events are those of use cases, each counted where it is told', () => {
  assert.equal(eventsIn(before), 60);
  assert.equal(eventsIn(after), 70);
});

test('a rate is over the last six answers, and begins anew with a process', () => {
  const history = new FlowHistory();
  const at = (n: number, read: number) =>
    answer(n * 1_000, { steps: [step('plan', 'source', { in: read })] });
  for (let n = 0; n < 5; n++) history.add(at(n, 0));
  for (let n = 5; n < 11; n++) history.add(at(n, 1_000 * (n - 4)));
  assert.equal(history.rate(eventsIn), 1_000);
  history.add(at(11, 3));
  assert.equal(history.rate(eventsIn), 0);
  history.add(at(12, 5));
  assert.equal(history.rate(eventsIn), 2);
  history.add(at(9, 500));
  assert.equal(history.rate(eventsIn), 0, 'its clock was set back');
});

const ages: readonly [
  buckets: readonly number[][],
  quantile: number,
  expected: number | undefined,
][] = [
  [[[0, 0, 0, 0]], 0.5, undefined],
  [[[10, 0, 0, 0]], 0.5, 1],
  [[[10, 10, 0, 0]], 0.5, 1],
  [[[10, 11, 0, 0]], 0.5, 10],
  [[[98, 0, 1, 1]], 0.99, 100],
  [[[98, 0, 0, 2]], 0.99, Number.POSITIVE_INFINITY],
  [
    [
      [1, 0, 0, 0],
      [0, 3, 0, 0],
    ],
    0.5,
    10,
  ],
];
for (const [buckets, quantile, expected] of ages) {
  test(`the age at ${quantile} of ${JSON.stringify(buckets)} is ${expected}`, () => {
    const lanes = buckets.map((counts) => {
      const ageCount = counts.reduce((sum, n) => sum + n, 0);
      return lane('fcm', 0, { ageBuckets: counts, ageCount });
    });
    assert.equal(ageAt(lanes, [1, 10, 100], quantile), expected);
  });
}
