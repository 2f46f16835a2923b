import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseTimeOfDay, TimeZone } from './time-zone.ts';

const HOUR_MS = 3_600_000;
const at = (text: string) => Date.parse(text);
const time = (text: string) => parseTimeOfDay(text)!;

/** Zone, quiet time, an instant, and when it ends; null: it is not quiet. */
const rows: readonly [string, string, string, string, string | null][] = [
  ['before it', 'UTC', '22:00-07:00', '2026-01-01T21:59:59.999Z', null],
  ['its first moment', 'UTC', '22:00-07:00', '2026-01-01T22:00Z', '2026-01-02T07:00Z'],
  ['after midnight', 'UTC', '22:00-07:00', '2026-01-02T00:00Z', '2026-01-02T07:00Z'],
  ['its last moment', 'UTC', '22:00-07:00', '2026-01-02T06:59:59.999Z', '2026-01-02T07:00Z'],
  ['its end', 'UTC', '22:00-07:00', '2026-01-02T07:00Z', null],
  ['by day', 'UTC', '12:00-14:00', '2026-01-02T13:00Z', '2026-01-02T14:00Z'],
  ['by day, outside', 'UTC', '12:00-14:00', '2026-01-02T14:00Z', null],
  ['all day', 'UTC', '08:00-08:00', '2026-01-02T07:00Z', '2026-01-02T08:00Z'],
  ['all day, at the turn', 'UTC', '08:00-08:00', '2026-01-02T08:00Z', '2026-01-03T08:00Z'],
  ['until midnight', 'UTC', '20:00-00:00', '2026-01-02T23:00Z', '2026-01-03T00:00Z'],
  ['from midnight', 'UTC', '00:00-06:00', '2026-01-02T00:00Z', '2026-01-02T06:00Z'],
  ['before 1970', 'UTC', '22:00-07:00', '1969-12-31T23:00Z', '1970-01-01T07:00Z'],
  ['a zone east', 'Asia/Tokyo', '22:00-07:00', '2026-01-01T13:00Z', '2026-01-01T22:00Z'],
  [
    'a zone of half an hour',
    'Asia/Kolkata',
    '22:00-07:00',
    '2026-01-01T16:30Z',
    '2026-01-02T01:30Z',
  ],
  ['a zone of 45 minutes', 'Asia/Kathmandu', '22:00-07:00', '2026-01-01T16:14:59Z', null],
  [
    'another day there',
    'Pacific/Kiritimati',
    '22:00-07:00',
    '2026-01-01T10:00Z',
    '2026-01-01T17:00Z',
  ],
  ['a zone far west', 'Pacific/Pago_Pago', '22:00-07:00', '2026-01-01T09:00Z', '2026-01-01T18:00Z'],
  // Berlin, 2026-03-29: 02:00 becomes 03:00 at 01:00Z.
  ['a night of spring', 'Europe/Berlin', '22:00-07:00', '2026-03-28T21:00Z', '2026-03-29T05:00Z'],
  ['its end is skipped', 'Europe/Berlin', '22:00-02:30', '2026-03-28T21:00Z', '2026-03-29T01:00Z'],
  ['the skip is its end', 'Europe/Berlin', '22:00-02:00', '2026-03-29T00:30Z', '2026-03-29T01:00Z'],
  ['its begin is skipped', 'Europe/Berlin', '02:30-04:00', '2026-03-29T00:59Z', null],
  [
    'its begin is skipped, after',
    'Europe/Berlin',
    '02:30-04:00',
    '2026-03-29T01:00Z',
    '2026-03-29T02:00Z',
  ],
  ['all of it is skipped', 'Europe/Berlin', '02:10-02:50', '2026-03-29T01:00Z', null],
  // Berlin, 2026-10-25: 03:00 becomes 02:00 at 01:00Z.
  ['a night of autumn', 'Europe/Berlin', '22:00-07:00', '2026-10-24T20:00Z', '2026-10-25T06:00Z'],
  [
    'its end comes twice, first',
    'Europe/Berlin',
    '22:00-02:30',
    '2026-10-24T23:00Z',
    '2026-10-25T00:30Z',
  ],
  ['between the two', 'Europe/Berlin', '22:00-02:30', '2026-10-25T00:45Z', null],
  [
    'its end comes twice, second',
    'Europe/Berlin',
    '22:00-02:30',
    '2026-10-25T01:10Z',
    '2026-10-25T01:30Z',
  ],
  [
    'the way back is its end',
    'Europe/Berlin',
    '02:30-03:30',
    '2026-10-25T00:40Z',
    '2026-10-25T01:00Z',
  ],
  ['and it comes again', 'Europe/Berlin', '02:30-03:30', '2026-10-25T01:30Z', '2026-10-25T02:30Z'],
  [
    'half an hour of summer time',
    'Australia/Lord_Howe',
    '22:00-07:00',
    '2026-04-04T12:00Z',
    '2026-04-04T20:30Z',
  ],
  [
    'a night of spring in the south',
    'America/Santiago',
    '23:00-06:00',
    '2026-09-06T03:30Z',
    '2026-09-06T09:00Z',
  ],
];

for (const [it, name, span, instant, end] of rows) {
  test(`${it}: ${span} ${name} at ${instant}`, () => {
    const [from, to] = span.split('-').map(time);
    const found = TimeZone.named(name)!.within(at(instant), from!, to!);
    const shown = found === null ? null : new Date(found).toISOString();
    assert.equal(shown, end === null ? null : new Date(at(end)).toISOString());
  });
}

test('whenever it is quiet, the end is the first moment at which it is not', () => {
  const zones = ['Europe/Berlin', 'Australia/Lord_Howe', 'America/New_York', 'Africa/Cairo'];
  const spans = ['22:00-07:00', '01:30-02:30', '00:00-03:00', '02:00-02:15', '23:45-00:15'];
  const minute = 60_000;
  for (const name of zones) {
    const zone = TimeZone.named(name)!;
    for (const span of spans) {
      const [from, to] = span.split('-').map(time);
      for (const day of ['2026-03-08', '2026-03-29', '2026-04-05', '2026-04-24', '2026-10-25']) {
        for (let n = -10; n < 26; n += 5) {
          const now = at(`${day}T00:07Z`) + n * HOUR_MS;
          let end = now;
          while (zone.within(end, from!, to!) !== null)
            end = (Math.floor(end / minute) + 1) * minute;
          assert.equal(
            zone.within(now, from!, to!),
            end === now ? null : end,
            `${name} ${span} ${now}`,
          );
        }
      }
    }
  }
});

for (const name of ['Europe/Berlim', 'Berlin', 'Mars/Base', 'UTC+25', '\0', 'constructor']) {
  test(`${JSON.stringify(name)} is no zone, asked once or twice`, () => {
    assert.equal(TimeZone.named(name), null);
    assert.equal(TimeZone.named(name), null);
  });
}

for (const [text, ms] of [
  ['00:00', 0],
  ['23:59', 86_340_000],
  ['07:30', 27_000_000],
  ['24:00', undefined],
  ['7:30', undefined],
  ['07:60', undefined],
  ['07:30:00', undefined],
  ['', undefined],
] as const) {
  test(`"${text}" as a time of day`, () => assert.equal(parseTimeOfDay(text), ms));
}
