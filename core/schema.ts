/**
 * Avro as the engine sees it. The codec itself is in schemas/; the engine holds these.
 */
import type { ValueDecoder } from './record.ts';
import type { Slice } from './slice.ts';

/** Wire format: magic byte 0, big-endian schema id, then the Avro body. */
export const WIRE_HEADER_BYTES = 5;

/** Which fields of a topology's schema a stream reads; undefined: all. */
export interface Projection {
  /** The record's name in schemas/, e.g. `ViewingActivity`. */
  readonly schema: string;
  /** Top-level fields; sorted, without doubles. */
  readonly fields?: readonly string[];
}

/** Why values of a writer schema cannot be decoded: the id is unknown, or it does not resolve. */
export interface Undecodable {
  readonly code: 'CAR502' | 'CAR503';
  readonly why: string;
}

export function isUndecodable(of: ValueDecoder | Undecodable): of is Undecodable {
  return 'why' in of;
}

/**
 * Finds fields in the bytes of values of one writer schema, without decoding them: fills the field
 * columns of a record (core/slice.ts).
 */
export interface Locator {
  /**
   * Locates all fields of record `i`, whose value has this writer's schema id. False: the value
   * does not lie as its schema says (it ends early, or bytes are left over); decode it to learn
   * why.
   */
  locate(slice: Slice, i: number): boolean;
}

/** Writes values of one schema, as the topology's folder has it. */
export interface ValueEncoder {
  readonly schemaId: number;
  /** Writes header and body at `at`; returns the end, or -1 when there is no room. */
  encode(value: unknown, bytes: Buffer, at: number): number;
  toBuffer(value: unknown): Buffer;
}

/**
 * The schemas of a running topology. Writer schemas are loaded once per id; look-ups in the hot
 * path are synchronous.
 */
export interface Schemas {
  /**
   * The decoder of values written with `schemaId`, read as `projection`. Undefined: not loaded yet,
   * await `load(schemaId)` first.
   */
  decoder(schemaId: number, projection: Projection): ValueDecoder | Undecodable | undefined;
  /**
   * Where the fields at `paths` (`value.a.b`; column i is path i) lie in values written with
   * `schemaId`, when that is certain to equal what a decoder of `projection` would give: a field
   * that the writer has not, or has with another name or kind, stays unknown. Undefined when the
   * schema is not loaded or cannot be read.
   */
  locator(schemaId: number, projection: Projection, paths: readonly string[]): Locator | undefined;
  /**
   * Fetches a writer schema. An id that the registry does not have is remembered as unknown for a
   * while. Throws a retryable CarillonError (CAR6xx) when the registry does not answer.
   */
  load(schemaId: number): Promise<void>;
  /** The encoder of a schema of the folder; it was registered when the topology was opened. */
  encoder(schema: string): ValueEncoder;
  /** Decodes a whole value by its own writer schema; for tools and frames. Await `load` first. */
  decodeByWriter(bytes: Buffer, start: number, end: number): unknown;
}

/** The schema id in a value's header, or -1 when it is not the wire format. */
export function schemaIdOf(bytes: Buffer, start: number, end: number): number {
  if (end - start < WIRE_HEADER_BYTES || bytes[start] !== 0) return -1;
  return bytes.readUInt32BE(start + 1);
}

/** A value without its header, as it stands in a notification, in the wire format. */
export function withWireHeader(schemaId: number, body: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(WIRE_HEADER_BYTES + body.length);
  bytes[0] = 0;
  bytes.writeUInt32BE(schemaId, 1);
  body.copy(bytes, WIRE_HEADER_BYTES);
  return bytes;
}
