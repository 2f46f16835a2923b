/** What has no effect, or always loses: warnings, each with its reason. */
import { BASE, edited, type Row } from './base.ts';

const UNLESS = '[{ when: \'value.kind == "MATURITY_LEVEL_CHANGED"\', as: critical }]';
const LEVEL = '{ when: \'value.kind == "MATURITY_LEVEL_CHANGED"\', as: critical }';
const TARGET = '- target: { classes: [tv, mobile], except: value.deviceId }\n      - use: tell';
const FCM_TO = 'type: fcm, project: my-app }';
const HOOK = 'https://hooks.example.com/told';
const WHERE = '\'value.kind != "STARTED"\'';

const OF_STEPS: readonly Row[] = edited([
  [
    'target after fan_out',
    TARGET,
    '- use: tell\n      - target: { classes: [tv] }',
    'CAR246 - target',
  ],
  [
    'two targets',
    TARGET,
    '- target: { classes: [tv] }\n      - { name: again, target: { classes: [mobile] } }\n      - use: tell',
    'CAR246 - target: { classes: [tv] }',
  ],
  [
    'target in a sink',
    '    to: { type: fcm',
    '    steps: [{ target: { classes: [tv] } }]\n    to: { type: fcm',
    'CAR246',
  ],
  ['all and more', '[tv, mobile]', '[all, tv]', 'CAR246'],
  ['quiet over at_most', 'quiet: 2s, at_most: 10s', 'quiet: 11s, at_most: 10s', 'CAR246'],
  ['quiet of no time', 'quiet: 2s', 'quiet: 0s', 'CAR246'],
  ['at_most of no time', 'at_most: 10s', 'at_most: 0s', 'CAR246'],
  ['within of no time', 'within: 10m', 'within: 0s', 'CAR246'],
  ['keep over of', 'keep: 99, of: 100', 'keep: 101, of: 100', 'CAR246'],
  ['keep all', 'keep: 99, of: 100', 'keep: 100, of: 100', 'CAR246'],
  ['a filter that always holds', WHERE, "'true'", 'CAR246'],
  ['a filter that always holds, said longer', WHERE, "'1 + 1 == 2'", 'CAR246'],
  ['a filter that never holds', WHERE, "'false'", 'CAR247'],
  ['a filter that never holds, said longer', WHERE, '\'"a" == "b"\'', 'CAR247'],
  ['a webhook without a secret', FCM_TO, `type: webhook, url: "${HOOK}" }`, 'CAR247'],
  [
    'a webhook at no address',
    FCM_TO,
    'type: webhook, url: hooks.example.com, secret_file: s }',
    'CAR247',
  ],
  ['max_age below quiet', 'max_age: 2m', 'max_age: 1s', 'CAR247 - coalesce'],
  ['max_age as long as quiet', 'max_age: 2m', 'max_age: 2s', 'CAR247 - coalesce'],

  ['ttl below quiet', 'max_age: 2m', 'max_age: 1s, ttl: 1500ms', 'CAR247 - coalesce'],
  ['ttl below max_age', 'max_age: 1h, ttl: 2h', 'max_age: 1h, ttl: 1m', 'CAR247'],
  ['ttl just below max_age', 'max_age: 1h, ttl: 2h', 'max_age: 1h, ttl: 3599s', 'CAR247'],
  ['ttl of no time', 'max_age: 1h, ttl: 2h', 'max_age: 1h, ttl: 0s', 'CAR247'],
  ['max_age of no time', 'max_age: 1h, ttl: 2h', 'max_age: 0s', 'CAR247'],
  [
    'a gate behind what waits longer',
    '      - target: {',
    '      - { name: late, gate_staleness: { max_age: 1s } }\n      - target: {',
    'CAR247',
  ],
  [
    'two that wait longer together',
    '      - target: {',
    '      - { name: more, coalesce: { by: [value.titleId], quiet: 2m, at_most: 3m } }\n      - target: {',
    'CAR247',
  ],
  [
    'coalesce behind fan_out',
    '- use: tell\n    to: { lane: notifications, coll',
    '- use: tell\n      - { name: more, coalesce: { by: [value.titleId], quiet: 2s, at_most: 3s } }\n    to: { lane: notifications, coll',
    'CAR247',
  ],
  ['an inbox that keeps nothing', 'ttl: 7d', 'ttl: 0s', 'CAR247'],
  [
    'an exception that always holds',
    UNLESS,
    "[{ when: 'true', as: critical }, { when: 'value.kind == \"RENAMED\"', as: low }]",
    'CAR246',
  ],
  ['an exception that never holds', UNLESS, "[{ when: 'false', as: critical }]", 'CAR246'],
  [
    'an exception that says the same',
    UNLESS,
    '[{ when: \'value.kind == "RENAMED"\', as: high }]',
    'CAR246',
  ],
  ['an exception twice', UNLESS, `[${LEVEL}, ${LEVEL.replace('critical', 'low')}]`, 'CAR246'],
  [
    'the last of two says the same',
    UNLESS,
    `[${LEVEL}, { when: 'value.kind == "RENAMED"', as: high }]`,
    'CAR246',
  ],
  ['dedup not by the key', 'by: [value.eventId], within', 'by: [value.titleId], within', 'CAR315'],
  [
    'dedup by what map made of the key',
    '- dedup: { by: [value.eventId]',
    '- dedup: { by: [value.profileId]',
    'CAR315',
  ],
]);

const READ_TWICE = '- { name: again, ';
/** What stands behind the dedup of the base, before everything else. */
const behind = (what: string, written: string, ...told: readonly string[]) =>
  [what, '      - filter:', `      - ${written}\n      - filter:`, ...told] as const;
const night = (more: string) => `quiet_hours: { from: "22:00", to: "07:00"${more} }`;

const OF_NIGHTS: readonly Row[] = edited([
  behind('a night that is longer than what lives', night(''), 'CAR247'),
  behind('a night that drops', night(', on_quiet: drop')),
  behind('a nap that is shorter', 'quiet_hours: { from: "12:00", to: "12:01" }'),
  behind('a nap as long as what lives', 'quiet_hours: { from: "12:00", to: "12:02" }'),
  behind('a nap just longer', 'quiet_hours: { from: "12:00", to: "12:03" }', 'CAR247'),
  behind('all day', 'quiet_hours: { from: "12:00", to: "12:00" }', 'CAR247'),
  behind(
    'all day, dropped',
    'quiet_hours: { from: "12:00", to: "12:00", on_quiet: drop }',
    'CAR247',
  ),
  behind(
    'a delay that is longer than what lives',
    'throttle: { by: [key], max: 1, per: 1h, on_excess: delay }',
    'CAR247',
  ),
  behind('a delay that is shorter', 'throttle: { by: [key], max: 1, per: 1m, on_excess: delay }'),
  behind('a throttle that drops', 'throttle: { by: [key], max: 1, per: 1h }'),
  [
    'a gate behind a night',
    '- gate_staleness: { max_age: 2m }',
    `- ${night('')}\n      - gate_staleness: { max_age: 1h }`,
    'CAR247 - gate_staleness: { max_age: 1h }\n',
  ],
  [
    'a gate behind a night that is shorter',
    '- gate_staleness: { max_age: 2m }',
    `- ${night('')}\n      - gate_staleness: { max_age: 9h }`,
  ],
]);

/** A stream that gathers, and says anew what devices see. */
const DIGESTS = BASE.replace(
  'sinks:\n',
  `  digests:
    id: di
    priority: { as: low }
    from: { topic: events.diagnostics, schema: DiagnosticSignal, time: value.issuedAt }
    steps:
      - gate_staleness: { max_age: 1h }
      - digest: { by: [key], within: 15m }
      - map: { fields: { memberId: key, eventId: 'string(value.count)', command: '"COLLECT_LOGS"', issuedAt: timestamp } }
      - fan_out: { table: devices, by: value.memberId }
    to: { lane: notifications, schema: DiagnosticSignal, transports: [inbox] }
sinks:\n`,
);
const OF_DIGESTS: readonly Row[] = edited(
  [
    ['a digest that is shorter than what lives', 'within: 15m', 'within: 60m'],
    ['a digest that takes longer', 'within: 15m', 'within: 61m', 'CAR247'],
    ['a digest of one event', 'within: 15m }', 'within: 15m, events_max: 1 }', 'CAR246'],
    ['a digest of no time', 'within: 15m', 'within: 0s', 'CAR246'],
    ['a digest of one kind', 'by: [key]', 'by: [value.command]', 'CAR320'],
    ['a digest of two kinds', 'by: [key]', 'by: [value.command, value.urgent]', 'CAR320'],
    ['a digest of one time', 'by: [key]', 'by: [value.issuedAt]', 'CAR321'],
    ['a digest of one kind of one member', 'by: [key]', 'by: [value.command, value.memberId]'],
    [
      'a symbol that is none',
      '"COLLECT_LOGS"',
      '"COLLECT"',
      'CAR406 to: { lane: notifications, sch',
    ],
    [
      'one of two that is none',
      '\'"COLLECT_LOGS"\'',
      '\'value.count > 3 ? "COLLECT_LOGS" : "COLLECT"\'',
      'CAR406 to: { lane: notifications, sch',
    ],
    [
      'two that are',
      '\'"COLLECT_LOGS"\'',
      '\'value.count > 3 ? "COLLECT_LOGS" : "RELOAD_CONFIG"\'',
    ],
    [
      'a gate behind a digest that takes longer',
      "      - map: { fields: { memberId: key, eventId: 's",
      "      - { name: late, gate_staleness: { max_age: 14m } }\n      - map: { fields: { memberId: key, eventId: 's",
      'CAR247',
    ],
  ],
  DIGESTS,
);

const KINDS = '{ name: kinds, ';
const OF_MEMBERS: readonly Row[] = edited([
  ...[
    ['of one kind', 'value.kind', 'CAR320'],
    ['of a kind and a time', 'value.kind, value.positionSeconds', 'CAR321'],
    ['of one title', 'value.kind, value.titleId'],
    ['of one event', 'value.eventId'],
    ['of a kind of one member', 'value.kind, value.memberId'],
  ].map(([what, by, ...told]) =>
    behind(
      `a burst ${what}`,
      `${KINDS}coalesce: { by: [${by}], quiet: 1s, at_most: 2s } }`,
      ...told,
    ),
  ),
  behind('a throttle of one kind', 'throttle: { by: [value.kind], max: 1, per: 1h }', 'CAR321'),
  behind('a throttle of one title', 'throttle: { by: [value.titleId], max: 1, per: 1h }'),
]);

const IDLE: readonly Row[] = edited([
  behind(
    'a bypass of what never comes',
    'throttle: { by: [key], max: 1, per: 1h, bypass: [critical] }',
    'CAR246',
  ),
  behind(
    'a bypass of all that comes',
    'throttle: { by: [key], max: 1, per: 1h, bypass: [normal, low] }',
    'CAR246',
  ),
  [
    'a bypass of some that come',
    '- gate_staleness: { max_age: 1h, ttl: 2h }',
    '- throttle: { by: [key], max: 1, per: 1h, bypass: [critical] }',
  ],
  [
    'a bypass in a chain, of some that come to one of its streams',
    '    - fan_out: { table: devices, by',
    '    - throttle: { by: [key], max: 1, per: 1h, bypass: [critical] }\n    - fan_out: { table: devices, by',
  ],
  behind(
    'what is delayed, where nothing is',
    'throttle: { by: [key], max: 1, per: 1h, delayed_max: 5 }',
    'CAR246',
  ),
  behind('what is held, where nothing is', night(', on_quiet: drop, held_max: 5'), 'CAR246'),
  behind(
    'when it is full, where nothing is held',
    night(', on_quiet: drop, on_full: pass'),
    'CAR246',
  ),
  behind('a member that nobody looks up', night(', on_quiet: drop, by: value.memberId'), 'CAR246'),
  [
    'a table that nobody reads',
    '  owners:',
    '  more: { topic: more, schema: Device, key: deviceId }\n  owners:',
    'CAR246',
  ],
  [
    'an identity twice',
    'by: [value.eventId], within',
    'by: [value.eventId, value.eventId], within',
    'CAR246',
  ],
  [
    'collapse twice',
    'collapse: [value.titleId]',
    'collapse: [value.titleId, value.titleId]',
    'CAR246',
  ],
  behind('a weaker gate', `${READ_TWICE}gate_staleness: { max_age: 5m } }`.slice(2), 'CAR246'),
  behind('the same gate', `${READ_TWICE}gate_staleness: { max_age: 2m } }`.slice(2), 'CAR246'),
  behind('a stricter gate', `${READ_TWICE}gate_staleness: { max_age: 1m } }`.slice(2)),
  behind(
    'a gate that gives another deadline',
    `${READ_TWICE}gate_staleness: { max_age: 5m, ttl: 1h } }`.slice(2),
  ),
  behind(
    'a weaker dedup',
    `${READ_TWICE}dedup: { by: [value.eventId], within: 5m } }`.slice(2),
    'CAR246',
  ),
  behind(
    'a dedup by more',
    `${READ_TWICE}dedup: { by: [value.eventId, value.titleId], within: 10m } }`.slice(2),
    'CAR246',
    'CAR315',
  ),
  behind(
    'a dedup for longer',
    `${READ_TWICE}dedup: { by: [value.eventId], within: 11m } }`.slice(2),
  ),
  behind(
    'a dedup by something else',
    `${READ_TWICE}dedup: { by: [key, value.titleId], within: 5m } }`.slice(2),
  ),
  behind(
    'a dedup that drops what is late',
    `${READ_TWICE}dedup: { by: [value.eventId], within: 5m, late: drop } }`.slice(2),
  ),
  [
    'the same filter again',
    '      - sample:',
    `      - { name: again, filter: { where: ${WHERE} } }\n      - sample:`,
    'CAR246',
  ],
  [
    'another filter',
    '      - sample:',
    "      - { name: again, filter: { where: 'value.positionSeconds > 3' } }\n      - sample:",
  ],
  [
    'a weaker sample',
    '      - coalesce',
    '      - { name: again, sample: { keep: 99, of: 100 } }\n      - coalesce',
    'CAR246',
  ],
  [
    'a stricter sample',
    '      - coalesce',
    '      - { name: again, sample: { keep: 98, of: 100 } }\n      - coalesce',
  ],
  [
    'a sample of another count',
    '      - coalesce',
    '      - { name: again, sample: { keep: 99, of: 200 } }\n      - coalesce',
  ],
  [
    'a weaker throttle',
    '      - sample:',
    '      - throttle: { by: [key], max: 3, per: 1h }\n      - { name: again, throttle: { by: [key], max: 4, per: 1h } }\n      - sample:',
    'CAR246 - { name: again',
  ],
  [
    'a throttle for longer',
    '      - sample:',
    '      - throttle: { by: [key], max: 3, per: 1h }\n      - { name: again, throttle: { by: [key], max: 4, per: 1d } }\n      - sample:',
  ],
  ...[
    ['\'value.kind != "STARTED" || value.kind != "STOPPED"\'', 'CAR246'],
    ['\'value.titleId == "a" && value.titleId == "b"\'', 'CAR247'],
    ["'value.titleId == value.titleId'", 'CAR246'],
    ["'value.positionSeconds < value.positionSeconds'", 'CAR247'],
    ["'value.titleId in []'", 'CAR247'],
    ['\'value.titleId == "a" || true\'', 'CAR246'],
    ['\'!(value.titleId == "a" && false)\'', 'CAR246'],
    ['\'value.titleId == "a" && 1 < 2\'', 'CAR246'],
    ['\'value.titleId == "a" || (value.memberId == "m" && value.memberId == "n")\'', 'CAR246'],
    ['\'true ? value.titleId == "a" : false\'', 'CAR246'],
    ['\'value.titleId == "a" || value.titleId == "b"\''],
    ['\'value.titleId != "a" && value.titleId != "b"\''],
    ["'value.positionSeconds >= 3 && value.positionSeconds >= 4'"],
    ['\'value.kind == "STOPPED" ? true : false\''],
    ["'value.positionSeconds > 2147483647'", 'CAR247'],
    ["'value.positionSeconds >= 2147483647'"],
    ["'3000000000 > value.positionSeconds'", 'CAR246'],
    ["'value.positionSeconds == -3000000000'", 'CAR247'],
    ["'value.occurredAt > 3000000000'"],
    ["'size(value.titleId) < 0'", 'CAR247'],
    ["'value.titleId.size() >= 0'", 'CAR246'],
    ["'size(value.titleId) > 0'"],
    ["'value.positionSeconds % 2 == 3'", 'CAR247'],
    ["'value.positionSeconds % 2 != -2'", 'CAR246'],
    ["'value.positionSeconds % 2 == -1'"],
    ["'double(value.positionSeconds) == 0.0 / 0.0'", 'CAR247'],
    ["'double(value.positionSeconds) != 0.0 / 0.0'", 'CAR246'],
  ].map(([where, ...told]) => [`where ${where}`, WHERE, where!, ...told] as const),
  [
    'an exception for all',
    UNLESS,
    '[{ when: \'value.kind != "RENAMED" || value.kind != "ADDED"\', as: critical }]',
    'CAR246',
  ],
]);

export const EFFECTS: readonly Row[] = [
  ...OF_STEPS,
  ...OF_NIGHTS,
  ...OF_DIGESTS,
  ...OF_MEMBERS,
  ...IDLE,
];
