/** The rows of a compacted topic for one task's partition: what `ctx.table(name)` reads. */
import type { ValueDecoder } from '../../core/record.ts';
import type { Schemas } from '../../core/schema.ts';
import type { Slice } from '../../core/slice.ts';
import type { TableView } from '../../core/store.ts';
import { type OnPoison, TableReader, type TableRows } from './table-rows.ts';

/** A row as it came, until somebody asks for it. */
class Undecoded {
  readonly #bytes: Buffer;
  readonly #decoder: ValueDecoder;

  constructor(bytes: Buffer, decoder: ValueDecoder) {
    this.#bytes = bytes;
    this.#decoder = decoder;
  }

  decode(): unknown {
    return this.#decoder.decode(this.#bytes, 0, this.#bytes.length);
  }
}

export class TableStore implements TableView, TableRows {
  readonly name: string;
  readonly #reader: TableReader;
  readonly #rows = new Map<string, unknown>();

  constructor(name: string, schema: string, schemas: Schemas, onPoison: OnPoison) {
    this.name = name;
    this.#reader = new TableReader(schema, schemas, onPoison);
  }

  get size(): number {
    return this.#rows.size;
  }

  get undecodable(): number {
    return this.#reader.undecodable;
  }

  get(key: string): unknown {
    const row = this.#rows.get(key);
    if (!(row instanceof Undecoded)) return row;
    const decoded = row.decode();
    this.#rows.set(key, decoded);
    return decoded;
  }

  keys(): Iterable<string> {
    return this.#rows.keys();
  }

  apply(slice: Slice, from: number): number {
    return this.#reader.apply(slice, from, this);
  }

  /** A copy: the batch is gone sooner than the row. */
  keep(slice: Slice, i: number, decoder: ValueDecoder): void {
    const bytes = Buffer.from(slice.bytes.subarray(slice.valueStart[i]!, slice.valueEnd[i]!));
    this.#rows.set(keyOf(slice, i), new Undecoded(bytes, decoder));
  }

  put(slice: Slice, i: number, row: unknown): void {
    this.#rows.set(keyOf(slice, i), row);
  }

  delete(slice: Slice, i: number): void {
    this.#rows.delete(keyOf(slice, i));
  }
}

function keyOf({ bytes, keyStart, keyEnd }: Slice, i: number): string {
  return bytes.toString('utf8', keyStart[i]!, keyEnd[i]!);
}
