import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Record } from '../core/record.ts';
import { type Fed, START_MS, StepBench } from '../test/kit/steps.ts';
import { quietHours } from './quiet-hours.ts';

/** The clock starts at midnight UTC. */
const OPTIONS = { from: '22:00', to: '07:00', zone: 'value.zone' };
const HOUR = 3600;
const UNTIL_SEVEN = 7 * HOUR;

const fed = (at: number, n: number, zone: unknown, more: Partial<Fed> = {}): Fed => ({
  at,
  key: 'm-1',
  value: { n, zone },
  eventId: `e-${n}`,
  ...more,
});
const numbers = (bench: StepBench) => bench.takeOut().map(({ value }) => value.n);
const of = (priority: number, deadlineSeconds = 0) => ({
  prepare(record: Record) {
    record.slice.priority = priority;
    if (deadlineSeconds > 0) record.deadlineMs = START_MS + deadlineSeconds * 1000;
  },
});

const MEMBERS = {
  tables: {
    members: {
      'm-1': { memberId: 'm-1', timeZone: 'America/New_York', useCases: [] },
      'm-2': { memberId: 'm-2', timeZone: null, useCases: [] },
      'm-3': { memberId: 'm-3', timeZone: 'Nowhere', useCases: [] },
    },
  },
};

const rows: readonly [string, object, Fed, string, object?][] = [
  ['at night', {}, fed(0, 1, 'UTC'), 'held', { delayed: 1 }],
  ['by day', {}, fed(0, 1, 'Asia/Tokyo'), 'passed', {}],
  ['at night: drop', { on_quiet: 'drop' }, fed(0, 1, 'UTC'), 'dropped quiet', {}],
  ['by day: drop', { on_quiet: 'drop' }, fed(0, 1, 'Asia/Tokyo'), 'passed', {}],
  [
    'at night, urgent',
    { bypass: ['critical'] },
    fed(0, 1, 'UTC', of(0)),
    'passed',
    { bypassed: 1 },
  ],
  ['by day, urgent', { bypass: ['critical'] }, fed(0, 1, 'Asia/Tokyo', of(0)), 'passed', {}],
  ['at night, less urgent', { bypass: ['critical'] }, fed(0, 1, 'UTC', of(1)), 'held'],
  ['without priorities', { bypass: ['critical'] }, fed(0, 1, 'UTC', of(-1)), 'held'],
  [
    'urgent goes before drop',
    { bypass: ['low'], on_quiet: 'drop' },
    fed(0, 1, 'UTC', of(3)),
    'passed',
  ],
  ['null zone', {}, fed(0, 1, null), 'held', { unknown_zone: 1, delayed: 1 }],
  ['absent zone', {}, fed(0, 1, undefined), 'held', { unknown_zone: 1, delayed: 1 }],
  ['no such zone', {}, fed(0, 1, 'Nowhere'), 'held', { unknown_zone: 1, delayed: 1 }],
  ['an empty zone', {}, fed(0, 1, ''), 'held', { unknown_zone: 1, delayed: 1 }],
  ['a number', {}, fed(0, 1, 5), 'held', { unknown_zone: 1, delayed: 1 }],
  [
    'another default',
    { zone_default: 'Asia/Tokyo' },
    fed(0, 1, null),
    'passed',
    { unknown_zone: 1 },
  ],
  ['expired before', {}, fed(0, 1, 'UTC', of(2, UNTIL_SEVEN - 1)), 'dropped expired'],
  ['not expired', {}, fed(0, 1, 'UTC', of(2, UNTIL_SEVEN)), 'held'],
  ['event time means nothing', {}, fed(0, 1, 'UTC', { time: 12 * HOUR }), 'held'],
  ['negative event time', {}, fed(0, 1, 'UTC', { time: -1e10 }), 'held'],
  ['event time far ahead', {}, fed(0, 1, 'UTC', { time: 1e9 }), 'held'],
];

for (const [it, options, one, verdict, counts] of rows) {
  test(`${it}: ${verdict}`, () => {
    const bench = new StepBench(quietHours, { ...OPTIONS, ...options });
    assert.equal(bench.feed(one), verdict);
    if (counts !== undefined) assert.deepEqual(Object.fromEntries(bench.counts.counted), counts);
    bench.advanceTo(UNTIL_SEVEN);
    assert.equal(bench.counts.held, 0);
    assert.deepEqual(numbers(bench), verdict.startsWith('dropped') ? [] : [1]);
  });
}

for (const [it, options, key, verdict] of [
  ['the row', {}, 'm-1', 'passed'],
  ['a row without zone', {}, 'm-2', 'held'],
  ['a row with a zone that is none', {}, 'm-3', 'held'],
  ['no row', {}, 'm-4', 'held'],
  ['the field goes before the row', { zone: 'value.zone' }, 'm-1', 'held'],
  ['a member that a field names', { by: 'value.who' }, 'm-4', 'passed'],
] as const) {
  test(`the zone of ${it}: ${verdict}`, () => {
    const given = { from: '22:00', to: '07:00', table: 'members', ...options };
    const bench = new StepBench(quietHours, given, MEMBERS);
    const value = { n: 1, zone: 'UTC', who: 'm-1' };
    // 19:00 in New York.
    assert.equal(bench.feed({ at: 0, key, value }), verdict);
  });
}

for (const restarts of [false, true]) {
  const mode = restarts ? '; the same with restarts' : '';

  test(`what was held goes on at the end, as it came, in order${mode}`, () => {
    const bench = new StepBench(quietHours, OPTIONS);
    const zones = ['UTC', 'Europe/Berlin', 'UTC', 'Europe/Berlin', 'UTC'];
    for (const [n, zone] of zones.entries()) {
      bench.feed(fed(n, n, zone, { time: -n, key: n % 2 === 0 ? 'm-2' : null }));
      if (restarts) bench.restart();
    }
    assert.equal(bench.counts.held, 5);
    bench.advanceTo(6 * HOUR - 0.001);
    assert.deepEqual(numbers(bench), []);
    bench.advanceTo(6 * HOUR);
    assert.deepEqual(numbers(bench), [1, 3]);
    bench.advanceTo(UNTIL_SEVEN - 0.001);
    assert.deepEqual(numbers(bench), []);
    bench.advanceTo(UNTIL_SEVEN);
    const out = bench.takeOut();
    assert.deepEqual(
      out.map(({ value, key, eventId, timestamp }) => [value.n, key, eventId, timestamp]),
      [0, 2, 4].map((n) => [n, 'm-2', `e-${n}`, START_MS - n * 1000]),
    );
    assert.equal(bench.store.size, 1);
  });

  test(`more than ten keep their order too${mode}`, () => {
    const bench = new StepBench(quietHours, OPTIONS);
    const all = Array.from({ length: 300 }, (_, n) => n);
    for (const n of all) bench.feed(fed(0, n, 'UTC'));
    if (restarts) bench.restart();
    bench.advanceTo(UNTIL_SEVEN);
    assert.deepEqual(numbers(bench), all);
  });

  test(`full is full until the morning${mode}`, () => {
    const bench = new StepBench(quietHours, { ...OPTIONS, held_max: 2 });
    const seen = [0, 1, 2].map((n) => {
      const verdict = bench.feed(fed(0, n, 'UTC'));
      if (restarts) bench.restart();
      return verdict;
    });
    assert.deepEqual(seen, ['held', 'held', 'dropped full']);
    assert.equal(bench.feed(fed(23 * HOUR, 4, 'UTC')), 'held');
  });
}

test('full: or what is too much passes', () => {
  const bench = new StepBench(quietHours, { ...OPTIONS, held_max: 1, on_full: 'pass' });
  assert.deepEqual(bench.feedAll([fed(0, 1, 'UTC'), fed(0, 2, 'UTC')]), ['held', 'passed']);
  assert.equal(bench.counted('uncounted'), 1);
});

test('after a stand-still what is overdue goes first', () => {
  const bench = new StepBench(quietHours, OPTIONS);
  bench.feedAll([fed(0, 1, 'UTC'), fed(1, 2, 'UTC')]);
  bench.clock.moveTo(START_MS + 12 * HOUR * 1000);
  assert.equal(bench.feed(fed(12 * HOUR, 3, 'UTC')), 'passed');
  assert.deepEqual(numbers(bench), [1, 2, 3]);
});

test('the spring forward: the end comes with the skip', () => {
  const bench = new StepBench(quietHours, { ...OPTIONS, from: '22:00', to: '02:30' });
  // 2026-03-29 00:30Z is 01:30 in Berlin; 02:00 becomes 03:00 at 01:00Z.
  const at = (Date.UTC(2026, 2, 29, 0, 30) - START_MS) / 1000;
  assert.equal(bench.feed(fed(at, 1, 'Europe/Berlin')), 'held');
  bench.advanceTo(at + HOUR / 2 - 0.001);
  assert.deepEqual(numbers(bench), []);
  bench.advanceTo(at + HOUR / 2);
  assert.deepEqual(numbers(bench), [1]);
});
