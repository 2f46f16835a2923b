import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { AvroRecord } from '../../schemas/folder.ts';
import { readSchemaFolder, schemaFolderOf } from '../../schemas/folder.ts';
import { type FieldProblem, jsonEventReader } from '../../schemas/json-events.ts';
import { lanesWith, planChanges, planOf } from '../../test/kit/drive.ts';
import { randomRecord, schemaOf } from '../../test/kit/random-avro.ts';
import { packageFolder } from '../version.ts';
import { SeededRandom } from './random.ts';
import { SampleEvents } from './sample-events.ts';
import { sampledTypes } from './sampled-types.ts';
import { type SchemaSample, sampleOf, withField } from './schema-samples.ts';

const NOW = Date.UTC(2026, 0, 1);
const SEED = 7;

const record = (...fields: readonly (readonly [name: string, type: unknown])[]): AvroRecord => ({
  type: 'record',
  name: 'Booking',
  namespace: 'air.events',
  fields: fields.map(([name, type]) => ({ name, type })),
});
const NODE = { type: 'record', name: 'Node', fields: [{ name: 'next', type: ['null', 'Node'] }] };
const LEG = { name: 'x', type: 'int' };
const ALIKE = [
  ...['null', 'string', 'bytes'],
  { type: 'enum', name: 'Class', symbols: ['ECONOMY', 'FIRST'] },
  ...[
    { type: 'array', items: 'int' },
    { type: 'map', values: 'int' },
  ],
  ...['Train', 'Plane'].map((name) => ({ type: 'record', name, fields: [LEG] })),
];
const PAIR = {
  type: 'record',
  name: 'Left',
  fields: [
    {
      name: 'right',
      type: [
        'null',
        {
          type: 'record',
          name: 'Right',
          fields: [{ name: 'lefts', type: { type: 'array', items: 'Left' } }],
        },
      ],
    },
  ],
};
const MEAL = { type: 'enum', name: 'Meal', symbols: ['NONE', 'VEGAN'] };

/** Each kind of type that Avro has: samples of it are what its schema takes. */
const types: readonly [what: string, record: AvroRecord][] = [
  ['primitives', record(['a', 'boolean'], ['b', 'int'], ['c', 'long'], ['d', 'float'])],
  ['more primitives', record(['a', 'double'], ['b', 'bytes'], ['c', 'string'], ['d', 'null'])],
  ['written out', record(['a', { type: 'string' }], ['b', { type: 'bytes' }])],
  ['a fixed', record(['a', { type: 'fixed', name: 'Hash', size: 16 }])],
  ['an enum, twice', record(['a', MEAL], ['b', 'Meal'], ['c', 'air.events.Meal'])],
  ['an array', record(['a', { type: 'array', items: 'string' }])],
  ['a map', record(['a', { type: 'map', values: MEAL }])],
  ['a record in a record', record(['a', { ...NODE, fields: [{ name: 'x', type: 'int' }] }])],
  ['a record that holds itself', record(['a', NODE])],
  ['a union', record(['a', ['null', 'string']], ['b', ['int', 'null']])],
  ['a union of many', record(['a', ['null', 'string', 'long', MEAL]])],
  ['a union in an array', record(['a', { type: 'array', items: ['null', 'int'] }])],
  ['a day', record(['a', { type: 'int', logicalType: 'date' }])],
  ['times', record(['a', { type: 'long', logicalType: 'timestamp-micros' }])],
  ['a time of day', record(['a', { type: 'int', logicalType: 'time-millis' }])],
  ['a uuid', record(['a', { type: 'string', logicalType: 'uuid' }])],
  ['an unknown logical type', record(['a', { type: 'string', logicalType: 'iban' }])],
  ['a decimal', record(['a', { type: 'bytes', logicalType: 'decimal', precision: 6, scale: 2 }])],
  ['a union of records alike', record(['a', ALIKE])],
  ['records that hold each other', record(['a', PAIR])],
];
for (const [what, of] of types) {
  test(`samples by schema: ${what} (seed ${SEED})`, () => {
    const random = new SeededRandom(SEED);
    const sample: SchemaSample = { type: 't', record: of, key: null, time: null, id: null };
    const reader = jsonEventReader(of);
    for (let i = 0; i < 200; i++) {
      const facts = { memberId: 'm-1', eventId: `e-${i}`, nowMs: NOW };
      const problems: FieldProblem[] = [];
      reader.read(sampleOf(sample, facts, random), '', problems);
      assert.deepEqual(problems, []);
    }
  });
}

test('key, id and time are those that the topology reads', () => {
  const of = record(['passenger', 'string'], ['bookingId', 'string'], ['at', 'long']);
  const fields = { key: ['passenger'], id: ['bookingId'], time: ['at'] };
  const facts = { memberId: 'm-3', eventId: 'e-9', nowMs: NOW };
  assert.deepEqual(sampleOf({ type: 't', record: of, ...fields }, facts, new SeededRandom(SEED)), {
    passenger: 'm-3',
    bookingId: 'e-9',
    at: NOW,
  });
});

test('in records that may be null or are named elsewhere: they are there, and only one has the id', () => {
  const person = { type: 'record', name: 'Person', fields: [{ name: 'id', type: 'string' }] };
  const link = [{ name: 'of', type: ['null', 'Person'] }];
  const of = record(
    ['first', ['null', person]],
    ['second', ['null', { type: 'record', name: 'Link', fields: link }]],
  );
  const sample = { type: 't', record: of, key: ['second', 'of', 'id'], time: null, id: null };
  const random = new SeededRandom(SEED);
  for (let i = 0; i < 100; i++) {
    const value = sampleOf(sample, { memberId: 'm-1', eventId: 'e', nowMs: NOW }, random);
    assert.deepEqual(value.second, { of: { id: 'm-1' } });
    assert.notDeepEqual(value.first, { id: 'm-1' });
    assert.deepEqual(withField(value, sample.key, 'm-2'), {
      ...value,
      second: { of: { id: 'm-2' } },
    });
  }
});

test('the types of a topology: its own by schema, those of the sample world as they are', () => {
  const folder = readSchemaFolder(join(packageFolder, 'schemas'));
  const plan = planOf(lanesWith(planChanges({})));
  const none = { bySchema: [], unsampled: [] };
  assert.deepEqual(sampledTypes(plan, folder), { known: ['plan-change'], ...none });
  // The same topic with another schema is another event.
  const other = planOf(lanesWith(planChanges({})).replaceAll('PlanChange', 'MyListUpdate'));
  const { known, bySchema } = sampledTypes(other, folder);
  assert.deepEqual([known, bySchema.map(({ type }) => type)], [[], ['plan-change']]);
  assert.deepEqual(sampledTypes(other, schemaFolderOf(new Map())), { known: [], ...none });
  // A topic of another name is known by that; a clock needs nobody.
  const elsewhere = planOf(lanesWith(planChanges({})).replaceAll('events.plan-change', 'plans'));
  const plans = sampledTypes(elsewhere, folder);
  assert.deepEqual([plans.bySchema.map(({ type }) => type), plans.unsampled], [['plans'], []]);
  const clock = planOf(`topology: t
streams:
  a: { id: a, from: { clock: { cron: "@daily" } }, to: { topic: out, schema: ClockTick } }
`);
  assert.deepEqual(sampledTypes(clock, folder), { ...none, known: [] });
  // What one stream writes for another, nobody else writes.
  const middle = planOf(`topology: t
streams:
  a: { id: a, from: { topic: events.plan-change, schema: PlanChange }, to: { topic: half, schema: PlanChange } }
  b: { id: b, from: { topic: half, schema: PlanChange }, to: { topic: whole, schema: PlanChange } }
`);
  assert.deepEqual(sampledTypes(middle, folder).unsampled, ['half']);
});

test('mistakes are made of samples by schema too, and the same seed makes the same', () => {
  const of = record(['passenger', 'string'], ['bookingId', 'string'], ['at', 'long']);
  const fields = { key: ['passenger'], id: ['bookingId'], time: ['at'] };
  const bySchema = [{ type: 'booking', record: of, ...fields }];
  const some = () => {
    const options = { seed: SEED, run: 'r', members: 3, types: [], mistakes: true };
    const events = new SampleEvents({ ...options, bySchema });
    return Array.from({ length: 1_000 }, () => events.next(NOW));
  };
  assert.deepEqual(some(), some());
  const seen = some();
  assert.ok(seen.every(({ type, key, value }) => type === 'booking' && value.passenger === key));
  assert.ok(seen.some(({ value }) => Number(value.at) < NOW));
  assert.ok(seen.some(({ key }) => key.startsWith('m-new-')));
});

test('every branch of a union is sampled, and read as the one that it is', () => {
  const of = record(['a', ALIKE]);
  const sample = { type: 't', record: of, key: null, time: null, id: null };
  const reader = jsonEventReader(of);
  const random = new SeededRandom(SEED);
  const met = new Set<string>();
  for (let i = 0; i < 300; i++) {
    const facts = { memberId: 'm-1', eventId: 'e', nowMs: NOW };
    const value = sampleOf(sample, facts, random);
    const read = reader.read(value, '', []) as { readonly a: object | null };
    const [branch = 'null'] = Object.keys(read.a ?? {});
    const [written = 'null'] = Object.keys((value.a as object | null) ?? {});
    assert.equal(branch.split('.').at(-1), written);
    met.add(written);
  }
  const branches = ['Class', 'Plane', 'Train', 'array', 'bytes', 'map', 'null', 'string'];
  assert.deepEqual([...met].sort(), branches);
});

test('samples of schemas made by chance are what these take', () => {
  const chance = new SeededRandom(SEED);
  for (let n = 0; n < 150; n++) {
    const of = schemaOf(randomRecord(() => chance.next(), `Event${n}`)) as AvroRecord;
    const reader = jsonEventReader(of);
    const random = new SeededRandom(n);
    for (let i = 0; i < 10; i++) {
      const problems: FieldProblem[] = [];
      const sample = { type: 't', record: of, key: null, time: null, id: null };
      const value = sampleOf(sample, { memberId: 'm', eventId: 'e', nowMs: NOW }, random);
      reader.read(value, '', problems);
      assert.deepEqual(problems, [], JSON.stringify(of));
      assert.ok(JSON.stringify(value).length < 20_000);
    }
  }
});
