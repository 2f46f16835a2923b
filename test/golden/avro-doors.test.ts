/**
 * The law of doors: a value has one JSON form, whichever door it leaves by, and what comes out can
 * be sent in again and has the bytes that it had. The values were written by fastavro
 * (avro-samples.py), a second opinion on what the bytes mean; avsc is a third where it can be.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import avro from 'avsc';
import { jsonLine } from '../../cli/show-record.ts';
import { CelCompiler } from '../../compiler/cel.ts';
import { shapeOf } from '../../compiler/shape.ts';
import { BatchBuilder } from '../../core/batch-builder.ts';
import { HandClock } from '../../core/clock.ts';
import { parseExact, stringifyExact } from '../../core/exact-json.ts';
import { jsonForm } from '../../core/json-form.ts';
import type { DeviceNotification } from '../../core/notification.ts';
import { readBatch, wholeBatch } from '../../core/record-batch.ts';
import { PayloadReader } from '../../gateway/payload.ts';
import { AvroSchemas } from '../../schemas/avro-schemas.ts';
import { type AvroRecord, schemaFolderOf } from '../../schemas/folder.ts';
import { type FieldProblem, jsonEventReader } from '../../schemas/json-events.ts';
import { MemoryRegistry } from '../../schemas/memory-registry.ts';
import { parseSchema, type SchemaProblem } from '../../schemas/parse-schema.ts';

interface Sample {
  readonly seed: number;
  readonly schema: AvroRecord;
  readonly reader: AvroRecord;
  readonly values: readonly {
    readonly hex: string;
    readonly json: unknown;
    readonly read: unknown;
  }[];
}

const SAMPLES: readonly Sample[] = readFileSync(
  new URL('avro-samples.jsonl', import.meta.url),
  'utf8',
)
  .trimEnd()
  .split('\n')
  .map((line) => parseExact(line) as Sample);

const clock = new HandClock(0);
const text = (value: unknown) => JSON.stringify(value);

async function worldOf({ schema, reader }: Sample) {
  const registry = new MemoryRegistry();
  const folder = schemaFolderOf(
    new Map([
      ['Sample', { record: schema, file: 'sample.avsc' }],
      ['Reader', { record: reader, file: 'reader.avsc' }],
    ]),
  );
  const schemas = new AvroSchemas(folder, registry, clock);
  await schemas.open([{ topic: 't', schema: 'Sample' }]);
  return schemas;
}

function headed(schemaId: number, body: Buffer): Buffer {
  const header = Buffer.alloc(5);
  header.writeUInt32BE(schemaId, 1);
  return Buffer.concat([header, body]);
}

let byAvsc = 0;
for (const sample of SAMPLES) {
  test(`the schema of seed ${sample.seed}`, async () => {
    const problems: SchemaProblem[] = [];
    parseSchema(sample.schema, { problems });
    assert.deepEqual(problems, [], 'the desk takes it');
    const schemas = await worldOf(sample);
    const encoder = schemas.encoder('Sample');
    const events = jsonEventReader(sample.schema);
    const payloads = new PayloadReader(schemas, clock);
    await payloads.load(encoder.schemaId);
    const reader = schemas.decoder(encoder.schemaId, { schema: 'Reader' });
    assert.ok(reader !== undefined && 'decode' in reader);
    const cel = new CelCompiler().compile('value', shapeOf(sample.schema));
    assert.ok('expression' in cel);
    for (const { hex, json, read } of sample.values) {
      const payload = Buffer.from(hex, 'hex');
      const bytes = headed(encoder.schemaId, payload);
      const value = schemas.decodeByWriter(bytes, 0, bytes.length);
      assert.equal(text(jsonForm(value)), text(json), 'drive, dead letters');
      assert.equal(encoder.toBuffer(value).toString('hex'), bytes.toString('hex'), 'and back');
      const notification = { payload, payloadSchemaId: encoder.schemaId } as DeviceNotification;
      assert.equal(text(payloads.form(notification)?.value), text(json), 'frames, pull, push');
      const base = { topic: 't', partition: 0, offset: 0, timestamp: 0, key: 'k', headers: {} };
      assert.equal(text(JSON.parse(jsonLine({ ...base, value })).value), text(json), 'tail');
      const told: FieldProblem[] = [];
      const given = events.read(parseExact(stringifyExact(json)), '', told);
      assert.deepEqual(told, [], 'what comes out is taken');
      assert.equal(encoder.toBuffer(given).toString('hex'), bytes.toString('hex'), 'HTTP, produce');
      assert.equal(text(jsonForm(reader.decode(bytes, 0, bytes.length))), text(read), 'resolved');
      const builder = new BatchBuilder('t', 0);
      builder.append(0, 'k', bytes);
      const [record] = readBatch(wholeBatch('t', 0, builder.finish().bytes, 0));
      record!.slice.decode = () => value;
      const whole: unknown = cel.expression.evaluate(record!);
      assert.equal(encoder.toBuffer(whole).toString('hex'), bytes.toString('hex'), 'steps');
      checkWithAvsc(sample.schema, payload, encoder.toBuffer(value).subarray(5));
    }
  });
}

/** Where avsc takes the schema and the value at all, it finds the same bytes good. */
function checkWithAvsc(schema: AvroRecord, payload: Buffer, own: Buffer): void {
  // It loses fields and entries by which an object would get a prototype.
  if (`${JSON.stringify(schema)}${payload}`.includes('__proto__')) return;
  let decoded: unknown;
  let type: avro.Type;
  try {
    type = avro.Type.forSchema(schema as unknown as avro.Schema);
    decoded = type.fromBuffer(payload);
  } catch {
    return;
  }
  assert.equal(type.toBuffer(decoded).toString('hex'), own.toString('hex'));
  byAvsc++;
}

test('avsc had its say of many', () => {
  console.log(`${SAMPLES.length} schemas, ${byAvsc} values that avsc takes too`);
  assert.ok(byAvsc > SAMPLES.length);
});
