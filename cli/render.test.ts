import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compile } from '../compiler/compile.ts';
import { readSchemaFolder } from '../schemas/folder.ts';
import { catalog } from './catalog.ts';
import { renderings, sampleEvent } from './commands/render.ts';

const schemas = readSchemaFolder(new URL('../schemas', import.meta.url).pathname);
const TEXT = `topology: small
tables:
  devices: { topic: tables.devices, schema: MemberDevices, key: memberId }
lanes:
  all:
    topic: "n.{priority}.{transport}"
    schema: DeviceNotification
    key: value.deviceId
    transports: [fcm, apns, inbox]
streams:
  plan:
    id: pl
    priority: { as: critical }
    from: { topic: events.plan-change, schema: PlanChange, id: value.eventId }
    steps:
      - fan_out: { table: devices }
    to: { lane: all }
    show:
      title: { en: "Your plan", de: "Dein Tarif" }
      body: { en: "Now {value.planTo}.", de: "Jetzt {value.planTo}." }
      fcm: { channel: account, group: plans }
      apns: { sound: default, badge: 1 }
  quiet:
    id: qu
    priority: { as: low }
    from: { topic: events.plan-change, schema: PlanChange, id: value.eventId }
    steps:
      - fan_out: { table: devices }
    to: { lane: all }
sinks:
  fcm: { from: { lane: all, transport: fcm }, to: { type: fcm, project: p } }
  apns: { from: { lane: all, transport: apns }, to: { type: apns, bundle: b } }
  inbox: { from: { lane: all, transport: all }, to: { type: inbox, ttl: 7d } }
`;
const { plan } = compile(TEXT, { file: 't', catalog, schemas, env: {} });
const loaded = { plan: plan!, text: TEXT, schemas, warnings: [] };
const EVENT = { eventId: 'e', planTo: 'Größe' };

type Body = { readonly [name: string]: { readonly [name: string]: unknown } };
const of = (stream: string, locale?: string, event: unknown = EVENT) =>
  renderings(loaded, stream, locale, event).map((one) => ({ ...one, body: one.body as Body }));

test('each platform in each locale that is written, with what is shown', () => {
  const all = of('plan');
  assert.deepEqual(
    all.map(({ sink, locale }) => `${sink} ${locale}`),
    ['fcm en', 'fcm de', 'apns en', 'apns de'],
  );
  const [fcm, , , apns] = all;
  assert.deepEqual(fcm!.body.message!.notification, { title: 'Your plan', body: 'Now Größe.' });
  assert.deepEqual(fcm!.body.message!.android, {
    priority: 'high',
    ttl: '2419200s',
    collapse_key: 'plans',
    notification: { channel_id: 'account' },
  });
  assert.deepEqual(apns!.body.aps, {
    alert: { title: 'Dein Tarif', body: 'Jetzt Größe.' },
    sound: 'default',
    badge: 1,
    'mutable-content': 1,
  });
  assert.equal(apns!.headers['apns-push-type'], 'alert');
  assert.equal(apns!.headers['apns-priority'], '10');
});

test('the size is what the provider counts, in bytes', () => {
  const [fcm, apns] = of('plan', 'de-AT');
  const { data, notification } = fcm!.body.message as unknown as Record<string, object>;
  const counted = Object.entries({ ...data, ...notification })
    .flat()
    .join('');
  assert.equal(fcm!.bytes, Buffer.byteLength(counted));
  assert.equal(apns!.bytes, Buffer.byteLength(JSON.stringify(apns!.body)));
});

test('without `show`: data, and nothing to see', () => {
  const [fcm, apns] = of('quiet');
  assert.equal('notification' in fcm!.body.message!, false);
  assert.deepEqual(apns!.body.aps, { 'content-available': 1 });
  assert.equal(apns!.headers['apns-push-type'], 'background');
});

test('what does not fit goes as a hint, and is shown all the same', () => {
  for (const one of of('plan', 'en', { planTo: 'x'.repeat(5_000) })) {
    assert.equal(one.hint, true, one.sink);
    assert.ok(one.bytes <= one.bytesMax);
    assert.match(JSON.stringify(one.body), /Now xxx+…/);
  }
});

for (const [name, mend] of [
  ['plna', 'did you mean "plan"?'],
  ['devices-register', 'Streams: plan, quiet.'],
] as const) {
  test(`no such stream: ${name} (CAR674)`, () => {
    assert.throws(() => of(name), { code: 'CAR674', mend });
  });
}

test('a made event has every field of its schema', () => {
  const shape = {
    kind: 'record',
    name: 'X',
    fields: new Map<string, never>([
      ['text', { kind: 'string' }],
      ['maybe', { kind: 'nullable', of: { kind: 'int' } }],
      ['one', { kind: 'enum', name: 'E', symbols: ['A', 'B'] }],
      ['many', { kind: 'list', items: { kind: 'bool' } }],
    ] as never),
    defaulted: new Set<string>(),
  } as const;
  const made = { text: 'text', maybe: 1, one: 'A', many: [true] };
  assert.deepEqual(sampleEvent('X', shape), made);
});

test('CAR674: a topology without a sink that renders says so, instead of nothing', () => {
  const text = TEXT.replace('transports: [fcm, apns, inbox]', 'transports: [inbox]').replace(
    /^ {2}(fcm|apns): [^\n]*\n/gm,
    '',
  );
  const bare = text.replace(/^ {6}(fcm|apns): [^\n]*\n/gm, '');
  const { plan: without, diagnostics } = compile(bare, { file: 't', catalog, schemas, env: {} });
  assert.deepEqual(
    diagnostics.filter(({ level }) => level === 'error'),
    [],
  );
  assert.throws(() => renderings({ ...loaded, plan: without! }, 'plan', 'en', EVENT), {
    code: 'CAR674',
    what: 'none of the sinks (inbox) shows a text on a platform.',
    mend: 'Add a sink of a type that does: fcm, apns.',
  });
});

test('CAR674: a topology without lanes says that nobody is told anything', () => {
  const bare = `topology: lake
streams:
  plan:
    id: pl
    from: { topic: events.plan-change, schema: PlanChange }
    to: { topic: out.plans, schema: PlanChange }
`;
  const { plan: without } = compile(bare, { file: 't', catalog, schemas, env: {} });
  for (const name of ['plan', 'other']) {
    assert.throws(() => renderings({ ...loaded, plan: without! }, name, 'en', EVENT), {
      code: 'CAR674',
      mend: 'None of the streams writes to a lane (to: { lane: … }), so no device is told anything.',
    });
  }
});
