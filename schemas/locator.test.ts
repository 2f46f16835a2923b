import assert from 'node:assert/strict';
import { test } from 'node:test';
import avro from 'avsc';
import { HandClock } from '../core/clock.ts';
import type { Locator, Projection } from '../core/schema.ts';
import {
  FIELD_FALSE,
  FIELD_NUMBER,
  FIELD_TRUE,
  FIELD_UNKNOWN,
  GIVEN,
  NONE,
  Slice,
} from '../core/slice.ts';
import { AvroSchemas } from './avro-schemas.ts';
import { NESTED_MAX } from './avro-walk.ts';
import { type AvroRecord, readSchemaFolder, schemaFolderOf } from './folder.ts';
import { MemoryRegistry } from './memory-registry.ts';

const WRITER_ID = 1;
const record = (...fields: readonly object[]) =>
  ({ type: 'record', name: 'Event', fields }) as unknown as AvroRecord;

/** Schemas in which `writer` has id 1 and is read with `reader`. */
async function schemasOf(writer: unknown, reader: AvroRecord): Promise<AvroSchemas> {
  const registry = new MemoryRegistry();
  await registry.register('t-value', JSON.stringify(writer));
  const folder = schemaFolderOf(new Map([['Event', { record: reader, file: 'event.avsc' }]]));
  const schemas = new AvroSchemas(folder, registry, new HandClock(0));
  await schemas.load(WRITER_ID);
  return schemas;
}

async function locatorOf(
  writer: unknown,
  reader: AvroRecord,
  paths: readonly string[],
  fields?: readonly string[],
): Promise<Locator> {
  const projection: Projection = { schema: 'Event', ...(fields && { fields }) };
  const locator = (await schemasOf(writer, reader)).locator(WRITER_ID, projection, paths);
  assert.ok(locator !== undefined);
  return locator;
}

/** A slice of one record: `body` behind a header, among bytes that are not its own. */
function sliceOf(body: Buffer, columns: number): Slice {
  const slice = new Slice(columns, 1);
  slice.reset('t', 0, Buffer.concat([Buffer.of(9, 9, 0, 0, 0, 0, WRITER_ID), body, Buffer.of(9)]));
  slice.n = 1;
  slice.valueStart[0] = 2;
  slice.valueEnd[0] = slice.bytes.length - 1;
  return slice;
}

const UNKNOWN = Symbol('unknown');

function columns(slice: Slice): unknown[] {
  return slice.fieldStart.map((column, c) => {
    const start = column[0]!;
    if (start >= 0) return slice.bytes.toString('utf8', start, slice.fieldEnd[c]![0]);
    if (start === FIELD_NUMBER) return slice.fieldNumber[c]![0];
    return new Map<number, unknown>([
      [NONE, null],
      [FIELD_FALSE, false],
      [FIELD_TRUE, true],
      [FIELD_UNKNOWN, UNKNOWN],
    ]).get(start);
  });
}

const ENUM = { type: 'enum', name: 'Colour', symbols: ['RED', 'BLUE'] };
const INNER = { type: 'record', name: 'Inner', fields: [{ name: 'b', type: 'string' }] };
const kinds: readonly [writer: unknown, value: unknown, reader: unknown, expected: unknown][] = [
  ['string', 'ü-1', 'string', 'ü-1'],
  ['string', '', 'string', ''],
  ['string', 'x'.repeat(9_000), 'string', 'x'.repeat(9_000)],
  ['string', 'a', 'bytes', UNKNOWN],
  ['bytes', Buffer.from('ab'), 'string', 'ab'],
  ['bytes', Buffer.from('ab'), 'bytes', UNKNOWN],
  ['int', -65, 'int', -65],
  ['int', 2 ** 31 - 1, 'long', 2 ** 31 - 1],
  ['int', 7, 'float', 7],
  ['int', 7, 'double', 7],
  ['long', 1_767_225_600_000, 'long', 1_767_225_600_000],
  ['long', -1_767_225_600_001, 'double', -1_767_225_600_001],
  ['long', 16_777_217, 'float', 16_777_217],
  ['long', 2 ** 52 - 1, 'long', 2 ** 52 - 1],
  ['long', 2 ** 52, 'long', UNKNOWN],
  ['long', -(2 ** 52), 'long', -(2 ** 52)],
  ['long', 2 ** 53 - 2, 'double', UNKNOWN],
  ['float', 1.5, 'float', 1.5],
  ['float', 1.5, 'double', 1.5],
  ['double', -0, 'double', -0],
  ['double', Number.NaN, 'double', UNKNOWN],
  ['float', Number.NEGATIVE_INFINITY, 'double', UNKNOWN],
  [['null', 'double', 'string'], 1.5, ['null', 'double', 'string'], 1.5],
  ['boolean', true, 'boolean', true],
  ['boolean', false, 'boolean', false],
  ['null', null, 'null', null],
  [['null', 'string'], null, ['null', 'string'], null],
  [['null', 'string'], 'a', ['null', 'string'], 'a'],
  ['string', 'a', ['null', 'string'], 'a'],
  [['int'], 5, 'long', 5],
  [['null', 'int', 'string'], 'a', ['string', 'null', 'int'], 'a'],
  // Ambiguous: the decoder gives { int: 5 }.
  [['int', 'null'], 5, ['long', 'int', 'null'], UNKNOWN],
  [['int', 'null'], null, ['long', 'int', 'null'], null],
  [['int', 'long'], { long: 5 }, ['int', 'long'], UNKNOWN],
  // Of branches that could be read the one of the same kind is taken.
  [['null', 'int'], 5, ['null', 'long', 'int', 'string'], UNKNOWN],
  // Bytes and text look alike in JSON, so the decoder gives { string: 'a' }.
  [['null', 'string'], 'a', ['null', 'bytes', 'string'], UNKNOWN],
  [ENUM, 'BLUE', ENUM, UNKNOWN],
  [['null', ENUM], null, ['null', ENUM], null],
  [
    { type: 'fixed', name: 'F', size: 3 },
    Buffer.alloc(3),
    { type: 'fixed', name: 'F', size: 3 },
    UNKNOWN,
  ],
  [{ type: 'array', items: 'int' }, [1, 2], { type: 'array', items: 'int' }, UNKNOWN],
  [{ type: 'map', values: 'int' }, { a: 1 }, { type: 'map', values: 'int' }, UNKNOWN],
  [INNER, { b: 'x' }, INNER, UNKNOWN],
  [['null', INNER], null, ['null', INNER], null],
];

for (const [written, value, read, expected] of kinds) {
  const name = `${JSON.stringify(written)} of ${String(value).slice(0, 20)}`;
  test(`${name} as ${JSON.stringify(read)}`, async () => {
    const around = [{ name: 'z', type: 'string' }];
    const writer = record({ name: 'a', type: written }, ...around);
    // As it was written, and as another schema, which avsc reads through its resolution.
    const readers = [record({ name: 'a', type: read }, ...around)];
    readers.push(record(...around, { name: 'a', type: read }));
    for (const reader of readers) {
      const locator = await locatorOf(writer, reader, ['value.z', 'value.a']);
      const type = avro.Type.forSchema(writer as unknown as avro.Schema);
      const slice = sliceOf(type.toBuffer({ a: value, z: 'end' }), 2);
      assert.equal(locator.locate(slice, 0), true);
      assert.deepEqual(columns(slice), ['end', expected]);
    }
  });
}

test('a union is read by the number of the branch, resolved or not', async () => {
  const union = { name: 'a', type: ['int', 'string'] };
  const body = Buffer.of(2, 2, 0x61);
  const added = { name: 'b', type: 'int', default: 0 };
  for (const reader of [record(union), record(union, added)]) {
    const locator = await locatorOf(record(union), reader, ['value.a']);
    const slice = sliceOf(body, 1);
    assert.equal(locator.locate(slice, 0), true);
    assert.deepEqual(columns(slice), ['a']);
  }
});

test('a long beyond 2^52 is left to the decoder, which has it exactly', async () => {
  const writer = record({ name: 'a', type: 'long' });
  const rows: readonly [string, bigint | number][] = [
    ['feffffffffffffffff01', 2n ** 63n - 1n],
    ['ffffffffffffffffff01', -(2n ** 63n)],
    ['feffffffffffff1f', 2 ** 53 - 1],
    ['8080808080808020', 2n ** 53n],
    ['808080808080808020', 2n ** 60n],
  ];
  for (const [hex, exact] of rows) {
    const body = Buffer.from(hex, 'hex');
    for (const [type, expected] of [
      ['long', exact],
      ['double', Number(exact)],
    ] as const) {
      const reader = record({ name: 'a', type });
      const locator = await locatorOf(writer, reader, ['value.a']);
      const slice = sliceOf(body, 1);
      assert.equal(locator.locate(slice, 0), true, hex);
      assert.deepEqual(columns(slice), [UNKNOWN]);
      const decoder = (await schemasOf(writer, reader)).decoder(WRITER_ID, { schema: 'Event' });
      assert.ok(decoder !== undefined && 'decode' in decoder);
      assert.deepEqual(decoder.decode(slice.bytes, 2, slice.valueEnd[0]!), { a: expected });
    }
  }
});

const DEEP = record({
  name: 'a',
  type: {
    type: 'record',
    name: 'Outer',
    fields: [
      { name: 'n', type: 'int' },
      { name: 'inner', type: ['null', INNER] },
      { name: 'self', type: ['null', 'Outer'] },
    ],
  },
});
const deepRows: readonly [object | null, readonly unknown[]][] = [
  [{ n: 1, inner: { b: 'x' }, self: null }, [1, 'x', UNKNOWN, UNKNOWN]],
  // Nothing below null is undefined to the decoder, and not null.
  [{ n: 1, inner: null, self: null }, [1, UNKNOWN, UNKNOWN, UNKNOWN]],
  [{ n: 1, inner: null, self: { n: 2, inner: { b: 'y' }, self: null } }, [1, UNKNOWN, 2, 'y']],
];
for (const [a, expected] of deepRows) {
  test(`nested: ${JSON.stringify(a)}`, async () => {
    const paths = ['value.a.n', 'value.a.inner.b', 'value.a.self.n', 'value.a.self.inner.b'];
    const locator = await locatorOf(DEEP, DEEP, paths);
    const type = avro.Type.forSchema(DEEP as unknown as avro.Schema);
    const slice = sliceOf(type.toBuffer({ a }), 4);
    assert.equal(locator.locate(slice, 0), true);
    assert.deepEqual(columns(slice), expected);
  });
}

test('fields that are renamed, added, dropped, read twice, or no fields', async () => {
  const writer = record(
    { name: 'old', type: 'string' },
    { name: 'gone', type: 'long' },
    { name: 'twice', type: 'int' },
  );
  const reader = record(
    { name: 'added', type: 'int', default: 3 },
    { name: 'twice', type: 'int' },
    { name: 'again', type: 'long', aliases: ['twice'] },
    { name: 'new', type: 'string', aliases: ['old'] },
  );
  const rows: readonly [string, unknown][] = [
    ['value.new', 'x'],
    ['value.old', UNKNOWN],
    ['value.gone', UNKNOWN],
    ['value.added', UNKNOWN],
    ['value.twice', UNKNOWN],
    ['value.again', UNKNOWN],
    ['value.new', UNKNOWN],
    ['value.new.length', UNKNOWN],
    ['value.toString', UNKNOWN],
    ['value', UNKNOWN],
    ['key', UNKNOWN],
    ['timestamp', UNKNOWN],
  ];
  const paths = rows.map(([path]) => path);
  const locator = await locatorOf(writer, reader, paths);
  // A text, a long that is beyond 2^53 but that nobody reads, and 5.
  const body = Buffer.of(2, 0x78, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 10);
  const slice = sliceOf(body, rows.length);
  assert.equal(locator.locate(slice, 0), true);
  assert.deepEqual(
    columns(slice),
    rows.map(([, expected]) => expected),
  );
});

test('a field by which an object could get a prototype is one like others', async () => {
  const odd = record({ name: '__proto__', type: 'string' });
  const locator = await locatorOf(odd, odd, ['value.__proto__']);
  const slice = sliceOf(Buffer.of(2, 0x61), 1);
  assert.equal(locator.locate(slice, 0), true);
  assert.deepEqual(columns(slice), ['a']);
});

test('a field that the projection leaves out is not located', async () => {
  const both = record({ name: 'a', type: 'string' }, { name: 'b', type: 'string' });
  const locator = await locatorOf(both, both, ['value.a', 'value.b'], ['b']);
  const slice = sliceOf(Buffer.of(2, 0x61, 2, 0x62), 2);
  assert.equal(locator.locate(slice, 0), true);
  assert.deepEqual(columns(slice), [UNKNOWN, 'b']);
});

const FIELDS = record(
  { name: 'text', type: 'string' },
  { name: 'flag', type: 'boolean' },
  { name: 'ratio', type: 'float' },
  { name: 'maybe', type: ['null', 'long'] },
  { name: 'size', type: 'double' },
  { name: 'unread', type: ENUM },
  { name: 'at', type: 'long' },
  { name: 'rest', type: { type: 'array', items: 'int' } },
);
/** RED has index 0; `rest` is [1, 2]. */
const BODY = [
  4, 0x61, 0x62, 1, 0, 0, 0xc0, 0x3f, 2, 8, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0, 12, 4, 2, 4, 0,
];
const good = (at: number, ...instead: number[]) => BODY.toSpliced(at, instead.length, ...instead);
const LONG_9 = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
const lost: readonly [string, readonly number[]][] = [
  ...BODY.map((_, n): [string, readonly number[]] => [`cut after ${n} bytes`, BODY.slice(0, n)]),
  ['a byte left over', [...BODY, 0]],
  ['a length that ends early', [0x80]],
  ['a text of a negative length', good(0, 3)],
  ['a text that is longer than the value', good(0, 126)],
  ['a text of 2^62 bytes', [...LONG_9.with(0, 0xfe), ...BODY.slice(1)]],
  ['a branch that is not there', good(8, 4)],
  ['a branch of a negative number', good(8, 1)],
  ['a symbol that is not there', good(18, 4)],
  ['a long of eleven bytes', [...BODY.slice(0, 19), ...Array(10).fill(0x80), 0, ...BODY.slice(20)]],
  ['an array of 2^62 items', [...BODY.slice(0, 20), ...LONG_9.with(0, 0xfe), 2, 4, 0]],
];
for (const [name, body] of lost) {
  test(`not located: ${name}`, async () => {
    const paths = FIELDS.fields.map((field) => `value.${field.name}`);
    const locator = await locatorOf(FIELDS, FIELDS, paths);
    const slice = sliceOf(Buffer.from(BODY), paths.length);
    assert.equal(locator.locate(slice, 0), true);
    assert.deepEqual(columns(slice), ['ab', true, 1.5, 4, 1, UNKNOWN, 6, UNKNOWN]);
    const other = sliceOf(Buffer.from(body), paths.length);
    assert.equal(locator.locate(other, 0), false);
    assert.deepEqual(columns(other), Array(paths.length).fill(UNKNOWN));
  });

  test(`not located, where nearly all is passed over: ${name}`, async () => {
    const locator = await locatorOf(FIELDS, FIELDS, ['value.at']);
    assert.equal(locator.locate(sliceOf(Buffer.from(body), 1), 0), false);
  });
}

test('a tombstone and a value that was given as an object are not located', async () => {
  const one = record({ name: 'a', type: 'string' });
  const locator = await locatorOf(one, one, ['value.a']);
  for (const start of [NONE, GIVEN]) {
    const slice = sliceOf(Buffer.of(2, 0x61), 1);
    // Bytes that would do stand where it would begin.
    slice.bytes.fill(0);
    slice.valueStart[0] = start;
    slice.valueEnd[0] = start + 6;
    assert.equal(locator.locate(slice, 0), false);
    assert.deepEqual(columns(slice), [UNKNOWN]);
  }
});

test('records in records without end are given up, at a depth that the stack bears', async () => {
  const list = record({ name: 'id', type: 'int' }, { name: 'next', type: ['null', 'Event'] });
  const locator = await locatorOf(list, list, ['value.id']);
  const nested = (depth: number) =>
    Buffer.from([...Array(depth).fill([2, 2]).flat(), 2, 0] as number[]);
  for (const [depth, isLocated] of [
    [NESTED_MAX, true],
    [NESTED_MAX + 1, false],
    [100_000, false],
  ] as const) {
    assert.equal(locator.locate(sliceOf(nested(depth), 1), 0), isLocated, `${depth}`);
  }
});

test('it is made once for a schema, a projection and paths', async () => {
  const both = record({ name: 'a', type: 'string' }, { name: 'b', type: 'string' });
  const schemas = await schemasOf(both, both);
  const locator = (fields: readonly string[] | undefined, ...paths: readonly string[]) =>
    schemas.locator(WRITER_ID, { schema: 'Event', ...(fields && { fields }) }, paths);
  const first = locator(undefined, 'value.a', 'value.b');
  assert.ok(first !== undefined);
  assert.equal(locator(undefined, 'value.a', 'value.b'), first);
  assert.notEqual(locator(undefined, 'value.b', 'value.a'), first);
  assert.notEqual(locator(['a'], 'value.a', 'value.b'), first);
});

test('none for a schema that is not loaded, is unknown, or cannot be read', async () => {
  const one = record({ name: 'a', type: 'string' });
  const schemas = await schemasOf(one, record({ name: 'b', type: 'string' }));
  const projection = { schema: 'Event' };
  assert.equal(schemas.locator(WRITER_ID, projection, []), undefined);
  assert.equal(schemas.locator(2, projection, []), undefined);
  await schemas.load(2);
  assert.equal(schemas.locator(2, projection, []), undefined);
});

test('none where some values cannot be read as they are wanted: only decoding tells which', async () => {
  const symbols = (...of: string[]) => ({ ...ENUM, symbols: of });
  const reader = record({ name: 'a', type: symbols('RED') }, { name: 'b', type: 'int' });
  const writer = record({ name: 'a', type: ENUM }, { name: 'b', type: 'int' });
  const schemas = await schemasOf(writer, reader);
  const locator = (fields?: readonly string[]) =>
    schemas.locator(WRITER_ID, { schema: 'Event', ...(fields && { fields }) }, ['value.b']);
  assert.equal(locator(), undefined);
  assert.equal(locator(['a']), undefined);
  // Where the enum is not read, nothing is refused.
  assert.ok(locator(['b']) !== undefined);
});

test('what a topology of RENO reads is located', async () => {
  const folder = readSchemaFolder(new URL('.', import.meta.url).pathname);
  const schemas = new AvroSchemas(folder, new MemoryRegistry(), new HandClock(0));
  await schemas.open([{ topic: 't', schema: 'ViewingActivity' }]);
  const encoder = schemas.encoder('ViewingActivity');
  const fields = ['deviceId', 'eventId', 'kind', 'occurredAt', 'positionSeconds'];
  const paths = fields.map((field) => `value.${field}`);
  const locator = schemas.locator(encoder.schemaId, { schema: 'ViewingActivity', fields }, paths);
  const value = {
    eventId: 'va-1',
    memberId: 'm-1',
    profileId: 'm-1-p0',
    titleId: 't-1',
    deviceId: null,
    kind: 'PROGRESSED',
    positionSeconds: 4_711,
    occurredAt: 1_767_225_600_000,
  };
  const slice = sliceOf(encoder.toBuffer(value).subarray(5), paths.length);
  assert.equal(locator!.locate(slice, 0), true);
  assert.deepEqual(columns(slice), [null, 'va-1', UNKNOWN, 1_767_225_600_000, 4_711]);
});
