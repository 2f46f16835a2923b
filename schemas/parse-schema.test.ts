import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSchema, type SchemaProblem } from './parse-schema.ts';

const record = (...fields: readonly unknown[]) => ({ type: 'record', name: 'R', fields });
const field = (type: unknown, more: object = {}) => ({ name: 'f', type, ...more });
const ENUM = { type: 'enum', name: 'K', symbols: ['A'] };

/** What the desk refuses, as `place: what`; `written` says whether values of it can be read. */
const bad: readonly [schema: unknown, problem: string, written: 'read' | 'not read'][] = [
  [record(field('strng')), 'field "f": type "strng" is not defined', 'not read'],
  [record(field(['null', 'Money'])), 'field "f" → branch 2: type "Money" is not', 'not read'],
  [record(field({ type: 'array', items: 'X' })), 'field "f" → items: type "X" is', 'not read'],
  [record(field({ type: 'map', values: 7 })), 'field "f" → values: a type is a text', 'not read'],
  [record(field({ type: 'array' })), 'field "f": an array has no "items"', 'not read'],
  [record(field({ type: 'map' })), 'field "f": a map has no "values"', 'not read'],
  [record(field({ logicalType: 'date' })), 'field "f": an object without "type"', 'not read'],
  [record(field(null)), 'field "f": a type is a text, an object or an array, not null', 'not read'],
  [record({ name: 'f' }), 'field "f": it has no "type"', 'not read'],
  [record('f'), 'field 1: a field is an object with a "name"', 'not read'],
  [{ type: 'record', name: 'R' }, ': record "R" has no "fields"', 'not read'],
  [{ type: 'record', name: 'R', fields: { f: 'int' } }, ': record "R" has no "fields"', 'not read'],
  [{ type: 'record', fields: [] }, ': a record has no "name"', 'not read'],
  [record(field({ type: 'enum', name: 'K' })), 'field "f": enum "K" has no "symbols"', 'not read'],
  [record(field({ type: 'fixed', name: 'F' })), 'field "f": fixed "F" has no "size"', 'not read'],
  [
    record(field({ type: 'fixed', name: 'F', size: -1 })),
    'field "f": fixed "F" has no',
    'not read',
  ],
  [record(field(['null', ['int']])), 'field "f": a union stands directly in a union', 'not read'],
  [record(field({ type: 'union', types: [] })), 'field "f": a union is written as', 'not read'],
  // What says nothing of the bytes is refused only at the desk.
  [record(field(['null', 'null'])), 'field "f": a union has "null" twice', 'read'],
  [record(field('int'), field('int')), 'field "f": the record has such a field already', 'read'],
  [record({ name: 'f-x', type: 'int' }), 'field "f-x": a name has letters, digits and _', 'read'],
  [{ ...record(), name: 'a-b' }, ': "a-b" is not a name', 'read'],
  [{ ...record(), namespace: 'acme.v-2' }, ': "acme.v-2.R" is not a name', 'read'],
  [{ ...record(), name: 'string' }, ': "string" is the name of a primitive type', 'read'],
  [record(field({ ...ENUM, symbols: ['a-b'] })), 'field "f": "a-b" is not a symbol', 'read'],
  [record(field({ ...ENUM, symbols: ['A', 'A'] })), 'field "f": a symbol stands twice', 'read'],
  [record(field({ ...ENUM, symbols: [] })), 'field "f": enum "K" has no symbol, so', 'read'],
  [record(field([])), 'field "f": a union without types', 'read'],
  [record(field({ ...ENUM, default: 'B' })), 'field "f": the default "B" of enum "K"', 'read'],
  [record(field(ENUM), { name: 'g', type: ENUM }), 'field "g": type "K" is defined twice', 'read'],
  [record(field('R')), ': record "R" holds itself without an end', 'read'],
  [record(field('int', { default: 'x' })), 'field "f": its default is not a 32-bit', 'read'],
  [record(field('int', { default: 2 ** 31 })), 'field "f": its default is not a 32-bit', 'read'],
  [record(field('long', { default: 1.5 })), 'field "f": its default is not a 64-bit', 'read'],
  [record(field('float', { default: 1e300 })), 'field "f": its default is not a number', 'read'],
  [record(field('double', { default: '0' })), 'field "f": its default is not a number', 'read'],
  [record(field('string', { default: null })), 'field "f": its default is not text', 'read'],
  [record(field('bytes', { default: '€' })), 'field "f": its default is not text of', 'read'],
  [
    record(field(['null', 'string'], { default: '' })),
    'field "f": its default is not of the union\'s first',
    'read',
  ],
  [record(field(['null', 'string'], { default: 7 })), 'field "f": its default is not null', 'read'],
  [
    record(field({ type: 'array', items: 'int' }, { default: {} })),
    'field "f": its default is not an array',
    'read',
  ],
  [
    record(field({ type: 'map', values: 'int' }, { default: { a: 'x' } })),
    'field "f": its default has an item that is not a 32-bit',
    'read',
  ],
  [
    record(
      field({ type: 'record', name: 'P', fields: [{ name: 'a', type: 'int' }] }, { default: {} }),
    ),
    'field "f": its default lacks field "a"',
    'read',
  ],
];
for (const [schema, problem, written] of bad) {
  test(`refused: ${problem}`, () => {
    const problems: SchemaProblem[] = [];
    parseSchema(schema, { problems });
    const [first] = problems.map(({ at, what }) => `${at}: ${what}`);
    assert.ok(first?.startsWith(problem), `${first}`);
    assert.equal(problems.length, 1, 'none follows from another');
    if (written === 'read') parseSchema(schema);
    else assert.throws(() => parseSchema(schema), Error);
  });
}

test('all of a schema is told at once', () => {
  const problems: SchemaProblem[] = [];
  const inner = { type: 'record', name: 'P', fields: [field('X'), { name: 'g', type: 'Y' }] };
  parseSchema(record({ name: 'a', type: inner }, { name: 'b', type: 'Z' }), { problems });
  assert.deepEqual(
    problems.map(({ at }) => at),
    ['field "a" → field "f"', 'field "a" → field "g"', 'field "b"'],
  );
});

const good: readonly unknown[] = [
  record(field('bytes', { default: '\u0000ÿ' })),
  record(field(['string', 'null'], { default: '' })),
  record(field(['null', 'R'], { default: null })),
  record(field({ type: 'array', items: 'R' })),
  record(field({ type: { type: 'map', values: 'R' } })),
  record(field({ type: 'string', 'avro.java.string': 'String' })),
  record(field({ type: 'int', logicalType: 'no-such' }, { order: 'ignore', doc: 'd' })),
  record(field({ ...ENUM, namespace: 'x' }), { name: 'g', type: 'x.K' }, { name: 'h', type: ENUM }),
  record(field({ type: 'fixed', name: 'F', size: 0 }, { default: '' })),
  record(field({ type: 'error', name: 'E', fields: [] }, { default: {} })),
  record(field('double', { default: 1 }), { name: 'naïve_日本', type: 'int' }),
  {
    ...record(field('K')),
    fields: [field({ ...ENUM, name: 'a.b.K' }), { name: 'g', type: 'a.b.K' }],
  },
  // A name in a namespace may still mean one without any.
  { ...record(field({ ...ENUM, namespace: '' }), { name: 'g', type: 'K' }), namespace: 'x' },
];
for (const schema of good) {
  test(`taken: ${JSON.stringify(schema).slice(0, 100)}`, () => {
    const problems: SchemaProblem[] = [];
    parseSchema(schema, { problems });
    assert.deepEqual(problems, []);
  });
}

test('what is nested without an end is told, not followed', () => {
  let type: unknown = 'int';
  for (let n = 0; n < 1000; n++) type = { type: 'array', items: type };
  const problems: SchemaProblem[] = [];
  parseSchema(record(field(type)), { problems });
  assert.match(problems[0]!.what, /deeper than 128 types/);
});
