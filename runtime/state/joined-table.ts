/**
 * The rows of a table that a task reads as an input: state of the task, as bytes in the wire form
 * in which they came, with a changelog. So a restart goes on with the rows that the records before
 * it have met, whatever the table's topic has by then.
 */
import type { BatchBuilder } from '../../core/batch-builder.ts';
import type { LogBatch } from '../../core/log.ts';
import type { ValueDecoder } from '../../core/record.ts';
import { isUndecodable, type Schemas, schemaIdOf } from '../../core/schema.ts';
import type { Slice } from '../../core/slice.ts';
import type { RowCodec, TableView } from '../../core/store.ts';
import { CodedStore } from './coded-store.ts';
import type { RowTarget } from './table-rows.ts';
import type { TaskStore } from './task-store.ts';

/** Rows in the wire form in which they came. */
export const AS_BYTES: RowCodec<Buffer> = { encode: (row) => row, decode: (bytes) => bytes };

export class JoinedTable implements TableView, TaskStore, RowTarget {
  readonly name: string;
  readonly #schema: string;
  readonly #schemas: Schemas;
  readonly #rows: CodedStore<Buffer>;

  /** `schema`: what rows are read as. */
  constructor(name: string, schema: string, schemas: Schemas) {
    this.name = name;
    this.#schema = schema;
    this.#schemas = schemas;
    this.#rows = new CodedStore(name, AS_BYTES);
  }

  get size(): number {
    return this.#rows.size;
  }

  get changedCount(): number {
    return this.#rows.changedCount;
  }

  get bytes(): number {
    return this.#rows.bytes;
  }

  /** Their schemas must be loaded before a row is asked for. */
  schemaIds(): Iterable<number> {
    const ids = new Set<number>();
    for (const [, row] of this.#rows.rows()) ids.add(schemaIdOf(row, 0, row.length));
    return ids;
  }

  get(key: string): unknown {
    const row = this.#rows.get(key);
    return row === undefined ? undefined : this.#decoded(row);
  }

  keys(): Iterable<string> {
    return this.#rows.keys();
  }

  keep(slice: Slice, i: number, _decoder: ValueDecoder): void {
    const { bytes, valueStart, valueEnd } = slice;
    this.#rows.put(keyOf(slice, i), bytes.subarray(valueStart[i]!, valueEnd[i]!));
  }

  /** It can be read, which is all that was to be known. */
  put(slice: Slice, i: number): void {
    const { bytes, valueStart, valueEnd } = slice;
    this.#rows.put(keyOf(slice, i), bytes.subarray(valueStart[i]!, valueEnd[i]!));
  }

  delete(slice: Slice, i: number): void {
    this.#rows.delete(keyOf(slice, i));
  }

  restore(batch: LogBatch): void {
    this.#rows.restore(batch);
  }

  restored(): void {
    this.#rows.restored();
  }

  writeChanged(to: BatchBuilder, nowMs: number): void {
    this.#rows.writeChanged(to, nowMs);
  }

  *rows(): IterableIterator<[string, unknown]> {
    for (const [key, row] of this.#rows.rows()) yield [key, this.#decoded(row)];
  }

  #decoded(row: Buffer): unknown {
    return decodedRow(this.#schemas, this.#schema, row, this.name);
  }
}

/** `at`: where it is kept. */
export function decodedRow(schemas: Schemas, schema: string, row: Buffer, at: string): unknown {
  const id = schemaIdOf(row, 0, row.length);
  const decoder = schemas.decoder(id, { schema });
  if (decoder === undefined) throw new Error(`store ${at}: schema ${id} is not loaded`);
  if (isUndecodable(decoder)) throw new Error(`store ${at}: ${decoder.why}`);
  return decoder.decode(row, 0, row.length);
}

function keyOf({ bytes, keyStart, keyEnd }: Slice, i: number): string {
  return bytes.toString('utf8', keyStart[i]!, keyEnd[i]!);
}
