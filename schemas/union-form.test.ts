import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AvroDecoder } from './avro-decoder.ts';
import { AvroEncoder } from './avro-encoder.ts';
import { parseSchema } from './parse-schema.ts';

const written: readonly [type: unknown, value: unknown, read: unknown][] = [
  [['float', 'double'], 0.1, { double: 0.1 }],
  [['float', 'double'], 0.5, { float: 0.5 }],
  [['float', 'double'], Number.NaN, { float: Number.NaN }],
  [['float', 'double'], { float: 0.5 }, { float: 0.5 }],
  [['null', 'float', 'double'], null, null],
  [['float', 'string'], 0.1, Math.fround(0.1)],
  [['float', 'string'], 'text', 'text'],
];
for (const [type, value, read] of written) {
  test(`${JSON.stringify(value)} in a union of ${JSON.stringify(type)} comes back as ${JSON.stringify(read)}`, () => {
    const schema = parseSchema({ type: 'record', name: 'R', fields: [{ name: 'f', type }] });
    const bytes = new AvroEncoder(1, schema).toBuffer({ f: value });
    const back = new AvroDecoder(schema, schema).decode(bytes, 0, bytes.length);
    assert.deepEqual(structuredClone(back), { f: read });
  });
}
