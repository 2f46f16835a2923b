/** The rows of a compacted topic for one task's partition: what `ctx.table(name)` reads. */
import type { Schemas } from '../../core/schema.ts';
import type { Slice } from '../../core/slice.ts';
import type { TableView } from '../../core/store.ts';
import { type OnPoison, TableReader, type TableRows } from './table-rows.ts';

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
    return this.#rows.get(key);
  }

  apply(slice: Slice, from: number): number {
    return this.#reader.apply(slice, from, this);
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
