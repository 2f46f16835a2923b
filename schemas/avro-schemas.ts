/**
 * The schemas of a running topology, with avsc: writer schemas are fetched once per id, values are
 * decoded synchronously through a resolver of just the fields that are read.
 */
import avro from 'avsc';
import type { Clock } from '../core/clock.ts';
import { CarillonError } from '../core/error.ts';
import {
  isUndecodable,
  type Locator,
  type Projection,
  type Schemas,
  schemaIdOf,
  type Undecodable,
  type ValueEncoder,
  WIRE_HEADER_BYTES,
} from '../core/schema.ts';
import {
  AvscDecoder,
  type BlockGuard,
  decodeAll,
  guardOf,
  type Resolution,
} from './avro-decoder.ts';
import type { AvroRecord, SchemaFolder } from './folder.ts';
import { AvroLocator } from './locator.ts';
import { compileLocator } from './locator-compile.ts';
import { projectRecord } from './project.ts';
import { type RegistryPort, subjectOf } from './registry.ts';

/**
 * An id that the registry did not have is asked for again after this; one poison id must not
 * hammer.
 */
const UNKNOWN_FOR_MS = 60_000;
/**
 * Avro 1.12, schema resolution: records match by their unqualified names. A producer's namespace is
 * its own. New for each call, as avsc keeps what it resolves in its options.
 */
const resolution = (): Resolution => ({ ignoreNamespaces: true, registry: {} });
const ENCODED_BYTES_FIRST = 1024;

interface Writer {
  readonly type: avro.Type;
  readonly guard: BlockGuard | null;
  readonly decoders: Map<string, AvscDecoder | Undecodable>;
  readonly locators: Map<string, Locator>;
}

function typeOf(schema: unknown): avro.Type {
  return avro.Type.forSchema(schema as avro.Schema);
}

export class AvroSchemas implements Schemas {
  readonly #folder: SchemaFolder;
  readonly #registry: RegistryPort;
  readonly #clock: Clock;
  readonly #writers = new Map<number, Writer>();
  readonly #unknownUntil = new Map<number, number>();
  readonly #loading = new Map<number, Promise<void>>();
  readonly #encoders = new Map<string, ValueEncoder>();
  readonly #readers = new Map<string, avro.Type>();

  constructor(folder: SchemaFolder, registry: RegistryPort, clock: Clock) {
    this.#folder = folder;
    this.#registry = registry;
    this.#clock = clock;
  }

  /**
   * Registers the folder's schema for a topic, and checks that what was registered before can still
   * be read with it: CAR422 names both schemas and the field.
   */
  async open(
    topics: readonly { readonly topic: string; readonly schema: string }[],
  ): Promise<void> {
    for (const { topic, schema } of topics) {
      const record = this.#record(schema);
      const latest = await this.#registry.version(subjectOf(topic), 'latest');
      if (latest !== null) this.#checkReadable(topic, record, latest.schema);
      const id = await this.#registry.register(subjectOf(topic), JSON.stringify(record));
      if (!this.#encoders.has(schema))
        this.#encoders.set(schema, new AvscEncoder(id, typeOf(record)));
      await this.load(id);
    }
  }

  decoder(schemaId: number, projection: Projection): AvscDecoder | Undecodable | undefined {
    const writer = this.#writers.get(schemaId);
    if (writer === undefined) {
      const until = this.#unknownUntil.get(schemaId);
      if (until === undefined || until <= this.#clock.now()) return undefined;
      return { code: 'CAR502', why: `schema id ${schemaId} is not in the registry` };
    }
    const key = projectionKey(projection);
    let decoder = writer.decoders.get(key);
    if (decoder === undefined) {
      decoder = this.#resolve(writer, projection, key);
      writer.decoders.set(key, decoder);
    }
    return decoder;
  }

  locator(schemaId: number, projection: Projection, paths: readonly string[]): Locator | undefined {
    const decoder = this.decoder(schemaId, projection);
    if (decoder === undefined || isUndecodable(decoder) || !decoder.isSure) return undefined;
    const { type, locators } = this.#writers.get(schemaId)!;
    const projected = projectionKey(projection);
    const key = `${projected} ${paths.join(' ')}`;
    let locator = locators.get(key);
    if (locator === undefined) {
      const reads = (as: avro.Type, written: avro.Type) => isReadable(() => as, written);
      const code = compileLocator(type, this.#readers.get(projected)!, paths, reads);
      locator = new AvroLocator(code);
      locators.set(key, locator);
    }
    return locator;
  }

  async load(schemaId: number): Promise<void> {
    if (this.#writers.has(schemaId)) return;
    let loading = this.#loading.get(schemaId);
    if (loading === undefined) {
      loading = this.#fetch(schemaId).finally(() => this.#loading.delete(schemaId));
      this.#loading.set(schemaId, loading);
    }
    await loading;
  }

  encoder(schema: string): ValueEncoder {
    const encoder = this.#encoders.get(schema);
    if (encoder === undefined) throw new Error(`schema ${schema} was not opened`);
    return encoder;
  }

  decodeByWriter(bytes: Buffer, start: number, end: number): unknown {
    const id = schemaIdOf(bytes, start, end);
    const writer = this.#writers.get(id);
    if (writer === undefined) throw new CarillonError('CAR502', `schema id ${id} is not loaded.`);
    return decodeAll(writer.type, undefined, writer.guard, bytes, start + WIRE_HEADER_BYTES, end);
  }

  /** The Avro type of a loaded writer schema, for what validates or prints values. */
  writerType(schemaId: number): avro.Type | undefined {
    return this.#writers.get(schemaId)?.type;
  }

  async #fetch(schemaId: number): Promise<void> {
    const text = await this.#registry.fetch(schemaId);
    if (text === null) {
      this.#unknownUntil.set(schemaId, this.#clock.now() + UNKNOWN_FOR_MS);
      return;
    }
    this.#unknownUntil.delete(schemaId);
    const type = typeOf(JSON.parse(text));
    const guard = guardOf(type);
    this.#writers.set(schemaId, { type, guard, decoders: new Map(), locators: new Map() });
  }

  #record(schema: string): AvroRecord {
    const record = this.#folder.get(schema);
    if (record !== undefined) return record;
    throw new CarillonError('CAR401', `schema "${schema}" is in none of the schema folders.`);
  }

  #resolve(writer: Writer, projection: Projection, key: string): AvscDecoder | Undecodable {
    try {
      let reader = this.#readers.get(key);
      if (reader === undefined) {
        const record = this.#record(projection.schema);
        reader = typeOf(
          projection.fields === undefined ? record : projectRecord(record, projection.fields),
        );
        this.#readers.set(key, reader);
      }
      return new AvscDecoder(reader, writer.type, writer.guard, resolution());
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      return { code: 'CAR503', why: `written with ${writer.type.name ?? 'a schema'}: ${why}` };
    }
  }

  #checkReadable(topic: string, record: AvroRecord, writerText: string): void {
    const writerType = typeOf(JSON.parse(writerText));
    try {
      typeOf(record).createResolver(writerType, resolution());
    } catch (cause) {
      throw new CarillonError(
        'CAR422',
        `topic ${topic}: what was written with ${writerType.name ?? 'the registered schema'} cannot be ` +
          `read with ${record.name}${unreadableBecause(record, writerType)}.`,
        { where: { file: this.#folder.fileOf(record.name) ?? record.name }, cause },
      );
    }
  }
}

function unreadableBecause(record: AvroRecord, writer: avro.Type): string {
  // Without a field only the names are compared.
  if (!readable(record, [], writer)) return ', because their names differ';
  const field = record.fields.find(({ name }) => !readable(record, [name], writer));
  return field === undefined ? '' : `, because of field "${field.name}"`;
}

function readable(record: AvroRecord, fields: readonly string[], writer: avro.Type): boolean {
  return isReadable(() => typeOf(projectRecord(record, fields)), writer);
}

function isReadable(reader: () => avro.Type, writer: avro.Type): boolean {
  try {
    reader().createResolver(writer, resolution());
    return true;
  } catch {
    return false;
  }
}

function projectionKey(projection: Projection): string {
  return projection.fields === undefined
    ? projection.schema
    : `${projection.schema}(${projection.fields.join(',')})`;
}

class AvscEncoder implements ValueEncoder {
  readonly schemaId: number;
  readonly #type: avro.Type;

  constructor(schemaId: number, type: avro.Type) {
    this.schemaId = schemaId;
    this.#type = type;
  }

  encode(value: unknown, bytes: Buffer, at: number): number {
    if (at + WIRE_HEADER_BYTES > bytes.length) return -1;
    bytes[at] = 0;
    bytes.writeUInt32BE(this.schemaId, at + 1);
    const end = this.#type.encode(value, bytes, at + WIRE_HEADER_BYTES);
    return end < 0 ? -1 : end;
  }

  toBuffer(value: unknown): Buffer {
    let bytes = Buffer.allocUnsafe(ENCODED_BYTES_FIRST);
    let end = this.encode(value, bytes, 0);
    while (end < 0) {
      bytes = Buffer.allocUnsafe(bytes.length * 2);
      end = this.encode(value, bytes, 0);
    }
    return bytes.subarray(0, end);
  }
}
