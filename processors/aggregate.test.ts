import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AggregateCall, type AggregateName } from '../core/aggregate-call.ts';
import type { Record } from '../core/record.ts';
import { type Fed, START_MS, StepBench } from '../test/kit/steps.ts';
import { aggregate } from './aggregate.ts';

const call = (name: AggregateName, elementsMax = 0, isWhole = true) => {
  const of = { source: 'value.x', evaluate: (record: Record) => record.value.x };
  return new AggregateCall(`${name}(value.x)`, name, of, elementsMax, isWhole);
};
const COUNT = new AggregateCall('count()', 'count', null);
const N = { n: COUNT };

/** Event time in seconds from the start on; the clock stands still, as it decides nothing. */
const at = (time: number, key = 'k', x: unknown = time): Fed => ({ time, key, value: { x } });
/** Seconds from the epoch on. */
const early = (seconds: number): Fed => at(seconds - START_MS / 1000);

/** `k[0,10)=n @time`, in seconds. */
const told = (record: Record, offsetMs = START_MS) => {
  const { n, window_start: start, window_end: end, retracted } = record.value;
  const s = (ms: number) => (ms - offsetMs) / 1000;
  const gone = retracted === true ? '-' : '';
  const bounds = start === undefined ? '' : `[${s(start)},${s(end)}]`;
  return `${gone}${record.key}${bounds}=${n}@${s(record.timestamp)}`;
};

interface Row {
  readonly what: string;
  readonly options: { readonly [option: string]: unknown };
  readonly feed: readonly (readonly [record: Fed, verdict: string, ...told: string[]])[];
  readonly offsetMs?: number;
}

const PASSED = 'passed';
const LATE = 'dropped late';

const ROWS: readonly Row[] = [
  {
    what: 'no windows: one value a group, its time the latest (S12)',
    options: {},
    feed: [
      [at(5), PASSED, 'k=1@5'],
      [at(3), PASSED, 'k=2@5'],
      [at(4, 'l'), PASSED, 'l=1@4'],
    ],
  },
  {
    what: 'S8, S9: a record near the epoch is in fewer windows',
    options: { hopping: { size: '10s', advance: '5s' } },
    offsetMs: 0,
    feed: [
      [early(3), PASSED, 'k[0,10]=1@3'],
      [early(7), PASSED, 'k[0,10]=2@7', 'k[5,15]=1@7'],
    ],
  },
  {
    what: 'S10: a window takes records until stream time is grace behind its end',
    options: { tumbling: { size: '10s' }, grace: '5s' },
    feed: [
      [at(14), PASSED, 'k[10,20]=1@14'],
      [at(9), PASSED, 'k[0,10]=1@9'],
      [at(15), PASSED, 'k[10,20]=2@15'],
      [at(9), LATE],
    ],
  },
  {
    what: 'S11: a record may be late for one window and in time for another',
    options: { hopping: { size: '10s', advance: '5s' } },
    feed: [
      [at(10), PASSED, 'k[5,15]=1@10', 'k[10,20]=1@10'],
      [at(7), PASSED, 'k[5,15]=2@10'],
    ],
  },
  {
    what: 'S5: stream time is of all groups',
    options: { tumbling: { size: '10s' } },
    feed: [
      [at(3, 'a'), PASSED, 'a[0,10]=1@3'],
      [at(10, 'b'), PASSED, 'b[10,20]=1@10'],
      [at(4, 'a'), LATE],
    ],
  },
  {
    what: 'S17: sliding windows are those with different records',
    options: { sliding: { size: '10s' }, grace: '1h' },
    feed: [
      [at(20), PASSED, 'k[10,20]=1@20'],
      [at(25), PASSED, 'k[15,25]=2@25', 'k[20.001,30.001]=1@25'],
      [
        at(23),
        PASSED,
        'k[13,23]=2@23',
        'k[15,25]=3@25',
        'k[20.001,30.001]=2@25',
        'k[23.001,33.001]=1@25',
      ],
    ],
  },
  {
    what: 'S18: records of the first span share a window',
    options: { sliding: { size: '10s' }, grace: '1h' },
    offsetMs: 0,
    feed: [
      [early(4), PASSED, 'k[0,10]=1@4'],
      [early(2), PASSED, 'k[0,10]=2@4', 'k[2.001,12.001]=1@4'],
      [early(6), PASSED, 'k[0,10]=3@6', 'k[2.001,12.001]=2@6', 'k[4.001,14.001]=1@6'],
    ],
  },
  {
    what: 'S18: the end of a sliding window is in it',
    options: { sliding: { size: '10s' } },
    feed: [
      [at(30), PASSED, 'k[20,30]=1@30'],
      [at(20), PASSED, 'k[20,30]=2@30', 'k[20.001,30.001]=1@30'],
      [at(19.999), LATE],
    ],
  },
  {
    what: 'S19, S20: one session of two, and the former is told to be gone',
    options: { session: { gap: '5s' }, grace: '1h' },
    feed: [
      [at(0), PASSED, 'k[0,0]=1@0'],
      [at(10), PASSED, 'k[10,10]=1@10'],
      [at(5), PASSED, '-k[0,0]=1@0', '-k[10,10]=1@10', 'k[0,10]=3@10'],
      [at(7), PASSED, 'k[0,10]=4@10'],
      [at(15.001), PASSED, 'k[15.001,15.001]=1@15.001'],
    ],
  },
  {
    what: 'S21: an old record rides on a session that is open',
    options: { session: { gap: '5s' }, grace: '5s' },
    feed: [
      [at(30), PASSED, 'k[30,30]=1@30'],
      [at(19), LATE],
      [at(20), PASSED, 'k[20,20]=1@20'],
      [at(19), PASSED, '-k[20,20]=1@20', 'k[19,20]=2@20'],
    ],
  },
  {
    what: 'S22, S23: a final result when its window closes, by end, then key',
    options: { tumbling: { size: '10s' }, grace: '5s', emit: 'final' },
    feed: [
      [at(0, 'k1'), PASSED],
      [at(3, 'k2'), PASSED],
      [at(9, 'k1'), PASSED],
      [at(8, 'k1'), PASSED],
      [at(14.999, 'k3'), PASSED],
      [at(15, 'k3'), PASSED, 'k1[0,10]=3@9', 'k2[0,10]=1@3'],
      [at(1e4, 'k1'), PASSED, 'k3[10,20]=2@15'],
    ],
  },
  {
    what: 'S22: a session closes when it takes no more, and has one final result',
    options: { session: { gap: '5s' }, grace: '0s', emit: 'final' },
    feed: [
      [at(0, 'a'), PASSED],
      [at(5, 'b'), PASSED],
      [at(0, 'a'), PASSED],
      [at(5.001, 'b'), PASSED, 'a[0,0]=2@0'],
    ],
  },
  {
    what: 'a sliding window closes behind its end, which is in it',
    options: { sliding: { size: '10s' }, emit: 'final' },
    feed: [
      [at(20, 'a'), PASSED],
      [at(12, 'a'), PASSED],
      [at(20, 'a'), PASSED],
      [at(30.001, 'b'), PASSED, 'a[10,20]=3@20', 'a[12.001,22.001]=2@20'],
      [at(99, 'b'), PASSED, 'b[20.001,30.001]=1@30.001'],
    ],
  },
];

for (const restarts of [false, true]) {
  for (const { what, options, feed, offsetMs } of ROWS) {
    test(`${what}${restarts ? ', with restarts' : ''}`, () => {
      const bench = new StepBench(aggregate, { fields: N, ...options });
      for (const [record, verdict, ...results] of feed) {
        assert.equal(bench.feed(record), verdict, `at ${record.time}`);
        const out = bench.takeOut().map((one) => told(one, offsetMs));
        assert.deepEqual(out, results, `at ${record.time}`);
        if (restarts) bench.restart();
      }
    });
  }
}

const ALL = {
  n: COUNT,
  some: call('count'),
  sum: call('sum'),
  min: call('min'),
  max: call('max'),
  avg: call('avg'),
  first: call('first'),
  last: call('last'),
  all: call('collect', 3),
  different: call('distinct', 2),
};

test('the functions; null is skipped by those that take something', () => {
  const bench = new StepBench(aggregate, { fields: ALL });
  let leftOut = 0;
  const of = (time: number, x: unknown) => {
    assert.equal(bench.feed(at(time, 'k', x)), PASSED);
    leftOut += bench.counted('over_limit');
    bench.restart();
    return bench.takeOut()[0]!.value;
  };
  const none = { sum: null, min: null, max: null, avg: null, first: null, last: null };
  assert.deepEqual(of(5, null), { n: 1, some: 0, ...none, all: [], different: [] });
  of(6, 4);
  of(4, 7);
  of(6, 4);
  assert.deepEqual(of(4, -1), {
    n: 5,
    some: 4,
    sum: 14,
    min: -1,
    max: 7,
    avg: 3.5,
    first: 7,
    last: 4,
    all: [4, 7, 4],
    different: [4, 7],
  });
  assert.equal(leftOut, 2);
});

test('sums are exact within 64 bits; beyond, the record is a dead letter and changes nothing', () => {
  const bench = new StepBench(aggregate, {
    fields: { n: COUNT, sum: call('sum'), avg: call('avg') },
    hopping: { size: '10s', advance: '5s' },
    grace: '1h',
  });
  const big = (x: unknown) => ({
    ...at(7),
    value: undefined,
    prepare: (record: Record) => {
      record.value = { x };
    },
  });
  assert.equal(bench.feed(big(2n ** 63n - 2n)), PASSED);
  assert.equal(bench.feed(at(12, 'k', 1)), PASSED);
  bench.takeOut();
  bench.restart();
  assert.equal(bench.feed(at(7, 'k', 1)), 'dead-lettered CAR259');
  assert.equal(bench.feed(at(7, 'k', -3)), PASSED);
  const sums = bench.takeOut().map(({ value }) => [value.n, value.sum]);
  assert.deepEqual(sums, [
    [2, 2n ** 63n - 5n],
    [3, 2n ** 63n - 4n],
  ]);
});

test('what fails on a record is a dead letter, does not move stream time, and changes nothing', () => {
  const bench = new StepBench(aggregate, {
    fields: { n: COUNT, sum: call('sum') },
    tumbling: { size: '10s' },
  });
  assert.equal(bench.feed(at(1, 'k', 1)), PASSED);
  assert.equal(bench.feed(at(2, 'k', { no: 'number' })), 'dead-lettered CAR506');
  const torn = (record: Record) => {
    record.slice.decode = () => {
      throw new Error('torn');
    };
  };
  assert.equal(bench.feed({ ...at(1e6, 'k'), prepare: torn }), 'dead-lettered CAR506');
  assert.equal(bench.feed(at(3, 'k', 1)), PASSED);
  assert.deepEqual(
    bench.takeOut().map((one) => told(one)),
    ['k[0,10]=1@1', 'k[0,10]=2@3'],
  );
});

test('groups within a key, and their parts in the result', () => {
  const bench = new StepBench(aggregate, { by: ['key', 'value.x'], fields: N });
  for (const x of ['a', 'b', 'a', null]) bench.feed(at(1, 'k', x));
  const values = bench.takeOut().map(({ value }) => ({ ...value }));
  assert.deepEqual(values, [
    { x: 'a', n: 1 },
    { x: 'b', n: 1 },
    { x: 'a', n: 2 },
  ]);
  assert.deepEqual([...bench.counts.dropped], [['null_group', 1]]);
});

test('ids are of the record and the window; of a final result of the group and the window', () => {
  const ids = (options: { [option: string]: unknown }, ...feed: Fed[]) => {
    const bench = new StepBench(aggregate, { fields: N, ...options });
    for (const one of feed) bench.feed(one);
    return bench.takeOut().map(({ eventId }) => eventId.replaceAll(String(START_MS), '0'));
  };
  const e = (id: string, time: number): Fed => ({ ...at(time), eventId: id });
  assert.deepEqual(ids({}, e('e1', 1)), ['e1']);
  assert.deepEqual(ids({ tumbling: { size: '10s' } }, e('e1', 1)), ['e1@0']);
  const hour = String(START_MS + 3_600_000);
  assert.deepEqual(ids({ tumbling: { size: '1h' }, emit: 'final' }, e('e1', 1), e('e2', 7200)), [
    `k@0/${hour}`,
  ]);
  const session = ids({ session: { gap: '5s' } }, e('e1', 0), e('e2', 5));
  assert.deepEqual(session, ['e1@0', 'e2-@0', 'e2@0']);
});

test('full: time goes on to where the next window closes, which then takes no more', () => {
  const options = { tumbling: { size: '10s' }, grace: '1h', emit: 'final', fields: N };
  const bench = new StepBench(aggregate, { ...options, windows_max: 2 });
  assert.deepEqual(bench.feedAll([at(1), at(11), at(2)]), [PASSED, PASSED, PASSED]);
  assert.equal(bench.feed(at(21)), PASSED);
  assert.deepEqual(
    bench.takeOut().map((one) => told(one)),
    ['k[0,10]=2@2'],
  );
  assert.deepEqual(bench.feedAll([at(3), at(12)]), [LATE, PASSED]);
  assert.equal(bench.counted('closed_early'), 1);
  bench.restart();
  assert.equal(bench.feed(at(4)), LATE);
});

test('full: or it is dropped, and time goes on with it', () => {
  const options = { tumbling: { size: '10s' }, fields: N, windows_max: 1, on_full: 'drop' };
  const bench = new StepBench(aggregate, options);
  assert.deepEqual(bench.feedAll([at(1), at(2), at(11), at(12)]), [PASSED, PASSED, PASSED, PASSED]);
  const tight = new StepBench(aggregate, { ...options, grace: '1m' });
  assert.deepEqual(tight.feedAll([at(1), at(11), at(75), at(2)]), [
    PASSED,
    'dropped full',
    PASSED,
    LATE,
  ]);
});

test('full: without windows nothing closes', () => {
  const bench = new StepBench(aggregate, { fields: N, windows_max: 1 });
  assert.deepEqual(bench.feedAll([at(1, 'a'), at(1, 'b'), at(2, 'a')]), [
    PASSED,
    'dropped full',
    PASSED,
  ]);
});

test('nothing is kept of windows that nobody can ask for', () => {
  for (const [options, left] of [
    [{ tumbling: { size: '10s' } }, 1],
    [{ session: { gap: '5s' } }, 1],
    [{ sliding: { size: '5s' } }, 1],
  ] as const) {
    for (const emit of ['updates', 'final']) {
      const bench = new StepBench(aggregate, { fields: N, emit, grace: '3s', ...options });
      for (let second = 0; second < 300; second++) bench.feed(at(second, `k${second % 7}`));
      bench.feed(at(1e6, 'z'));
      const lists = 'tumbling' in options ? 0 : 1;
      // The sums, the last window, and its group's list.
      assert.equal(bench.store.size, 1 + left + lists, JSON.stringify(options));
    }
  }
});
