/**
 * The rows of one side of a derived table: state of the task, as bytes in the wire form in which
 * they came, each with its time. Whoever makes the derived table hears of each change.
 */
import type { BatchBuilder } from '../../core/batch-builder.ts';
import type { LogBatch } from '../../core/log.ts';
import { type Schemas, schemaIdOf } from '../../core/schema.ts';
import type { Slice } from '../../core/slice.ts';
import type { RowCodec } from '../../core/store.ts';
import { CodedStore } from '../state/coded-store.ts';
import { decodedRow } from '../state/joined-table.ts';
import type { InputRows } from '../streams/table-input.ts';

export interface TimedRow {
  /** Of its record, epoch milliseconds. */
  readonly atMs: number;
  /** Its offset: no other row of its key has it. */
  readonly version: number;
  /**
   * There is a row of its key in the derived table, made with a right one. By a foreign key only.
   */
  readonly isTold: boolean;
  readonly bytes: Buffer;
}

const VERSION_AT = 8;
const TOLD_AT = 16;
const HEAD_BYTES = 17;

const TIMED_ROW: RowCodec<TimedRow> = {
  encode({ atMs, version, isTold, bytes }) {
    const all = Buffer.allocUnsafe(HEAD_BYTES + bytes.length);
    all.writeDoubleBE(atMs, 0);
    all.writeDoubleBE(version, VERSION_AT);
    all.writeUInt8(isTold ? 1 : 0, TOLD_AT);
    bytes.copy(all, HEAD_BYTES);
    return all;
  },
  decode: (all) => ({
    atMs: all.readDoubleBE(0),
    version: all.readDoubleBE(VERSION_AT),
    isTold: all.readUInt8(TOLD_AT) === 1,
    bytes: all.subarray(HEAD_BYTES),
  }),
};

/** For tools: the row alone, in its wire form. */
export const ROW_ALONE: RowCodec<Buffer> = {
  encode: (bytes) => TIMED_ROW.encode({ atMs: 0, version: 0, isTold: false, bytes }),
  decode: (all) => all.subarray(HEAD_BYTES),
};

export interface RowChange {
  readonly key: string;
  /** Null: it was deleted. */
  readonly row: unknown;
  readonly before: TimedRow | undefined;
  readonly atMs: number;
  readonly slice: Slice;
  readonly i: number;
}

export class TimedRows implements InputRows {
  readonly name: string;
  readonly #schema: string;
  readonly #schemas: Schemas;
  readonly #rows: CodedStore<TimedRow>;
  /** Called when the row is there, or is there no more. */
  onChange: (change: RowChange) => void = () => {};

  /** `schema`: what rows are read as. */
  constructor(name: string, schema: string, schemas: Schemas) {
    this.name = name;
    this.#schema = schema;
    this.#schemas = schemas;
    this.#rows = new CodedStore(name, TIMED_ROW);
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

  schemaIds(): Iterable<number> {
    const ids = new Set<number>();
    for (const [, { bytes }] of this.#rows.rows()) ids.add(schemaIdOf(bytes, 0, bytes.length));
    return ids;
  }

  get(key: string): unknown {
    const row = this.timed(key);
    return row === undefined ? undefined : this.decoded(row);
  }

  keys(): Iterable<string> {
    return this.#rows.keys();
  }

  timed(key: string): TimedRow | undefined {
    return this.#rows.get(key);
  }

  decoded({ bytes }: TimedRow): unknown {
    return decodedRow(this.#schemas, this.#schema, bytes, this.name);
  }

  setTold(key: string, isTold: boolean): void {
    const row = this.#rows.get(key);
    if (row !== undefined && row.isTold !== isTold) this.#rows.put(key, { ...row, isTold });
  }

  put(slice: Slice, i: number, row: unknown): void {
    const key = keyOf(slice, i);
    const before = this.#rows.get(key);
    const atMs = slice.timestamp[i]!;
    const bytes = slice.bytes.subarray(slice.valueStart[i]!, slice.valueEnd[i]!);
    const isTold = before?.isTold === true;
    this.#rows.put(key, { atMs, version: slice.offset[i]!, isTold, bytes });
    this.onChange({ key, row, before, atMs, slice, i });
  }

  delete(slice: Slice, i: number): void {
    const key = keyOf(slice, i);
    const before = this.#rows.get(key);
    if (before !== undefined) this.#rows.delete(key);
    this.onChange({ key, row: null, before, atMs: slice.timestamp[i]!, slice, i });
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
    for (const [key, row] of this.#rows.rows()) yield [key, this.decoded(row)];
  }
}

export function keyOf({ bytes, keyStart, keyEnd }: Slice, i: number): string {
  return bytes.toString('utf8', keyStart[i]!, keyEnd[i]!);
}
