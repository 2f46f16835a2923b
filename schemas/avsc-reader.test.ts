import assert from 'node:assert/strict';
import { test } from 'node:test';
import avro from 'avsc';
import { random } from '../bench/random.ts';
import { randomRecord, randomValue, schemaOf } from '../test/kit/random-avro.ts';
import { avscRead } from './avsc-reader.ts';
import { parseSchema } from './parse-schema.ts';
import { Tap } from './tap.ts';
import { resolve } from './value-reader.ts';

const SEED = Number(process.env.SEED ?? 20_261_127);
const RUNS = 300;

const recordOf = (...types: unknown[]) => ({
  type: 'record',
  name: 'a.R',
  fields: types.map((type, n) => ({ name: `f${n}`, type })),
});

const forms: readonly [what: string, writer: unknown, reader: unknown, isRead: boolean][] = [
  ['the same record', recordOf('int', 'string'), recordOf('int', 'string'), true],
  ['some of its fields', recordOf('int', 'string'), recordOf('int'), true],
  ['a field more, with a default', recordOf('int'), recordOf('int', ['null', 'int']), false],
  ['a wider field', recordOf('int'), recordOf('long'), false],
  ['a name of another', recordOf('int'), { ...recordOf('int'), name: 'a.S' }, false],
  ['what may be null', recordOf(['null', 'string']), recordOf(['null', 'string']), true],
  ['null last', recordOf(['string', 'null']), recordOf(['string', 'null']), true],
  ['a union of two', recordOf(['int', 'string']), recordOf(['int', 'string']), false],
  ['nulls twice', recordOf(['null']), recordOf(['null']), false],
  [
    'a map',
    recordOf({ type: 'map', values: 'int' }),
    recordOf({ type: 'map', values: 'int' }),
    false,
  ],
  [
    'a name with a dash',
    { ...recordOf('int'), name: 'a-b' },
    { ...recordOf('int'), name: 'a-b' },
    true,
  ],
];

for (const [what, writer, reader, isRead] of forms) {
  test(`${what}: ${isRead ? 'read by avsc' : 'not avsc’s'}`, () => {
    const read = avscRead(parseSchema(writer), parseSchema(reader));
    assert.equal(read !== undefined, isRead);
  });
}

test('a field that hides the prototype, or that avsc has no name for, is not its', () => {
  for (const name of ['__proto__', 'größe', 'a-b']) {
    const type = parseSchema({ type: 'record', name: 'R', fields: [{ name, type: 'int' }] });
    assert.equal(avscRead(type, type), undefined);
  }
});

const LIST = parseSchema(recordOf({ type: 'array', items: 'null' }, 'long'));

const refused: readonly [what: string, bytes: readonly number[]][] = [
  ['ends early', [0]],
  ['goes on behind the value', [0, 2, 0]],
  ['claims 2^40 items', [0x80, 0x80, 0x80, 0x80, 0x80, 0x40, 0, 2]],
  ['a whole number of 2^53 + 1', [0, 0x82, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20]],
];

for (const [what, bytes] of refused) {
  test(`${what}: left to others`, () => {
    assert.equal(avscRead(LIST, LIST)!(Buffer.from(bytes), 0, bytes.length), undefined);
  });
}

test('bytes before and behind are not of the value', () => {
  const bytes = Buffer.from([9, 9, 0, 4, 9]);
  assert.equal(JSON.stringify(avscRead(LIST, LIST)!(bytes, 2, 4)), '{"f0":[],"f1":2}');
});

test(`what avsc reads is what we read (SEED=${SEED})`, () => {
  const chance = random(SEED);
  const tap = new Tap();
  let compared = 0;
  for (let run = 0; run < RUNS; run++) {
    const record = randomRecord(chance, 'R');
    const type = parseSchema(schemaOf(record));
    const written = avro.Type.forSchema(schemaOf(record) as avro.Schema);
    const some = { ...record, fields: record.fields.filter(() => chance() < 0.7) };
    for (const reader of [type, parseSchema(schemaOf(some))]) {
      const byAvsc = avscRead(type, reader);
      if (byAvsc === undefined) continue;
      const { read } = resolve(type, reader);
      const bytes = written.toBuffer(randomValue(written, chance));
      tap.open(bytes, 0, bytes.length);
      const ours = read(tap);
      const theirs = byAvsc(bytes, 0, bytes.length);
      if (theirs === undefined) continue;
      compared++;
      // Cloned, as records of avsc have a constructor of their own.
      assert.deepEqual(structuredClone(theirs), structuredClone(ours));
    }
  }
  assert.ok(compared > RUNS / 10, `${compared} were compared`);
});
