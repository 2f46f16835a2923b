import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BatchBuilder } from '../core/batch-builder.ts';
import type { Record } from '../core/record.ts';
import { readBatch, wholeBatch } from '../core/record-batch.ts';
import type { AvroRecord } from '../schemas/folder.ts';
import { CelCompiler } from './cel.ts';
import { shapeOf } from './shape.ts';

const SHAPE = shapeOf({
  type: 'record',
  name: 'Sample',
  namespace: 'test',
  fields: [
    { name: 'text', type: 'string' },
    { name: 'whole', type: 'long' },
    { name: 'ratio', type: 'double' },
    { name: 'on', type: 'boolean' },
    { name: 'maybe', type: ['null', 'int'] },
    { name: 'kind', type: { type: 'enum', name: 'Kind', symbols: ['A', 'B'] } },
    { name: 'again', type: ['null', 'Kind'] },
    { name: 'tags', type: { type: 'array', items: 'string' } },
    { name: 'sizes', type: { type: 'array', items: 'int' } },
    { name: 'counts', type: { type: 'map', values: 'int' } },
    { name: 'bytes', type: 'bytes' },
    {
      name: 'inner',
      type: {
        type: 'record',
        name: 'Inner',
        fields: [
          { name: 'n', type: 'int' },
          { name: 'when', type: { type: 'long', logicalType: 'timestamp-millis' } },
        ],
      },
    },
    { name: 'other', type: ['null', 'Inner'] },
  ],
});

/** As avsc gives it: instances of classes of its own. */
class Decoded {
  text = 'hello';
  whole = 7;
  ratio = 0.5;
  on = true;
  maybe = null;
  kind = 'A';
  again = 'B';
  tags = ['x', 'y'];
  sizes = [1, 2, 3];
  counts = { a: 1 };
  bytes = Buffer.from('ab');
  inner = new DecodedInner();
  other = new DecodedInner();
}
class DecodedInner {
  n = 5;
  when = 1_700_000_000_000;
}

function sampleRecord(): Record {
  const builder = new BatchBuilder('t', 0);
  builder.append(1_000, 'key', Buffer.alloc(5));
  const [record] = readBatch(wholeBatch('t', 0, builder.finish().bytes, 0));
  record!.slice.decode = () => new Decoded();
  return record!;
}

const values: readonly [string, unknown, string][] = [
  ['value.text == "hello" && value.on', true, 'on text'],
  ['value.whole + 1', 8, 'whole'],
  ['value.whole >= 7', true, 'whole'],
  ['value.whole / 2', 3, 'whole'],
  ['value.ratio * 2.0', 1, 'ratio'],
  ['value.maybe == null', true, 'maybe'],
  ['value.maybe != null && value.maybe > 3', false, 'maybe'],
  ['value.kind == "A"', true, 'kind'],
  ['value.kind in ["A", "B"]', true, 'kind'],
  ['value.again == "B"', true, 'again'],
  ['"x" in value.tags', true, 'tags'],
  ['value.sizes.filter(n, n > 1)', [2, 3], 'sizes'],
  ['size(value.tags)', 2, 'tags'],
  ['value.counts["a"] == 1', true, 'counts'],
  ['value.inner.n * 2', 10, 'inner'],
  ['value.inner.when > 1699999999999', true, 'inner'],
  ['value.other.n', 5, 'other'],
  ['value.bytes', Buffer.from('ab'), 'bytes'],
  ['key + "!"', 'key!', ''],
  ['timestamp + 1', 1_001, ''],
  ['value.on ? "yes" : "no"', 'yes', 'on'],
  ['{"n": value.whole}', { n: 7 }, 'whole'],
  ['has(value.text)', true, 'text'],
];
for (const [source, expected, reads] of values) {
  test(`${source} is ${JSON.stringify(expected)}`, () => {
    const compiled = new CelCompiler().compile(source, SHAPE);
    assert.ok('expression' in compiled, JSON.stringify(compiled));
    assert.deepEqual(compiled.expression.evaluate(sampleRecord()), expected);
    assert.equal([...compiled.fields].sort().join(' '), reads);
  });
}

test('a record that is given on is the decoded one, not a view of it', () => {
  const compiled = new CelCompiler().compile('value.inner', SHAPE);
  assert.ok('expression' in compiled);
  assert.ok(compiled.expression.evaluate(sampleRecord()) instanceof DecodedInner);
});

const misspelt: readonly [string, string | undefined][] = [
  ['value.kind = "A"', 'did you mean "=="?'],
  ['value.kind="A"', 'did you mean "=="?'],
  ['value.text == "a = b" && value.whole = 3', 'did you mean "=="?'],
  ['value.kind === "A"', 'did you mean "=="?'],
  ['value.whole => 3', 'did you mean ">="?'],
  ['value.whole =< 3', 'did you mean "<="?'],
  ['value.kind =! "A"', 'did you mean "!="?'],
  ['value.kind # "A"', undefined],
  ['value.text ==', undefined],
];
for (const [source, mend] of misspelt) {
  test(`${source} is mended with ${mend ?? 'the grammar'}`, () => {
    const fault = new CelCompiler().compile(source, SHAPE);
    assert.ok('code' in fault && fault.code === 'CAR310');
    assert.equal(fault.mend, mend);
  });
}

test('a value that is read as a whole needs all its fields', () => {
  const compiled = new CelCompiler().compile('value[key] == key', SHAPE);
  assert.ok('expression' in compiled);
  assert.deepEqual([...compiled.fields], ['*']);
});

const NAMES =
  'in true false null as for package namespace constructor __proto__ toString hasOwnProperty ' +
  'prototype default class size has value key timestamp all map type int naïve 日本 _ x1';
for (const name of NAMES.split(' ')) {
  test(`a field named ${name}, in a record of one letter, is read as any`, () => {
    const inner = { type: 'record', name: 'int', fields: [{ name, type: ['null', 'long'] }] };
    const fields = [
      { name, type: 'string' },
      { name: 'inner', type: inner },
      { name: 'more', type: { type: 'map', values: 'long' } },
    ];
    const shape = shapeOf({ type: 'record', name: 'I', fields } as unknown as AvroRecord);
    const own = (value: unknown) => JSON.parse(JSON.stringify({ [name]: value }));
    const value = { ...own('v'), inner: own(7), more: own(8) };
    if (name === '__proto__') Object.defineProperty(value, name, { value: 'v', enumerable: true });
    const record = sampleRecord();
    record.value = value;
    const sources: [string, string][] = [
      [`value["${name}"] == "v"`, name],
      [`value.inner["${name}"] == 7`, 'inner'],
      [`value.more["${name}"] == 8`, 'more'],
    ];
    const isWord = /^(in|true|false|null)$|[^\x20-\x7e]/.test(name);
    if (!isWord)
      sources.push([`value.${name} == "v" && has(value.inner.${name})`, `inner ${name}`]);
    for (const [source, reads] of sources) {
      const compiled = new CelCompiler().compile(source, shape);
      assert.ok('expression' in compiled, JSON.stringify(compiled));
      assert.equal(compiled.expression.evaluate(record), true, source);
      assert.deepEqual([...compiled.fields].sort(), reads.split(' ').sort());
    }
    if (!isWord) return;
    const fault = new CelCompiler().compile(`value.inner.${name} == 7`, shape);
    assert.ok('code' in fault && fault.code === 'CAR310');
    assert.equal(fault.mend, `write value.inner["${name}"].`);
  });
}

test('a whole number beyond 2^53 is exact, in and out', () => {
  const fields = [{ name: 'n', type: 'long' }];
  const shape = shapeOf({ type: 'record', name: 'Of', fields } as AvroRecord);
  const record = sampleRecord();
  record.value = { n: 9_007_199_254_740_993n };
  const rows: readonly [string, unknown][] = [
    ['value.n == 9007199254740993', true],
    ['value.n == 9007199254740992', false],
    ['value.n + 1', 9_007_199_254_740_994n],
    ['value.n - 2', 9_007_199_254_740_991],
  ];
  for (const [source, expected] of rows) {
    const compiled = new CelCompiler().compile(source, shape);
    assert.ok('expression' in compiled);
    assert.equal(compiled.expression.evaluate(record), expected, source);
  }
});

const faults: readonly [string, string, number, number][] = [
  ['value.txt == ""', 'CAR402', 6, 9],
  ['value["txt"] == ""', 'CAR402', 0, 12],
  ['value.inner.m == 1', 'CAR402', 12, 13],
  ['value.other.m == 1', 'CAR402', 12, 13],
  ['text == ""', 'CAR311', 0, 4],
  ['value.maybe == "3"', 'CAR311', 0, 18],
  ['3 < value.again', 'CAR311', 0, 15],
  ['value.text == 1', 'CAR311', 0, 15],
  ['value.whole == 1.5', 'CAR311', 0, 18],
  ['value.text.nope()', 'CAR311', 0, 17],
  ['value.kind == "C"', 'CAR405', 14, 17],
  ['value.again in ["A", "C"]', 'CAR405', 21, 24],
  ['value.text.matches("a")', 'CAR313', 0, 23],
  ['matches(value.text, "a")', 'CAR313', 0, 24],
  ['value.tags.exists(t, t.matches("a"))', 'CAR313', 21, 35],
  ['value.text ==', 'CAR310', 13, 13],
  ['value.whole > 99999999999999999999', 'CAR311', 14, 34],
  ['value.whole / 0 > 1', 'CAR311', 0, 15],
  ['value.whole % 0 == 1', 'CAR311', 0, 15],
];
for (const [source, code, start, end] of faults) {
  test(`${source} is refused as ${code}`, () => {
    const fault = new CelCompiler().compile(source, SHAPE);
    assert.ok('code' in fault, `it was taken: ${JSON.stringify(fault)}`);
    assert.equal(fault.code, code);
    assert.deepEqual(fault.at && [fault.at.start, fault.at.end], [start, end]);
  });
}

test('a union whose branches show only in the record is compared with nothing', () => {
  const fields = [
    { name: 'n', type: ['int', 'long'] },
    { name: 'm', type: ['null', 'int', 'long'] },
  ];
  const shape = shapeOf({ type: 'record', name: 'Of', fields } as AvroRecord);
  for (const source of ['value.n > 3', '3 == value.n', 'value.m < 3', 'value.m != 1']) {
    const fault = new CelCompiler().compile(source, shape);
    assert.ok('code' in fault && fault.code === 'CAR404', source);
    assert.match(fault.mend ?? '', /"int" in value\.[nm]/);
  }
  for (const source of ['value.m == null', '"int" in value.n', 'value.n["int"] > 3']) {
    const fault = new CelCompiler().compile(source, shape);
    assert.ok(!('code' in fault), JSON.stringify(fault));
  }
  const least = new CelCompiler().compile('-9223372036854775808 < value.n["long"]', shape);
  assert.ok(!('code' in least), JSON.stringify(least));
});
