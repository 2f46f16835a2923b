/** What a failed case of a topology's own tests shows. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compile } from '../../compiler/compile.ts';
import { parseTopologyTest } from '../../compiler/topology-test.ts';
import { readSchemaFolder } from '../../schemas/folder.ts';
import { lanesWith, planChanges } from '../../test/kit/drive.ts';
import { catalog } from '../catalog.ts';
import { runTopologyTest } from './topology-test-run.ts';

const schemas = readSchemaFolder(new URL('../../schemas', import.meta.url).pathname);
const { plan } = compile(lanesWith(planChanges({})), { file: 't', catalog, schemas, env: {} });

/** The differences of a case that feeds a record without a value. */
async function differencesOf(expect: string): Promise<string[]> {
  const text = `topology: ${plan!.topology}
tests:
  - it: a record without a value
    feed:
      - { at: 1s, topic: events.plan-change, key: m-1, value: null }
    expect: ${expect}
`;
  const parsed = parseTopologyTest(text, 't.test.yaml', plan!);
  assert.deepEqual(parsed.diagnostics, []);
  const [result] = await runTopologyTest(parsed.test!, plan!, schemas);
  return result!.differences.map(({ sign, what }) => `${sign} ${what}`);
}

const LETTER = 'at: 1s, topic: dead-letters, key: m-1';
const SEEN = `+ { ${LETTER}, code: CAR509, value: null }   the value is null`;
const rows: readonly [expected: string, differences: readonly string[]][] = [
  ['[]', [SEEN]],
  [`[{ ${LETTER} }]`, []],
  [`[{ ${LETTER}, code: CAR509 }]`, []],
  [`[{ ${LETTER}, code: CAR508 }]`, [`- { ${LETTER}, code: CAR508 }`, SEEN]],
];
for (const [expected, differences] of rows) {
  test(`a dead letter says its code, with ${expected} expected`, async () => {
    assert.deepEqual(await differencesOf(expected), differences);
  });
}

const ACKED = `topology: acked
tables:
  devices: { topic: tables.devices, schema: MemberDevices, key: memberId }
  presence: { topic: tables.presence, schema: Presence, key: deviceId }
lanes:
  notes:
    topic: "n.{priority}.{transport}"
    schema: DeviceNotification
    key: value.deviceId
    transports: [websocket, inbox]
streams:
  plan:
    id: pl
    priority: { as: critical }
    from: { topic: events.plan-change, schema: PlanChange, time: value.changedAt, id: value.eventId }
    steps:
      - gate_staleness: { max_age: 1h }
      - fan_out: { table: devices }
    to: { lane: notes, guarantee: acked, again_after: 10m }
sinks:
  websocket:
    from: { lane: notes, transport: websocket }
    steps: [{ gate_online: { table: presence } }]
    to: { type: websocket }
  inbox: { from: { lane: notes, transport: all }, to: { type: inbox, ttl: 7d } }
`;
const ACKED_TEST = `topology: acked
devices:
  - { deviceId: tv, memberId: m-1, class: tv, transport: websocket, online: true }
tests:
  - it: tells it at once, and again
    feed:
      - { at: 1s, stream: plan, key: m-1, value: { eventId: e1, memberId: m-1, planTo: pro, streamsMax: 1 } }
    expect:
      - { at: 1s, sink: websocket, priority: critical, key: tv }
      - { at: 1s, sink: inbox, priority: critical, key: tv }
      - { at: 601s, sink: websocket, priority: critical, key: tv }
      - { at: 1801s, sink: websocket, priority: critical, key: tv }
`;

for (const owners of [
  '',
  '  owners: { topic: tables.device-owners, schema: Device, key: deviceId }\n',
]) {
  test(`what is not acknowledged is told again, ${owners === '' ? 'without' : 'with'} owners declared`, async () => {
    const text = ACKED.replace('  presence', `${owners}  presence`);
    const compiled = compile(text, { file: 't', catalog, schemas, env: {} });
    const parsed = parseTopologyTest(ACKED_TEST, 't.test.yaml', compiled.plan);
    assert.deepEqual(parsed.diagnostics, []);
    const [result] = await runTopologyTest(parsed.test!, compiled.plan!, compiled.schemas);
    assert.deepEqual(
      result!.differences.map(({ sign, what }) => `${sign} ${what}`),
      [],
    );
  });
}
