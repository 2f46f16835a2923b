import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AvroDecoder } from './avro-decoder.ts';
import { AvroEncoder } from './avro-encoder.ts';
import { type FieldProblem, jsonEventReader } from './json-events.ts';
import { parseSchema } from './parse-schema.ts';

const written: readonly [type: unknown, value: unknown, read: unknown][] = [
  [['float', 'double'], 0.1, { double: 0.1 }],
  [['float', 'double'], 0.5, { float: 0.5 }],
  [['float', 'double'], Number.NaN, { float: Number.NaN }],
  [['float', 'double'], { float: 0.5 }, { float: 0.5 }],
  [['null', 'float', 'double'], null, null],
  [['float', 'string'], 0.1, Math.fround(0.1)],
  [['float', 'string'], 'text', 'text'],
  [
    [
      'null',
      { type: 'record', name: 'a.R', fields: [] },
      { type: 'record', name: 'b.R', fields: [] },
    ],
    { 'b.R': {} },
    { 'b.R': {} },
  ],
  // The name of a branch beside another name is the field of a map.
  [['double', { type: 'map', values: 'double' }], { double: 1, other: 2 }, { double: 1, other: 2 }],
];
const refused: readonly [type: unknown, value: unknown][] = [
  // Both records have that name.
  [
    [
      { type: 'record', name: 'a.R', fields: [{ name: 'n', type: 'int' }] },
      { type: 'record', name: 'b.R', fields: [{ name: 'n', type: 'int' }] },
    ],
    { R: { n: 1 } },
  ],
  // Of two names none is a branch's.
  [['double', 'null'], { double: 1, other: 2 }],
  [['double', 'null'], {}],
];
for (const [type, value] of refused) {
  test(`${JSON.stringify(value)} is no value of a union of ${JSON.stringify(type)}`, () => {
    const schema = parseSchema({ type: 'record', name: 'R', fields: [{ name: 'f', type }] });
    assert.throws(() => new AvroEncoder(1, schema).toBuffer({ f: value }));
  });
}
for (const [type, value, read] of written) {
  test(`${JSON.stringify(value)} in a union of ${JSON.stringify(type)} comes back as ${JSON.stringify(read)}`, () => {
    const schema = parseSchema({ type: 'record', name: 'R', fields: [{ name: 'f', type }] });
    const bytes = new AvroEncoder(1, schema).toBuffer({ f: value });
    const back = new AvroDecoder(schema, schema).decode(bytes, 0, bytes.length);
    assert.deepEqual(structuredClone(back), { f: read });
  });
}

const A1 = { type: 'record', name: 'z.A1', fields: [{ name: 'n', type: 'int' }] };
const B = { type: 'record', name: 'z.B', fields: [{ name: 'A1', type: 'int' }] };
const E = { type: 'enum', name: 'z.E', symbols: ['X', 'Y'] };
const INTS = { type: 'map', values: 'int' };

/** Beside a map: what is sent in, and the one form in which it comes out; null: refused. */
const besideMaps: readonly [type: readonly unknown[], sent: object, out: object | null][] = [
  [[INTS, A1], { 'z.A1': 5 }, null],
  [[INTS, A1], { A1: 5 }, null],
  [[INTS, A1], { map: 5 }, null],
  [[INTS, A1], { map: { 'z.A1': 5 } }, { map: { 'z.A1': 5 } }],
  [[INTS, A1], { map: { map: 5 } }, { map: { map: 5 } }],
  [[INTS, A1], { 'z.A1': { n: 5 } }, { 'z.A1': { n: 5 } }],
  [[INTS, A1], { n: 5, m: 6 }, { map: { n: 5, m: 6 } }],
  [[A1, B], { 'z.A1': 5 }, null],
  [[A1, B], { A1: 5 }, { 'z.B': { A1: 5 } }],
  [[INTS, E], { 'z.E': 5 }, { 'z.E': 5 }],
  [[INTS, E], { 'z.E': 'X' }, 'X' as never],
  [[{ type: 'map', values: 'string' }, 'int'], { int: 5 }, 5 as never],
  [[{ type: 'map', values: 'string' }, 'int'], { int: 'x' }, { int: 'x' }],
];
for (const [type, sent, out] of besideMaps) {
  test(`${JSON.stringify(sent)} in a union of ${JSON.stringify(type)} is ${JSON.stringify(out)} at every door`, () => {
    const json = { type: 'record', name: 'R', fields: [{ name: 'f', type }] };
    const schema = parseSchema(json);
    const [encoder, decoder] = [new AvroEncoder(1, schema), new AvroDecoder(schema, schema)];
    const through = (value: unknown) => {
      const bytes = encoder.toBuffer({ f: value });
      return (structuredClone(decoder.decode(bytes, 0, bytes.length)) as { f: unknown }).f;
    };
    const problems: FieldProblem[] = [];
    const read = jsonEventReader(json).read({ f: sent }, '', problems) as { f: unknown };
    if (out === null) {
      assert.ok(problems.length > 0, JSON.stringify(read));
      assert.throws(() => through(sent));
      return;
    }
    assert.deepEqual(problems, []);
    assert.deepEqual(through(read.f), out);
    assert.deepEqual(through(sent), out);
    assert.deepEqual(through(out), out, 'what comes out can be sent in');
  });
}
