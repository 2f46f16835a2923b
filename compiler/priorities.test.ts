import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sinks } from '../connectors/index.ts';
import type { PriorityLevel } from '../core/priority.ts';
import { steps } from '../processors/index.ts';
import { readSchemaFolder } from '../schemas/folder.ts';
import { compile } from './compile.ts';
import { parseTopologyTest } from './topology-test.ts';

const schemas = readSchemaFolder(new URL('../schemas', import.meta.url).pathname);

const OWN = `priorities:
  flash: { weight: 9, urgent: true }
  soon:
  later: { weight: 2 }
`;

function topology(priorities: string, as = 'flash', more = ''): string {
  return `topology: t
${priorities}tables:
  devices: { topic: tables.devices, schema: MemberDevices, key: memberId }
lanes:
  notes:
    topic: notes.{priority}.{transport}
    schema: DeviceNotification
    key: value.deviceId
    transports: [inbox]
streams:
  plans:
    id: pl
    priority: { as: ${as}${more} }
    from: { topic: events.plan-change, schema: PlanChange }
    steps:
      - fan_out: { table: devices }
    to: { lane: notes }
sinks:
  inbox:
    from: { lane: notes, transport: all }
    to: { type: inbox, ttl: 7d }
`;
}

const compiled = (text: string) =>
  compile(text, { file: 't.yaml', catalog: { steps, sinks }, schemas, env: {} });

const UNLESS = `, unless: [{ when: 'value.planTo == "a"', as: soon }, { when: 'value.planTo == "b"', as: later }]`;

test("a topology's own priorities are those of its plan, topics, groups and notifications", () => {
  const { plan, diagnostics, schemas: own } = compiled(topology(OWN, 'flash', UNLESS));
  assert.deepEqual(diagnostics, []);
  assert.deepEqual(plan?.priorities.levels, [
    { name: 'flash', weight: 9, urgent: true },
    { name: 'soon', weight: 2, urgent: true },
    { name: 'later', weight: 2, urgent: false },
  ] satisfies PriorityLevel[]);
  const [lane] = plan.lanes;
  assert.deepEqual(lane?.priorities, [0, 1, 2]);
  assert.deepEqual(
    lane.priorities.map((priority) => lane.topicOf(priority, 'inbox')),
    ['notes.flash.inbox', 'notes.soon.inbox', 'notes.later.inbox'],
  );
  const streams = plan.subTopologies.filter(({ priority }) => priority >= 0);
  assert.deepEqual(
    streams.map(({ role, group, priority, numbers }) => [role, group, priority, numbers]),
    [
      ['streams/flash', 't.streams.flash', 0, 't.flash.numbers'],
      ['streams/soon', 't.streams.soon', 1, 't.soon.numbers'],
      ['streams/later', 't.streams.later', 2, 't.later.numbers'],
    ],
  );
  assert.equal(plan.sinks[0]?.groupOf(2), 't.sink.inbox.later');
  const symbols = (of: typeof schemas) => {
    const { fields } = of.get('DeviceNotification')!;
    return (fields.find(({ name }) => name === 'priority')!.type as { symbols: string[] }).symbols;
  };
  assert.deepEqual(symbols(own), ['flash', 'soon', 'later']);
  assert.equal(own.named('DeviceNotification')[0]?.record, own.get('DeviceNotification'));
  assert.equal(symbols(schemas).length, 4, 'as it was');
});

test("without the block they are RENO's, and written out it is the same topology", () => {
  const left = compiled(topology('', 'low'));
  const written = 'priorities:\n  critical:\n  high:\n  normal:\n  low: { weight: 3 }\n';
  const { plan, schemas: own } = compiled(topology(written, 'low'));
  assert.deepEqual(left.plan?.priorities.names, ['critical', 'high', 'normal', 'low']);
  assert.equal(plan?.hash, left.plan?.hash, 'weights do not decide');
  assert.equal(plan?.priorities.weightOf(3), 3);
  assert.equal(own, schemas);
});

test('another order is another topology', () => {
  const [a, b] = ['  flash:\n  soon:\n', '  soon:\n  flash:\n'].map(
    (names) => compiled(topology(`priorities:\n${names}`)).plan?.hash,
  );
  assert.notEqual(a, b);
});

const NINE = Array.from({ length: 9 }, (_, n) => `  p${n}:\n`).join('');
const rows: readonly [what: string, text: string, told: readonly string[]][] = [
  ['none at all', topology('priorities: {}\n', 'low'), ['2 CAR352']],
  ['nine of them', topology(`priorities:\n${NINE}`, 'p0'), ['2 CAR352']],
  ['a hyphen', topology('priorities:\n  too-late:\n', 'too-late'), ['3 CAR353']],
  ['capitals', topology('priorities:\n  Flash:\n', 'Flash'), ['3 CAR353']],
  ['a word of roles', topology('priorities:\n  devices:\n', 'devices'), ['3 CAR353']],
  ['no weight', topology('priorities:\n  flash: { weight: 0 }\n'), ['3 CAR305']],
  ['an unknown key', topology('priorities:\n  flash: { wait: 1 }\n'), ['3 CAR104']],
  ['no mapping', topology('priorities:\n  flash: 3\n'), ['3 CAR103']],
  ['a list', topology('priorities: [flash]\n', 'low'), ['2 CAR103']],
  ['one that is not declared', topology(OWN, 'critical'), ['17 CAR109']],
  ['ones that no stream gives', topology(OWN, 'soon'), ['3 CAR246', '5 CAR246']],
  [
    'one that the lane does not have',
    topology(OWN, 'soon').replace('[inbox]\n', '[inbox]\n    priorities: [flash]\n'),
    ['22 CAR210'],
  ],
  [
    'one that the lane names and nobody declares',
    topology(OWN).replace('[inbox]\n', '[inbox]\n    priorities: [flash, low]\n'),
    ['14 CAR109'],
  ],
  [
    'one that bypasses and nobody declares',
    topology(OWN).replace(
      '    steps:\n',
      '    steps:\n      - throttle: { by: [key], max: 1, per: 1h, bypass: [critical] }\n',
    ),
    ['20 CAR306'],
  ],
];
for (const [what, text, told] of rows) {
  test(`priorities: ${what}`, () => {
    const { diagnostics } = compiled(text);
    const found = diagnostics.map(
      ({ code, where }) => `${(where as { line: number }).line} ${code}`,
    );
    assert.deepEqual(found, told);
  });
}

const NAMES = `topology: t
tests:
  - it: tells
    feed: [{ at: 0s, stream: plans, key: m-1, value: {} }]
    expect: [{ at: 0s, sink: inbox, priority: soon, key: tv }]
    dropped: [{ at: 0s, step: plans/fan_out, reason: no_devices }]
`;
/** What is edited in a test file, and what is told of the name that its topology has not. */
const names: readonly [from: string, to: string, ...told: readonly string[]][] = [
  ['soon', 'flash'],
  ['soon', 'son', '5 CAR222 did you mean "soon"?   Known: flash, soon, later.'],
  ['topology: t', 'topology: u', '1 CAR222 did you mean "t"?   It is "t".'],
  ['stream: plans', 'stream: plan', '4 CAR222 did you mean "plans"?   Known: plans.'],
  ['sink: inbox', 'sink: inboxes', '5 CAR222 did you mean "inbox"?   Known: inbox.'],
  ['plans/fan_out, reason: no_devices', 'plans/source, reason: other_priority'],
  ['plans/fan_out, reason: no_devices', 'plans/lane, reason: no_transport'],
  ['plans/fan_out, reason: no_devices', 'plans/lane, reason: moved'],
  ['plans/fan_out, reason: no_devices', 'plans/branch, reason: no_branch'],
  [
    'reason: no_devices',
    'reason: no_device',
    '6 CAR222 did you mean "no_devices"?   Known: no_member, no_devices, n',
  ],
  // Of a step that is not there the reasons are not known.
  [
    'plans/fan_out, reason: no_devices',
    'plans/fanout, reason: gone',
    '6 CAR222 did you mean "plans/fan_out"?   Known: plans/source, plans/l',
  ],
];
for (const [from, to, ...told] of names) {
  test(`a test file with ${to} for ${from}`, () => {
    const { plan } = compiled(topology(OWN, 'flash', UNLESS));
    assert.ok(NAMES.includes(from));
    const { diagnostics } = parseTopologyTest(NAMES.replace(from, to), 't.test.yaml', plan);
    assert.deepEqual(
      diagnostics.map(({ code, where, mend }) => `${where.line} ${code} ${mend?.slice(0, 60)}`),
      told,
    );
  });
}
