/**
 * Locating five fields of a viewing in its bytes, beside decoding just these with the Avro library.
 * Both over the same slices in this process, in turn; the median of the rounds counts.
 */
import { HandClock } from '../core/clock.ts';
import { isUndecodable } from '../core/schema.ts';
import { SLICE_RECORDS_MAX, Slice } from '../core/slice.ts';
import { AvroSchemas } from '../schemas/avro-schemas.ts';
import { readSchemaFolder } from '../schemas/folder.ts';
import { MemoryRegistry } from '../schemas/memory-registry.ts';
import { median, printFigure } from './figure.ts';
import { random } from './random.ts';

const BATCHES = 40;
const ROUNDS = 9;
const PASSES = 25;
const START_MS = Date.UTC(2026, 0, 1);
const FIELDS = ['deviceId', 'eventId', 'memberId', 'occurredAt', 'titleId'];
const AIM_NS = 80;

const folder = readSchemaFolder(new URL('../schemas', import.meta.url).pathname);
const schemas = new AvroSchemas(folder, new MemoryRegistry(), new HandClock(0));
await schemas.open([{ topic: 'events.viewing-activity', schema: 'ViewingActivity' }]);
const encoder = schemas.encoder('ViewingActivity');
const projection = { schema: 'ViewingActivity', fields: FIELDS };
const paths = FIELDS.map((field) => `value.${field}`);
const locator = schemas.locator(encoder.schemaId, projection, paths);
const decoder = schemas.decoder(encoder.schemaId, projection);
if (locator === undefined || decoder === undefined || isUndecodable(decoder)) {
  throw new Error('viewings cannot be read');
}

const reader = decoder;

/** Values of one batch, one after the other, and where they begin; the last entry is the end. */
interface Batch {
  readonly bytes: Buffer;
  readonly starts: Int32Array;
}

const chance = random(1);
const batches = Array.from({ length: BATCHES }, (_, n) => batchOf(n * SLICE_RECORDS_MAX));

function batchOf(first: number): Batch {
  const starts = new Int32Array(SLICE_RECORDS_MAX + 1);
  const values = Array.from({ length: SLICE_RECORDS_MAX }, (_, i) => {
    const memberId = `m-${Math.floor(chance() * 50_000)}`;
    const value = encoder.toBuffer({
      eventId: `va-${first + i}`,
      memberId,
      profileId: `${memberId}-p${Math.floor(chance() * 3)}`,
      titleId: `t-${Math.floor(chance() * 40)}`,
      deviceId: chance() < 0.1 ? null : `${memberId}-d0`,
      kind: 'PROGRESSED',
      positionSeconds: Math.floor(chance() * 7_000),
      occurredAt: START_MS + first + i,
    });
    starts[i + 1] = starts[i]! + value.length;
    return value;
  });
  return { bytes: Buffer.concat(values), starts };
}

// One slice for all batches, as the engine has it: its columns stay in the cache.
const slice = new Slice(FIELDS.length);

function locateAll(): number {
  let located = 0;
  for (const { bytes, starts } of batches) {
    slice.reset('events.viewing-activity', 0, bytes);
    slice.valueStart.set(starts.subarray(0, SLICE_RECORDS_MAX));
    slice.valueEnd.set(starts.subarray(1));
    for (let i = 0; i < SLICE_RECORDS_MAX; i++) if (locator!.locate(slice, i)) located++;
  }
  return located;
}

function decodeAll(): number {
  let decoded = 0;
  for (const { bytes, starts } of batches) {
    for (let i = 0; i < SLICE_RECORDS_MAX; i++) {
      if (reader.decode(bytes, starts[i]!, starts[i + 1]!) !== null) decoded++;
    }
  }
  return decoded;
}

/** CPU-ns a record. */
function measure(pass: () => number): number {
  const before = process.cpuUsage();
  for (let n = 0; n < PASSES; n++) {
    if (pass() !== BATCHES * SLICE_RECORDS_MAX) throw new Error('not all could be read');
  }
  const { user, system } = process.cpuUsage(before);
  return ((user + system) * 1_000) / (PASSES * BATCHES * SLICE_RECORDS_MAX);
}

const ns = { locate: [] as number[], decode: [] as number[] };
for (let round = 0; round < ROUNDS; round++) {
  ns.locate.push(measure(locateAll));
  ns.decode.push(measure(decodeAll));
}
printFigure({
  bench: 'locator',
  value: median(ns.locate),
  unit: 'CPU-ns a record',
  floor: median(ns.decode),
  beside: 'the Avro library, decoding only these fields',
  aim: `at most ${AIM_NS}`,
  met: median(ns.locate) <= AIM_NS,
  more: { best: Math.min(...ns.locate), bestBeside: Math.min(...ns.decode) },
});
