/**
 * The rows of a table that a task reads as an input: state of the task, as bytes in the wire form
 * in which they came, with a changelog. So a restart goes on with the rows that the records before
 * it have met, whatever the table's topic has by then.
 */
import type { ValueDecoder } from '../../core/record.ts';
import type { Schemas } from '../../core/schema.ts';
import type { Slice } from '../../core/slice.ts';
import type { RowCodec, TableView } from '../../core/store.ts';
import { keyOf, valueBytesOf, WireRows } from './kept-rows.ts';
import type { RowTarget } from './table-rows.ts';

/** Rows in the wire form in which they came. */
export const AS_BYTES: RowCodec<Buffer> = { encode: (row) => row, decode: (bytes) => bytes };

export class JoinedTable extends WireRows<Buffer> implements TableView, RowTarget {
  constructor(name: string, schema: string, schemas: Schemas) {
    super(name, AS_BYTES, schema, schemas);
  }

  keep(slice: Slice, i: number, _decoder: ValueDecoder): void {
    this.put(slice, i);
  }

  /** It can be read, which is all that was to be known. */
  put(slice: Slice, i: number): void {
    this.kept.put(keyOf(slice, i), valueBytesOf(slice, i));
  }

  delete(slice: Slice, i: number): void {
    this.kept.delete(keyOf(slice, i));
  }

  protected bytesOf(row: Buffer): Buffer {
    return row;
  }
}
