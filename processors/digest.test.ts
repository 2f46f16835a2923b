import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Record } from '../core/record.ts';
import { type Fed, START_MS, StepBench } from '../test/kit/steps.ts';
import { digest } from './digest.ts';

const OPTIONS = { by: ['value.id'], within: '10s', events_max: 3 };

const fed = (at: number, id: string | null, n: number, more: Partial<Fed> = {}): Fed => ({
  at,
  key: 'm-1',
  value: { id, n },
  eventId: `e-${n}`,
  ...more,
});

/** Whose envelope it has, how many events it stands for, and their numbers. */
const brief = ({ eventId, count, value }: Record) => {
  assert.equal(value.count, count);
  return [eventId, count, value.events.map(({ n }: { n: number }) => n)];
};
const sent = (bench: StepBench) => bench.takeOut().map(brief);

for (const restarts of [false, true]) {
  const mode = restarts ? '; the same with restarts' : '';
  const feedAll = (bench: StepBench, all: readonly Fed[]) =>
    all.map((one) => {
      const verdict = bench.feed(one);
      if (restarts) bench.restart();
      return verdict;
    });

  test(`what comes within becomes one, in the order in which it came${mode}`, () => {
    const bench = new StepBench(digest, OPTIONS);
    assert.deepEqual(feedAll(bench, [fed(0, 'a', 1), fed(9.999, 'a', 2)]), ['held', 'held']);
    bench.advanceTo(9.999);
    assert.deepEqual(sent(bench), []);
    bench.advanceTo(10);
    assert.deepEqual(sent(bench), [['e-2', 2, [1, 2]]]);
    assert.deepEqual([bench.counts.held, bench.store.size], [0, 1]);
  });

  test(`a digest of one is a digest${mode}`, () => {
    const bench = new StepBench(digest, OPTIONS);
    feedAll(bench, [fed(0, 'a', 1)]);
    bench.advanceTo(10);
    assert.deepEqual(sent(bench), [['e-1', 1, [1]]]);
  });

  test(`with events_max it goes at once, and the next one begins${mode}`, () => {
    const bench = new StepBench(digest, OPTIONS);
    feedAll(bench, [fed(0, 'a', 1), fed(1, 'a', 2)]);
    assert.equal(bench.feed(fed(2, 'a', 3)), 'held');
    assert.equal(bench.counts.held, 0);
    assert.deepEqual(sent(bench), [['e-3', 3, [1, 2, 3]]]);
    feedAll(bench, [fed(9, 'a', 4)]);
    bench.advanceTo(18.999);
    assert.deepEqual(sent(bench), []);
    bench.advanceTo(19);
    assert.deepEqual(sent(bench), [['e-4', 1, [4]]]);
  });

  test(`the envelope is that of the newest by event time, of equal ones the later${mode}`, () => {
    const bench = new StepBench(digest, { ...OPTIONS, events_max: 10 });
    feedAll(bench, [
      fed(0, 'a', 1, { time: 5 }),
      fed(1, 'a', 2, { time: 9 }),
      fed(2, 'a', 3, { time: 9 }),
      fed(3, 'a', 4, { time: -7 }),
    ]);
    bench.advanceTo(10);
    const [one] = bench.takeOut();
    assert.deepEqual(brief(one!), ['e-3', 4, [1, 2, 3, 4]]);
    assert.deepEqual([one!.key, one!.timestamp, one!.offset], ['m-1', START_MS + 9000, 2]);
  });

  test(`identities have digests of their own, tied ones in the order of keys${mode}`, () => {
    const bench = new StepBench(digest, OPTIONS);
    feedAll(bench, [fed(0, 'b', 1), fed(0, 'a', 2), fed(1, 'b', 3)]);
    bench.advanceTo(10);
    assert.deepEqual(sent(bench), [
      ['e-2', 1, [2]],
      ['e-3', 2, [1, 3]],
    ]);
  });

  test(`counts of records that stand for several are summed${mode}`, () => {
    const bench = new StepBench(digest, OPTIONS);
    feedAll(bench, [fed(0, 'a', 1, { count: 3 }), fed(0, 'a', 2, { count: 4 })]);
    bench.advanceTo(10);
    assert.deepEqual(sent(bench), [['e-2', 7, [1, 2]]]);
  });

  test(`full: the oldest digest goes early${mode}`, () => {
    const bench = new StepBench(digest, { ...OPTIONS, keys_max: 2 });
    feedAll(bench, [fed(0, 'a', 1), fed(1, 'b', 2), fed(2, 'a', 3)]);
    assert.equal(bench.feed(fed(3, 'c', 4)), 'held');
    assert.deepEqual(sent(bench), [['e-3', 2, [1, 3]]]);
    assert.equal(bench.counted('emitted_early'), 1);
    assert.equal(bench.feed(fed(4, 'a', 5)), 'held');
    assert.deepEqual(sent(bench), [['e-2', 1, [2]]]);
    bench.advanceTo(100);
    assert.deepEqual(sent(bench), [
      ['e-4', 1, [4]],
      ['e-5', 1, [5]],
    ]);
  });
}

test('full: or the new record is dropped, by policy', () => {
  const bench = new StepBench(digest, { ...OPTIONS, keys_max: 1, on_full: 'drop' });
  const verdicts = bench.feedAll([fed(0, 'a', 1), fed(0, 'b', 2), fed(0, 'a', 3)]);
  assert.deepEqual(verdicts, ['held', 'dropped full', 'held']);
});

test('what bypasses, and what has no identity, goes at once in the same form', () => {
  const bench = new StepBench(digest, { ...OPTIONS, bypass: ['critical', 'high'] });
  const of = (priority: number) => (record: Record) => {
    record.slice.priority = priority;
  };
  assert.deepEqual(
    [
      bench.feed(fed(0, 'a', 1, { prepare: of(0) })),
      bench.feed(fed(0, 'a', 2, { prepare: of(1) })),
      bench.feed(fed(0, 'a', 3, { prepare: of(2) })),
      bench.feed(fed(0, null, 4)),
    ],
    ['passed', 'passed', 'held', 'passed'],
  );
  assert.deepEqual(sent(bench), [
    ['e-1', 1, [1]],
    ['e-2', 1, [2]],
    ['e-4', 1, [4]],
  ]);
  assert.deepEqual([bench.counted('bypassed'), bench.counted('null_identity')], [2, 1]);
});

test('of a digest the newest has passed, and the others are in it', () => {
  const bench = new StepBench(digest, OPTIONS);
  bench.feedAll([fed(0, 'a', 1), fed(0, 'a', 2), fed(0, 'a', 3), fed(0, 'a', 4)]);
  assert.deepEqual(
    [bench.counts.in, bench.counts.passed, bench.counts.held, bench.counts.out],
    [4, 1, 1, 1],
  );
  assert.deepEqual([...bench.counts.dropped], [['digested', 2]]);
  assert.equal(bench.counted('filled'), 1);
  bench.restart();
  assert.deepEqual([bench.counts.restored, bench.counts.held], [1, 1]);
});

test('a value that an earlier step gave is gathered as it is', () => {
  const bench = new StepBench(digest, OPTIONS);
  const given = { id: 'a', n: 7, at: [1, null], of: { deep: true }, raw: Buffer.from('x') };
  const prepare = (record: Record) => {
    record.value = given;
  };
  bench.feed(fed(0, 'a', 1, { prepare }));
  bench.restart();
  bench.advanceTo(10);
  assert.deepEqual(bench.takeOut()[0]!.value.events, [given]);
});

test('a value that cannot be read is a dead letter, and spoils no digest', () => {
  const bench = new StepBench(digest, { ...OPTIONS, by: ['key'] });
  const prepare = (record: Record) => {
    record.slice.decode = () => {
      throw new Error('torn');
    };
  };
  bench.feed(fed(0, 'a', 1));
  assert.equal(bench.feed(fed(1, 'a', 2, { prepare })), 'dead-lettered CAR506');
  assert.equal(bench.feed(fed(1, 'a', 3, { key: 'm-2', prepare })), 'dead-lettered CAR506');
  bench.advanceTo(20);
  assert.deepEqual(sent(bench), [['e-1', 1, [1]]]);
  assert.equal(bench.store.size, 1);
});

test('the clock decides, whatever the events say', () => {
  const bench = new StepBench(digest, OPTIONS);
  bench.feedAll([fed(0, 'a', 1, { time: 9e8 }), fed(5, 'a', 2, { time: -9e5 })]);
  bench.advanceTo(10);
  assert.deepEqual(sent(bench), [['e-1', 2, [1, 2]]]);
});
