/**
 * What a driver needs around it: a plan, schemas in memory, and JSON in both directions by the
 * schema of each topic.
 */
import type { Plan } from '../../compiler/plan.ts';
import { topicSchemas } from '../../compiler/topic-schemas.ts';
import type { Clock } from '../../core/clock.ts';
import { CarillonError } from '../../core/error.ts';
import { jsonForm } from '../../core/json-form.ts';
import type { DeviceNotification } from '../../core/notification.ts';
import { Record } from '../../core/record.ts';
import { schemaIdOf, WIRE_HEADER_BYTES } from '../../core/schema.ts';
import { AvroSchemas } from '../../schemas/avro-schemas.ts';
import type { SchemaFolder } from '../../schemas/folder.ts';
import {
  type FieldProblem,
  type JsonEventReader,
  jsonEventReader,
} from '../../schemas/json-events.ts';
import { MemoryRegistry } from '../../schemas/memory-registry.ts';

type Json = unknown;

export class DriveWorld {
  readonly plan: Plan;
  readonly schemas: AvroSchemas;
  readonly #folder: SchemaFolder;
  readonly #readers = new Map<string, JsonEventReader>();
  readonly #schemaOf: ReadonlyMap<string, string>;

  private constructor(plan: Plan, folder: SchemaFolder, schemas: AvroSchemas) {
    this.plan = plan;
    this.schemas = schemas;
    this.#folder = folder;
    const named = plan.topics.filter((topic) => topic.schema !== undefined);
    this.#schemaOf = new Map(named.map((topic) => [topic.name, topic.schema!]));
  }

  static async open(plan: Plan, folder: SchemaFolder, clock: Clock): Promise<DriveWorld> {
    const schemas = new AvroSchemas(folder, new MemoryRegistry(), clock);
    await schemas.open(topicSchemas(plan));
    return new DriveWorld(plan, folder, schemas);
  }

  schemaOf(topic: string): string | undefined {
    return this.#schemaOf.get(topic);
  }

  hasTopic(topic: string): boolean {
    return this.plan.topics.some(({ name }) => name === topic);
  }

  /** A value in wire format; what does not fit the schema is told with its paths (CAR940). */
  encode(topic: string, value: Json): Buffer {
    const schema = this.#schemaOf.get(topic);
    if (schema === undefined) {
      throw new CarillonError('CAR940', `topic ${topic} has no schema: give its bytes as "raw".`);
    }
    const reader = this.#readers.get(schema) ?? jsonEventReader(this.#folder.get(schema));
    this.#readers.set(schema, reader);
    const problems: FieldProblem[] = [];
    const avro = reader.read(value, '', problems);
    if (problems.length > 0) {
      const list = problems.map(({ path, what }) => `${path === '' ? '/' : path}: ${what}`);
      throw new CarillonError('CAR940', `the value is not a ${schema}: ${list.join('; ')}.`);
    }
    return this.schemas.encoder(schema).toBuffer(avro);
  }

  /**
   * A record's value as JSON: decoded, or `{"raw": base64}` where the bytes are not of a schema.
   */
  valueOf(record: Record): { value: Json } | { raw: string } {
    const bytes = record.valueBytes;
    if (bytes === null) return { value: null };
    try {
      const value = this.schemas.decodeByWriter(bytes, 0, bytes.length);
      const schema = this.#schemaOf.get(record.topic);
      if (schema !== 'DeviceNotification') return { value: this.plain(value) };
      return { value: this.notification(value as DeviceNotification) };
    } catch {
      return { raw: bytes.toString('base64') };
    }
  }

  /** A notification with its payload as the event's JSON. */
  notification(notification: DeviceNotification): Json {
    const { payload, ...rest } = notification;
    return { ...rest, payload: this.payload(payload, notification.payloadSchemaId) };
  }

  payload(payload: Buffer, schemaId: number): Json {
    const header = Buffer.alloc(WIRE_HEADER_BYTES);
    header.writeUInt32BE(schemaId, 1);
    const bytes = Buffer.concat([header, payload]);
    return this.plain(this.schemas.decodeByWriter(bytes, 0, bytes.length));
  }

  /** Plain JSON of anything a store or topic holds: maps, bytes, held records. */
  plain(value: Json): Json {
    if (value instanceof Map) {
      return Object.fromEntries([...value].map(([key, row]) => [String(key), this.plain(row)]));
    }
    if (value instanceof Set) return [...value].map((item) => this.plain(item));
    if (value instanceof Record) return this.#held(value);
    if (Array.isArray(value)) return value.map((item) => this.plain(item));
    if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) {
      return jsonForm(value);
    }
    return Object.fromEntries(
      Object.entries(value).map(([key, field]) => [key, this.plain(field)]),
    );
  }

  #held(record: Record): Json {
    const { topic, partition, offset, timestamp, key, count } = record;
    const bytes = record.valueBytes;
    const id = bytes === null ? -1 : schemaIdOf(bytes, 0, bytes.length);
    const value = id < 0 ? { value: this.plain(record.value) } : this.valueOf(record);
    return { topic, partition, offset, timestamp, key, count, ...value };
  }
}
