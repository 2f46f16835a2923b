/**
 * Records under schemas of others: what cannot be read is one dead letter, and everything else of
 * the partition goes on. What of it keeps a topology from starting is told with a code.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { AvroEncoder } from '../schemas/avro-encoder.ts';
import type { AvroRecord } from '../schemas/folder.ts';
import { MemoryRegistry } from '../schemas/memory-registry.ts';
import { parseSchema } from '../schemas/parse-schema.ts';
import { Driven, lanesWith, planChange, START_MS } from '../test/kit/drive.ts';

const RENO = readFileSync(new URL('../topology/reno.yaml', import.meta.url), 'utf8');
const TOPIC = 'events.plan-change';
const PROTOBUF = 'syntax = "proto3";\nmessage PlanChange { string eventId = 1; }\n';
const field = (name: string, type: unknown, more: object = {}) => ({ name, type, ...more });
const OLD = {
  type: 'record',
  name: 'PlanChange',
  namespace: 'acme.billing-v2',
  fields: [
    field('eventId', 'string'),
    field('memberId', 'string'),
    field('planTo', 'string'),
    field('changedAt', 'long'),
  ],
};
const withField = (more: object) => ({ ...OLD, fields: [...OLD.fields, more] });
const VALUE = { eventId: 'e1', memberId: 'm-1', planTo: 'pro', changedAt: START_MS };
const ENUM = { type: 'enum', name: 'K', symbols: ['a-b', 'c'] };

/** Null: there is nothing that could write a value of it. */
const rows: readonly [name: string, schema: unknown, value: object | null][] = [
  ['Protobuf', PROTOBUF, null],
  ['a JSON Schema', { title: 'PlanChange', type: 'object', properties: {} }, null],
  ['a type of another subject', withField(field('price', 'acme.Money')), null],
  ['a text', 'string', null],
  ['nothing', null, null],
  ['a record of another name', { ...OLD, name: 'Plan' }, null],
  // These can be read, whatever is wrong with them.
  ['a namespace with a dash', OLD, VALUE],
  [
    'a default of a later branch',
    withField(field('p', ['null', 'string'], { default: '' })),
    { ...VALUE, p: null },
  ],
  [
    'a default of another type',
    withField(field('n', 'double', { default: '0' })),
    { ...VALUE, n: 1 },
  ],
  ['a symbol with a dash', withField(field('k', ENUM)), { ...VALUE, k: 'a-b' }],
  [
    'a type that is defined twice',
    { ...OLD, fields: [...OLD.fields, field('a', ENUM), field('b', ENUM)] },
    { ...VALUE, a: 'c', b: 'c' },
  ],
];
for (const [name, schema, value] of rows) {
  test(`${name} under the id is ${value === null ? 'one dead letter' : 'read'}`, async () => {
    const registry = new MemoryRegistry();
    const driven = await Driven.open(RENO, { registry });
    const id = await registry.register(
      'x',
      typeof schema === 'string' ? schema : JSON.stringify(schema),
    );
    await driven.register('tv-1', 'm-1');
    const body =
      value === null ? Buffer.of(0, 0, 0, 0, id, 4, 0x61, 0x62) : bytesOf(schema, id, value);
    await driven.raw(TOPIC, 'm-1', body);
    await driven.feed(TOPIC, 'm-1', planChange('e2', 'm-1'));
    await driven.driver.advance(1_000);
    const told = driven.notifications.length;
    const dead = value === null ? ['CAR503 plan-change/source events.plan-change/0@0'] : [];
    assert.deepEqual([driven.letters, told], [dead, value === null ? 1 : 2]);
    await driven.end();
  });
}

function bytesOf(schema: unknown, id: number, value: object): Buffer {
  return new AvroEncoder(id, parseSchema(schema)).toBuffer(value);
}

test('CAR407: what is registered last for a topic and is not Avro keeps it from starting', async () => {
  for (const schema of [PROTOBUF, '{"type":"object"}', '7']) {
    const registry = new MemoryRegistry();
    await registry.register(`${TOPIC}-value`, schema);
    await assert.rejects(
      Driven.open(RENO, { registry }),
      (error: { code: string; what: string }) => {
        assert.equal(error.code, 'CAR407');
        assert.match(error.what, /topic events\.plan-change, subject events\.plan-change-value/);
        return true;
      },
    );
  }
});

const symbols = (...of: readonly string[]) => ({ type: 'enum', name: 'K', symbols: of });
const starts: readonly [read: unknown, written: unknown, by: string, told: RegExp | null][] = [
  [symbols('A'), symbols('A', 'C'), 'value.f', /CAR423.*"f" cannot be read of all values/],
  [symbols('A'), symbols('A', 'C'), 'value.eventId', null],
  ['string', ['null', 'string'], 'value.f', /CAR423.*"f" cannot be read of all values/],
  ['string', undefined, 'value.eventId', /CAR423.*"f" cannot be read; nothing reads it/],
  ['string', undefined, 'value.f', /^CAR422/],
  ['int', 'long', 'value.f', /^CAR422/],
  ['int', 'long', 'value.eventId', /CAR423.*"f" cannot be read; nothing reads it/],
  ['long', 'int', 'value.f', null],
];
for (const [read, written, by, told] of starts) {
  const name = `${JSON.stringify(read)} over ${JSON.stringify(written)}, reading ${by}`;
  test(`the start with ${name}: ${told?.source ?? 'nothing'}`, async () => {
    const record = (type: unknown) =>
      ({
        type: 'record',
        name: 'Event',
        fields: [
          field('eventId', 'string'),
          field('memberId', 'string'),
          ...(type === undefined ? [] : [field('f', type)]),
        ],
      }) as AvroRecord;
    const registry = new MemoryRegistry();
    await registry.register('events.x-value', JSON.stringify(record(written)));
    const text = lanesWith(`  x:
    id: x
    priority: { as: low }
    from: { topic: events.x, schema: Event, id: value.eventId }
    steps: [{ dedup: { by: [value.memberId, ${by}] } }, { fan_out: { table: devices } }]
    to: { lane: notifications }
`);
    let said: string;
    try {
      const driven = await Driven.open(text, { registry, schemas: [record(read)] });
      said = driven.warnings.map(({ code, what }) => `${code} ${what}`).join();
      await driven.end();
    } catch (error) {
      said = (error as Error).message;
    }
    if (told === null) assert.equal(said, '');
    else assert.match(said, told);
  });
}
