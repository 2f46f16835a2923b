/**
 * The values of a store, one a row: objects, as a step gave them, and bytes only in the changelog.
 * For rows that are changed far more often than they are committed (windows), where coding a row at
 * each change would cost more than all else that is done to it.
 */
import { deserialize, serialize } from 'node:v8';
import type { VarintReader } from '../../core/varint.ts';
import type { RowWriter } from './row-writer.ts';

export class ValueColumn {
  /** By slot. */
  readonly #values: unknown[] = [];

  get(slot: number): unknown {
    return this.#values[slot];
  }

  set(slot: number, value: unknown): void {
    this.#values[slot] = value;
  }

  /** The row is gone: its slot will be another's. */
  release(slot: number): void {
    this.#values[slot] = undefined;
  }

  write(slot: number, to: RowWriter): void {
    const bytes = serialize(this.#values[slot]);
    to.blob(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, bytes.length);
  }

  read(slot: number, bytes: Buffer, from: VarintReader): void {
    const size = from.next();
    const start = from.at;
    from.at += size;
    // A copy: what is read of it must not point into a batch that is used again.
    this.#values[slot] = deserialize(Buffer.from(bytes.subarray(start, from.at)));
  }
}
