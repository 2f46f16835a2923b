import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Record } from '../core/record.ts';
import { type Fed, START_MS, StepBench } from '../test/kit/steps.ts';
import { throttle } from './throttle.ts';

const OPTIONS = { by: ['value.id'], max: 2, per: '10s' };
const DELAY = { ...OPTIONS, on_excess: 'delay' };

const fed = (at: number, id: string | null, n: number, more: Partial<Fed> = {}): Fed => ({
  at,
  key: 'm-1',
  value: { id, n },
  eventId: `e-${n}`,
  ...more,
});
const numbers = (bench: StepBench) => bench.takeOut().map(({ value }) => value.n);

/** `a3@12`: record 3 of identity a, fed in second 12; `a3@12~5`: its event time is second 5. */
function read(line: string): Fed[] {
  return line.split(' ').map((word) => {
    const [, id, n, at, time] = /^([a-z])(\d+)@([\d.]+)(?:~(-?[\d.]+))?$/.exec(word)!;
    const more = time === undefined ? {} : { time: Number(time) };
    return fed(Number(at), id!, Number(n), more);
  });
}

const MARK: { readonly [verdict: string]: string } = {
  passed: '|',
  held: 'h',
  'dropped throttled': 'x',
  'dropped overflow': 'o',
  'dropped expired': 'e',
  'dropped full': 'f',
};

const rows: readonly [string, object, string, string][] = [
  // what, options, what is fed, what becomes of each
  ['up to max pass', OPTIONS, 'a1@0 a2@0 a3@0', '||x'],
  ['identities have spans of their own', OPTIONS, 'a1@0 b1@0 a2@1 b2@1 a3@2 b3@2', '||||xx'],
  ['the span is half open', OPTIONS, 'a1@0 a2@1 a3@9.999 a4@10 a5@10 a6@11', '||x|x|'],
  ['it slides, and has no corners', OPTIONS, 'a1@0 a2@9 a3@10 a4@11 a5@18.999 a6@19', '|||xx|'],
  ['what is dropped does not count', OPTIONS, 'a1@0 a2@0 a3@5 a4@9 a5@10 a6@10 a7@10', '||xx||x'],
  ['event time means nothing', OPTIONS, 'a1@0~9 a2@0~-5 a3@1~99999999 a4@11~0', '||x|'],
  ['one in a span', { ...OPTIONS, max: 1 }, 'a1@0 a2@9 a3@10 a4@20', '|x||'],
  ['delay: held in order', DELAY, 'a1@0 a2@0 a3@0 a4@0 a5@0', '||hhh'],
  ['delay: nobody overtakes', DELAY, 'a1@0 a2@8 a3@9 a4@9.5 a5@10.5', '||hhh'],
  ['delay: only so many', { ...DELAY, delayed_max: 1 }, 'a1@0 a2@0 a3@0 a4@0 a5@10', '||ho|'],
  ['full: the others pass', { ...OPTIONS, keys_max: 1 }, 'a1@0 b1@0 b2@0 b3@0 a2@0 a3@0', '|||||x'],
  ['full: or are dropped', { ...OPTIONS, keys_max: 1, on_full: 'drop' }, 'a1@0 b1@0 a2@1', '|f|'],
  [
    'an identity is forgotten after a span',
    { ...OPTIONS, keys_max: 1, on_full: 'drop' },
    'a1@0 b1@9.999 b2@10',
    '|f|',
  ],
];

for (const [it, options, line, marks] of rows) {
  for (const restarts of [false, true]) {
    test(`${it}${restarts ? '; the same with restarts' : ''}`, () => {
      const bench = new StepBench(throttle, options as { [name: string]: unknown });
      const seen = read(line).map((row) => {
        const verdict = bench.feed(row);
        if (restarts) bench.restart();
        return MARK[verdict] ?? verdict;
      });
      assert.equal(seen.join(''), marks);
      bench.advanceTo(10_000);
      assert.equal(bench.counts.held, 0);
      assert.equal(bench.store.size, 1, 'only the count of keys is left');
    });
  }
}

test('delay: each goes on as soon as the span has room', () => {
  const bench = new StepBench(throttle, DELAY);
  bench.feedAll(read('a1@0 a2@4 a3@5 a4@5 a5@6'));
  assert.deepEqual(numbers(bench), [1, 2]);
  assert.equal(bench.counted('delayed'), 3);
  const went: [number, number[]][] = [];
  for (const at of [9.999, 10, 13.999, 14, 19.999, 20]) {
    bench.advanceTo(at);
    went.push([at, numbers(bench)]);
    bench.restart();
  }
  assert.deepEqual(went, [
    [9.999, []],
    [10, [3]],
    [13.999, []],
    [14, [4]],
    [19.999, []],
    [20, [5]],
  ]);
});

test('delay: after a stand-still what is overdue goes on as the span allows', () => {
  const bench = new StepBench(throttle, DELAY);
  bench.feedAll(read('a1@0 a2@0 a3@0 a4@0 a5@0 a6@0 a7@0'));
  numbers(bench);
  // Nobody ran for an hour: the clock jumps, and with it one timer after another is overdue.
  bench.clock.moveTo(START_MS + 3_600_000);
  assert.equal(bench.feed(fed(3600, 'b', 9)), 'passed');
  assert.deepEqual(numbers(bench), [3, 4, 9]);
  bench.advanceTo(3609.999);
  assert.deepEqual(numbers(bench), []);
  bench.advanceTo(3610);
  assert.deepEqual(numbers(bench), [5, 6]);
  bench.advanceTo(3620);
  assert.deepEqual(numbers(bench), [7]);
});

test('delay: a deadline before its turn is not waited for', () => {
  const bench = new StepBench(throttle, DELAY);
  const until = (seconds: number) => (record: Record) => {
    record.deadlineMs = START_MS + seconds * 1000;
  };
  bench.feedAll([fed(0, 'a', 1), fed(0, 'a', 2)]);
  assert.equal(bench.feed(fed(0, 'a', 3, { prepare: until(9.999) })), 'dropped expired');
  assert.equal(bench.feed(fed(0, 'a', 4, { prepare: until(10) })), 'held');
});

test('null identities and priorities that bypass are not counted against it', () => {
  const bench = new StepBench(throttle, { ...OPTIONS, max: 1, bypass: ['critical'] });
  const critical = (record: Record) => {
    record.slice.priority = 0;
  };
  assert.deepEqual(
    [
      bench.feed(fed(0, null, 1)),
      bench.feed(fed(0, null, 2)),
      bench.feed(fed(0, 'a', 3, { prepare: critical })),
      bench.feed(fed(0, 'a', 4)),
      bench.feed(fed(0, 'a', 5, { prepare: critical })),
      bench.feed(fed(0, 'a', 6)),
    ],
    ['passed', 'passed', 'passed', 'passed', 'passed', 'dropped throttled'],
  );
  assert.deepEqual([bench.counted('null_identity'), bench.counted('bypassed')], [2, 2]);
});

test('a key with a NUL and digits is not taken for a part of another', () => {
  const bench = new StepBench(throttle, { ...OPTIONS, max: 1 });
  assert.equal(bench.feed(fed(0, 'a', 1)), 'passed');
  assert.equal(bench.feed(fed(0, `a\0${'1'.padStart(14, '0')}`, 2)), 'passed');
  assert.equal(bench.feed(fed(0, `a\0${'0'.repeat(14)}`, 3)), 'passed');
  assert.equal(bench.feed(fed(0, 'a', 4)), 'dropped throttled');
});

/** What a person would write who has all of the past at hand: the rule, without a store. */
class Model {
  readonly max: number;
  readonly perMs: number;
  readonly went = new Map<string, number[]>();
  constructor(max: number, perMs: number) {
    this.max = max;
    this.perMs = perMs;
  }
  passes(id: string, nowMs: number): boolean {
    const went = this.went.get(id) ?? [];
    if (went.filter((atMs) => atMs > nowMs - this.perMs).length >= this.max) return false;
    this.went.set(id, [...went, nowMs]);
    return true;
  }
}

const step = fc.record({
  afterMs: fc.oneof(fc.constantFrom(0, 0, 1, 999, 1000, 1001), fc.integer({ min: 0, max: 4000 })),
  id: fc.constantFrom('a', 'b'),
  restart: fc.boolean(),
});

test('drop says what the rule says, with restarts anywhere', () => {
  const feeds = fc.array(step, { maxLength: 60 });
  fc.assert(
    fc.property(feeds, fc.integer({ min: 1, max: 4 }), (steps, max) => {
      const bench = new StepBench(throttle, { by: ['value.id'], max, per: '3s' });
      const model = new Model(max, 3000);
      let atMs = 0;
      for (const [n, { afterMs, id, restart }] of steps.entries()) {
        atMs += afterMs;
        const expected = model.passes(id, atMs) ? 'passed' : 'dropped throttled';
        assert.equal(bench.feed(fed(atMs / 1000, id, n)), expected, `record ${n} at ${atMs}`);
        if (restart) bench.restart();
      }
    }),
    { numRuns: 200, seed: 7 },
  );
});

test('delay loses none, keeps the order, holds the span, and does not dawdle', () => {
  const feeds = fc.array(step, { maxLength: 40 });
  fc.assert(
    fc.property(feeds, fc.integer({ min: 1, max: 3 }), (steps, max) => {
      const options = { by: ['value.id'], max, per: '3s', on_excess: 'delay' };
      const bench = new StepBench(throttle, options);
      const model = new Model(max, 3000);
      const waiting = new Map<string, number[]>([
        ['a', []],
        ['b', []],
      ]);
      /** What goes on in that millisecond, one identity after the other. */
      const turns = (atMs: number): number[] => {
        const out: number[] = [];
        for (const [id, queue] of waiting) {
          while (queue.length > 0 && model.passes(id, atMs)) out.push(queue.shift()!);
        }
        return out;
      };
      let atMs = 0;
      const advance = (toMs: number) => {
        for (; atMs < toMs; atMs++) {
          const expected = turns(atMs + 1);
          if (expected.length === 0) continue;
          bench.advanceTo((atMs + 1) / 1000);
          assert.deepEqual(numbers(bench).sort(), expected.sort(), `at ${atMs + 1}`);
        }
      };
      for (const [n, { afterMs, id, restart }] of steps.entries()) {
        advance(atMs + afterMs);
        const queue = waiting.get(id)!;
        const passes = queue.length === 0 && model.passes(id, atMs);
        if (!passes) queue.push(n);
        assert.equal(bench.feed(fed(atMs / 1000, id, n)), passes ? 'passed' : 'held');
        assert.deepEqual(numbers(bench), passes ? [n] : []);
        if (restart) bench.restart();
      }
      advance(atMs + 200_000);
      assert.equal(bench.counts.held, 0);
    }),
    { numRuns: 30, seed: 7 },
  );
});
