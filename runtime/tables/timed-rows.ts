/**
 * The rows of one side of a derived table: state of the task, as bytes in the wire form in which
 * they came, each with its time. Whoever makes the derived table hears of each change.
 */
import type { Schemas } from '../../core/schema.ts';
import type { Slice } from '../../core/slice.ts';
import type { RowCodec } from '../../core/store.ts';
import { keyOf, valueBytesOf, WireRows } from '../state/kept-rows.ts';
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

export class TimedRows extends WireRows<TimedRow> implements InputRows {
  /** Called when the row is there, or is there no more. */
  onChange: (change: RowChange) => void = () => {};

  constructor(name: string, schema: string, schemas: Schemas) {
    super(name, TIMED_ROW, schema, schemas);
  }

  timed(key: string): TimedRow | undefined {
    return this.kept.get(key);
  }

  setTold(key: string, isTold: boolean): void {
    const row = this.kept.get(key);
    if (row !== undefined && row.isTold !== isTold) this.kept.put(key, { ...row, isTold });
  }

  put(slice: Slice, i: number, row: unknown): void {
    const key = keyOf(slice, i);
    const before = this.kept.get(key);
    const atMs = slice.timestamp[i]!;
    const bytes = valueBytesOf(slice, i);
    const isTold = before?.isTold === true;
    this.kept.put(key, { atMs, version: slice.offset[i]!, isTold, bytes });
    this.onChange({ key, row, before, atMs, slice, i });
  }

  delete(slice: Slice, i: number): void {
    const key = keyOf(slice, i);
    const before = this.kept.get(key);
    if (before !== undefined) this.kept.delete(key);
    this.onChange({ key, row: null, before, atMs: slice.timestamp[i]!, slice, i });
  }

  protected bytesOf({ bytes }: TimedRow): Buffer {
    return bytes;
  }
}
