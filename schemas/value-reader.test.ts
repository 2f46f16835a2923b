/** Evolution: what one version wrote, read with another, value by value (Avro 1.12). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WIRE_HEADER_BYTES } from '../core/schema.ts';
import { AvroDecoder } from './avro-decoder.ts';
import { AvroEncoder } from './avro-encoder.ts';
import { parseSchema } from './parse-schema.ts';

const record = (name: string, ...fields: readonly object[]) => ({ type: 'record', name, fields });
const field = (name: string, type: unknown, more: object = {}) => ({ name, type, ...more });
const symbols = (...of: readonly string[]) => ({ type: 'enum', name: 'K', symbols: of });
const fixed = (size: number) => ({ type: 'fixed', name: 'H', size });
const BIG = 2n ** 63n - 1n;
const REFUSED = Symbol('refused');

/** How a field `v` that was written as one type is read as another, value by value. */
const rows: readonly [
  written: unknown,
  read: unknown,
  values: readonly (readonly [unknown, unknown])[],
][] = [
  // A symbol that the reader does not have.
  [
    symbols('A', 'B', 'C'),
    symbols('A', 'B'),
    [
      ['A', 'A'],
      ['B', 'B'],
      ['C', REFUSED],
    ],
  ],
  [
    symbols('C', 'B', 'A'),
    { ...symbols('A', 'B'), default: 'B' },
    [
      ['C', 'B'],
      ['A', 'A'],
    ],
  ],
  [
    ['null', symbols('A', 'C')],
    ['null', symbols('A')],
    [
      [null, null],
      ['A', 'A'],
      ['C', REFUSED],
    ],
  ],
  [
    { type: 'array', items: symbols('A', 'C') },
    { type: 'array', items: symbols('A') },
    [
      [
        ['A', 'A'],
        ['A', 'A'],
      ],
      [['A', 'C'], REFUSED],
      [[], []],
    ],
  ],
  [{ ...symbols('A'), namespace: 'a' }, { ...symbols('A'), namespace: 'b.c' }, [['A', 'A']]],
  [{ ...symbols('A'), name: 'Old' }, { ...symbols('A'), aliases: ['x.Old'] }, [['A', 'A']]],
  // Null where the reader has none.
  [
    ['null', 'string'],
    'string',
    [
      ['x', 'x'],
      [null, REFUSED],
    ],
  ],
  [
    ['string', 'long'],
    'long',
    [
      [7, 7],
      ['x', REFUSED],
    ],
  ],
  ['string', ['null', 'string'], [['x', 'x']]],
  // Unions whose branches were moved, added, taken away.
  [
    ['int', 'string', 'null'],
    ['null', 'string', 'int'],
    [
      ['x', 'x'],
      [3, 3],
      [null, null],
    ],
  ],
  [
    ['null', 'int', 'string'],
    ['null', 'int'],
    [
      [3, 3],
      ['x', REFUSED],
    ],
  ],
  [
    ['int', 'null'],
    ['long', 'int', 'null'],
    [
      [5, { int: 5 }],
      [null, null],
    ],
  ],
  [['null', 'int'], ['null', 'long'], [[5, 5]]],
  // Wider numbers, texts and bytes.
  ['int', 'long', [[-7, -7]]],
  ['int', 'double', [[7, 7]]],
  [
    'long',
    'long',
    [
      [2 ** 53 - 1, 2 ** 53 - 1],
      [2n ** 53n, 2n ** 53n],
      [BIG, BIG],
      [-BIG - 1n, -BIG - 1n],
    ],
  ],
  ['long', 'double', [[BIG, 2 ** 63]]],
  [
    'long',
    ['null', 'string', 'long'],
    [
      [5, 5],
      [BIG, { long: BIG }],
    ],
  ],
  ['double', ['null', 'string', 'double'], [[Number.NaN, { double: Number.NaN }]]],
  [
    'float',
    'double',
    [
      [1.5, 1.5],
      [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
    ],
  ],
  ['string', 'bytes', [['ü', Buffer.from('ü')]]],
  ['bytes', 'string', [[Buffer.from('ü'), 'ü']]],
  // Records: fields dropped, added, renamed; names in other namespaces.
  [
    { ...record('P', field('a', 'string'), field('gone', 'long')), namespace: 'x' },
    { ...record('P', field('new', 'int', { default: 3 }), field('a', 'string')), namespace: 'y' },
    [
      [
        { a: 'v', gone: BIG },
        { new: 3, a: 'v' },
      ],
    ],
  ],
  [
    record('P', field('old', 'string')),
    record('Q', field('name', 'string', { aliases: ['old'] })),
    [],
  ],
  [
    record('P', field('old', 'int')),
    {
      ...record('Q', field('name', 'int', { aliases: ['old'] }), field('old', 'int')),
      aliases: ['P'],
    },
    [[{ old: 7 }, { name: 7, old: 7 }]],
  ],
  [
    record('P'),
    record('P', field('list', { type: 'array', items: 'int' }, { default: [1] })),
    [[{}, { list: [1] }]],
  ],
  [
    record('P', field('next', ['null', 'P']), field('k', symbols('A', 'C'))),
    record('P', field('k', symbols('A')), field('next', ['null', 'P'])),
    [
      [
        { next: { next: null, k: 'A' }, k: 'A' },
        { k: 'A', next: { k: 'A', next: null } },
      ],
      [{ next: { next: null, k: 'C' }, k: 'A' }, REFUSED],
    ],
  ],
];
for (const [written, read, values] of rows) {
  const name = `${JSON.stringify(written)} as ${JSON.stringify(read)}`.slice(0, 120);
  test(name, () => {
    const writer = parseSchema(record('Event', field('v', written), field('z', 'string')));
    const reader = parseSchema(record('Event', field('z', 'string'), field('v', read)));
    if (values.length === 0)
      return assert.throws(() => new AvroDecoder(reader, writer), /names differ/);
    const encoder = new AvroEncoder(1, writer);
    const decoder = new AvroDecoder(reader, writer);
    for (const [value, expected] of values) {
      const bytes = encoder.toBuffer({ v: value, z: 'end' });
      const decode = () => decoder.decode(bytes, 0, bytes.length);
      if (expected === REFUSED) assert.throws(decode, { code: 'CAR503' });
      else assert.deepEqual(decode(), { z: 'end', v: expected });
    }
    const isPartial = values.some(([, expected]) => expected === REFUSED);
    if (isPartial) assert.equal(decoder.isTotal, false);
  });
}

const never: readonly [unknown, unknown, RegExp][] = [
  ['long', 'int', /long cannot be read as int/],
  ['string', 'long', /string cannot be read as long/],
  ['boolean', 'int', /boolean cannot be read as int/],
  [fixed(4), fixed(16), /H cannot be read as H/],
  [symbols('A'), { ...symbols('A'), name: 'Other' }, /K is not Other: their names differ/],
  [symbols('C'), symbols('A'), /K cannot be read as K/],
  [['null', 'string'], 'long', /string cannot be read as long/],
  [['boolean', 'string'], 'long', /union cannot be read as long/],
  ['string', ['null', 'long'], /string cannot be read as union/],
  [
    { type: 'array', items: 'string' },
    { type: 'array', items: 'int' },
    /string cannot be read as int/,
  ],
  [
    record('P'),
    record('P', field('n', 'int')),
    /field "n" without a default, which was not written/,
  ],
];
for (const [written, read, why] of never) {
  test(`never: ${JSON.stringify(written)} as ${JSON.stringify(read)}`, () => {
    const of = (type: unknown) => parseSchema(record('Event', field('v', type)));
    assert.throws(() => new AvroDecoder(of(read), of(written)), why);
    assert.throws(() => new AvroDecoder(of(read), of(written)), /field "v"/);
  });
}

test('a value that is not of its schema is not written, and the field is named', () => {
  const encoder = (type: unknown) =>
    new AvroEncoder(1, parseSchema(record('Event', field('v', type))));
  const bad: readonly [unknown, unknown, RegExp][] = [
    ['int', 2 ** 31, /v: expected a 32-bit whole number, got a number/],
    ['int', 7n, /v: expected a 32-bit whole number/],
    ['long', 1.5, /v: expected a 64-bit whole number/],
    ['long', 2n ** 63n, /v: expected a 64-bit whole number/],
    ['float', 1e300, /v: expected a number that a float holds/],
    ['string', 7, /v: expected text/],
    ['string', undefined, /v: expected text, got nothing/],
    ['bytes', 'AQ==', /v: expected bytes/],
    [fixed(2), Buffer.alloc(3), /v: expected 2 bytes, got 3 bytes/],
    [symbols('A'), 'C', /v: expected one of A/],
    [['null', 'long'], 'x', /v: expected null or long, got a string/],
    [record('P', field('a', 'int')), { a: 'x' }, /v\.a: expected a 32-bit/],
    [{ type: 'array', items: 'int' }, [1, 'x'], /v\.1: expected a 32-bit/],
    [{ type: 'map', values: 'int' }, { k: 'x' }, /v\.k: expected a 32-bit/],
  ];
  for (const [type, value, why] of bad) {
    assert.throws(() => encoder(type).toBuffer({ v: value }), why, JSON.stringify(type));
  }
});

test('what does not fit into the room is told, and written when there is more', () => {
  const fields = ['int', 'double', 'float', 'string', 'bytes', fixed(9), 'long', 'boolean'];
  const type = parseSchema(record('Event', ...fields.map((of, n) => field(`f${n}`, of))));
  const value = Object.fromEntries(
    [1, 2.5, 3.5, 'text', Buffer.alloc(5), Buffer.alloc(9), BIG, true].map((of, n) => [
      `f${n}`,
      of,
    ]),
  );
  const encoder = new AvroEncoder(1, type);
  const whole = encoder.toBuffer(value);
  const decoder = new AvroDecoder(type, type);
  assert.deepEqual(decoder.decode(whole, 0, whole.length), value);
  for (let size = 0; size < whole.length; size++) {
    assert.equal(encoder.encode(value, Buffer.alloc(size), 0), -1);
    if (size < WIRE_HEADER_BYTES) continue;
    assert.throws(() => decoder.decode(whole, 0, size), { code: 'CAR503' });
  }
  assert.equal(encoder.encode(value, Buffer.alloc(whole.length + 3), 3), whole.length + 3);
});
