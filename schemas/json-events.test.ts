import assert from 'node:assert/strict';
import { test } from 'node:test';
import avro from 'avsc';
import { stringifyExact } from '../core/exact-json.ts';
import { type FieldProblem, jsonEventReader, PROBLEMS_MAX } from './json-events.ts';

const SCHEMA = {
  type: 'record',
  name: 'Watched',
  namespace: 'reno.events',
  fields: [
    { name: 'eventId', type: 'string' },
    {
      name: 'kind',
      type: { type: 'enum', name: 'Kind', symbols: ['STARTED', 'STOPPED'] },
      default: 'STARTED',
    },
    { name: 'deviceId', type: ['null', 'string'], default: null },
    { name: 'position', type: 'int', default: 0 },
    { name: 'size', type: ['null', 'int', 'long'], default: null },
    { name: 'tags', type: { type: 'array', items: 'string' }, default: [] },
    { name: 'facts', type: { type: 'map', values: 'boolean' }, default: {} },
    { name: 'blob', type: ['null', 'bytes'], default: null },
    {
      name: 'by',
      type: ['null', { type: 'record', name: 'By', fields: [{ name: 'who', type: 'string' }] }],
      default: null,
    },
    { name: 'occurredAt', type: { type: 'long', logicalType: 'timestamp-millis' } },
  ],
};
const DEFAULTS = {
  kind: 'STARTED',
  deviceId: null,
  position: 0,
  size: null,
  tags: [],
  facts: {},
  blob: null,
  by: null,
};
/** Rows of one field: its type, what is sent, and the value, or what is told. */
const CARD = { type: 'record', name: 'Card', fields: [{ name: 'id', type: 'string' }] };
const IBAN = { ...CARD, name: 'Iban' };
const LONG = { type: 'record', name: 'Has', fields: [{ name: 'long', type: 'long' }] };
const BIG = 9_007_199_254_740_993n;
const forms: readonly [type: unknown, json: unknown, value: unknown][] = [
  // 64 bits, as numbers or as text.
  ['long', BIG, BIG],
  ['long', '9007199254740993', BIG],
  ['long', '-9223372036854775808', -(2n ** 63n)],
  ['long', '7', 7],
  ['long', 2n ** 63n, '/f: expected long, got a number that is no 64-bit integer'],
  ['long', '9223372036854775808', '/f: expected long, got a string'],
  ['long', '1e3', '/f: expected long, got a string'],
  // It was rounded before it came here.
  ['long', 2 ** 60, '/f: expected long, got a number beyond 2^53 without all its digits'],
  ['long', 1e18, '/f: expected long, got a number beyond 2^53 without all its digits'],
  ['long', -1e18, '/f: expected long, got a number beyond 2^53 without all its digits'],
  ['long', 2 ** 63, '/f: expected long, got a number that is no 64-bit integer'],
  ['long', null, '/f: expected long, got null'],
  ['long', [7], '/f: expected long, got an array'],
  ['long', { a: 7 }, '/f: expected long, got an object'],
  ['long', true, '/f: expected long, got a boolean'],
  ['string', BIG, '/f: expected string, got a number'],
  ['long', 0.5, '/f: expected long, got a number that is no 64-bit integer'],
  ['int', BIG, '/f: expected int, got a number that is no 32-bit integer'],
  // What JSON has no number for, and what is too large to be one.
  ['double', 'NaN', Number.NaN],
  ['double', '-Infinity', Number.NEGATIVE_INFINITY],
  ['double', 'nan', '/f: expected double, got a string'],
  ['double', Number.POSITIVE_INFINITY, '/f: expected double, got a number that no double holds'],
  ['double', BIG, 2 ** 53],
  ['float', 1e300, '/f: expected float, got a number that no float holds'],
  ['float', 0.1, 0.1],
  ['float', 'Infinity', Number.POSITIVE_INFINITY],
  [['null', 'string', 'long'], '9007199254740993', '9007199254740993'],
  [['null', 'string', 'long'], BIG, { long: BIG }],
  [['null', 'string', 'long'], { long: '9007199254740993' }, { long: BIG }],
  [['null', 'string', 'long'], 7, 7],
  [['double', 'string'], 'NaN', 'NaN'],
  [['double', 'string'], { double: 'NaN' }, { double: Number.NaN }],
  // Not the branch that would round it, though it comes first.
  [['float', 'double'], 0.1, { double: 0.1 }],
  [['float', 'double'], 0.5, { float: 0.5 }],
  [['null', 'float', 'double'], 1e300, { double: 1e300 }],
  [['float', 'string'], 0.1, 0.1],
  // Unions whose branches look alike: the first that fits, or the one that is named.
  [[CARD, IBAN], { id: '1' }, { Card: { id: '1' } }],
  [[CARD, IBAN], { Iban: { id: '1' } }, { Iban: { id: '1' } }],
  [[CARD, { ...IBAN, namespace: 'a.b' }], { Iban: { id: '1' } }, { 'a.b.Iban': { id: '1' } }],
  [[CARD, { ...IBAN, namespace: 'a.b' }], { 'a.b.Iban': { id: '1' } }, { 'a.b.Iban': { id: '1' } }],
  [[CARD, IBAN], { Iban: { id: 7 } }, '/f/Iban/id: expected string, got a number'],
  [[CARD, IBAN], { Other: { id: '1' } }, '/f: expected Card or Iban, got an object'],
  [['string', 'bytes'], { bytes: 'AQ==' }, { bytes: Buffer.of(1) }],
  [['string', 'bytes'], 'AQ==', { string: 'AQ==' }],
  [['int', 'long'], { long: 7 }, { long: 7 }],
  // A union that needs no name takes one too.
  [['null', CARD], { Card: { id: '1' } }, { id: '1' }],
  [['null', 'string'], { string: 'x' }, 'x'],
  [['null', 'int'], { null: null }, null],
  [['null', 'int'], { int: 'x' }, '/f/int: expected int, got a string'],
  // A field or a key of a branch's name.
  [['null', LONG], { long: 7 }, { long: 7 }],
  [['null', LONG, 'long'], { long: 7 }, { long: 7 }],
  [['null', 'string', 'long', LONG], { long: 7 }, { long: 7 }],
  [['null', 'string', 'long', LONG], { Has: { long: 7 } }, { Has: { long: 7 } }],
  [['null', { type: 'map', values: 'int' }], { map: 7 }, { map: 7 }],
  [['null', { type: 'map', values: 'int' }], { map: { a: 7 } }, { a: 7 }],
  [{ type: 'map', values: 'int' }, JSON.parse('{"__proto__":7}'), JSON.parse('{"__proto__":7}')],
];
for (const [type, json, expected] of forms) {
  const shown = stringifyExact(json).slice(0, 40);
  test(`${JSON.stringify(type).slice(0, 60)} of ${shown}`, () => {
    const schema = { type: 'record', name: 'R', fields: [{ name: 'f', type }] };
    const problems: FieldProblem[] = [];
    const value = jsonEventReader(schema).read({ f: json }, '', problems);
    const told = problems.map(({ path, what }) => `${path}: ${what}`);
    if (told.length > 0) assert.equal(told.join('; '), expected);
    else assert.deepEqual(value, { f: expected });
  });
}

test('what is ambiguous without an end is given up, and the mend is a name', () => {
  const a = { type: 'record', name: 'A', fields: [{ name: 'n', type: 'int' }] };
  const b = {
    type: 'record',
    name: 'B',
    fields: [{ name: 'n', type: ['null', a, 'B', { ...a, name: 'C' }] }],
  };
  let json: unknown = { n: 'wrong' };
  for (let depth = 0; depth < 60; depth++) json = { n: json };
  const problems: FieldProblem[] = [];
  jsonEventReader(b).read(json, '', problems);
  assert.equal(problems.length, 1);
});

const reader = jsonEventReader(SCHEMA);
const type = avro.Type.forSchema(SCHEMA as avro.Schema);

const good: readonly [string, object, object][] = [
  ['defaults are filled', {}, {}],
  ['a union is written plainly', { deviceId: 'tv-1' }, { deviceId: 'tv-1' }],
  ['null in a union', { deviceId: null }, { deviceId: null }],
  ['a union that avsc wraps', { size: 7 }, { size: { int: 7 } }],
  ['the branch that fits', { size: 2 ** 40 }, { size: { long: 2 ** 40 } }],
  ['bytes are base64', { blob: 'AQID' }, { blob: Buffer.from([1, 2, 3]) }],
  [
    'nested',
    { by: { who: 'm' }, tags: ['a'], facts: { x: true } },
    { by: { who: 'm' }, tags: ['a'], facts: { x: true } },
  ],
];
for (const [name, json, expected] of good) {
  test(`reads: ${name}`, () => {
    const problems: FieldProblem[] = [];
    const value = reader.read({ eventId: 'e', occurredAt: 1, ...json }, '', problems);
    assert.deepEqual(problems, []);
    assert.deepEqual(value, { ...DEFAULTS, eventId: 'e', occurredAt: 1, ...expected });
    assert.ok(type.toBuffer(value).length > 0, 'the encoder takes it');
  });
}

const bad: readonly [string, unknown, readonly string[]][] = [
  ['not an object', 7, ['/: expected an object (Watched), got a number']],
  [
    'all that is missing',
    {},
    ['/eventId: missing, expected string', '/occurredAt: missing, expected long'],
  ],
  [
    'a text for a long',
    { eventId: 'e', occurredAt: 'now' },
    ['/occurredAt: expected long, got a string'],
  ],
  [
    'half a millisecond',
    { eventId: 'e', occurredAt: 1.5 },
    ['/occurredAt: expected long, got a number that is no 64-bit integer'],
  ],
  [
    'too large for an int',
    { eventId: 'e', occurredAt: 1, position: 2 ** 31 },
    ['/position: expected int, got a number that is no 32-bit integer'],
  ],
  [
    'an unknown symbol',
    { eventId: 'e', occurredAt: 1, kind: 'PAUSED' },
    ['/kind: expected one of STARTED, STOPPED'],
  ],
  [
    'a misspelt field',
    { eventId: 'e', occuredAt: 1 },
    [
      '/occurredAt: missing, expected long',
      '/occuredAt: Watched has no such field; did you mean "occurredAt"?',
    ],
  ],
  [
    'a union',
    { eventId: 'e', occurredAt: 1, deviceId: 5 },
    ['/deviceId: expected string, got a number'],
  ],
  [
    'a union of several',
    { eventId: 'e', occurredAt: 1, size: 'x' },
    ['/size: expected null or int or long, got a string'],
  ],
  [
    'inside a union',
    { eventId: 'e', occurredAt: 1, by: { who: 1 } },
    ['/by/who: expected string, got a number'],
  ],
  [
    'inside an array',
    { eventId: 'e', occurredAt: 1, tags: ['a', 2] },
    ['/tags/1: expected string, got a number'],
  ],
  [
    'inside a map',
    { eventId: 'e', occurredAt: 1, facts: { 'a/b': 1 } },
    ['/facts/a~1b: expected boolean, got a number'],
  ],
  [
    'bytes that are not base64',
    { eventId: 'e', occurredAt: 1, blob: '%' },
    ['/blob: expected bytes as base64 text'],
  ],
  [
    'half a surrogate pair',
    { eventId: '\ud800', occurredAt: 1, deviceId: 'tv\udfff' },
    [
      '/eventId: expected text that is Unicode, got half a surrogate pair',
      '/deviceId: expected text that is Unicode, got half a surrogate pair',
    ],
  ],
  [
    'inherited names are not fields',
    JSON.parse('{"eventId":"e","occurredAt":1,"__proto__":{"position":1}}'),
    [
      '/__proto__: Watched has no such field; known: eventId, kind, deviceId, position, size, tags, facts, blob, by, occurredAt',
    ],
  ],
];
for (const [name, json, expected] of bad) {
  test(`tells: ${name}`, () => {
    const problems: FieldProblem[] = [];
    reader.read(json, '', problems);
    assert.deepEqual(
      problems.map(({ path, what }) => `${path}: ${what}`),
      expected,
    );
  });
}

test('what is told is bounded', () => {
  const problems: FieldProblem[] = [];
  reader.read(
    { eventId: 'e', occurredAt: 1, tags: Array.from({ length: 500 }, () => 1) },
    '',
    problems,
  );
  assert.equal(problems.length, PROBLEMS_MAX);
});

test('a deep body is refused, not followed', () => {
  const list = {
    type: 'record',
    name: 'L',
    fields: [{ name: 'next', type: ['null', 'L'], default: null }],
  };
  let json: object = {};
  for (let i = 0; i < 1000; i++) json = { next: json };
  const problems: FieldProblem[] = [];
  jsonEventReader(list).read(json, '', problems);
  assert.match(problems[0]?.what ?? '', /deeper than 256 records/);
});
