import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AvroEncoder } from './avro-encoder.ts';
import { type FieldProblem, jsonEventReader } from './json-events.ts';
import { hasDigits, ignoredLogicals } from './logical-types.ts';
import { parseSchema } from './parse-schema.ts';

const fixed = (size: number, more: object) => ({ type: 'fixed', name: 'F', size, ...more });
const decimal = (precision?: unknown, scale?: unknown) => ({
  logicalType: 'decimal',
  ...(precision === undefined ? {} : { precision }),
  ...(scale === undefined ? {} : { scale }),
});
const on = (type: unknown, logicalType: unknown) => ({ type, logicalType });

const rows: readonly [type: unknown, ignored?: RegExp][] = [
  [on('long', 'timestamp-millis')],
  [on('long', 'timestamp-nanos')],
  [on('long', 'local-timestamp-micros')],
  [on('int', 'date')],
  [on('string', 'uuid')],
  [fixed(16, { logicalType: 'uuid' })],
  [fixed(12, { logicalType: 'duration' })],
  [on('bytes', 'big-decimal')],
  [{ type: 'bytes', ...decimal(10, 2) }],
  [{ type: 'bytes', ...decimal(10) }],
  [fixed(8, decimal(18, 2))],
  [fixed(1, decimal(2))],
  // Of somebody's own.
  [on('string', 'country-code')],
  [on('string', 'timestamp-millis'), /"timestamp-millis" is for long, and this is string/],
  [on('int', 'timestamp-millis'), /is for long, and this is int/],
  [on('long', 'date'), /"date" is for int/],
  [on('long', 'time-millis'), /is for int/],
  [on('int', 'time-micros'), /is for long/],
  [on('bytes', 'uuid'), /is for string or fixed, and this is bytes/],
  [fixed(15, { logicalType: 'uuid' }), /is for 16 bytes, and this has 15/],
  [fixed(8, { logicalType: 'duration' }), /is for 12 bytes/],
  [on('string', 'decimal'), /is for bytes or fixed/],
  [{ type: 'double', ...decimal(9, 2) }, /is for bytes or fixed, and this is double/],
  [{ type: 'bytes', ...decimal() }, /needs a "precision"/],
  [{ type: 'bytes', ...decimal(0) }, /needs a "precision"/],
  [{ type: 'bytes', ...decimal('9') }, /needs a "precision"/],
  [{ type: 'bytes', ...decimal(4, -1) }, /"scale" that is no whole number/],
  [{ type: 'bytes', ...decimal(2, 4) }, /a scale of 4 over its precision 2/],
  [fixed(8, decimal(19)), /a precision of 19, and 8 bytes hold 18 digits/],
  [fixed(1, decimal(3)), /hold 2 digits/],
  [on('long', 'timestamp-milis'), /did you mean "timestamp-millis"/],
  [on('long', 'timestamp_millis'), /did you mean "timestamp-millis"/],
  [on('long', 'Timestamp-Millis'), /did you mean "timestamp-millis"/],
  [on('long', 7), /is no text/],
  [on(['null', 'long'], 'timestamp-millis'), /is for long, and this is a union/],
  [{ type: { type: 'string' }, logicalType: 'timestamp-millis' }, /this is string/],
  [{ type: 'acme.Money', ...decimal(9, 2) }, /is for bytes or fixed, and this is acme.Money/],
];
for (const [type, ignored] of rows) {
  test(`${JSON.stringify(type)} is ${ignored === undefined ? 'taken' : 'ignored'}`, () => {
    for (const around of [
      (of: unknown) => of,
      (of: unknown) => ['null', of],
      (of: unknown) => ({ type: 'array', items: of }),
      (of: unknown) => ({ type: 'map', values: of }),
      (of: unknown) => ({ type: 'record', name: 'R', fields: [{ name: 'inner', type: of }] }),
    ]) {
      const fields = [{ name: 'f', type: around(type) }];
      const told = ignoredLogicals({ type: 'record', name: 'T', fields });
      assert.equal(told.length, ignored === undefined ? 0 : 1, JSON.stringify(told));
      if (ignored === undefined) continue;
      assert.match(told[0]!.what, ignored);
      assert.match(told[0]!.at, /^field "f"/);
    }
  });
}

test('beside a type it is read by nobody, and the mend is written out', () => {
  const fields = [
    { name: 'at', type: 'long', logicalType: 'timestamp-millis' },
    { name: 'no', type: ['null', 'bytes'], logicalType: 'decimal', precision: 9 },
    { name: 'own', type: 'string', logicalType: 'country-code' },
  ];
  const told = ignoredLogicals({ type: 'record', name: 'T', fields });
  assert.deepEqual(
    told.map(({ at }) => at),
    ['field "at"', 'field "no"'],
  );
  assert.match(told[0]!.what, /"type": \{ "type": "long", "logicalType": "timestamp-millis" \}/);
});

const digits: readonly [hex: string, digits: number, has: boolean][] = [
  ['03e7', 3, true],
  ['03e8', 3, false],
  ['fc19', 3, true],
  ['fc18', 3, false],
  ['', 1, true],
  ['00', 1, true],
  ['ff', 1, true],
  ['0000000000000009', 1, true],
  ['fffffffffffffff7', 1, true],
  ['fffffffffffffff6', 1, false],
  ['80', 2, false],
  ['7f', 3, true],
  ['00ff', 3, true],
  ['01'.padEnd(200_000, '0'), 38, false],
];
for (const [hex, most, has] of digits) {
  test(`0x${hex.slice(0, 20)} has ${has ? 'no more than' : 'more than'} ${most} digits`, () => {
    assert.equal(hasDigits(Buffer.from(hex, 'hex'), most), has);
  });
}

const TYPES: readonly unknown[] = [
  { type: 'bytes', ...decimal(3, 1) },
  fixed(4, decimal(3, 1)),
  ['null', { type: 'bytes', ...decimal(3, 1) }],
  { type: 'array', items: fixed(4, decimal(3, 1)) },
];
for (const type of TYPES) {
  test(`a decimal beyond its precision is refused at each door: ${JSON.stringify(type)}`, () => {
    const schema = { type: 'record', name: 'R', fields: [{ name: 'f', type }] };
    const isList = (type as { readonly type?: string }).type === 'array';
    const writer = new AvroEncoder(1, parseSchema(schema));
    for (const [hex, isTaken] of [
      ['000003e7', true],
      ['fffffc19', true],
      ['000003e8', false],
      ['fffffc18', false],
    ] as const) {
      const bytes = Buffer.from(hex, 'hex');
      const problems: FieldProblem[] = [];
      const text = bytes.toString('base64');
      jsonEventReader(schema).read({ f: isList ? [text] : text }, '', problems);
      assert.equal(problems.length === 0, isTaken, hex);
      const write = () => writer.toBuffer({ f: isList ? [bytes] : bytes });
      if (isTaken) write();
      else assert.throws(write, /at most 3 digits/);
    }
  });
}
