/**
 * How the values of a stream are read: by writer schema, where the fields lie in the bytes, and the
 * decoder for what only a whole value tells. The last schema is kept at hand: nearly all records of
 * a topic share one.
 */
import { type DeviceNotification, setEvent } from '../../core/notification.ts';
import type { ValueDecoder } from '../../core/record.ts';
import {
  isUndecodable,
  type Locator,
  type Projection,
  type Schemas,
  schemaIdOf,
  withWireHeader,
} from '../../core/schema.ts';
import type { Slice } from '../../core/slice.ts';
import { type Refusal, UndecodableError } from '../node.ts';

interface ByWriter {
  readonly decoder: ValueDecoder;
  readonly locator: Locator | undefined;
}

export class Reading {
  readonly #schemas: Schemas;
  readonly #projection: Projection;
  readonly #paths: readonly string[];
  readonly #readsEvent: boolean;
  readonly #writers = new Map<number, ByWriter>();
  #lastId = -1;
  #last: ByWriter | null = null;

  /** `paths`: field column i is path i; `readsEvent`: notifications are read with their event. */
  constructor(
    schemas: Schemas,
    projection: Projection,
    paths: readonly string[],
    readsEvent = false,
  ) {
    this.#schemas = schemas;
    this.#projection = projection;
    this.#paths = paths;
    this.#readsEvent = readsEvent;
  }

  /** The schema id that must be loaded before record `i` can be read, or -1. */
  missingSchema(slice: Slice, i: number): number {
    const id = schemaIdAt(slice, i);
    if (id < 0) return -1;
    if (id !== this.#lastId && !this.#writers.has(id)) {
      if (this.#schemas.decoder(id, this.#projection) === undefined) return id;
    }
    return this.#readsEvent ? this.#missingOfEvent(slice, i) : -1;
  }

  /** As `missingSchema`, for the event inside a notification. */
  #missingOfEvent(slice: Slice, i: number): number {
    try {
      const { payloadSchemaId: id } = this.decode(slice, i) as DeviceNotification;
      return this.#schemas.decoder(id, this.#projection) === undefined ? id : -1;
    } catch {
      // `read` refuses it, and says why.
      return -1;
    }
  }

  /**
   * Locates the fields of record `i`, or decodes it; null when it can be read. Its schema is loaded
   * (`missingSchema`).
   */
  read(slice: Slice, i: number): Refusal | null {
    if (slice.valueStart[i]! < 0) return { code: 'CAR509', why: 'the value is null' };
    const id = schemaIdAt(slice, i);
    if (id < 0) return { code: 'CAR501', why: 'no magic byte 0 and schema id' };
    if (id !== this.#lastId) {
      const refusal = this.#turnTo(id);
      if (refusal !== null) return refusal;
    }
    const { locator, decoder } = this.#last!;
    if (locator?.locate(slice, i) === true) return null;
    try {
      slice.values[i] = this.#decoded(decoder, slice, i);
      slice.touch();
      return null;
    } catch (error) {
      return { code: 'CAR503', why: error instanceof Error ? error.message : String(error) };
    }
  }

  #decoded(decoder: ValueDecoder, slice: Slice, i: number): unknown {
    const value = decoder.decode(slice.bytes, slice.valueStart[i]!, slice.valueEnd[i]!);
    if (this.#readsEvent) setEvent(value as object, () => this.#event(value as DeviceNotification));
    return value;
  }

  /** Throws when its schema is not known, or its bytes are not of it. */
  #event({ payloadSchemaId, payload }: DeviceNotification): unknown {
    const wire = withWireHeader(payloadSchemaId, payload);
    return this.#schemas.decodeByWriter(wire, 0, wire.length);
  }

  /** Locates the fields of what was read before and held since. */
  relocate(slice: Slice): void {
    for (let j = 0; j < slice.selected; j++) {
      const i = slice.selection[j]!;
      if (slice.valueStart[i]! >= 0 && this.#turnTo(schemaIdAt(slice, i)) === null) {
        this.#last!.locator?.locate(slice, i);
      }
    }
    slice.decode = this.decode;
  }

  /** Decodes a value when a step asks for it. */
  readonly decode = (slice: Slice, i: number): unknown => {
    const refusal = this.#turnTo(schemaIdAt(slice, i));
    if (refusal !== null) throw new UndecodableError(refusal.why);
    try {
      return this.#decoded(this.#last!.decoder, slice, i);
    } catch (error) {
      throw new UndecodableError(error instanceof Error ? error.message : String(error));
    }
  };

  #turnTo(id: number): Refusal | null {
    if (id === this.#lastId) return null;
    let writer = this.#writers.get(id);
    if (writer === undefined) {
      const decoder = this.#schemas.decoder(id, this.#projection);
      if (decoder === undefined) return { code: 'CAR502', why: `schema id ${id} is not known` };
      if (isUndecodable(decoder)) return { code: decoder.code, why: decoder.why };
      writer = { decoder, locator: this.#schemas.locator(id, this.#projection, this.#paths) };
      this.#writers.set(id, writer);
    }
    this.#lastId = id;
    this.#last = writer;
    return null;
  }
}

function schemaIdAt(slice: Slice, i: number): number {
  return schemaIdOf(slice.bytes, slice.valueStart[i]!, slice.valueEnd[i]!);
}
