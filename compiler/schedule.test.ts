/** Planned times as tables: where clocks are set on and back, and where they never are. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scheduleOf } from './schedule.ts';

/** The first times after an instant, as `MM-DD HH:MM` in UTC. */
function times(cron: string, zone: string, after: string, count: number): string {
  const schedule = scheduleOf(cron, zone);
  assert.ok(typeof schedule !== 'string', String(schedule));
  const found: string[] = [];
  let at = Date.parse(after);
  for (let n = 0; n < count; n++) {
    at = schedule.next(at);
    found.push(
      Number.isFinite(at) ? new Date(at).toISOString().slice(5, 16).replace('T', ' ') : '-',
    );
  }
  return found.join(', ');
}

const rows = (
  what: string,
  of: readonly (readonly [cron: string, zone: string, after: string, times: string])[],
) =>
  test(what, () => {
    for (const [cron, zone, after, expected] of of) {
      const count = expected.split(', ').length;
      assert.equal(times(cron, zone, after, count), expected, `${cron} ${zone}`);
    }
  });

// In Berlin 02:00 to 03:00 is skipped on March 29: 01:00 UTC is where the skip ends.
const BEFORE_SPRING = '2026-03-28T22:00Z';

rows('spring: a time that is skipped comes with the end of the skip, once a day', [
  ['30 2 * * *', 'Europe/Berlin', BEFORE_SPRING, '03-29 01:00, 03-30 00:30'],
  ['0 2 * * *', 'Europe/Berlin', BEFORE_SPRING, '03-29 01:00, 03-30 00:00'],
  ['0 3 * * *', 'Europe/Berlin', BEFORE_SPRING, '03-29 01:00, 03-30 01:00'],
  ['15,45 2 * * *', 'Europe/Berlin', BEFORE_SPRING, '03-29 01:00, 03-30 00:15, 03-30 00:45'],
  ['30 2,14 * * *', 'Europe/Berlin', BEFORE_SPRING, '03-29 01:00, 03-29 12:30, 03-30 00:30'],
  ['0 8 * * *', 'Europe/Berlin', BEFORE_SPRING, '03-29 06:00, 03-30 06:00'],
  ['0 0 * * *', 'America/Havana', '2026-03-07T10:00Z', '03-08 05:00, 03-09 04:00'],
  ['15 2 * * *', 'Australia/Lord_Howe', '2026-10-03T10:00Z', '10-03 15:30, 10-04 15:15'],
]);

rows('spring: what is a distance is not made up for', [
  ['0 * * * *', 'Europe/Berlin', BEFORE_SPRING, '03-28 23:00, 03-29 00:00, 03-29 01:00'],
  ['*/30 2 * * *', 'Europe/Berlin', BEFORE_SPRING, '03-30 00:00, 03-30 00:30'],
  ['30 * * * *', 'Europe/Berlin', '2026-03-28T23:40Z', '03-29 00:30, 03-29 01:30'],
]);

// And on October 25 02:00 to 03:00 comes twice: at 00:00 UTC and at 01:00.
const BEFORE_AUTUMN = '2026-10-24T22:00Z';

rows('autumn: a time that comes twice is told the first time', [
  ['30 2 * * *', 'Europe/Berlin', BEFORE_AUTUMN, '10-25 00:30, 10-26 01:30'],
  ['0 2 * * *', 'Europe/Berlin', BEFORE_AUTUMN, '10-25 00:00, 10-26 01:00'],
  ['0 3 * * *', 'Europe/Berlin', BEFORE_AUTUMN, '10-25 02:00, 10-26 02:00'],
  ['30 2,14 * * *', 'Europe/Berlin', BEFORE_AUTUMN, '10-25 00:30, 10-25 13:30, 10-26 01:30'],
  ['0 8 * * *', 'Europe/Berlin', BEFORE_AUTUMN, '10-25 07:00, 10-26 07:00'],
]);

rows('autumn: what is a distance is told both times', [
  ['0 * * * *', 'Europe/Berlin', BEFORE_AUTUMN, '10-24 23:00, 10-25 00:00, 10-25 01:00'],
  [
    '*/30 2 * * *',
    'Europe/Berlin',
    BEFORE_AUTUMN,
    '10-25 00:00, 10-25 00:30, 10-25 01:00, 10-25 01:30',
  ],
]);

rows('days of months and weeks', [
  ['0 0 L * *', 'UTC', '2026-01-30T00:00Z', '01-31 00:00, 02-28 00:00'],
  ['0 8 * * MON-FRI', 'UTC', '2026-01-02T09:00Z', '01-05 08:00, 01-06 08:00'],
  ['0 8 * * 7', 'UTC', '2026-01-01T00:00Z', '01-04 08:00, 01-11 08:00'],
  // One of the two is enough, as in any cron.
  ['0 0 13 * 5', 'UTC', '2026-01-01T00:00Z', '01-02 00:00, 01-09 00:00, 01-13 00:00'],
  ['0 0 29 2 *', 'UTC', '2026-01-01T00:00Z', '02-29 00:00'],
  ['@daily', 'Asia/Kolkata', '2026-01-01T00:00Z', '01-01 18:30, 01-02 18:30'],
  ['0 0 31 4 *', 'UTC', '2026-01-01T00:00Z', '-'],
]);

test('the next time is one behind the instant, to the millisecond', () => {
  const { next } = scheduleOf('0 8 * * *', 'UTC') as Exclude<ReturnType<typeof scheduleOf>, string>;
  const at = Date.parse('2026-01-01T08:00Z');
  const day = 86_400_000;
  for (const [after, expected] of [
    [at - 1, at],
    [at - 60_000, at],
    [at, at + day],
    [at + 1, at + day],
    [at + 999, at + day],
  ] as const) {
    assert.equal(next(after), expected);
  }
});

test('what is no cron expression says why', () => {
  for (const [cron, why] of [
    ['', /0 fields, not 5/],
    ['8', /1 field, not 5/],
    ['0 8 * * * *', /6 fields, not 5/],
    ['2026-01-01T00:00:00', /1 field, not 5/],
    ['@reboot', /1 field, not 5/],
    ['60 * * * *', /minute: 60/],
    ['0 24 * * *', /hour: 24/],
    ['0 0 * * 8', /dayOfWeek: 8/],
    ['10-5 * * * *', /10-5/],
    ['a b c d e', /illegal/],
  ] as const) {
    assert.match(String(scheduleOf(cron, 'UTC')), why, cron);
  }
});
