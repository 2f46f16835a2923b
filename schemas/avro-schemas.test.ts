import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HandClock } from '../core/clock.ts';
import type { CarillonErrors } from '../core/error.ts';
import { isUndecodable, type Projection } from '../core/schema.ts';
import { AvroSchemas } from './avro-schemas.ts';
import { type AvroRecord, schemaFolderOf } from './folder.ts';
import { MemoryRegistry } from './memory-registry.ts';

const folder = (...records: AvroRecord[]) =>
  schemaFolderOf(
    new Map(records.map((record) => [record.name, { record, file: `${record.name}.avsc` }])),
  );

const EVENT: AvroRecord = {
  type: 'record',
  name: 'Event',
  namespace: 'x',
  fields: [
    { name: 'colour', type: { type: 'enum', name: 'Colour', symbols: ['RED', 'BLUE'] } },
    { name: 'id', type: 'string' },
    { name: 'second', type: 'Colour' },
    { name: 'maybe', type: ['null', 'string'], default: null },
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
  ],
};
const VALUE = { colour: 'RED', id: 'e-1', second: 'BLUE', maybe: 'yes', at: 1_767_225_600_000 };

async function opened(record: AvroRecord = EVENT, registry = new MemoryRegistry()) {
  const clock = new HandClock(0);
  const schemas = new AvroSchemas(folder(record), registry, clock);
  await schemas.open([{ topic: 't', schema: 'Event' }]);
  return { schemas, registry, clock, encoder: schemas.encoder('Event') };
}

const rows: readonly [Projection, object][] = [
  [{ schema: 'Event' }, VALUE],
  [{ schema: 'Event', fields: ['id'] }, { id: 'e-1' }],
  // The field that defines the enum is left out; the one that names it is not.
  [
    { schema: 'Event', fields: ['at', 'second'] },
    { second: 'BLUE', at: VALUE.at },
  ],
  [{ schema: 'Event', fields: [] }, {}],
];
for (const [projection, expected] of rows) {
  test(`reads ${projection.fields?.join(',') ?? 'all'} of a value`, async () => {
    const { schemas, encoder } = await opened();
    const bytes = Buffer.concat([
      Buffer.from('before'),
      encoder.toBuffer(VALUE),
      Buffer.from('after'),
    ]);
    const decoder = schemas.decoder(encoder.schemaId, projection);
    assert.ok(decoder !== undefined && !isUndecodable(decoder));
    assert.deepEqual({ ...(decoder.decode(bytes, 6, bytes.length - 5) as object) }, expected);
  });
}

test('a value that ends early or has bytes left over is not decodable', async () => {
  const { schemas, encoder } = await opened();
  const bytes = encoder.toBuffer(VALUE);
  const decoder = schemas.decoder(encoder.schemaId, { schema: 'Event' });
  assert.ok(decoder !== undefined && !isUndecodable(decoder));
  // The bytes of the next record stand behind it, as they do in a batch.
  const double = Buffer.concat([bytes, bytes]);
  for (const end of [bytes.length - 1, bytes.length - 9, bytes.length + 1]) {
    assert.throws(() => decoder.decode(double, 0, end), /CAR503/, `end ${end}`);
  }
});

test('an unknown id is remembered for a minute, then asked for again', async () => {
  const { schemas, registry, clock } = await opened();
  const projection = { schema: 'Event' };
  assert.equal(schemas.decoder(99, projection), undefined);
  await schemas.load(99);
  const first = schemas.decoder(99, projection);
  assert.ok(first !== undefined && isUndecodable(first));
  assert.equal(first.code, 'CAR502');
  assert.equal(registry.fetches, 2);
  clock.moveTo(60_000);
  assert.equal(schemas.decoder(99, projection), undefined);
});

test('a schema that cannot be read with the topology’s is refused at start, with its field', async () => {
  const registry = new MemoryRegistry();
  const old: AvroRecord = {
    ...EVENT,
    name: 'OldEvent',
    fields: EVENT.fields.filter((field) => field.name !== 'at'),
  };
  await registry.register('t-value', JSON.stringify({ ...old, name: 'Event' }));
  await assert.rejects(opened(EVENT, registry), /CAR422.*Event.*field "at"/);
});

test('a producer’s own namespace is no other record: Avro matches unqualified names', async () => {
  const registry = new MemoryRegistry();
  const theirs: AvroRecord = { ...EVENT, namespace: 'com.example' };
  const id = await registry.register('theirs-value', JSON.stringify(theirs));
  const { schemas, encoder } = await opened(EVENT, registry);
  await schemas.load(id);
  const decoder = schemas.decoder(id, { schema: 'Event', fields: ['second'] });
  assert.ok(decoder !== undefined && !isUndecodable(decoder));
  const bytes = encoder.toBuffer(VALUE);
  assert.deepEqual({ ...(decoder.decode(bytes, 0, bytes.length) as object) }, { second: 'BLUE' });
  // Registered for the topic itself it does not keep the topology from starting, either.
  await registry.register('other-value', JSON.stringify(theirs));
  await schemas.open([{ topic: 'other', schema: 'Event' }]);
});

test('a record of another name is refused as such, and no field is blamed', async () => {
  const registry = new MemoryRegistry();
  await registry.register('t-value', JSON.stringify({ ...EVENT, name: 'Incident' }));
  await assert.rejects(opened(EVENT, registry), (error: Error) => {
    assert.match(error.message, /CAR422.*x\.Incident.*Event, because their names differ/);
    assert.doesNotMatch(error.message, /field/);
    return true;
  });
});

test('a value is read by its own writer schema', async () => {
  const { schemas, encoder } = await opened();
  const bytes = encoder.toBuffer(VALUE);
  assert.deepEqual({ ...(schemas.decodeByWriter(bytes, 0, bytes.length) as object) }, VALUE);
});

test('all topics are judged before any schema is registered', async () => {
  const registry = new MemoryRegistry();
  const old: AvroRecord = { ...EVENT, fields: [{ name: 'id', type: 'long' }] };
  await registry.register('u-value', JSON.stringify(old));
  await registry.register('w-value', JSON.stringify(old));
  const schemas = new AvroSchemas(folder(EVENT), registry, new HandClock(0));
  const topics = ['t', 'u', 'v', 'w'].map((topic) => ({ topic, schema: 'Event' }));
  await assert.rejects(schemas.open(topics), (error: CarillonErrors) => {
    const told = error.diagnostics.map(({ code, what }) => `${code} ${what.split(':')[0]}`);
    assert.deepEqual(told, ['CAR422 topic u', 'CAR422 topic w'], 'and all at once');
    return true;
  });
  assert.deepEqual(await registry.subjects(), ['u-value', 'w-value']);
});
