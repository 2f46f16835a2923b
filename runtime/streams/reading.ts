/**
 * How the values of a stream are read: by writer schema, where the fields lie in the bytes, and the
 * decoder for what only a whole value tells. The last schema is kept at hand: nearly all records of
 * a topic share one.
 */
import type { ValueDecoder } from '../../core/record.ts';
import {
  isUndecodable,
  type Locator,
  type Projection,
  type Schemas,
  schemaIdOf,
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
  readonly #writers = new Map<number, ByWriter>();
  #lastId = -1;
  #last: ByWriter | null = null;

  /** `paths`: field column i is path i. */
  constructor(schemas: Schemas, projection: Projection, paths: readonly string[]) {
    this.#schemas = schemas;
    this.#projection = projection;
    this.#paths = paths;
  }

  /** The schema id that must be loaded before record `i` can be read, or -1. */
  missingSchema(slice: Slice, i: number): number {
    const id = schemaIdAt(slice, i);
    if (id < 0 || id === this.#lastId) return -1;
    if (this.#writers.has(id)) return -1;
    return this.#schemas.decoder(id, this.#projection) === undefined ? id : -1;
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
    return decodeNow(slice, i, decoder);
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
      return this.#last!.decoder.decode(slice.bytes, slice.valueStart[i]!, slice.valueEnd[i]!);
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

function decodeNow(slice: Slice, i: number, decoder: ValueDecoder): Refusal | null {
  try {
    slice.values[i] = decoder.decode(slice.bytes, slice.valueStart[i]!, slice.valueEnd[i]!);
    slice.touch();
    return null;
  } catch (error) {
    return { code: 'CAR503', why: error instanceof Error ? error.message : String(error) };
  }
}
