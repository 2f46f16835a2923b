/**
 * The law of locators: a column that is not unknown holds what the decoder gives. And whatever the
 * bytes are: nothing throws, nothing runs on, and what is located can be decoded.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import avro from 'avsc';
import fc from 'fast-check';
import { random } from '../bench/random.ts';
import { HandClock } from '../core/clock.ts';
import type { ValueDecoder } from '../core/record.ts';
import { isUndecodable, type Locator } from '../core/schema.ts';
import {
  FIELD_FALSE,
  FIELD_NUMBER,
  FIELD_TRUE,
  FIELD_UNKNOWN,
  NONE,
  Slice,
} from '../core/slice.ts';
import {
  below,
  type Chance,
  encodeInBlocks,
  pick,
  type RandomRecord,
  randomRecord,
  randomValue,
  schemaOf,
  variantOf,
  varint,
} from '../test/kit/random-avro.ts';
import { AvroSchemas } from './avro-schemas.ts';
import { type AvroRecord, schemaFolderOf } from './folder.ts';
import { MemoryRegistry } from './memory-registry.ts';

const SEED = Number(process.env.SEED ?? 20_260_101);
const RUNS = Number(process.env.RUNS ?? 200);
console.log(`locator properties: seed ${SEED}, ${RUNS} runs (SEED=… RUNS=… run others)`);
const VALUES = 6;
const PATH_PARTS_MAX = 3;

interface World {
  readonly schemaId: number;
  readonly writer: avro.Type;
  readonly decoder: ValueDecoder;
  readonly locator: Locator;
  readonly paths: readonly string[];
  /** Paths of a schema that is read as it was written, whose values must be located. */
  readonly sure: ReadonlySet<string>;
}

/** Null when what was written cannot be read so. */
async function worldOf(
  writer: RandomRecord,
  reader: RandomRecord,
  chance: Chance,
): Promise<World | null> {
  const record = schemaOf(reader) as AvroRecord;
  const registry = new MemoryRegistry();
  await registry.register('other-value', '"string"');
  const schemaId = await registry.register('t-value', JSON.stringify(schemaOf(writer)));
  const folder = schemaFolderOf(new Map([['Event', { record, file: 'event.avsc' }]]));
  const schemas = new AvroSchemas(folder, registry, new HandClock(0));
  await schemas.load(schemaId);
  const names = reader.fields.map(({ name }) => name).sort();
  const fields = chance() < 0.3 ? undefined : names.filter(() => chance() < 0.7);
  const projection = { schema: 'Event', ...(fields && { fields }) };
  const paths = [...pathsOf(reader, 'value', 1), ...NO_PATHS].filter(() => chance() < 0.8);
  paths.sort(() => chance() - 0.5);
  const decoder = schemas.decoder(schemaId, projection);
  const locator = schemas.locator(schemaId, projection, paths);
  const isLocatable = decoder !== undefined && !isUndecodable(decoder) && decoder.isTotal;
  assert.equal(locator !== undefined, isLocatable);
  if (locator === undefined || !isLocatable) return null;
  return {
    schemaId,
    writer: avro.Type.forSchema(schemaOf(writer) as avro.Schema),
    decoder,
    locator,
    paths,
    sure: new Set(writer === reader ? pathsOf(reader, 'value', 1, true) : []),
  };
}

const NO_PATHS = ['key', 'timestamp', 'value', 'value.none', 'value.f0.length', 'value.f1.none'];

function pathsOf(of: RandomRecord, before: string, depth: number, withoutEnums = false): string[] {
  return of.fields.flatMap(({ name, type }) => {
    const branches = type.kind === 'union' ? type.of : [type];
    if (withoutEnums && branches.some(({ kind }) => kind === 'enum')) return [];
    const path = `${before}.${name}`;
    const inner = branches.find((branch) => branch.kind === 'record');
    if (inner?.kind !== 'record' || depth === PATH_PARTS_MAX) return [path];
    return [path, ...pathsOf(inner, path, depth + 1, withoutEnums)];
  });
}

/** As the compiler's readers read a decoded value. */
function valueAt(value: unknown, path: string): unknown {
  let at = value;
  for (const part of path.split('.').slice(1)) {
    if (at === null || at === undefined) return undefined;
    at = (at as { [name: string]: unknown })[part];
  }
  return at;
}

/** A slice whose second record has that value; what lies around it is all ones. */
function sliceOf(world: World, body: Buffer): { slice: Slice; end: number } {
  const around = Buffer.alloc(11, 0xff);
  const header = Buffer.alloc(5);
  header.writeUInt32BE(world.schemaId, 1);
  const slice = new Slice(world.paths.length, 2);
  slice.reset('t', 0, Buffer.concat([around, header, body, around]));
  slice.n = 2;
  slice.valueStart[1] = around.length;
  slice.valueEnd[1] = slice.bytes.length - around.length;
  for (const column of slice.fieldStart) column.fill(around.length);
  return { slice, end: slice.valueEnd[1] };
}

function isSimple(value: unknown): boolean {
  if (typeof value === 'number') {
    return Number.isFinite(value) && !(Math.abs(value) >= 2 ** 52 && Number.isInteger(value));
  }
  return value === null || typeof value === 'string' || typeof value === 'boolean';
}

const counts = { known: 0, unknown: 0, located: 0, lost: 0, decodedAfterAll: 0 };

/** What column c says, or undefined. */
function columnValue(slice: Slice, c: number, i: number): unknown {
  const start = slice.fieldStart[c]![i]!;
  switch (start) {
    case NONE:
      return null;
    case FIELD_NUMBER:
      return slice.fieldNumber[c]![i];
    case FIELD_FALSE:
      return false;
    case FIELD_TRUE:
      return true;
    case FIELD_UNKNOWN:
      return undefined;
  }
  assert.ok(start >= 0);
  return slice.bytes.toString('utf8', start, slice.fieldEnd[c]![i]!);
}

/** Gives whether it was located. */
function checkLaw(world: World, body: Buffer): boolean {
  const { slice, end } = sliceOf(world, body);
  const { decoder, locator, paths } = world;
  const isLocated = locator.locate(slice, 1);
  for (let c = 0; c < paths.length; c++) {
    assert.equal(slice.fieldStart[c]![0], 11, 'the record before is left alone');
  }
  counts[isLocated ? 'located' : 'lost']++;
  if (!isLocated) {
    for (const column of slice.fieldStart) assert.equal(column[1], FIELD_UNKNOWN);
    return false;
  }
  const decoded = decoder.decode(slice.bytes, slice.valueStart[1]!, end);
  paths.forEach((path, c) => {
    const said = columnValue(slice, c, 1);
    counts[said === undefined ? 'unknown' : 'known']++;
    const so = valueAt(decoded, path);
    if (said === undefined) {
      assert.ok(!world.sure.has(path) || !isSimple(so), `${path}: ${inspect(so)} is not located`);
      return;
    }
    assert.ok(Object.is(said, so), `${path}: located ${inspect(said)}, decoded ${inspect(so)}`);
  });
  return true;
}

const seeds = fc.integer({ min: 0, max: 2 ** 31 });
const options = { seed: SEED, numRuns: RUNS };

test('property: what is located is what is decoded, whatever it was written with', async () => {
  let readable = 0;
  await fc.assert(
    fc.asyncProperty(seeds, async (seed) => {
      const chance = random(seed);
      const writer = randomRecord(chance, 'Event');
      const reader = chance() < 0.3 ? writer : variantOf(writer, chance);
      const world = await worldOf(writer, reader, chance);
      if (world === null) return;
      readable++;
      for (let n = 0; n < VALUES; n++) {
        const value = randomValue(world.writer, chance);
        const plain = world.writer.toBuffer(value);
        const body = n % 2 === 0 ? plain : encodeInBlocks(world.writer, value, chance);
        assert.ok(checkLaw(world, body), `not located: ${JSON.stringify(value)}`);
      }
    }),
    options,
  );
  console.log(`${readable} of ${RUNS} could be read`, counts);
  assert.ok(readable > RUNS / 3);
  assert.ok(counts.known > RUNS);
});

/** Wrong in one place or several; what is in `HUGE` leads astray most. */
function spoilt(body: Buffer, chance: Chance): Buffer {
  const at = below(chance, body.length + 1);
  const before = body.subarray(0, at);
  switch (below(chance, 5)) {
    case 0:
      return before;
    case 1:
      return Buffer.concat([before, varint(pick(chance, HUGE)), body.subarray(at)]);
    case 2:
      return Buffer.concat([before, varint(pick(chance, HUGE)), body.subarray(at + 1)]);
    case 3:
      return Buffer.concat([body, Buffer.alloc(1 + below(chance, 3), below(chance, 256))]);
  }
  const copy = Buffer.from(body);
  for (let n = 1 + below(chance, 4); n > 0 && copy.length > 0; n--) {
    copy[below(chance, copy.length)]! ^= 1 << below(chance, 8);
  }
  return copy;
}

const HUGE = [2 ** 52, -(2 ** 52), 2 ** 31, -(2 ** 31), 2 ** 20, -1, -2, 1, 2, 2 ** 31 - 1];

test('property: bytes that were spoilt are told, or located as they are decoded', async () => {
  await fc.assert(
    fc.asyncProperty(seeds, async (seed) => {
      const chance = random(seed);
      const writer = randomRecord(chance, 'Event');
      const world = await worldOf(
        writer,
        chance() < 0.5 ? writer : variantOf(writer, chance),
        chance,
      );
      if (world === null) return;
      for (let n = 0; n < VALUES * 4; n++) {
        const body = spoilt(world.writer.toBuffer(randomValue(world.writer, chance)), chance);
        if (checkLaw(world, body)) continue;
        // The decoder ends, too, one way or the other.
        const { slice, end } = sliceOf(world, body);
        try {
          world.decoder.decode(slice.bytes, slice.valueStart[1]!, end);
          counts.decodedAfterAll++;
        } catch (error) {
          assert.ok(error instanceof Error);
        }
      }
    }),
    options,
  );
  console.log('spoilt', counts);
});
