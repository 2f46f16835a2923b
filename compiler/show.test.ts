import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sinks } from '../connectors/index.ts';
import { steps } from '../processors/index.ts';
import { readSchemaFolder } from '../schemas/folder.ts';
import { compile } from './compile.ts';

const schemas = readSchemaFolder(new URL('../schemas', import.meta.url).pathname);
const catalog = { steps, sinks };

const stream = (name: string, priority: string, collapse: boolean, show: string) => `  ${name}:
    id: ${name}
    priority: ${priority}
    from: { topic: events.plan-change, schema: PlanChange, id: value.eventId }
    steps:
      - fan_out: { table: devices }
    to: { lane: all${collapse ? ', collapse: [value.planTo]' : ''} }
${show}`;
const topology = (...streams: string[]) => `topology: small
tables:
  devices: { topic: tables.devices, schema: MemberDevices, key: memberId }
lanes:
  all:
    topic: "n.{priority}.{transport}"
    schema: DeviceNotification
    key: value.deviceId
    transports: [fcm]
streams:
${streams.join('')}sinks:
  fcm: { from: { lane: all, transport: fcm }, to: { type: fcm, project: p } }
`;
const compiled = (text: string) => compile(text, { file: 't.yaml', catalog, schemas, env: {} });
const shown = (show: string) =>
  topology(stream('plan', '{ as: normal }', false, show === '' ? '' : `    show: ${show}\n`));
/** `CAR670 what` of each error. */
const told = (text: string) =>
  compiled(text).diagnostics.map(({ code, what }) => `${code} ${what}`);

test('what is written is what is shown', () => {
  const text = shown(
    '{ title: { en: Plan, de: Tarif }, body: { en: "{{{value.planTo}}} for { value.streamsMax }.", de: x }, ' +
      'fcm: { channel: account, sound: default, group: plans }, apns: { as: background, badge: 0 } }',
  );
  const { plan, diagnostics } = compiled(text);
  assert.deepEqual(diagnostics, []);
  assert.deepEqual(plan!.subTopologies[0]!.streams[0]!.show, {
    fallback: 'en',
    title: new Map([
      ['en', ['Plan']],
      ['de', ['Tarif']],
    ]),
    body: new Map([
      ['en', ['{', ['planTo'], '} for ', ['streamsMax'], '.']],
      ['de', ['x']],
    ]),
    fcm: { as: 'alert', channel: 'account', sound: 'default', group: 'plans' },
    apns: { as: 'background', sound: null, badge: 0 },
  });
});

test('without `show` there is none; a text without a locale is the fall-back’s', () => {
  assert.equal(compiled(shown('')).plan!.subTopologies[0]!.streams[0]!.show, null);
  const { show } = compiled(shown('{ title: Hallo, fallback: de }')).plan!.subTopologies[0]!
    .streams[0]!;
  assert.deepEqual([show!.fallback, show!.title], ['de', new Map([['de', ['Hallo']]])]);
});

const AT = 'stream "plan", show';
for (const [show, ...errors] of [
  ['{ title: "{value.planTo" }', `CAR670 ${AT}, title: "{" at character 1 is no {value.field}.`],
  ['{ title: "a } b" }', `CAR670 ${AT}, title: "}" at character 3 is no {value.field}.`],
  ['{ title: "{}" }', `CAR670 ${AT}, title: {} is not a field of the event.`],
  ['{ title: "{key}" }', `CAR670 ${AT}, title: {key} is not a field of the event.`],
  [
    '{ title: "Now {{value.planTo}}" }',
    `CAR670 ${AT}, title: {{value.planTo}} shows braces, and not the field.`,
  ],
  [
    '{ title: "Now {{ planTo }}" }',
    `CAR670 ${AT}, title: {{ planTo }} shows braces, and not the field.`,
  ],
  ['{ title: "{planTo}" }', `CAR670 ${AT}, title: {planTo} is not a field of the event.`],
  [
    '{ title: { en: x, de: "{value}" } }',
    `CAR670 ${AT}, title, de: {value} is not a field of the event.`,
  ],
  ['{ title: "{value.plan}" }', `CAR402 ${AT}, title: PlanChange has no field "plan".`],
  ['{ title: { deutsch: x } }', `CAR672 ${AT}, title: "deutsch" is not a locale.`],
  [
    '{ title: { en: x }, body: { de: y } }',
    `CAR672 ${AT}: not every text has the fall-back locale "en".`,
  ],
  [
    '{ title: { en: x }, fallback: fr }',
    `CAR672 ${AT}: not every text has the fall-back locale "fr".`,
  ],
  ['{ fcm: { as: alert } }', `CAR671 ${AT}: an alert has no title, no body.`],
  ['{ apns: { as: alert, sound: default } }', `CAR671 ${AT}: an alert has no title, no body.`],
  ['{ titel: x }', `CAR104 ${AT}: key "titel" is not known here.`],
  ['{ title: x, fcm: { chanel: y } }', `CAR104 ${AT}, fcm: key "chanel" is not known here.`],
] as const) {
  test(`refused: ${show}`, () => assert.deepEqual(told(shown(show)), errors));
}

test('a field that is no text is refused', () => {
  const list = topology(
    stream('plan', '{ as: normal }', false, '    show: { title: "{value.devices}" }\n'),
  ).replaceAll('schema: PlanChange, id: value.eventId', 'schema: MemberDevices');
  assert.ok(told(list).some((one) => one.startsWith(`CAR670 ${AT}, title: {value.devices} is a`)));
});

const group = (name: string, of: string) =>
  stream(name, '{ as: normal }', false, `    show: { title: x, fcm: { group: ${of} } }\n`);
const all =
  '{ as: critical, unless: [{ when: value.streamsMax > 1, as: high }, { when: value.streamsMax > 2, as: normal }, { when: value.streamsMax > 3, as: low }] }';
for (const [what, streams, keys] of [
  ['four groups', ['a', 'b', 'c', 'd'].map((one) => group(one, one)), 0],
  ['five', ['a', 'b', 'c', 'd', 'e'].map((one) => group(one, one)), 5],
  [
    'six streams of two',
    ['a', 'b', 'c', 'd', 'e', 'f'].map((one, i) => group(one, `g${i % 2}`)),
    0,
  ],
  ['four priorities without a group', [stream('a', all, true, '')], 0],
  ['and one group more', [stream('a', all, true, ''), group('b', 'b')], 5],
  ['priorities that do not collapse take none', [stream('a', all, false, ''), group('b', 'b')], 0],
] as const) {
  test(`FCM's four collapse keys: ${what}`, () => {
    const codes = compiled(topology(...streams)).diagnostics.map(({ code }) => code);
    assert.deepEqual(codes, keys === 0 ? [] : ['CAR673']);
  });
}

/** A step has given another value: it is what devices are told, and what texts read. */
const given = (body: string) =>
  shown(`{ title: Plan, body: "${body}" }`).replace(
    '    steps:\n',
    '    steps:\n      - digest: { by: [key], within: 1m }\n' +
      '      - map: { fields: { eventId: \'""\', memberId: key, planTo: \'""\', changedAt: "0" } }\n',
  );
test('a text reads what the steps give, and not what the event had', () => {
  const names = (body: string) => told(given(body)).filter((line) => line.includes('show'));
  assert.deepEqual(names('{value.memberId}'), []);
  assert.deepEqual(
    names('{value.streamsMax}').map((line) => line.slice(0, 6)),
    ['CAR402'],
  );
});
