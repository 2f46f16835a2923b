/** Records of any topic as plain values, for tools that look into a log. */
import { systemClock } from '../core/clock.ts';
import { CarillonError } from '../core/error.ts';
import type { Record } from '../core/record.ts';
import { schemaIdOf, WIRE_HEADER_BYTES } from '../core/schema.ts';
import { AvroSchemas } from '../schemas/avro-schemas.ts';
import { schemaFolderOf } from '../schemas/folder.ts';
import type { LogReader } from './log-reader.ts';
import { type DecodedRecord, headersOf } from './show-record.ts';

/**
 * Values by their own writer's schema, as they were written; a notification's event inside it too.
 */
export class RecordDecoder {
  readonly #schemas: AvroSchemas;
  readonly #withEvents: boolean;
  readonly #loaded = new Set<number>();

  /** `withEvents`: false where only the notification itself is looked at. */
  constructor(reader: Pick<LogReader, 'schema'>, withEvents = true) {
    this.#withEvents = withEvents;
    const readOnly = () => Promise.reject(new Error('a reader registers nothing'));
    const registry = {
      fetch: (id: number) => reader.schema(id),
      register: readOnly,
      subjects: async () => [],
      versions: async () => [],
      version: async () => null,
    };
    this.#schemas = new AvroSchemas(schemaFolderOf(new Map()), registry, systemClock);
  }

  async decode(record: Record): Promise<DecodedRecord> {
    const { topic, partition, offset, timestamp, key, valueBytes: bytes } = record;
    const base = { topic, partition, offset, timestamp, key, headers: headersOf(record) };
    if (bytes === null) return { ...base, value: null };
    try {
      const isJson = base.headers['carillon.form'] === 'json';
      return { ...base, value: isJson ? jsonOf(bytes) : await this.#value(bytes) };
    } catch (error) {
      if (error instanceof CarillonError && error.retryable) throw error;
      const why = error instanceof CarillonError ? error.what : 'not Avro';
      return { ...base, value: undefined, raw: bytes.toString('base64'), why };
    }
  }

  async #value(bytes: Buffer): Promise<unknown> {
    const id = schemaIdOf(bytes, 0, bytes.length);
    if (id < 0) throw new CarillonError('CAR501', 'not in the wire format');
    await this.#load(id);
    const value = this.#schemas.decodeByWriter(bytes, 0, bytes.length);
    return this.#withEvents ? await this.#withEvent(value) : value;
  }

  /** A notification carries its event as bytes, with the id of its schema beside them. */
  async #withEvent(value: unknown): Promise<unknown> {
    const { payload, payloadSchemaId } = value as { payload?: unknown; payloadSchemaId?: unknown };
    if (!Buffer.isBuffer(payload) || typeof payloadSchemaId !== 'number') return value;
    const wire = Buffer.allocUnsafe(WIRE_HEADER_BYTES + payload.length);
    wire[0] = 0;
    wire.writeUInt32BE(payloadSchemaId, 1);
    payload.copy(wire, WIRE_HEADER_BYTES);
    await this.#load(payloadSchemaId);
    const event = this.#schemas.decodeByWriter(wire, 0, wire.length);
    return { ...(value as object), payload: event };
  }

  /** Nothing is waited for once a schema is known: a million records are scanned in seconds. */
  #load(id: number): Promise<void> | undefined {
    if (this.#loaded.has(id)) return undefined;
    return this.#schemas.load(id).then(() => {
      this.#loaded.add(id);
    });
  }
}

/** Anybody can set the header that says so. */
function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    throw new CarillonError('CAR501', 'said to be JSON, and is not');
  }
}
