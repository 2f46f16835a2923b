import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Fed, StepBench } from '../test/kit/steps.ts';
import { dedup } from './dedup.ts';

/** `[event time in seconds, id, verdict, offset when it is not the next]` */
type Row = readonly [number, string | null, string, number?];

const OPTIONS = { within: '10s' };
const fed = (time: number, id: string | null, offset?: number): Fed => ({
  time,
  value: { eventId: id },
  ...(offset !== undefined && { offset }),
});

function check(bench: StepBench, rows: readonly Row[]): void {
  for (const [time, id, verdict, offset] of rows) {
    assert.equal(bench.feed(fed(time, id, offset)), verdict, `${id} at ${time}s`);
  }
}

const tables: readonly [string, object, readonly Row[]][] = [
  [
    'a repeat within the span is dropped, other identities are not',
    {},
    [
      [0, 'a', 'passed'],
      [1, 'a', 'dropped duplicate'],
      [1, 'b', 'passed'],
      [10, 'a', 'dropped duplicate'],
      [10.001, 'a', 'passed'],
    ],
  ],
  [
    'first_seen: a steady repeater comes through once per span (S52)',
    {},
    [
      [0, 'a', 'passed'],
      [6, 'a', 'dropped duplicate'],
      [12, 'a', 'passed'],
      [18, 'a', 'dropped duplicate'],
      [24, 'a', 'passed'],
    ],
  ],
  [
    'last_seen: a steady repeater stays silent until it pauses (S52)',
    { anchor: 'last_seen' },
    [
      [0, 'a', 'passed'],
      [6, 'a', 'dropped duplicate'],
      [12, 'a', 'dropped duplicate'],
      [22, 'a', 'dropped duplicate'],
      [33, 'a', 'passed'],
    ],
  ],
  [
    'older than the one remembered by at most the span: a duplicate (S53)',
    {},
    [
      [20, 'a', 'passed'],
      [15, 'a', 'dropped duplicate'],
      [10, 'a', 'dropped duplicate'],
    ],
  ],
  [
    'an old record does not move the anchor back',
    { anchor: 'last_seen' },
    [
      [20, 'a', 'passed'],
      [12, 'a', 'dropped duplicate'],
      [30, 'a', 'dropped duplicate'],
    ],
  ],
  [
    'what cannot be judged passes by default (S53)',
    {},
    [
      [100, 'a', 'passed'],
      [89, 'a', 'passed'],
      [89, 'b', 'passed'],
      [90, 'c', 'passed'],
      [90, 'c', 'dropped duplicate'],
    ],
  ],
  [
    'or is dropped, by policy',
    { late: 'drop' },
    [
      [100, 'a', 'passed'],
      [89, 'a', 'dropped late'],
      [89, 'b', 'dropped late'],
      [90, 'c', 'passed'],
    ],
  ],
  [
    'up to the span behind stream time every record is judged exactly',
    {},
    [
      [81, 'a', 'passed'],
      [100, 'x', 'passed'],
      [90.5, 'a', 'dropped duplicate'],
      [92, 'a', 'passed'],
    ],
  ],
  [
    'a null identity passes (S49)',
    {},
    [
      [0, null, 'passed'],
      [0, null, 'passed'],
    ],
  ],
  [
    'the very record that passed passes again (S50)',
    {},
    [
      [0, 'a', 'passed', 5],
      [1, 'a', 'dropped duplicate', 6],
      [0, 'a', 'passed', 5],
      [1, 'a', 'dropped duplicate', 6],
    ],
  ],
  [
    'with last_seen too: a dropped repeat does not take its place',
    { anchor: 'last_seen' },
    [
      [0, 'a', 'passed', 5],
      [9, 'a', 'dropped duplicate', 6],
      [18, 'a', 'dropped duplicate', 7],
      [0, 'a', 'passed', 5],
      [9, 'a', 'dropped duplicate', 6],
    ],
  ],
];

for (const [name, options, rows] of tables) {
  test(name, () => check(new StepBench(dedup, { ...OPTIONS, ...options }), rows));
  test(`${name}; the same with a restart before every record (S56)`, () => {
    const bench = new StepBench(dedup, { ...OPTIONS, ...options });
    for (const row of rows) {
      check(bench, [row]);
      bench.restart();
    }
  });
}

test('the same offset of another partition or topic is another record', () => {
  const bench = new StepBench(dedup, OPTIONS);
  assert.equal(bench.feed({ ...fed(0, 'a', 5), partition: 1 }), 'passed');
  assert.equal(bench.feed({ ...fed(0, 'a', 5), partition: 2 }), 'dropped duplicate');
  assert.equal(
    bench.feed({ ...fed(0, 'a', 5), partition: 1, topic: 'other' }),
    'dropped duplicate',
  );
  assert.equal(bench.feed({ ...fed(0, 'a', 5), partition: 1 }), 'passed');
});

test('state ahead of the offsets: a crash repeats records and loses none (S51)', () => {
  const bench = new StepBench(dedup, OPTIONS);
  const log: readonly Fed[] = [
    ...['a', 'b', 'a', 'c', 'b', 'd', 'a'].map((id, offset) => fed(offset, id, offset)),
    // Out of order, and a window later.
    fed(3, 'c', 7),
    fed(12, 'a', 8),
    fed(13, 'b', 9),
  ];
  const before = bench.feedAll(log);
  bench.restart();
  assert.deepEqual(
    [0, 1, 2, 3, 4, 5, 6].map((n) => before[n]),
    [
      'passed',
      'passed',
      'dropped duplicate',
      'passed',
      'dropped duplicate',
      'passed',
      'dropped duplicate',
    ],
  );
  // None of the offsets was committed: everything is read once more, whatever passed passes again.
  const after = bench.feedAll(log);
  for (const [n, verdict] of before.entries()) {
    if (verdict === 'passed') assert.equal(after[n], 'passed', `offset ${n}`);
  }
});

test('over keys_max the oldest is forgotten, and counted', () => {
  const bench = new StepBench(dedup, { ...OPTIONS, keys_max: 2 });
  check(bench, [
    [0, 'a', 'passed'],
    [1, 'b', 'passed'],
    [2, 'c', 'passed'],
    [3, 'c', 'dropped duplicate'],
    [3, 'b', 'dropped duplicate'],
    [3, 'a', 'passed'],
    [4, 'b', 'passed'],
  ]);
  assert.equal(bench.counted('forgotten'), 3);
});

test('with last_seen the one seen longest ago is the oldest', () => {
  const bench = new StepBench(dedup, { ...OPTIONS, keys_max: 2, anchor: 'last_seen' });
  check(bench, [
    [0, 'a', 'passed'],
    [1, 'b', 'passed'],
    [2, 'a', 'dropped duplicate'],
    [3, 'c', 'passed'],
    [4, 'a', 'dropped duplicate'],
    [4, 'b', 'passed'],
  ]);
});

test('with first_seen it is the one whose span began longest ago', () => {
  const bench = new StepBench(dedup, { ...OPTIONS, keys_max: 2 });
  check(bench, [
    [0, 'a', 'passed'],
    [5, 'b', 'passed'],
    [11, 'a', 'passed'],
    [12, 'c', 'passed'],
    [12, 'a', 'dropped duplicate'],
    [12, 'b', 'passed'],
  ]);
});

test('keys_max of 1 holds one', () => {
  const bench = new StepBench(dedup, { ...OPTIONS, keys_max: 1 });
  check(bench, [
    [0, 'a', 'passed'],
    [0, 'a', 'dropped duplicate'],
    [0, 'b', 'passed'],
    [0, 'b', 'dropped duplicate'],
    [0, 'a', 'passed'],
  ]);
});

test('identities out of the span are purged: the store does not grow with time', () => {
  const bench = new StepBench(dedup, OPTIONS);
  let greatest = 0;
  for (let n = 0; n < 2_000; n++) {
    bench.feed(fed(n * 0.1, `e-${n}`));
    greatest = Math.max(greatest, bench.store.size);
  }
  // Twice 10 s at 10 a second, the bounds, and the row of stream time.
  assert.equal(greatest, 202);
  assert.equal(bench.counted('forgotten'), 0);
});

test('null identities and late records are counted', () => {
  const bench = new StepBench(dedup, { ...OPTIONS, late: 'drop' });
  bench.feedAll([fed(100, 'a'), fed(0, null), fed(1, 'b'), fed(2, 'c')]);
  assert.equal(bench.counted('null_identity'), 1);
  assert.equal(bench.counted('late'), 2);
  assert.deepEqual([...bench.counts.dropped], [['late', 2]]);
});

test('an identity of two paths', () => {
  const bench = new StepBench(dedup, { ...OPTIONS, by: ['value.profileId', 'value.titleId'] });
  const value = (profileId: string, titleId: string) => ({ value: { profileId, titleId } });
  assert.deepEqual(bench.feedAll([value('a', 'bc'), value('ab', 'c'), value('a', 'bc')]), [
    'passed',
    'passed',
    'dropped duplicate',
  ]);
});

/** A few ids, times that go on and back, sometimes a restart, sometimes an old offset once more. */
const history = fc.array(
  fc.record({
    id: fc.constantFrom('a', 'b', 'c'),
    forth: fc.integer({ min: -12, max: 9 }),
    restart: fc.boolean(),
    again: fc.option(fc.nat(), { freq: 5 }),
  }),
  { maxLength: 60 },
);

/** First seen, and nothing ever forgotten: `judge` says what a record at that time should get. */
class Unforgetting {
  readonly #passed = new Map<string, { time: number; offset: number }>();

  judge(id: string, time: number, offset: number): string {
    const seen = this.#passed.get(id);
    if (seen !== undefined) {
      if (seen.offset === offset || seen.time - time > 10) return 'passed';
      if (time - seen.time <= 10) return 'dropped duplicate';
    }
    this.#passed.set(id, { time, offset });
    return 'passed';
  }
}

test('any history: up to the span behind stream time, as if nothing were ever forgotten', () => {
  fc.assert(
    fc.property(history, (events) => {
      const bench = new StepBench(dedup, OPTIONS);
      const model = new Unforgetting();
      const log: { time: number; id: string }[] = [];
      let streamTime = 100;
      let clock = 100;
      for (const { id, forth, restart, again } of events) {
        if (restart) bench.restart();
        const old = again === null || log.length === 0 ? undefined : again % log.length;
        if (old === undefined) {
          clock = Math.max(clock, clock + forth);
          log.push({ time: Math.max(clock + Math.min(forth, 0), streamTime - 10), id });
        }
        const offset = old ?? log.length - 1;
        const event = log[offset]!;
        if (event.time < streamTime - 10) continue;
        streamTime = Math.max(streamTime, event.time);
        assert.equal(
          bench.feed(fed(event.time, event.id, offset)),
          model.judge(event.id, event.time, offset),
        );
      }
      assert.equal(bench.counted('forgotten'), 0);
    }),
    { seed: 7, numRuns: 500 },
  );
});
