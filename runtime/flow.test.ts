/** How an engine is doing, as data: sums of tasks and of processes, and quantiles of ages. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Engine } from './engine.ts';
import {
  ageQuantile,
  EMPTY_FLOW,
  type FlowSnapshot,
  type LaneSnapshot,
  mergeFlows,
  snapshotOf,
} from './flow.ts';
import { AGE_BUCKETS_MS } from './sinks/age-histogram.ts';

const counts = (n: number, dropped: object, codes: object, counted: object) => ({
  ...{ in: n, restored: 2 * n, passed: 3 * n, held: 4 * n, out: 5 * n },
  dropped: new Map(Object.entries(dropped)),
  deadLettered: new Map(Object.entries(codes)),
  counted: new Map(Object.entries(counted)),
});

const ENGINE = {
  flow: () => [
    {
      ...{ stream: 'a', priority: 'low', step: 'dedup' },
      counts: counts(1, { duplicate: 2 }, { CAR503: 1 }, { full: 1 }),
    },
    { stream: 'a', priority: 'high', step: 'dedup', counts: counts(10, {}, {}, {}) },
    {
      ...{ stream: 'a', priority: 'low', step: 'dedup' },
      counts: counts(100, { duplicate: 3, late: 1 }, { CAR503: 4 }, { full: 2 }),
    },
    { stream: 'b', priority: null, step: 'dedup', counts: counts(1, {}, {}, {}) },
    { stream: 'a', priority: 'low', step: 'to', counts: counts(1, {}, {}, {}) },
  ],
  laneFlow: () => [
    {
      ...{ sink: 'fcm', priority: 'low', inFlight: 2, waiting: 3 },
      outcomes: new Map([['delivered', 7]]),
      ages: { buckets: Float64Array.of(1, 2), sumMs: 30, count: 3 },
    },
  ],
  missed: () => [{ missed: 1 }],
  tasks: new Set([1, 2]),
  stores: () => [{ store: 's' }],
  memory: { used: 5, limit: 9 },
  troubles: () => ['so'],
} as unknown as Engine;

const LAGS = [{ group: 'g', topic: 't', lag: 4 }];
const times = (n: number) => ({
  ...{ in: n, restored: 2 * n, passed: 3 * n, held: 4 * n, out: 5 * n },
  ...{ dropped: {}, deadLettered: {}, counted: {} },
});
const SNAPSHOT = {
  steps: [
    {
      ...{ stream: 'a', priority: 'low', step: 'dedup', ...times(101) },
      ...{ dropped: { duplicate: 5, late: 1 }, deadLettered: { CAR503: 5 }, counted: { full: 3 } },
    },
    { stream: 'a', priority: 'high', step: 'dedup', ...times(10) },
    { stream: 'b', priority: null, step: 'dedup', ...times(1) },
    { stream: 'a', priority: 'low', step: 'to', ...times(1) },
  ],
  lanes: [
    {
      ...{ sink: 'fcm', priority: 'low', inFlight: 2, waiting: 3, outcomes: { delivered: 7 } },
      ...{ ageBuckets: [1, 2], ageSumMs: 30, ageCount: 3 },
    },
  ],
  lags: LAGS,
  missed: [{ missed: 1 }],
  tasks: 2,
  stores: [{ store: 's' }],
  memory: { used: 5, limit: 9 },
  troubles: ['so'],
} as unknown as FlowSnapshot;

test('the tasks of a step are one, of each stream and priority', () => {
  assert.deepEqual(snapshotOf(ENGINE, LAGS), SNAPSHOT);
});

test('of several threads or processes what is of one step, lane or topic is one', () => {
  assert.deepEqual(mergeFlows([]), EMPTY_FLOW);
  assert.deepEqual(mergeFlows([EMPTY_FLOW, SNAPSHOT]), SNAPSHOT);
  const [first, second, ...others] = SNAPSHOT.steps;
  const [lane] = SNAPSHOT.lanes;
  const other = {
    ...SNAPSHOT,
    steps: [
      { ...first!, dropped: { stale: 2, late: 4 } },
      { ...second!, stream: 'c' },
    ],
    lanes: [lane!, { ...lane!, priority: 'high' }, { ...lane!, sink: 'apns' }],
    lags: [...LAGS, { group: 'g', topic: 'u', lag: 1 }, { group: 'h', topic: 't', lag: 2 }],
  };
  assert.deepEqual(mergeFlows([SNAPSHOT, other]), {
    steps: [
      {
        ...{ stream: 'a', priority: 'low', step: 'dedup', ...times(202) },
        ...{ dropped: { duplicate: 5, late: 5, stale: 2 }, deadLettered: { CAR503: 10 } },
        counted: { full: 6 },
      },
      second,
      ...others,
      other.steps[1],
    ],
    lanes: [
      {
        ...{ sink: 'fcm', priority: 'low', inFlight: 4, waiting: 6, outcomes: { delivered: 14 } },
        ...{ ageBuckets: [2, 4], ageSumMs: 60, ageCount: 6 },
      },
      ...other.lanes.slice(1),
    ],
    lags: [{ group: 'g', topic: 't', lag: 8 }, ...other.lags.slice(1)],
    missed: [{ missed: 1 }, { missed: 1 }],
    tasks: 4,
    stores: [{ store: 's' }, { store: 's' }],
    memory: { used: 10, limit: 18 },
    troubles: ['so', 'so'],
  });
});

/** Ages by bucket: so many in each, the last one above all bounds. */
const lane = (ageBuckets: readonly number[]) =>
  ({ ageBuckets, ageCount: ageBuckets.reduce((a, b) => a + b, 0) }) as unknown as LaneSnapshot;
const [low, middle, high] = AGE_BUCKETS_MS;
const above = [...AGE_BUCKETS_MS.map(() => 0), 1];

const rows: readonly (readonly [
  what: string,
  lanes: readonly LaneSnapshot[],
  q: number,
  ms: number,
])[] = [
  ['nothing', [], 0.5, 0],
  ['none', [lane([0, 0])], 0.5, 0],
  ['one', [lane([1])], 0.99, low],
  ['half of two', [lane([1, 1])], 0.5, low],
  ['more than half of two', [lane([1, 1])], 0.51, middle],
  ['of two lanes', [lane([1]), lane([0, 0, 3])], 0.5, high],
  ['above all bounds', [lane(above)], 0.5, Number.POSITIVE_INFINITY],
];
for (const [what, lanes, q, ms] of rows) {
  test(`a quantile of ages: ${what}`, () => assert.equal(ageQuantile(lanes, q), ms));
}
