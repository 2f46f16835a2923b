/** One value of many records: windows, functions, groups. */
import { BASE, edited, type Row } from './base.ts';

const OPTIONS =
  "by: [value.memberId], tumbling: { size: 1m }, grace: 10s, fields: { eventId: 'last(value.eventId)', " +
  "profileId: 'last(value.profileId)', titleId: 'last(value.titleId)', deviceId: 'last(value.deviceId)', " +
  "occurredAt: 'max(value.occurredAt)', n: 'count()' }";
const GIVEN = ['eventId', 'memberId', 'profileId', 'titleId', 'deviceId', 'occurredAt']
  .map((name) => `${name}: value.${name}`)
  .join(', ');

/** Counts viewings, and makes an event of the count. */
const COUNTED = BASE.replace(
  '- sample: { keep: 99, of: 100 }',
  `- aggregate: { ${OPTIONS} }\n      - map: { fields: { ${GIVEN} } }`,
);

const TUMBLING = 'tumbling: { size: 1m }';
const COUNT = "n: 'count()'";

const GATE = '- { name: old, gate_staleness: { max_age: 69s } }';
const before = (step: string) => ['      - map:', `      ${step}\n      - map:`] as const;

const UNREAD = 'CAR327 - aggregate';
/** Other windows, and a step behind the aggregate. */
const told = (windows: string, step: string) => {
  const from = COUNTED.slice(COUNTED.indexOf(TUMBLING), COUNTED.indexOf('      - map:'));
  const to = `${from.replace(TUMBLING, windows)}      - { name: more, ${step} }\n`;
  return [from, to] as const;
};

const COUNTS: readonly Row[] = edited(
  [
    ['an aggregate', '', ''],
    ['a gate behind updates', ...before(GATE)],
    ['by the key alone', 'by: [value.memberId]', 'by: [key]', 'CAR402 map:'],
    ['by the key and more', 'by: [value.memberId]', 'by: [value.memberId, value.kind]'],
    [
      'by something else',
      'by: [value.memberId]',
      'by: [value.titleId]',
      'CAR251',
      'CAR280',
      'CAR402 map:',
    ],
    [
      'by another field',
      `by: [value.memberId], ${TUMBLING}, grace: 10s, fields: {`,
      `by: [value.kind], ${TUMBLING}, grace: 10s, fields: { memberId: 'last(value.memberId)',`,
      'CAR245 - fan_out',
      'CAR251',
    ],
    ['by nothing there', 'by: [value.memberId]', 'by: [value.member]', 'CAR402'],
    ['by and a field of one name', COUNT, "memberId: 'last(value.memberId)'", 'CAR280'],
    ['a field of a bound', COUNT, "window_end: 'count()'", 'CAR280'],
    ['two kinds of windows', TUMBLING, `${TUMBLING}, session: { gap: 1m }`, 'CAR252'],
    ['windows without unit', TUMBLING, 'tumbling: { size: 60 }', 'CAR304'],
    ['windows of no size', TUMBLING, 'tumbling: { size: 0s }', 'CAR305'],
    ['windows that are a duration', TUMBLING, 'tumbling: 1m', 'CAR303'],
    ['a window with a misspelt size', TUMBLING, 'tumbling: { sise: 1m }', 'CAR301'],
    ['a window without a size', TUMBLING, 'hopping: { advance: 1m }', 'CAR302'],
    ['hopping windows', TUMBLING, 'hopping: { size: 1m, advance: 10s }'],
    ['windows with times between', TUMBLING, 'hopping: { size: 1m, advance: 2m }', 'CAR256'],
    ['windows without number', TUMBLING, 'hopping: { size: 1h, advance: 1s }', 'CAR256'],
    ['sliding windows', TUMBLING, 'sliding: { size: 1m }'],
    ['sessions', TUMBLING, 'session: { gap: 1m }', 'CAR327 - aggregate'],
    [
      'sessions that are told as they grow',
      TUMBLING,
      'session: { gap: 1m }, emit: updates',
      UNREAD,
    ],
    [
      'sessions that are told as they grow, and taken back',
      ...told('session: { gap: 1m }, emit: updates', "filter: { where: '!value.retracted' }"),
    ],
    [
      'sessions that are told as they grow, with a filter of something else',
      ...told('session: { gap: 1m }, emit: updates', "filter: { where: 'value.n > 3' }"),
      UNREAD,
    ],
    [
      'sessions that are told as they grow, once',
      ...told(
        'session: { gap: 1m }, emit: updates',
        'dedup: { by: [key, value.retracted], within: 1h }',
      ),
    ],
    [
      'sessions that are told when they are over',
      ...told('session: { gap: 1m }, emit: final', "filter: { where: 'value.n > 3' }"),
    ],
    [
      'windows that are told as they grow',
      ...told(`${TUMBLING}, emit: updates`, "filter: { where: 'value.n > 3' }"),
    ],
    ['sessions by size', TUMBLING, 'session: { size: 1m }', 'CAR301'],
    ['late records to a topic', 'grace: 10s', 'grace: 10s, late_to: viewing.late'],
    ['late records to no topic', 'grace: 10s', 'grace: 10s, late_to: "a b"', 'CAR214'],
    ['late records to a table', 'grace: 10s', 'grace: 10s, late_to: tables.devices', 'CAR215'],
    ['grace without windows', `${TUMBLING}, `, '', 'CAR246'],
    ['final results', 'grace: 10s', 'grace: 10s, emit: final'],
    ['final without windows', `${TUMBLING}, grace: 10s`, 'emit: final', 'CAR253'],
    ['no such emit', 'grace: 10s', 'grace: 10s, emit: last', 'CAR306'],
    ['no function', COUNT, 'n: value.eventId', 'CAR254'],
    ['no such function', COUNT, "n: 'total(value.occurredAt)'", 'CAR254'],
    ['a function that is not CEL', COUNT, "n: 'count('", 'CAR254'],
    ['a function of functions', COUNT, "n: 'count() + 1'", 'CAR254'],
    ['a method', COUNT, "n: 'value.titleId.size()'", 'CAR254'],
    ['no fields', `fields: {`, 'fields: {}, x: {', 'CAR303', 'CAR301'],
    ['sum of nothing', COUNT, "n: 'sum()'", 'CAR255'],
    ['sum of a text', COUNT, "n: 'sum(value.titleId)'", 'CAR255'],
    ['avg of two', COUNT, "n: 'avg(value.occurredAt, 2)'", 'CAR255'],
    ['min of a text', COUNT, "n: 'min(value.titleId)'"],
    ['collect without a number', COUNT, "n: 'collect(value.titleId)'", 'CAR255'],
    ['collect too many', COUNT, "n: 'collect(value.titleId, 1001)'", 'CAR255'],
    ['collect a field of them', COUNT, "n: 'collect(value.titleId, value.occurredAt)'", 'CAR255'],
    ['collect', COUNT, "n: 'collect(value.titleId, 10)'"],
    ['distinct', COUNT, "n: 'distinct(value.titleId)'"],
    ['a field that is not there', COUNT, "n: 'max(value.at)'", 'CAR402'],
    ['a type that does not fit', COUNT, "n: 'max(value.titleId > 1)'", 'CAR311'],
    ['of the event, behind it', 'eventId: value.eventId', 'eventId: value.kind', 'CAR402'],
    [
      'of a result, and of the wrong type',
      'titleId: value.titleId',
      'titleId: value.n',
      'CAR406 to:',
    ],
  ],
  COUNTED,
);

const BEFORE = '- gate_staleness: { max_age: 2m }';
const BEHIND = `- map: { fields: { ${GIVEN} } }`;
const behind = (gate: string) => `${BEHIND}\n      ${gate}`;
const FINAL = COUNTED.replace('grace: 10s', 'grace: 10s, emit: final');
const WAITING: readonly Row[] = edited(
  [
    ['a gate behind windows that are longer', ...before(GATE), 'CAR247'],
    ['a gate behind windows that are not', ...before(GATE.replace('69s', '70s'))],
    ['windows longer than what came may live', TUMBLING, 'tumbling: { size: 1h }'],
    ['less than one', ...before("- { name: few, filter: { where: 'value.n < 1' } }"), 'CAR247'],
    ['at least one', ...before("- { name: few, filter: { where: 'value.n >= 1' } }"), 'CAR246'],
    ['more than one', ...before("- { name: few, filter: { where: 'value.n > 1' } }")],
  ],
  FINAL,
);

/** What is left of a deadline behind an aggregate. */
const DEADLINES: readonly Row[] = [
  ...edited(
    [
      ['a ttl that results do not have', BEFORE, BEFORE.replace('2m', '2m, ttl: 1h'), 'CAR246'],
      [
        'a gate behind it too',
        BEHIND,
        behind('- { name: fresh, gate_staleness: { max_age: 2m } }'),
      ],
    ],
    FINAL,
  ),
  ...edited([['a ttl that updates keep', BEFORE, BEFORE.replace('2m', '2m, ttl: 1h')]], COUNTED),
  ...edited(
    [
      ['final results that are to be acknowledged', '', '', 'CAR771 guarantee'],
      [
        'with a gate behind them',
        BEHIND,
        behind('- { name: fresh, gate_staleness: { max_age: 10m } }'),
      ],
      [
        'with one that is over before it is told again',
        BEHIND,
        behind('- { name: fresh, gate_staleness: { max_age: 4m } }'),
        'CAR772 guarantee',
      ],
      ['updates', 'emit: final', 'emit: updates, on_full: drop', 'CAR772 guarantee'],
    ],
    FINAL.replace(
      '{ lane: notifications, ',
      '{ lane: notifications, guarantee: acked, again_after: 5m, ',
    ),
  ),
];

export const AGGREGATES: readonly Row[] = [...WAITING, ...COUNTS, ...DEADLINES];
