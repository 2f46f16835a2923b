/** The rows of a compacted topic for one task's partition: what `ctx.table(name)` reads. */
import type { ValueDecoder } from '../../core/record.ts';
import type { Schemas } from '../../core/schema.ts';
import type { Slice } from '../../core/slice.ts';
import type { TableView } from '../../core/store.ts';
import { keyOf } from './kept-rows.ts';
import { LooseRows } from './loose-rows.ts';
import { type OnPoison, TableReader, type TableRows } from './table-rows.ts';

export class TableStore implements TableView, TableRows {
  readonly name: string;
  readonly #reader: TableReader;
  readonly #rows = new LooseRows();

  constructor(name: string, schema: string, schemas: Schemas, onPoison: OnPoison) {
    this.name = name;
    this.#reader = new TableReader(schema, schemas, onPoison);
  }

  get size(): number {
    return this.#rows.size;
  }

  /** About the memory they take. */
  get bytes(): number {
    return this.#rows.bytes;
  }

  get spare(): number {
    return 0;
  }

  get undecodable(): number {
    return this.#reader.undecodable;
  }

  get(key: string): unknown {
    return this.#rows.get(key);
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
    this.#rows.keep(keyOf(slice, i), bytes, decoder);
  }

  put(slice: Slice, i: number, row: unknown): void {
    this.#rows.put(keyOf(slice, i), row);
  }

  delete(slice: Slice, i: number): void {
    this.#rows.delete(keyOf(slice, i));
  }
}
