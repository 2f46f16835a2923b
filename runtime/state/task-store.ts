/** What the engine asks of every store of a task. */
import type { BatchBuilder } from '../../core/batch-builder.ts';
import type { LogBatch } from '../../core/log.ts';

export interface TaskStore {
  readonly name: string;
  readonly size: number;
  /** Keys that changed since the last `writeChanged`. */
  readonly changedCount: number;
  /** Memory it takes, bytes. */
  readonly bytes: number;
  /** Of these, what is free to be used again. */
  readonly spare: number;
  /** With so many rows it is full; only stores whose steps can be told so have it. */
  rowsMax?: number;
  /**
   * Records of the changelog, in order; a null value deletes. A row that was written by a clock
   * ahead of `nowMs` is due as long after it as it was after its own.
   */
  restore(batch: LogBatch, nowMs?: number): void;
  /**
   * All of the changelog was read: the order of first puts and the timers come back. A row that
   * could not be read, and that no record behind it has replaced, ends in a CarillonError (CAR802).
   */
  restored(): void;
  /** One changelog record for each changed key, its last value; then nothing is changed. */
  writeChanged(to: BatchBuilder, nowMs: number): void;
  /**
   * Says of so many rows, in the order of first puts, that they have changed; gives where the next
   * ones begin, null: there are none. `from` null: at the first.
   */
  touch(from: number | null, count: number): number | null;
  /** All rows, in the order of first puts: the key as text, the row as an object. For tools. */
  rows(): IterableIterator<[string, unknown]>;
}
