/** What stores have in common that keep their rows in a coded one, and say more of them. */
import type { BatchBuilder } from '../../core/batch-builder.ts';
import type { LogBatch } from '../../core/log.ts';
import { isUndecodable, type Schemas, schemaIdOf } from '../../core/schema.ts';
import type { Slice } from '../../core/slice.ts';
import type { RowCodec } from '../../core/store.ts';
import { CodedStore } from './coded-store.ts';
import type { TaskStore } from './task-store.ts';

export abstract class KeptRows<Row> implements TaskStore {
  readonly name: string;
  protected readonly kept: CodedStore<Row>;

  constructor(name: string, codec: RowCodec<Row>) {
    this.name = name;
    this.kept = new CodedStore(name, codec);
  }

  get size(): number {
    return this.kept.size;
  }

  get changedCount(): number {
    return this.kept.changedCount;
  }

  get bytes(): number {
    return this.kept.bytes;
  }

  get spare(): number {
    return this.kept.spare;
  }

  restore(batch: LogBatch): void {
    this.kept.restore(batch);
  }

  restored(): void {
    this.kept.restored();
  }

  writeChanged(to: BatchBuilder, nowMs: number): void {
    this.kept.writeChanged(to, nowMs);
  }

  touch(from: number | null, count: number): number | null {
    return this.kept.touch(from, count);
  }

  rows(): IterableIterator<[string, unknown]> {
    return this.kept.rows();
  }
}

/** Rows of a table, as bytes in the wire form in which they came. */
export abstract class WireRows<Row> extends KeptRows<Row> {
  readonly #schema: string;
  readonly #schemas: Schemas;

  /** `schema`: what rows are read as. */
  constructor(name: string, codec: RowCodec<Row>, schema: string, schemas: Schemas) {
    super(name, codec);
    this.#schema = schema;
    this.#schemas = schemas;
  }

  protected abstract bytesOf(row: Row): Buffer;

  /** Their schemas must be loaded before a row is asked for. */
  schemaIds(): Iterable<number> {
    const ids = new Set<number>();
    for (const [, row] of this.kept.rows()) {
      const bytes = this.bytesOf(row);
      ids.add(schemaIdOf(bytes, 0, bytes.length));
    }
    return ids;
  }

  get(key: string): unknown {
    const row = this.kept.get(key);
    return row === undefined ? undefined : this.decoded(row);
  }

  keys(): Iterable<string> {
    return this.kept.keys();
  }

  override *rows(): IterableIterator<[string, unknown]> {
    for (const [key, row] of this.kept.rows()) yield [key, this.decoded(row)];
  }

  decoded(row: Row): unknown {
    return decodedRow(this.#schemas, this.#schema, this.bytesOf(row), this.name);
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

export function keyOf({ bytes, keyStart, keyEnd }: Slice, i: number): string {
  return bytes.toString('utf8', keyStart[i]!, keyEnd[i]!);
}

/** A record's value as it lies there. */
export function valueBytesOf({ bytes, valueStart, valueEnd }: Slice, i: number): Buffer {
  return bytes.subarray(valueStart[i]!, valueEnd[i]!);
}
