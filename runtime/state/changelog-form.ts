/**
 * A row in its store's changelog: the key's UTF-8, and `firstPut | due or -1 | row`, so that the
 * order of first puts and the timers come back with the rows (rule D11). A null value deletes.
 */
import type { BatchBuilder } from '../../core/batch-builder.ts';
import { CarillonError } from '../../core/error.ts';
import type { LogBatch } from '../../core/log.ts';
import { BATCH_HEADER_BYTES, batchBaseMs, batchCount } from '../../core/record-batch.ts';
import { NEVER } from '../../core/store.ts';
import { putVarint, VARINT_BYTES_MAX, VarintReader } from '../../core/varint.ts';
import { copyBytes } from './copy-bytes.ts';
import { FIRST_PUT, type KeyTable } from './key-table.ts';

/** First put, due time, and the length of the row: three numbers. */
const HEAD_BYTES_MAX = 3 * VARINT_BYTES_MAX;

const head = Buffer.alloc(HEAD_BYTES_MAX);

/** Writes the changelog record of a row, whose own bytes are view[start, end). */
export function writeRow(
  to: BatchBuilder,
  nowMs: number,
  table: KeyTable,
  slot: number,
  dueMs: number,
  view: DataView,
  start: number,
  end: number,
): void {
  const firstPut = table.numbers(slot)[table.place(slot) + FIRST_PUT]!;
  let headEnd = putVarint(head, 0, firstPut);
  headEnd = putVarint(head, headEnd, dueMs === NEVER ? -1 : dueMs);
  headEnd = putVarint(head, headEnd, end - start);
  to.open(nowMs, table.keyLength(slot) + headEnd + end - start);
  table.writeKey(slot, to);
  to.int(headEnd + end - start);
  to.room(headEnd + end - start);
  const { bytes } = to;
  for (let n = 0; n < headEnd; n++) bytes[to.at + n] = head[n]!;
  copyBytes(to.view, to.at + headEnd, view, start, end);
  to.at += headEnd + end - start;
  to.end();
}

/** Writes the changelog record that deletes a key. */
export function writeTombstone(
  to: BatchBuilder,
  nowMs: number,
  table: KeyTable,
  slot: number,
): void {
  to.open(nowMs, table.keyLength(slot));
  table.writeKey(slot, to);
  to.int(-1);
  to.end();
}

/** Goes through the records of a changelog's batches. */
export class ChangelogReader {
  bytes: Buffer = Buffer.alloc(0);
  view = new DataView(this.bytes.buffer, 0, 0);
  keyStart = 0;
  keyEnd = 0;
  /** -1: the record deletes. */
  valueStart = 0;
  valueEnd = 0;
  /** What `readHead` found; the row is from `in.at` to `rowEnd`. */
  firstPut = 0;
  dueMs = NEVER;
  rowEnd = 0;
  /** The clock at the commit that wrote the record. */
  writtenMs = 0;
  readonly in = new VarintReader(this.bytes);
  #batch: LogBatch | null = null;
  #baseMs = 0;
  #left = 0;
  #next = BATCH_HEADER_BYTES;

  open(batch: LogBatch): void {
    const { bytes } = batch;
    this.#batch = batch;
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.in.bytes = bytes;
    this.#left = batchCount(bytes);
    this.#baseMs = batchBaseMs(bytes);
    this.#next = BATCH_HEADER_BYTES;
  }

  /** Goes to the next record with a key; false: there is none. Throws a RangeError on torn ones. */
  next(): boolean {
    const reader = this.in;
    const { baseOffset, from } = this.#batch!;
    while (this.#left > 0) {
      this.#left--;
      reader.at = this.#next;
      const size = reader.next();
      this.#next = reader.at + size;
      if (size < 0 || this.#next > this.bytes.length) {
        throw new RangeError('a record batch ends too early');
      }
      reader.at++;
      this.writtenMs = this.#baseMs + reader.next();
      const offset = baseOffset + reader.next();
      const keySize = reader.next();
      this.keyStart = reader.at;
      this.keyEnd = reader.at + keySize;
      if (keySize < 0 || offset < from) continue;
      reader.at = this.keyEnd;
      const valueSize = reader.next();
      this.valueStart = valueSize < 0 ? -1 : reader.at;
      this.valueEnd = reader.at + Math.max(0, valueSize);
      if (this.valueEnd > this.#next) throw new RangeError('a record ends too early');
      return true;
    }
    return false;
  }

  /** Reads what stands before the row. Throws a RangeError where there is no such thing. */
  readHead(): void {
    const reader = this.in;
    reader.at = this.valueStart;
    this.firstPut = reader.next();
    const dueMs = reader.next();
    this.dueMs = dueMs < 0 ? NEVER : dueMs;
    const size = reader.next();
    this.rowEnd = reader.at + size;
    if (size < 0 || this.rowEnd !== this.valueEnd) {
      throw new RangeError('the row is not as long as its length says');
    }
  }
}

/**
 * A row that cannot be read: the step that owns the store is another than the one that wrote it.
 */
export function unreadableRow(store: string, cause: unknown): CarillonError {
  return new CarillonError('CAR802', `store ${store}: a row cannot be read.`, {
    where: { at: store },
    cause,
  });
}
