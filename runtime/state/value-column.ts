/**
 * The values of a store, one a row: objects, as a step gave them, and bytes only in the changelog.
 * For rows that are changed far more often than they are committed (windows), where coding a row at
 * each change would cost more than all else that is done to it.
 */
import type { VarintReader } from '../../core/varint.ts';
import type { RowWriter } from './row-writer.ts';
import { ValueForm, writeValue } from './value-form.ts';

/** Until it is written for the first time. */
const UNKNOWN_BYTES = 64;
/** Its places in the two lists, which grow by half. */
const PLACE_BYTES = 20;

export class ValueColumn {
  /** By slot. */
  readonly #values: unknown[] = [];
  /** By slot: about the memory that the value takes, as of the last commit. */
  readonly #sizes: number[] = [];
  readonly #form = new ValueForm();
  #sum = 0;

  /** About the memory they take: a value that has grown is counted when it is committed. */
  get bytes(): number {
    return this.#sum + this.#values.length * PLACE_BYTES;
  }

  get(slot: number): unknown {
    return this.#values[slot];
  }

  set(slot: number, value: unknown): void {
    this.#values[slot] = value;
    if ((this.#sizes[slot] ?? 0) === 0) this.#sized(slot, UNKNOWN_BYTES);
  }

  /** The row is gone: its slot will be another's. */
  release(slot: number): void {
    this.#values[slot] = undefined;
    this.#sized(slot, 0);
  }

  write(slot: number, to: RowWriter): void {
    this.#sized(slot, writeValue(this.#values[slot], to));
  }

  read(slot: number, bytes: Buffer, from: VarintReader): void {
    this.#values[slot] = this.#form.read(bytes, from);
    this.#sized(slot, this.#form.size);
  }

  #sized(slot: number, bytes: number): void {
    this.#sum += bytes - (this.#sizes[slot] ?? 0);
    this.#sizes[slot] = bytes;
  }
}
