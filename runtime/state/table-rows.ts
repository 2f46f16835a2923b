/** What all tables of a task share: their topic's records, decoded, or told why they cannot be. */
import type { ValueDecoder } from '../../core/record.ts';
import { Record } from '../../core/record.ts';
import { isUndecodable, type Schemas, schemaIdOf } from '../../core/schema.ts';
import type { Slice } from '../../core/slice.ts';

/** Hears of a record that cannot be a row; the row before it stays in force. */
export type OnPoison = (record: Record, why: string) => void;

/** A table that takes the records of its topic. */
export interface TableRows {
  readonly name: string;
  /** Records that could not be decoded, or have no key. */
  readonly undecodable: number;
  /** Memory that it takes, bytes, and what of it is free to be used again. */
  readonly bytes: number;
  readonly spare: number;
  /** Applies records up to the first whose schema is not loaded, and gives that one's index. */
  apply(slice: Slice, from: number): number;
}

/** Where decoded rows go. */
export interface RowTarget {
  /**
   * Takes a row that is certain to be readable without its being decoded: most rows of a table are
   * never asked for in a process. Left out: all are decoded.
   */
  keep?(slice: Slice, i: number, decoder: ValueDecoder): void;
  put(slice: Slice, i: number, row: unknown): void;
  delete(slice: Slice, i: number): void;
}

export class TableReader {
  readonly #schema: string;
  readonly #schemas: Schemas;
  readonly #onPoison: OnPoison;
  undecodable = 0;

  constructor(schema: string, schemas: Schemas, onPoison: OnPoison) {
    this.#schema = schema;
    this.#schemas = schemas;
    this.#onPoison = onPoison;
  }

  /** As TableRows.apply. */
  apply(slice: Slice, from: number, to: RowTarget): number {
    for (let i = from; i < slice.n; i++) if (!this.applyOne(slice, i, to)) return i;
    return slice.n;
  }

  /** False: its schema is not loaded. */
  applyOne(slice: Slice, i: number, to: RowTarget): boolean {
    if (slice.keyStart[i]! < 0) this.#refuse(slice, i, 'it has no key');
    else if (slice.valueStart[i]! < 0) to.delete(slice, i);
    else {
      const decoder = this.#decoderOf(slice, i);
      if (decoder === undefined) return false;
      if (typeof decoder === 'string') this.#refuse(slice, i, decoder);
      else this.#decode(slice, i, decoder, to);
    }
    return true;
  }

  /** A text says why there is none; undefined: it is not loaded. */
  #decoderOf(slice: Slice, i: number): ValueDecoder | string | undefined {
    const id = schemaIdOf(slice.bytes, slice.valueStart[i]!, slice.valueEnd[i]!);
    if (id < 0) return 'no magic byte 0 and schema id';
    const decoder = this.#schemas.decoder(id, { schema: this.#schema });
    return decoder !== undefined && isUndecodable(decoder) ? decoder.why : decoder;
  }

  #decode(slice: Slice, i: number, decoder: ValueDecoder, to: RowTarget): void {
    if (to.keep !== undefined && this.#isWhole(slice, i)) {
      to.keep(slice, i, decoder);
      return;
    }
    let row: unknown;
    try {
      row = decoder.decode(slice.bytes, slice.valueStart[i]!, slice.valueEnd[i]!);
    } catch (error) {
      this.#refuse(slice, i, error instanceof Error ? error.message : String(error));
      return;
    }
    to.put(slice, i, row);
  }

  /** A locator of no field goes over the bytes, and says whether a decoder would give a value. */
  #isWhole(slice: Slice, i: number): boolean {
    const id = schemaIdOf(slice.bytes, slice.valueStart[i]!, slice.valueEnd[i]!);
    const locator = this.#schemas.locator(id, { schema: this.#schema }, []);
    return locator?.locate(slice, i) === true;
  }

  #refuse(slice: Slice, i: number, why: string): void {
    this.undecodable++;
    this.#onPoison(new Record(slice, i), why);
  }
}
