/** Words of a topology's own: classes of device, the fields of identities, texts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sinks } from '../connectors/index.ts';
import { RENO_WORDS } from '../core/words.ts';
import { steps } from '../processors/index.ts';
import { readSchemaFolder, schemaFolderOf } from '../schemas/folder.ts';
import { compile } from './compile.ts';
import { parseTopologyTest } from './topology-test.ts';

const fields = (...names: string[]) => names.map((name) => ({ name, type: 'string' }));
const record = (name: string, names: readonly string[]) => ({
  file: `${name}.avsc`,
  record: { type: 'record', name, namespace: 'bank', fields: fields(...names) } as const,
});
const shipped = readSchemaFolder(new URL('../schemas', import.meta.url).pathname);
const schemas = schemaFolderOf(
  new Map([
    ...shipped
      .names()
      .map((name) => [name, { record: shipped.get(name)!, file: shipped.fileOf(name)! }] as const),
    ['bank.Payment', record('Payment', ['paymentId', 'customerId', 'cardId', 'memberId'])],
    ['bank.Loyalty', record('Loyalty', ['memberId'])],
  ]),
);
const OWN = 'device_classes: [phone, kiosk]\nfields: { member: customerId, device: terminalId }\n';

function topology(words: string, more: { steps?: string; from?: string; show?: string } = {}) {
  const { steps: written = '', from = 'events.payment, schema: Payment', show = '' } = more;
  return `topology: bank
${words}tables:
  devices: { topic: tables.devices, schema: MemberDevices, key: memberId }
lanes:
  notes:
    topic: notes.{priority}.{transport}
    schema: DeviceNotification
    key: value.deviceId
    transports: [inbox]
streams:
  payments:
    id: pay
    priority: { as: high }
    from: { topic: ${from} }
    steps:
${written}      - fan_out: { table: devices }
    to: { lane: notes }
${show}sinks:
  inbox:
    from: { lane: notes, transport: all }
    to: { type: inbox, ttl: 7d }
`;
}

const compiled = (text: string) =>
  compile(text, { file: 't.yaml', catalog: { steps, sinks }, schemas, env: {} });
const toldOf = (text: string) =>
  compiled(text).diagnostics.map(({ where, code }) => `${where.line} ${code}`);

test('classes, fields and texts are those of the plan', () => {
  const texts = 'texts: { fallback: de, key: "bank.{use_case}" }\n';
  const { plan, diagnostics } = compiled(topology(OWN + texts));
  assert.deepEqual(diagnostics, []);
  assert.deepEqual(
    { ...plan?.words, deviceClasses: plan?.words.deviceClasses.names },
    {
      deviceClasses: ['phone', 'kiosk'],
      fields: { member: 'customerId', device: 'terminalId' },
      texts: { fallback: 'de', key: 'bank.{use_case}' },
    },
  );
});

test('the field of members is the key of events, and what `fan_out` looks up by', () => {
  const of = (words: string) => {
    const stream = compiled(topology(words)).plan!.subTopologies[0]!.streams[0]!;
    const by = stream.steps[0]!.config.by as { readonly path: string };
    return [stream.source.member?.path, by.path];
  };
  assert.deepEqual(of(OWN), ['value.customerId', 'value.customerId']);
  assert.deepEqual(of(''), ['value.memberId', 'value.memberId']);
});

test("without them they are RENO's, and RENO's written out are no other topology", () => {
  const left = compiled(topology('')).plan!;
  const written = `device_classes: [mobile, tablet, tv, stick, set-top, web]
fields: { member: memberId, device: deviceId }
texts: { fallback: en, key: 'carillon.{use_case}' }
`;
  const { plan } = compiled(topology(written));
  assert.deepEqual(left.words, RENO_WORDS);
  assert.deepEqual(plan?.words, RENO_WORDS);
  assert.equal(plan?.hash, left.hash);
});

test('other classes, or another order, decide: another hash', () => {
  const hashes = ['[phone, kiosk]', '[kiosk, phone]', '[phone, kiosk, watch]'].map(
    (names) => compiled(topology(`device_classes: ${names}\n`)).plan!.hash,
  );
  assert.equal(new Set(hashes).size, 3);
});

test('the locale of texts is that of the file where a stream says none', () => {
  const show = "    show: { title: 'Zahlung' }\n";
  const localeOf = (words: string) =>
    compiled(topology(words, { show })).plan!.subTopologies[0]!.streams[0]!.show!.fallback;
  assert.deepEqual([localeOf('texts: { fallback: de }\n'), localeOf('')], ['de', 'en']);
});

const MANY = Array.from({ length: 25 }, (_, n) => `c${n}`).join(', ');
const target = (classes: string) => ({ steps: `      - target: { classes: [${classes}] }\n` });
const rows: readonly [what: string, text: string, told: readonly string[]][] = [
  ['no class at all', topology('device_classes: []\n'), ['2 CAR354']],
  ['25 classes', topology(`device_classes: [${MANY}]\n`), ['2 CAR354']],
  ['24 classes', topology(`device_classes: [${MANY.replace(', c24', '')}]\n`), []],
  ['capitals', topology('device_classes: [Kiosk]\n'), ['2 CAR355']],
  ['an underscore', topology('device_classes: [gate_display]\n'), ['2 CAR355']],
  ['the word for all', topology('device_classes: [phone, all]\n'), ['2 CAR355']],
  ['33 characters', topology(`device_classes: [${'x'.repeat(33)}]\n`), ['2 CAR355']],
  ['a number', topology('device_classes: [phone, 3]\n'), ['2 CAR355']],
  ['one twice', topology('device_classes: [phone, phone]\n'), ['2 CAR314']],
  ['no list', topology('device_classes: phone\n'), ['2 CAR103']],
  ['one that is declared', topology(OWN, target('kiosk')), []],
  ['all of them', topology(OWN, target('all')), []],
  ["one of RENO's beside own", topology(OWN, target('kiosk, tv')), ['18 CAR306']],
  ["an own one among RENO's", topology('', target('kiosk')), ['16 CAR306']],
  [
    'a broken one that is named',
    topology('device_classes: [Kiosk]\n', target('Kiosk')),
    ['2 CAR355'],
  ],
  ['a path for a field', topology('fields: { member: value.customerId }\n'), ['2 CAR356']],
  ['a text with spaces', topology('fields: { member: "the customer" }\n'), ['2 CAR356']],
  [
    'two of one name',
    topology('fields: { member: customerId, device: customerId }\n'),
    ['2 CAR356'],
  ],
  ['the name of the other', topology('fields: { device: memberId }\n'), ['2 CAR356']],
  ['an unknown field', topology('fields: { user: customerId }\n'), ['2 CAR104']],
  ['fields that are a text', topology('fields: customerId\n'), ['2 CAR103']],
  [
    'a field that the event lacks',
    topology(OWN, { from: 'events.loyalty, schema: Loyalty' }),
    ['18 CAR402'],
  ],
  ['a text key without its part', topology('texts: { key: bank }\n'), ['2 CAR357']],
  ['a text key with two', topology('texts: { key: "{use_case}.{use_case}" }\n'), ['2 CAR357']],
  [
    'a text key with another part',
    topology('texts: { key: "{use_case}.{locale}" }\n'),
    ['2 CAR357'],
  ],
  ['a text key with a space', topology('texts: { key: "a {use_case}" }\n'), ['2 CAR357']],
  [
    'a text key of 129 characters',
    topology(`texts: { key: "{use_case}${'x'.repeat(119)}" }\n`),
    ['2 CAR357'],
  ],
  ['no locale', topology('texts: { fallback: german }\n'), ['2 CAR672']],
  ['an unknown text', topology('texts: { title: x }\n'), ['2 CAR104']],
];
for (const [what, text, told] of rows) {
  test(`words: ${what}`, () => {
    assert.deepEqual(toldOf(text), told);
  });
}

const mends: readonly [words: string, more: Parameters<typeof topology>[1], mend: RegExp][] = [
  ['device_classes: [gateDisplay]\n', {}, /write gate-display\./],
  ['device_classes: [2nd Screen]\n', {}, /write nd-screen\./],
  ['fields: { member: value.customerId }\n', {}, /write customerId\./],
  [OWN, target('kisk'), /did you mean "kiosk"/],
];
for (const [words, more, mend] of mends) {
  test(`the mend of ${words.trim()} ${more?.steps?.trim() ?? ''}`, () => {
    assert.match(compiled(topology(words, more)).diagnostics[0]!.mend ?? '', mend);
  });
}

test('a field of members that no event has was misspelt', () => {
  const from = 'events.payment, schema: Payment, key: value.cardId';
  const steps = '      - rekey: { by: value.customerId }\n';
  const text = topology('fields: { member: custmerId }\n', { from, steps }).replace(
    '{ table: devices }',
    '{ table: devices, by: value.customerId }',
  );
  const [told] = compiled(text).diagnostics;
  assert.deepEqual([told?.code, told?.level, told?.where.line], ['CAR358', 'warning', 2]);
  assert.match(told?.mend ?? '', /did you mean "customerId"/);
});

test('devices of tests are judged by the words of a file that is broken elsewhere', () => {
  const text = (device: string) => `topology: bank
devices:
  - { ${device} }
tests:
  - { it: nothing, feed: [], expect: [] }
`;
  const toldOf = (own: string, device: string) => {
    const { plan, words } = compiled(own);
    assert.equal(plan, undefined);
    const { diagnostics } = parseTopologyTest(text(device), 't.test.yaml', plan, words);
    return diagnostics.map(({ code }) => code);
  };
  const ours = 'terminalId: t-1, customerId: c-1, class: kiosk, transport: inbox';
  const renos = 'deviceId: t-1, memberId: c-1, class: tv, transport: inbox';
  const broken = `${topology(OWN)}\nmore: {}\n`;
  assert.deepEqual(toldOf(broken, ours), []);
  assert.deepEqual(toldOf(broken, renos).sort(), [
    'CAR104',
    'CAR104',
    'CAR105',
    'CAR105',
    'CAR109',
  ]);
  for (const [from, to] of [
    ['terminalId', '"a b"'],
    ['kiosk', '" "'],
  ] as const) {
    const unknown = topology(OWN).replace(from, to);
    for (const device of [ours, renos]) assert.deepEqual(toldOf(unknown, device), [], to);
    assert.deepEqual(toldOf(unknown, ours.replace('inbox', 'post')), ['CAR109']);
  }
  for (const text of ['- a list', 'a: [', 'a: 1\n---\nb: 2']) {
    assert.deepEqual(toldOf(text, ours), [], text);
  }
});

test('devices of tests are named by the fields of the file, and have its classes', () => {
  const { plan } = compiled(topology(OWN));
  const text = (device: string) => `topology: bank
devices:
  - { ${device}, transport: inbox }
tests:
  - it: nothing
    feed: []
    expect: []
`;
  const toldOf = (device: string) =>
    parseTopologyTest(text(device), 't.test.yaml', plan).diagnostics.map(({ code }) => code);
  const own = parseTopologyTest(
    text('terminalId: t-1, customerId: c-1, class: kiosk'),
    't.test.yaml',
    plan,
  );
  assert.deepEqual(own.diagnostics, []);
  const [first] = own.test!.devices;
  assert.deepEqual([first?.deviceId, first?.memberId, first?.class], ['t-1', 'c-1', 'kiosk']);
  assert.deepEqual(toldOf('terminalId: t-1, customerId: c-1, class: tv'), ['CAR109']);
  assert.deepEqual(toldOf('deviceId: t-1, customerId: c-1, class: kiosk').sort(), [
    'CAR104',
    'CAR105',
  ]);
});
