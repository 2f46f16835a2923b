// biome-ignore-start lint/suspicious/noTemplateCurlyInString: topology texts have variables.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { sinks } from '../connectors/index.ts';
import { RENO_PRIORITIES } from '../core/priority.ts';
import { Record } from '../core/record.ts';
import { Slice } from '../core/slice.ts';
import { defineSink, secret } from '../core/spec.ts';
import { steps } from '../processors/index.ts';
import { readSchemaFolder } from '../schemas/folder.ts';
import { shippedOnly } from '../test/kit/shipped.ts';
import { type Compiled, compile } from './compile.ts';
import type { Plan } from './plan.ts';
import { render, renderJson } from './render.ts';

const FILE = 't.yaml';
const RENO = shippedOnly(readFileSync(new URL('../topology/reno.yaml', import.meta.url), 'utf8'));
const schemas = readSchemaFolder(new URL('../schemas', import.meta.url).pathname);

/** A sink with a secret, as ours have none yet. */
const webhook = defineSink({
  type: 'webhook',
  summary: 'A sink for tests.',
  config: { token: secret('The token.') },
  promises: [],
  batchMax: 1,
  needsOwner: false,
  example: '',
  open: () => Promise.reject(new Error('never opened')),
});
const catalog = { steps, sinks: new Map([...sinks, ['webhook', webhook]]) };

function compiled(text: string, env: { [name: string]: string } = {}): Compiled {
  return compile(text, { file: FILE, catalog, schemas, env });
}

function planOf(text: string, env: { [name: string]: string } = {}): Plan {
  const { plan, diagnostics } = compiled(text, env);
  assert.ok(plan !== undefined, render(diagnostics, new Map([[FILE, text]])));
  return plan;
}

const codesOf = ({ diagnostics }: Compiled) =>
  diagnostics.map(({ code, where }) => `${where.line}:${where.column} ${code}`);

const SMALL = `topology: small
tables:
  devices: { topic: tables.devices, schema: MemberDevices, key: memberId }
lanes:
  all: { topic: "n.{priority}.{transport}", schema: DeviceNotification, key: value.deviceId, transports: [inbox] }
streams:
  viewing:
    id: va
    priority: { as: normal }
    from: { topic: events.viewing-activity, schema: ViewingActivity, id: value.eventId }
    steps:
      - dedup: { by: [value.eventId], keys_max: 1_000 }
      - fan_out: { table: devices }
    to: { lane: all }
sinks:
  inbox: { from: { lane: all, transport: all }, to: { type: inbox, ttl: 7d } }
`;

test('all errors of a file at once, in file order, and none that follows from another', () => {
  const text = `topology: Small
tables:
  devices: { topic: tables.devices, schema: MembersDevices, key: memberId }
lanes:
  all: { topic: "n.{priority}.{transport}", schema: DeviceNotification, key: value.devId }
streams:
  viewing:
    id: va
    priority: { as: normal, unless: [{ when: 'value.knd == "STOPPED"', as: hihg }] }
    from: { topic: events.viewing-activity, schema: ViewingActivity, time: value.at }
    steps:
      - dedupe: { by: [value.eventId] }
      - coalesce: { by: [value.anything], quiet: 2, at_most: 10s, by_all: true }
      - fan_out: { table: devices }
    to: { lane: all, collapse: [value.nothing] }
sinks:
  inbox: { from: { lane: all, transport: mail }, to: { type: inbx } }
`;
  assert.deepEqual(codesOf(compiled(text)), [
    '1:11 CAR108',
    '3:45 CAR401',
    '5:84 CAR402',
    '9:53 CAR402',
    '9:76 CAR109',
    '10:82 CAR402',
    // It was meant to be dedup, and is checked as one.
    '12:9 CAR204',
    '12:24 CAR315',
    '13:32 CAR402',
    '13:50 CAR304',
    '13:67 CAR301',
    '15:39 CAR402',
    '17:42 CAR109',
    '17:62 CAR205',
  ]);
});

test('a mistake in a chain is told once, however many streams copy it in', () => {
  const text = SMALL.replace('streams:', 'chains:\n  c:\n    - target: { clases: [tv] }\nstreams:')
    .replace('- fan_out: { table: devices }', '- use: c\n      - fan_out: { table: devices }')
    .replace(
      'sinks:',
      `  again:
    id: again
    priority: { as: low }
    from: { topic: events.viewing-activity, schema: ViewingActivity }
    steps: [{ use: c }, { fan_out: { table: devices } }]
    to: { lane: all }
sinks:`,
    );
  assert.deepEqual(codesOf(compiled(text)), ['8:17 CAR301']);
});

test('a text that is too large, empty, or no mapping', () => {
  assert.deepEqual(codesOf(compiled('#'.repeat(1024 * 1024 + 1))), ['1:1 CAR110']);
  assert.deepEqual(codesOf(compiled('')), ['1:1 CAR103']);
  assert.deepEqual(codesOf(compiled('- a\n')), ['1:1 CAR103']);
  assert.deepEqual(codesOf(compiled('topology: x\n')), ['1:1 CAR105']);
});

test('CAR309: a secret in the file is refused, and its line is never shown', () => {
  const text = SMALL.replace('type: inbox, ttl: 7d', 'type: webhook, token: s3cr3t, tmeout: 1s');
  const result = compiled(text);
  assert.deepEqual(codesOf(result), ['16:77 CAR309', '16:85 CAR301']);
  const shown = render(result.diagnostics, new Map([[FILE, text]]));
  assert.doesNotMatch(shown, /s3cr3t/);
  assert.doesNotMatch(renderJson(result.diagnostics), /s3cr3t/);
  const mended = SMALL.replace('type: inbox, ttl: 7d', 'type: webhook, token: "${TOKEN}"');
  assert.equal(planOf(mended, { TOKEN: 's3cr3t' }).sinks[0]!.config.token, 's3cr3t');
  assert.equal(
    planOf(mended, { TOKEN: 'one' }).hash,
    planOf(mended, { TOKEN: 'two' }).hash,
    'a rotated secret is no new topology',
  );
});

test('the form for editors has all parts', () => {
  const { diagnostics } = compiled(SMALL.replace('dedup', 'dedupe'));
  assert.deepEqual(JSON.parse(renderJson(diagnostics)), [
    {
      code: 'CAR204',
      slug: 'unknown-step',
      level: 'error',
      what: 'stream "viewing": step type "dedupe" is not in the catalog.',
      file: 't.yaml',
      line: 12,
      column: 9,
      endColumn: 15,
      mend: 'did you mean "dedup"?   All step types: carillon explain steps',
    },
  ]);
});

const variables: readonly [string, { [name: string]: string }, number][] = [
  ['1_000', {}, 1000],
  ['1000', {}, 1000],
  ['"${KEYS}"', { KEYS: '7' }, 7],
  ['"${KEYS:-8}"', {}, 8],
  ['"${KEYS:-8}"', { KEYS: '' }, 8],
  ['"${KEYS}"', { KEYS: '1_000' }, 1000],
  ['"${KEYS:-2_000}"', {}, 2000],
];
for (const [written, env, keys] of variables) {
  test(`a count written ${written} with ${JSON.stringify(env)} is ${keys}`, () => {
    const plan = planOf(SMALL.replace('1_000', written), env);
    assert.equal(plan.subTopologies[0]!.streams[0]!.steps[0]!.config.keys_max, keys);
  });
}

test('the shipped topology: one sub-topology per priority, and those of devices', () => {
  const plan = planOf(RENO);
  assert.deepEqual(
    plan.subTopologies.map(({ role, group, streams, tables, numbers }) => [
      role,
      group,
      streams.map(({ useCase }) => useCase).join(' '),
      tables.map(({ name }) => name).join(' '),
      numbers,
    ]),
    [
      ['streams/critical', 'reno.streams.critical', 'pl pf ds', 'devices', 'reno.critical.numbers'],
      ['streams/high', 'reno.streams.high', 'pf', 'devices', 'reno.high.numbers'],
      ['streams/normal', 'reno.streams.normal', 'va ml', 'devices', 'reno.normal.numbers'],
      ['streams/low', 'reno.streams.low', 'rr ds', 'devices', 'reno.low.numbers'],
      ['devices/register', 'reno.devices.register', 'devices-register', '', null],
      ['devices/fold', 'reno.devices.fold', 'devices-fold', '', null],
      ['devices/tokens', 'reno.devices.tokens', 'devices-tokens', '', null],
      ['devices/presence', 'reno.devices.presence', 'devices-presence', '', null],
    ],
  );
  assert.deepEqual(
    plan.subTopologies[2]!.stores.map(({ store }) => store),
    [
      'reno.normal.va.dedup',
      'reno.normal.va.coalesce',
      'reno.normal.ml.dedup',
      'reno.normal.ml.coalesce',
      'reno.normal.numbers',
    ],
  );
  assert.equal(plan.sinks[0]!.groupOf(0), 'reno.sink.websocket.critical');
  assert.equal(plan.lanes[0]!.topicOf(3, 'apns'), 'notifications.low.apns');
});

test('a source decodes exactly what its stream reads', () => {
  const plan = planOf(RENO);
  const fields = new Map<string, readonly string[] | undefined>();
  for (const { streams } of plan.subTopologies) {
    for (const { useCase, source } of streams) fields.set(useCase, source.projection.fields);
  }
  assert.deepEqual(Object.fromEntries(fields), {
    va: ['deviceId', 'eventId', 'memberId', 'occurredAt', 'profileId', 'titleId'],
    rr: ['computedAt', 'eventId', 'listId', 'memberId', 'profileId'],
    pl: ['changedAt', 'eventId', 'memberId'],
    ml: ['changedAt', 'deviceId', 'eventId', 'memberId', 'profileId', 'titleId'],
    pf: ['changedAt', 'eventId', 'kind', 'memberId'],
    ds: ['eventId', 'issuedAt', 'memberId', 'urgent'],
    'devices-register': undefined,
    'devices-fold': undefined,
    'devices-tokens': undefined,
    'devices-presence': undefined,
  });
});

test('the rule gives the priority, and the first exception that holds wins', () => {
  const stream = planOf(RENO).subTopologies[1]!.streams[0]!;
  const rule = stream.priority!;
  const priorityOf = (kind: string) => {
    const record = new Record(new Slice(0, 1), 0);
    record.value = { kind };
    return RENO_PRIORITIES.nameOf(
      rule.unless.find(({ when }) => when.evaluate(record))?.as ?? rule.as,
    );
  };
  assert.equal(priorityOf('RENAMED'), 'high');
  assert.equal(priorityOf('MATURITY_LEVEL_CHANGED'), 'critical');
});

test('every topic is planned once, with its use, cleanup and schema', () => {
  const { topics } = planOf(SMALL);
  const row = ({ name, use, cleanup, schema }: (typeof topics)[number]) =>
    `${name} ${use} ${cleanup} ${schema ?? '-'}`;
  assert.deepEqual(topics.filter(({ use }) => use !== 'lane').map(row), [
    'events.device-registration events delete DeviceRegistration',
    'events.connections events delete Connection',
    'events.device-reports events delete DeviceReport',
    'tables.device-owners table compact Device',
    'tables.devices table compact MemberDevices',
    'tables.presence table compact,delete Presence',
    'tables.gateways table compact,delete Gateway',
    'tables.ingest-keys table compact,delete IngestKey',
    'small.devices.register-repartition repartition delete DeviceChange',
    'outcomes outcomes delete DeliveryOutcome',
    'dead-letters dead-letters delete -',
    'events.viewing-activity events delete ViewingActivity',
    'small.devices.tokens-repartition repartition delete PushToken',
    'small.normal.va.dedup-changelog changelog compact -',
    'small.normal.numbers-changelog changelog compact -',
    'small.devices.register.register-device-changelog changelog compact -',
    'small.devices.fold.fold-devices-changelog changelog compact -',
    'small.devices.tokens.own-token-changelog changelog compact -',
    'small.devices.presence.fold-presence-changelog changelog compact -',
  ]);
  assert.equal(topics.filter(({ use }) => use === 'lane').length, 4);
  assert.equal(new Set(topics.map(({ name }) => name)).size, topics.length);
});

test('sinks that may have to wait have a retry topic a priority', () => {
  const { topics, sinks } = planOf(RENO);
  const retries = topics.filter(({ use }) => use === 'retry');
  assert.deepEqual(
    retries.map(({ name }) => name),
    ['fcm', 'apns'].flatMap((sink) =>
      ['critical', 'high', 'normal', 'low'].map((priority) => `${sink}-retry.${priority}`),
    ),
  );
  assert.ok(retries.every((of) => of.schema === 'DeviceNotification' && of.cleanup === 'delete'));
  assert.deepEqual(
    sinks.map(({ name, retryTopicOf }) => `${name} ${retryTopicOf?.(0)}`),
    [
      'websocket undefined',
      'fcm fcm-retry.critical',
      'apns apns-retry.critical',
      'inbox undefined',
    ],
  );
});

for (const [said, reach] of [
  ['', 'first_reachable'],
  [', reach: first_reachable', 'first_reachable'],
  [', reach: first', 'first'],
  [', reach: all', 'all'],
] as const) {
  test(`reach: "${said}" is ${reach}, and decides of the plan`, () => {
    const plan = planOf(SMALL.replace('to: { lane: all', `to: { lane: all${said}`));
    const { to } = plan.subTopologies[0]!.streams[0]!;
    assert.ok(to.kind === 'lane' && to.reach === reach);
    assert.equal(plan.hash === planOf(SMALL).hash, reach === 'first_reachable');
  });
}

test('without lanes there is one graph, without priorities', () => {
  const plan = planOf(`topology: copy
streams:
  viewing:
    id: va
    from: { topic: events.viewing-activity, schema: ViewingActivity }
    steps:
      - filter: { where: 'value.kind == "STOPPED"' }
    to: { topic: events.viewing-stopped, schema: ViewingActivity }
`);
  const [sub, ...others] = plan.subTopologies;
  assert.equal(others.length, 0);
  assert.deepEqual([sub!.role, sub!.group, sub!.priority], ['streams', 'copy.streams', -1]);
  assert.equal(sub!.streams[0]!.priority, null);
});

const singleWriter: readonly [what: string, from: string, to: string, ...also: string[]][] = [
  ['dead letters into the outcomes', 'tables:', 'on_error: { topic: outcomes }\ntables:'],
  [
    'two lanes of one topic',
    'lanes:',
    'lanes:\n  one: { topic: "n.{priority}.{transport}", schema: DeviceNotification, key: key }',
    // The one that is left over is of no use, whatever its topic is called.
    'CAR246',
    'CAR217',
  ],
  [
    'a stream into a table of the engine',
    'sinks:',
    `  rows:
    id: rows
    priority: { as: normal }
    from: { topic: rows, schema: MemberDevices }
    to: { topic: tables.devices, schema: MemberDevices }
sinks:`,
  ],
];
for (const [what, from, to, ...also] of singleWriter) {
  test(`CAR215: a topic has one writer: ${what}`, () => {
    const { diagnostics } = compiled(SMALL.replace(from, to));
    assert.deepEqual([...new Set(diagnostics.map(({ code }) => code))], [...also, 'CAR215']);
  });
}

const placesOfText = [
  'keys_max: 1_000',
  'as: normal',
  'topic: events.viewing-activity',
  'schema: ViewingActivity',
  'ttl: 7d',
];
for (const place of placesOfText) {
  test(`what the environment gives is told as the file has it: ${place}`, () => {
    const name = place.slice(0, place.indexOf(':'));
    const text = SMALL.replace(place, `${name}: "\${WHAT}/x"`);
    const { diagnostics } = compiled(text, { WHAT: 's3cr3t' });
    assert.equal(diagnostics.length, 1);
    assert.match(diagnostics[0]!.what, /"\$\{WHAT\}\/x"/);
    assert.doesNotMatch(render(diagnostics, new Map([[FILE, text]])), /s3cr3t/);
  });
}

test('a tag that YAML does not know is an error, and not passed over', () => {
  assert.deepEqual(codesOf(compiled(SMALL.replace('id: va', 'id: !x va'))), ['8:9 CAR101']);
});
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: as above.
