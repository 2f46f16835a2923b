/**
 * What is made of the shipped topology and of the catalog, as files that are compared word for
 * word. Use cases that came later are checked like any, and are in none of these files.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { compile } from '../../compiler/compile.ts';
import { describe, mermaid } from '../../compiler/describe.ts';
import { jsonSchema } from '../../compiler/json-schema.ts';
import type { Plan } from '../../compiler/plan.ts';
import { referenceDocs } from '../../compiler/reference-docs.ts';
import { render } from '../../compiler/render.ts';
import { parseTopologyTest } from '../../compiler/topology-test.ts';
import { readSchemaFolder, type SchemaFolder } from '../../schemas/folder.ts';
import { isShipped, shippedOnly, streamsOf } from '../kit/shipped.ts';
import { catalog, completed, schemas } from './example.ts';

const FILE = 'topology/reno.yaml';
const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const RENO = read(FILE);
const SHIPPED = shippedOnly(RENO);

function planOf(text: string, folder: SchemaFolder = schemas): Plan {
  const { plan, diagnostics } = compile(text, { file: FILE, catalog, schemas: folder, env: {} });
  const told = render(diagnostics, new Map([[FILE, text]]));
  // The shipped topology has no warnings either.
  assert.equal(told, '');
  assert.ok(plan !== undefined);
  return plan;
}

function golden(name: string, actual: string): void {
  const url = new URL(name, import.meta.url);
  if (process.env.UPDATE === '1') writeFileSync(url, actual);
  assert.equal(actual, readFileSync(url, 'utf8'));
}

test('reno.yaml as Kafka prints a topology', () =>
  golden('reno.describe.txt', describe(planOf(SHIPPED))));

test('reno.yaml as a picture', () => golden('reno.mermaid.txt', mermaid(planOf(SHIPPED))));

test('only what came later is left out, and the six are shipped', () => {
  assert.equal(streamsOf(SHIPPED).length, 6);
  const later = SHIPPED.replace('\nsinks:', `${REMINDER}\nsinks:`);
  assert.deepEqual(streamsOf(later), [...streamsOf(SHIPPED), 'live-event-reminder']);
  assert.deepEqual(parse(shippedOnly(later)), parse(SHIPPED));
});

test('reno.test.yaml is read, and names only what reno.yaml has', () => {
  const file = 'topology/reno.test.yaml';
  const text = read(file);
  const plan = planOf(RENO);
  const { test: parsed, diagnostics } = parseTopologyTest(text, file, plan);
  assert.equal(render(diagnostics, new Map([[file, text]])), '');
  const fed = new Map<string, number>();
  for (const { feed } of parsed!.tests) {
    const stream = feed[0]!.stream!;
    fed.set(stream, (fed.get(stream) ?? 0) + 1);
  }
  const streams = plan.subTopologies.flatMap((sub) => sub.streams.map(({ name }) => name));
  const shipped = new Set(streams.filter(isShipped));
  assert.equal(shipped.size, 6);
  for (const name of shipped) {
    assert.ok((fed.get(name) ?? 0) >= 2, `${name} has two tests`);
  }
});

/** strict: a keyword that no editor knows would be an error. */
const validate = new Ajv({ strict: true, allErrors: true }).compile(jsonSchema(catalog));

test('the JSON Schema takes the shipped topology', () => {
  assert.equal(validate(parse(RENO)), true, JSON.stringify(validate.errors));
});

const refused: readonly [string, string, string][] = [
  ['an unknown step', '- dedup:', '- dedupe:'],
  ['an unknown option', 'quiet:', 'quite:'],
  ['a duration without unit', 'max_age: 2m', 'max_age: 2'],
  ['an unknown choice', 'on_full: emit_oldest', 'on_full: emit_newest'],
  ['an unknown priority', 'as: normal', 'as: urgent'],
  ['an unknown key', 'streams:', 'stream:'],
  ['a missing id', 'id: va', 'doc: va'],
  ['an unknown sink', 'type: fcm', 'type: fmc'],
  ['a path that is none', 'by: [value.eventId]', 'by: [eventId]'],
  ['no path', 'by: [value.eventId]', 'by: []'],
  ['no class', 'classes: [tv, mobile, tablet, web, stick]', 'classes: []'],
  ['a class twice', 'classes: [tv, mobile, tablet, web, stick]', 'classes: [tv, tv]'],
  ['a count below its least', 'devices_max: 64', 'devices_max: 0'],
  ['a transport twice', 'transports: [websocket,', 'transports: [websocket, websocket,'],
  ['a priority twice', 'priorities: [critical,', 'priorities: [critical, critical,'],
];
for (const [what, from, to] of refused) {
  test(`the JSON Schema refuses ${what}`, () => {
    assert.ok(RENO.includes(from));
    assert.equal(validate(parse(RENO.replace(from, to), { uniqueKeys: false })), false);
  });
}

test('the reference names every type, option, drop and example', () => {
  const docs = referenceDocs(catalog);
  for (const spec of [...catalog.steps.values(), ...catalog.sinks.values()]) {
    assert.ok(docs.includes(`### ${spec.type}\n`));
    assert.ok(docs.includes(spec.example.split('\n')[0]!));
    for (const option of Object.keys(spec.config)) assert.ok(docs.includes(`| \`${option}\` |`));
  }
});

/** What examples name beside their own stream. */
const BESIDE = `  payments:
    id: pa
    from: { topic: events.payment, schema: ProfileChange }
tables:
  members:  { topic: tables.members,  schema: MemberPreferences, key: memberId }
  devices:  { topic: tables.devices,  schema: MemberDevices, key: memberId }
  presence: { topic: tables.presence, schema: Presence,      key: deviceId }
`;

/**
 * What is told of the lines from `first` to `last`; the rest of the topology is only around them.
 */
function toldOf(text: string, first: number, last: number): string[] {
  const { diagnostics } = compile(text, { file: FILE, catalog, schemas, env: {} });
  return diagnostics
    .filter(({ where }) => where.line! >= first && where.line! <= last)
    .filter(({ level }) => level === 'error')
    .map(({ code, what }) => `${code} ${what}`);
}

/** An example that needs an event with a list. */
const EXAMPLE_SCHEMAS: { readonly [type: string]: string } = { flat_map: 'DeviceRegistration' };

/** What stands behind a clock alone. */
const BEHIND_CLOCK: ReadonlySet<string> = new Set(['each_row']);

for (const { type, example, isInternal, joinsFor } of catalog.steps.values()) {
  // What looks up by the record's key stands in a sink, whose records are keyed by device.
  const key = joinsFor === undefined ? 'memberId' : 'deviceId';
  const expected = isInternal === true ? ['CAR248'] : [];
  test(`the example of step ${type} ${isInternal ? 'is for the engine alone' : 'compiles'}`, () => {
    const lines = example.trimEnd().split('\n');
    const schema = EXAMPLE_SCHEMAS[type] ?? 'ViewingActivity';
    const id = schema === 'ViewingActivity' ? ', id: value.eventId' : '';
    const from = BEHIND_CLOCK.has(type)
      ? 'clock: { cron: "0 8 * * *" }'
      : `topic: events.of-example, schema: ${schema}, key: value.${key}${id}`;
    const text = `topology: example
streams:
  viewing-activity:
    id: va
    from: { ${from} }
    steps:
${lines.map((line) => `      ${line}`).join('\n')}
    to: { topic: out, schema: ViewingActivity }
${BESIDE}`;
    const told = toldOf(text, 7, 6 + lines.length);
    assert.deepEqual(
      told.map((what) => what.slice(0, 6)),
      expected,
      told.join('\n'),
    );
  });
}

for (const { type, example } of catalog.sinks.values()) {
  test(`the example of sink ${type} compiles`, () => {
    const lines = example.trimEnd().split('\n');
    const text = completed(`sinks:
  example:
    from: { lane: notifications, transport: all }
${lines.map((line) => `    ${line}`).join('\n')}
`);
    assert.deepEqual(toldOf(text, 4, 3 + lines.length), []);
  });
}

const REMINDER = `
  live-event-reminder:
    id: le
    doc: A live event that the member follows begins.
    priority: { as: high, unless: [{ when: 'value.startsAt - timestamp > 600000', as: low }] }
    from: { topic: events.live-event-reminder, schema: LiveEventReminder, time: value.remindedAt, id: value.eventId }
    steps:
      - gate_staleness: { max_age: 5m }
      - dedup:          { by: [value.eventId], within: 1h, keys_max: 100_000 }
      - target:         { classes: [all] }
      - use: to-devices
    to: { lane: notifications, collapse: [value.liveEventId] }
`;
const REMINDER_SCHEMA = {
  type: 'record',
  name: 'LiveEventReminder',
  namespace: 'reno.events',
  fields: [
    { name: 'eventId', type: 'string' },
    { name: 'memberId', type: 'string' },
    { name: 'liveEventId', type: 'string' },
    { name: 'startsAt', type: 'long' },
    { name: 'remindedAt', type: 'long' },
  ],
};

test('a seventh use case is one block of YAML and one schema', () => {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-schemas-'));
  try {
    writeFileSync(join(folder, 'live-event-reminder.avsc'), JSON.stringify(REMINDER_SCHEMA));
    const all = readSchemaFolder(new URL('../../schemas', import.meta.url).pathname, folder);
    const plan = planOf(SHIPPED.replace('\nsinks:', `${REMINDER}\nsinks:`), all);
    const places = plan.subTopologies
      .filter(({ streams }) => streams.some(({ useCase }) => useCase === 'le'))
      .map(({ role }) => role);
    assert.deepEqual(places, ['streams/high', 'streams/low']);
    assert.ok(plan.topics.some(({ name }) => name === 'events.live-event-reminder'));
    assert.notEqual(plan.hash, planOf(SHIPPED).hash);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
