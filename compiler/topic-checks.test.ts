/** Topics of a topology, one beside the other: circles, the engine's own, names that collide. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compiledOf, lanesWith } from '../test/kit/drive.ts';

const SCHEMA = 'schema: PlanChange';

/** `from > to`, and what else the stream has: one stream each, named a, b, c. */
function streams(...all: readonly (readonly [from: string, to: string, more?: string])[]): string {
  const texts = all.map(
    ([from, to, more = ''], n) => `  ${'abc'[n]}:
    id: ${'abc'[n]}
    from: ${from.startsWith('[') ? `{ streams: ${from} }` : `{ topic: ${from}, ${SCHEMA} }`}
${more}${to === '' ? '' : `    to: { topic: ${to}, ${SCHEMA} }\n`}`,
  );
  return `topology: t\nstreams:\n${texts.join('')}`;
}

const steps = (...of: readonly string[]) =>
  `    steps:\n${of.map((s) => `      - ${s}\n`).join('')}`;
const DEDUP = steps('dedup: { by: [value.memberId], within: 1h }');
const REKEY = steps('rekey: { by: value.eventId }', 'dedup: { by: [key], within: 1h }');
const GIVEN = ['eventId', 'memberId', 'planFrom', 'planTo', 'changedAt'];
const last = (name: string) => `${name}: 'last(value.${name})'`;
const lateTo = (topic: string) =>
  steps(
    `aggregate: { by: [value.memberId], tumbling: { size: 1m }, grace: 1s, late_to: ${topic}, fields: { ${GIVEN.filter(
      (name) => name !== 'memberId',
    )
      .map(last)
      .join(', ')}, n: 'count()' } }`,
    `map: { fields: { ${GIVEN.map((name) => `${name}: value.${name}`).join(', ')}, streamsMax: value.n } }`,
  );
const toLane = (topic: string, more = '') =>
  lanesWith(`  told:
    id: te
    priority: { as: high }
    from: { topic: ${topic}, schema: DeviceNotification, key: value.deviceId }
    steps: [{ gate_staleness: { max_age: 1h } }, { fan_out: { table: devices, by: value.deviceId } }]
    to: { lane: notifications${more} }
`);
const acked = (topic: string) =>
  `${toLane('events.n', ', guarantee: acked, transports: [websocket, inbox]')}`.replace(
    'sinks:',
    `  acks:
    id: ak
    priority: { as: high }
    from: { topic: events.acks, schema: Acknowledgement }
    to: { topic: ${topic}, schema: Acknowledgement }
sinks:`,
  );

const CASES: readonly (readonly [what: string, text: string, ...told: RegExp[]])[] = [
  ['one topic into another', streams(['in', 'out'])],
  ['a way of three', streams(['in', 'mid'], ['mid', 'out'], ['out', 'end'])],
  ['two from one, into one', streams(['in', 'out'], ['in', 'out'])],
  ['a stream into its own topic', streams(['in', 'in']), /^CAR234 .*: a → in → a\.$/],
  [
    'two streams, over two topics',
    streams(['in', 'mid'], ['mid', 'in']),
    /^CAR234 .*: a → mid → b → in → a\.$/,
  ],
  [
    'over streams and a topic',
    streams(['in', ''], ['[a]', 'in']),
    /^CAR234 stream "b": .*: b → in → a → b\.$/,
  ],
  ['behind another key', streams(['in', 'in', REKEY]), /^CAR234 .*: a → in → a\.$/],
  ['late records into the source', streams(['in', 'out', lateTo('in')]), /^CAR234 /],
  ['late records elsewhere', streams(['in', 'out', lateTo('late')])],
  ['a lane into itself', toLane('notifications.high.inbox'), /^CAR234 /],
  [
    'into a changelog',
    streams(['in', 't.streams.a.dedup-changelog', DEDUP]),
    /^CAR215 .*own \(changelog\)\.$/,
  ],
  [
    'from a changelog',
    streams(['in', 'out', DEDUP], ['t.streams.a.dedup-changelog', 'end']),
    /^CAR215 stream "b": /,
  ],
  [
    'late records into a changelog',
    streams(['in', 'out', lateTo('t.streams.a.aggregate-changelog')]),
    /^CAR215 /,
  ],
  [
    'a table of a changelog',
    streams(['in', 'out', DEDUP]).replace(
      'streams:',
      `tables:
  rows: { topic: t.streams.a.dedup-changelog, schema: PlanChange, key: memberId }
streams:`,
    ),
    /^CAR215 table "rows": /,
    /^CAR246 /,
  ],
  [
    'dead letters into a changelog',
    `on_error: { topic: t.streams.a.dedup-changelog }\n${streams(['in', 'out', DEDUP])}`,
    /^CAR215 on_error: /,
  ],
  [
    'into a repartition topic that comes later',
    streams(['in', 't.b.rekey-repartition'], ['mid', 'out', REKEY]),
    /^CAR215 stream "a": .*own \(repartition\)\.$/,
  ],
  [
    'from a repartition topic',
    streams(['in', 'out', REKEY], ['t.a.rekey-repartition', 'end']),
    /^CAR215 stream "b": /,
  ],
  ['into what is applied', streams(['in', 't.applied']), /^CAR215 .*own \(applied\)\.$/],
  ['into what another applies', streams(['in', 'u.applied'])],
  ['into acknowledgements', acked('tables.acknowledgements'), /^CAR215 stream "acks"/],
  ['into other acknowledgements', acked('acks')],
  [
    'into what would be acknowledgements, beside a table',
    streams(['in', 'tables.acknowledgements']).replace(
      'streams:',
      'tables:\n  rows: { topic: tables.rows, schema: PlanChange, key: memberId }\nstreams:',
    ),
    /^CAR246 /,
  ],
  ['dots and underscores', streams(['in', 'out.x'], ['in', 'out_x']), /^CAR270 stream "b": /],
  ['dots and hyphens', streams(['in', 'out.x'], ['in', 'out-x'])],
  ['one of the engine', streams(['in', 't_applied']), /^CAR270 stream "a": .*"t\.applied"/],
  [
    'a changelog',
    streams(['in', 't.streams.a_dedup-changelog', DEDUP]),
    /^CAR270 stream "a": .*"t\.streams\.a\.dedup-changelog"/,
  ],
];
for (const [what, text, ...expected] of CASES) {
  test(`topics: ${what}`, () => {
    const told = compiledOf(text).diagnostics.map((one) => `${one.code} ${one.what}`);
    assert.equal(told.length, expected.length, told.join('\n'));
    for (const [i, pattern] of expected.entries()) {
      assert.ok(
        told.some((line) => pattern.test(line)),
        `${i}: ${told.join('\n')}`,
      );
    }
  });
}
