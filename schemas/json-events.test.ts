import assert from 'node:assert/strict';
import { test } from 'node:test';
import avro from 'avsc';
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
    ['/occurredAt: expected long, got a number that is no integer within 2^53'],
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
    'a name of a map that would be its prototype',
    JSON.parse('{"eventId":"e","occurredAt":1,"facts":{"__proto__":true}}'),
    ['/facts/__proto__: a name that is not taken'],
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
  assert.match(problems[0]?.what ?? '', /deeper than 32 levels/);
});
