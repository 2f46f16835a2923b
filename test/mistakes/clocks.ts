/** Streams that begin with a clock, and what walks a table behind one. */
import { edited, type Row } from './base.ts';

/** Ticks that reach members, beside a stream of events. */
const CLOCKED = `topology: base
tables:
  devices: { topic: tables.devices, schema: MemberDevices, key: memberId }
  members: { topic: tables.members, schema: MemberPreferences, key: memberId, whole: true }
lanes:
  notifications:
    topic: notifications.{priority}.{transport}
    schema: DeviceNotification
    key: value.deviceId
    transports: [inbox]
streams:
  morning:
    id: mo
    priority: { as: low }
    from: { clock: { cron: "0 8 * * *", zone: Europe/Berlin, missed: latest } }
    steps:
      - gate_staleness: { max_age: 2h }
      - each_row: { table: devices, as: member }
      - filter: { where: 'size(value.member.devices) > 0 && value.plannedAt > 0' }
      - map: { fields: { eventId: value.id, memberId: value.member.memberId, planFrom: '"x"', planTo: '"y"', streamsMax: '1', changedAt: value.plannedAt } }
      - fan_out: { table: devices, by: key }
    to: { lane: notifications, schema: PlanChange }
  plans:
    id: pl
    priority: { as: low }
    from: { topic: events.plan-change, schema: PlanChange, id: value.eventId }
    steps:
      - preferences: { table: members }
      - fan_out: { table: devices }
    to: { lane: notifications, reach: all }
sinks:
  inbox: { from: { lane: notifications, transport: all }, to: { type: inbox, ttl: 7d } }
`;

const CLOCK = 'clock: { cron: "0 8 * * *", zone: Europe/Berlin, missed: latest }';
const WALK = '- each_row: { table: devices, as: member }';
const STALE = '- gate_staleness: { max_age: 2h }';

const clock = (what: string, to: string, ...told: string[]) => [what, CLOCK, to, ...told] as const;
const walk = (what: string, to: string, ...told: string[]) => [what, WALK, to, ...told] as const;
const before = (what: string, step: string, ...told: string[]) =>
  [what, STALE, `${STALE}\n      ${step}`, ...told] as const;
const behind = (what: string, step: string, ...told: string[]) =>
  [what, WALK, `${WALK}\n      ${step}`, ...told] as const;

export const CLOCKS: readonly Row[] = edited(
  [
    ['a clock that reaches members', 'id: mo', 'id: mo2'],
    clock('one of UTC', 'clock: { cron: "*/5 * * * *" }'),
    clock('a nickname', 'clock: { cron: "@daily", missed: all }'),
    clock('no time at all', 'clock: { zone: Europe/Berlin }', 'CAR105'),
    clock('four fields', 'clock: { cron: "0 8 * *" }', 'CAR360'),
    clock('six fields, of which the first are seconds', 'clock: { cron: "0 0 8 * * *" }', 'CAR360'),
    clock('an hour that no day has', 'clock: { cron: "0 24 * * *" }', 'CAR360'),
    clock('a number', 'clock: { cron: 8 }', 'CAR103'),
    clock('a day that no year has', 'clock: { cron: "0 8 31 4 *" }', 'CAR361'),
    clock('a zone that is none', 'clock: { cron: "0 8 * * *", zone: Europe/Berln }', 'CAR351'),
    clock('missed: last', 'clock: { cron: "0 8 * * *", missed: last }', 'CAR109'),
    clock('a key of no clock', 'clock: { cron: "0 8 * * *", every: 1h }', 'CAR104'),
    clock('a clock that is a text', 'clock: "0 8 * * *"', 'CAR103'),
    clock('a period in its place', 'clock: 5m', 'CAR103'),
    clock('a period in minutes', 'clock: { every: 5m }', 'CAR104'),
    clock('a period that no expression has', 'clock: { interval: 90s, zone: UTC }', 'CAR104'),
    clock('an expression under another name', 'clock: { schedule: "0 8 * * *" }', 'CAR104'),
    clock('a period as its expression', 'clock: { cron: 24h }', 'CAR360'),
    clock('a list', 'clock: ["0 8 * * *"]', 'CAR103'),
    clock('a clock and a topic', `${CLOCK}, topic: events.x`, 'CAR104'),
    walk('a table that is not there', '- each_row: { table: device, as: member }', 'CAR201'),
    walk('no name for the row', '- each_row: { table: devices }', 'CAR302'),
    walk('a name that the tick has', '- each_row: { table: devices, as: zone }', 'CAR280'),
    walk('a name that is none', '- each_row: { table: devices, as: a-row }', 'CAR108'),
    walk(
      'a table of which every process has all',
      '- each_row: { table: members, as: member }',
      ...['CAR363', "CAR402 - filter: { where: 'size"],
    ),
    before(
      'a second walk',
      '- { name: first, each_row: { table: devices, as: other } }',
      `CAR362 ${WALK}`,
    ),
    before('a walk behind a rekey', '- rekey: { by: value.zone }', `CAR362 ${WALK}`),
    before(
      'a filter ahead of the walk',
      "- { name: one, filter: { where: 'value.partition == 0' } }",
    ),
    before(
      'a field that no tick has',
      '- { name: one, filter: { where: \'value.memberId != ""\' } }',
      'CAR402 - { name: one',
    ),
    behind(
      'a field that no row has',
      '- { name: one, filter: { where: \'value.member.plan != ""\' } }',
      'CAR402 - { name: one',
    ),
    behind('dedup by the tick alone', '- dedup: { by: [value.id], within: 1h }', 'CAR320 - dedup'),
    behind(
      'dedup by two things of the tick',
      '- dedup: { by: [value.zone, value.plannedAt], within: 1h }',
      'CAR320 - dedup',
    ),
    behind(
      'dedup by tick and row',
      '- dedup: { by: [value.id, value.member.memberId], within: 1h }',
    ),
    behind('dedup by tick and key', '- dedup: { by: [key, value.id], within: 1h }'),
    behind(
      'coalesce by the tick alone',
      '- coalesce: { by: [value.plannedAt], quiet: 1s, at_most: 2s }',
      'CAR320 - coalesce',
    ),
    behind(
      'coalesce by the row',
      '- coalesce: { by: [value.member.memberId], quiet: 1s, at_most: 2s }',
    ),
    [
      'a walk behind events',
      '- preferences: { table: members }',
      '- each_row: { table: devices, as: row }',
      'CAR362',
      'CAR406 to: { lane: notifications, reach',
    ],
    [
      'a fan_out by the row',
      'by: key }\n    to: { lane: notifications, schema',
      'by: value.memberId }\n    to: { lane: notifications, schema',
    ],
    [
      'ticks that somebody else reads',
      `topic: events.plan-change, schema: PlanChange, id: value.eventId }
    steps:
      - preferences: { table: members }
      - fan_out: { table: devices }`,
      `topic: base.mo.ticks, schema: ClockTick }
    steps:
      - preferences: { table: members }
      - fan_out: { table: devices, by: key }`,
      'CAR215',
    ],
  ],
  CLOCKED,
);
