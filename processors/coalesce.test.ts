import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Record } from '../core/record.ts';
import { type Fed, START_MS, StepBench } from '../test/kit/steps.ts';
import { coalesce } from './coalesce.ts';

const OPTIONS = { by: ['value.id'], quiet: '2s', at_most: '5s' };

const fed = (at: number, id: string | null, n: number, more: Partial<Fed> = {}): Fed => ({
  at,
  key: 'm-1',
  value: { id, n },
  eventId: `e-${n}`,
  ...more,
});

const brief = (record: Record) => [record.value.id, record.value.n, record.count];

/** Whoever is emitted when the clock comes to that second, and who not a millisecond before. */
function expectAt(bench: StepBench, at: number, expected: readonly unknown[]): void {
  bench.advanceTo(at - 0.001);
  assert.deepEqual(bench.takeOut().map(brief), [], `nothing before ${at}s`);
  bench.advanceTo(at);
  assert.deepEqual(bench.takeOut().map(brief), expected, `at ${at}s`);
}

for (const restarts of [false, true]) {
  const mode = restarts ? '; the same with restarts' : '';
  const maybeRestart = (bench: StepBench) => {
    if (restarts) bench.restart();
  };

  test(`a burst becomes its newest record after a quiet while${mode}`, () => {
    const bench = new StepBench(coalesce, OPTIONS);
    assert.equal(bench.feed(fed(0, 'a', 1)), 'held');
    maybeRestart(bench);
    assert.equal(bench.feed(fed(1, 'a', 2)), 'held');
    maybeRestart(bench);
    expectAt(bench, 3, [['a', 2, 2]]);
    assert.equal(bench.counts.held, 0);
    assert.equal(bench.store.size, 0);
  });

  test(`a burst that does not end is cut at at_most${mode}`, () => {
    const bench = new StepBench(coalesce, OPTIONS);
    for (const [n, at] of [0, 1.5, 3, 4.5].entries()) {
      assert.equal(bench.feed(fed(at, 'a', n)), 'held');
      maybeRestart(bench);
    }
    expectAt(bench, 5, [['a', 3, 4]]);
    assert.equal(bench.feed(fed(6, 'a', 9)), 'held');
    maybeRestart(bench);
    expectAt(bench, 8, [['a', 9, 1]]);
  });

  test(`the newest by event time is kept, of equal times the later${mode}`, () => {
    const bench = new StepBench(coalesce, OPTIONS);
    assert.equal(bench.feed(fed(0, 'a', 1, { time: 10 })), 'held');
    maybeRestart(bench);
    assert.equal(bench.feed(fed(0, 'a', 2, { time: 9 })), 'dropped superseded');
    maybeRestart(bench);
    assert.equal(bench.feed(fed(0, 'a', 3, { time: 10 })), 'held');
    maybeRestart(bench);
    assert.equal(bench.feed(fed(0, 'a', 4, { time: 10, offset: 0 })), 'dropped superseded');
    expectAt(bench, 2, [['a', 3, 4]]);
  });

  test(`an older record keeps the burst awake too${mode}`, () => {
    const bench = new StepBench(coalesce, OPTIONS);
    bench.feed(fed(0, 'a', 1, { time: 10 }));
    maybeRestart(bench);
    assert.equal(bench.feed(fed(1, 'a', 2, { time: 1 })), 'dropped superseded');
    maybeRestart(bench);
    expectAt(bench, 3, [['a', 1, 2]]);
  });

  test(`counts of records that stand for several are summed${mode}`, () => {
    const bench = new StepBench(coalesce, OPTIONS);
    bench.feed(fed(0, 'a', 1, { count: 3 }));
    maybeRestart(bench);
    bench.feed(fed(0, 'a', 2, { count: 4 }));
    maybeRestart(bench);
    expectAt(bench, 2, [['a', 2, 7]]);
  });

  test(`what goes on is the record as it came${mode}`, () => {
    const bench = new StepBench(coalesce, OPTIONS);
    bench.feed(
      fed(0, 'a', 1, {
        offset: 41,
        partition: 3,
        time: -1,
        headers: [{ key: 'trace', value: Buffer.from('t') }],
        prepare(record) {
          record.deadlineMs = START_MS + 60_000;
          record.setTarget(3, null);
          record.setExcept('ph-1');
        },
      }),
    );
    maybeRestart(bench);
    bench.advanceTo(2);
    const [record] = bench.takeOut();
    assert.deepEqual(
      [record!.key, record!.partition, record!.offset, record!.timestamp, record!.eventId],
      ['m-1', 3, 41, START_MS - 1000, 'e-1'],
    );
    assert.deepEqual(
      [record!.deadlineMs, record!.classMask, record!.except],
      [START_MS + 60_000, 3, 'ph-1'],
    );
    assert.equal(record!.headers![0]!.value.toString(), 't');
    assert.deepEqual(record!.value, { id: 'a', n: 1 });
  });
}

test('identities have their own times', () => {
  const bench = new StepBench(coalesce, OPTIONS);
  bench.feedAll([fed(0, 'a', 1), fed(0.5, 'b', 2), fed(1, 'a', 3)]);
  expectAt(bench, 2.5, [['b', 2, 1]]);
  expectAt(bench, 3, [['a', 3, 2]]);
});

test('superseded records are settled when it is known', () => {
  const bench = new StepBench(coalesce, OPTIONS);
  bench.feedAll([fed(0, 'a', 1), fed(0, 'a', 2), fed(0, 'a', 3), fed(0, 'b', 4)]);
  assert.deepEqual([...bench.counts.dropped], [['superseded', 2]]);
  assert.equal(bench.counts.held, 2);
  bench.advanceTo(10);
  assert.equal(bench.counts.passed, 2);
  assert.equal(bench.counts.out, 2);
});

test('a restart counts what is held as restored', () => {
  const bench = new StepBench(coalesce, OPTIONS);
  bench.feedAll([fed(0, 'a', 1), fed(0, 'a', 2), fed(0, 'b', 3)]);
  bench.restart();
  assert.deepEqual([bench.counts.restored, bench.counts.held], [2, 2]);
  bench.advanceTo(10);
  assert.deepEqual([bench.counts.restored, bench.counts.held, bench.counts.passed], [2, 0, 2]);
});

test('full: the burst held longest goes early', () => {
  const bench = new StepBench(coalesce, { ...OPTIONS, keys_max: 2 });
  bench.feedAll([fed(0, 'a', 1), fed(0.1, 'b', 2), fed(0.2, 'a', 3)]);
  assert.equal(bench.feed(fed(0.3, 'c', 4)), 'held');
  assert.deepEqual(bench.takeOut().map(brief), [['a', 3, 2]]);
  assert.equal(bench.counted('emitted_early'), 1);
  assert.equal(bench.feed(fed(0.4, 'b', 5)), 'held', 'a burst that is held needs no room');
  bench.advanceTo(10);
  assert.deepEqual(bench.takeOut().map(brief), [
    ['c', 4, 1],
    ['b', 5, 2],
  ]);
});

test('full: a restored burst that goes early can be read', () => {
  const bench = new StepBench(coalesce, { ...OPTIONS, keys_max: 1 });
  bench.feed(fed(0, 'a', 1));
  bench.restart();
  bench.feed(fed(0, 'b', 2));
  assert.deepEqual(bench.takeOut().map(brief), [['a', 1, 1]]);
});

test('full: or the new record is dropped, by policy', () => {
  const bench = new StepBench(coalesce, { ...OPTIONS, keys_max: 1, on_full: 'drop' });
  assert.deepEqual(bench.feedAll([fed(0, 'a', 1), fed(0, 'b', 2), fed(0, 'a', 3)]), [
    'held',
    'dropped full',
    'held',
  ]);
  expectAt(bench, 2, [['a', 3, 2]]);
});

test('a null identity passes at once, and is counted', () => {
  const bench = new StepBench(coalesce, OPTIONS);
  assert.equal(bench.feed(fed(0, null, 1)), 'passed');
  assert.deepEqual(bench.takeOut().map(brief), [[null, 1, 1]]);
  assert.equal(bench.counted('null_identity'), 1);
});

test('a value that an earlier step gave comes back without a decoder', () => {
  const bench = new StepBench(coalesce, OPTIONS);
  const prepare = (record: Record) => {
    record.value = { id: 'a', n: 5 };
  };
  assert.equal(bench.feed(fed(0, 'a', 1, { prepare })), 'held');
  bench.restart();
  expectAt(bench, 2, [['a', 5, 1]]);
});
