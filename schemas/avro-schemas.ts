/**
 * The schemas of a running topology: writer schemas are fetched once per id, values are decoded
 * synchronously as just the fields that are read.
 */
import type { Clock } from '../core/clock.ts';
import { CarillonError, CarillonErrors, type Diagnostic } from '../core/error.ts';
import { parseExact, stringifyExact } from '../core/exact-json.ts';
import {
  isUndecodable,
  type Locator,
  type Projection,
  type Schemas,
  schemaIdOf,
  type Undecodable,
  type ValueEncoder,
} from '../core/schema.ts';
import { AvroDecoder } from './avro-decoder.ts';
import { AvroEncoder } from './avro-encoder.ts';
import type { AvroType, RecordType } from './avro-type.ts';
import type { AvroRecord, SchemaFolder } from './folder.ts';
import { AvroLocator } from './locator.ts';
import { compileLocator } from './locator-compile.ts';
import { parseSchema } from './parse-schema.ts';
import { checkReadable } from './readable.ts';
import { type RegistryPort, subjectOf } from './registry.ts';

/**
 * An id that the registry did not have is asked for again after this; one poison id must not
 * hammer.
 */
const UNKNOWN_FOR_MS = 60_000;

interface Writer {
  readonly type: AvroType;
  readonly byWriter: AvroDecoder;
  readonly decoders: Map<string, AvroDecoder | Undecodable>;
  readonly locators: Map<string, Locator>;
}

/** A topic whose values have a schema of the folder. */
export interface SchemaTopic {
  readonly topic: string;
  readonly schema: string;
  /** Top-level fields that are read of it; undefined: all. */
  readonly reads?: readonly string[];
}

export class AvroSchemas implements Schemas {
  readonly #folder: SchemaFolder;
  readonly #registry: RegistryPort;
  readonly #clock: Clock;
  /** What is no Avro schema is kept as the reason: under its id it never becomes one. */
  readonly #writers = new Map<number, Writer | Undecodable>();
  readonly #unknownUntil = new Map<number, number>();
  readonly #loading = new Map<number, Promise<void>>();
  readonly #encoders = new Map<string, ValueEncoder>();
  readonly #readers = new Map<string, AvroType>();

  constructor(folder: SchemaFolder, registry: RegistryPort, clock: Clock) {
    this.#folder = folder;
    this.#registry = registry;
    this.#clock = clock;
  }

  /**
   * Judges the topics, then registers the folder's schema for each: of what is refused nothing is
   * left in the registry.
   */
  async open(topics: readonly SchemaTopic[]): Promise<readonly Diagnostic[]> {
    const warnings = await this.judge(topics);
    for (const { topic, schema } of topics) {
      const text = stringifyExact(this.#record(schema));
      const id = await this.#registry.register(subjectOf(topic), text);
      if (!this.#encoders.has(schema)) {
        this.#encoders.set(schema, new AvroEncoder(id, this.#reader({ schema })));
      }
      await this.load(id);
    }
    return warnings;
  }

  /**
   * Whether what was registered for topics before can be read with the folder's schemas; nothing is
   * written. CAR407 when that is not Avro, CAR422 names both schemas and the field; of several
   * topics all are told. What can be read in part, or is read by nothing, is a warning (CAR423).
   */
  async judge(topics: readonly SchemaTopic[]): Promise<readonly Diagnostic[]> {
    const warnings: Diagnostic[] = [];
    const refused: CarillonError[] = [];
    for (const topic of topics) {
      try {
        warnings.push(...(await this.#judgeOne(topic)));
      } catch (error) {
        // A registry that is away, or does not let us in, says nothing about a schema.
        const isOfSchema = error instanceof CarillonError && error.code !== 'CAR652';
        if (!isOfSchema || error.retryable) throw error;
        refused.push(error);
      }
    }
    if (refused.length > 1) throw new CarillonErrors(refused);
    if (refused[0] !== undefined) throw refused[0];
    return warnings;
  }

  async #judgeOne({ topic, schema, reads }: SchemaTopic): Promise<readonly Diagnostic[]> {
    const reader = this.#reader({ schema }) as RecordType;
    const writer = await this.#latest(topic);
    if (writer === null) return [];
    const file = this.#folder.fileOf(schema) ?? schema;
    return checkReadable({ topic, writer, reader, reads, file });
  }

  decoder(schemaId: number, projection: Projection): AvroDecoder | Undecodable | undefined {
    const writer = this.#writers.get(schemaId);
    if (writer === undefined) {
      const until = this.#unknownUntil.get(schemaId);
      if (until === undefined || until <= this.#clock.now()) return undefined;
      return { code: 'CAR502', why: `schema id ${schemaId} is not in the registry` };
    }
    if ('why' in writer) return writer;
    const key = projectionKey(projection);
    let decoder = writer.decoders.get(key);
    if (decoder === undefined) {
      decoder = this.#decoder(writer.type, projection);
      writer.decoders.set(key, decoder);
    }
    return decoder;
  }

  locator(schemaId: number, projection: Projection, paths: readonly string[]): Locator | undefined {
    const decoder = this.decoder(schemaId, projection);
    // Where some values are refused, only decoding tells which.
    if (decoder === undefined || isUndecodable(decoder) || !decoder.isTotal) return undefined;
    const { type, locators } = this.#writers.get(schemaId) as Writer;
    const key = `${projectionKey(projection)} ${paths.join(' ')}`;
    let locator = locators.get(key);
    if (locator === undefined) {
      locator = new AvroLocator(compileLocator(type, this.#reader(projection), paths));
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
    if ('why' in writer) throw new CarillonError(writer.code, `${writer.why}.`);
    return writer.byWriter.decode(bytes, start, end);
  }

  /** The type of a loaded writer schema, for what prints values. */
  writerType(schemaId: number): AvroType | undefined {
    const writer = this.#writers.get(schemaId);
    return writer === undefined || 'why' in writer ? undefined : writer.type;
  }

  async #fetch(schemaId: number): Promise<void> {
    let text: string | null;
    try {
      text = await this.#registry.fetch(schemaId);
    } catch (error) {
      if (!(error instanceof CarillonError) || error.code !== 'CAR407') throw error;
      this.#writers.set(schemaId, notAvro(schemaId, error.what));
      return;
    }
    if (text === null) {
      this.#unknownUntil.set(schemaId, this.#clock.now() + UNKNOWN_FOR_MS);
      return;
    }
    this.#unknownUntil.delete(schemaId);
    this.#writers.set(schemaId, writerOf(schemaId, text));
  }

  /** Null when nothing is registered for the topic yet. */
  async #latest(topic: string): Promise<AvroType | null> {
    let why: string;
    try {
      const latest = await this.#registry.version(subjectOf(topic), 'latest');
      if (latest === null) return null;
      return parseSchema(parseExact(latest.schema));
    } catch (error) {
      if (error instanceof CarillonError && error.code !== 'CAR407') throw error;
      why = error instanceof CarillonError ? error.what : `it is no Avro schema: ${reason(error)}`;
    }
    const what = `topic ${topic}, subject ${subjectOf(topic)}: ${why.replace(/\.$/, '')}.`;
    throw new CarillonError('CAR407', what, { where: { at: topic } });
  }

  #record(schema: string): AvroRecord {
    const record = this.#folder.get(schema);
    if (record !== undefined) return record;
    throw new CarillonError('CAR401', `schema "${schema}" is in none of the schema folders.`);
  }

  #reader(projection: Projection): AvroType {
    const key = projectionKey(projection);
    let reader = this.#readers.get(key);
    if (reader === undefined) {
      reader = projected(parseSchema(this.#record(projection.schema)), projection);
      this.#readers.set(key, reader);
    }
    return reader;
  }

  #decoder(writer: AvroType, projection: Projection): AvroDecoder | Undecodable {
    try {
      return new AvroDecoder(this.#reader(projection), writer);
    } catch (error) {
      const name = 'name' in writer ? writer.name : 'a schema';
      return { code: 'CAR503', why: `written with ${name}: ${reason(error)}` };
    }
  }
}

/** Of just the fields that are read: the others are passed over, three times as fast. */
function projected(type: AvroType, { fields }: Projection): AvroType {
  if (fields === undefined || type.kind !== 'record') return type;
  return { ...type, fields: type.fields.filter(({ name }) => fields.includes(name)) };
}

function writerOf(schemaId: number, text: string): Writer | Undecodable {
  try {
    const type = parseSchema(parseExact(text));
    const byWriter = new AvroDecoder(type, type);
    return { type, byWriter, decoders: new Map(), locators: new Map() };
  } catch (error) {
    return notAvro(schemaId, reason(error));
  }
}

function notAvro(schemaId: number, why: string): Undecodable {
  const said = why.replace(/\.$/, '');
  return { code: 'CAR503', why: `schema id ${schemaId} is not a schema that can be read: ${said}` };
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function projectionKey(projection: Projection): string {
  return projection.fields === undefined
    ? projection.schema
    : `${projection.schema}(${projection.fields.join(',')})`;
}
