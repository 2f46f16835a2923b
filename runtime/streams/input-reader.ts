/** Who reads an input: a stream, or a table that is joined. Each has columns of its own. */
import type { Slice } from '../../core/slice.ts';

export interface InputReader {
  /** Whose it is: an object for each stream, and for each table. */
  readonly stream: object;
  /** What the input reads its next records into. */
  readonly slice: Slice;
  /** The writer schema that must be loaded before record `i` can be run, or -1. */
  missingSchema(i: number): number;
  /**
   * The time by which record `i` takes its turn among the inputs that are joined, epoch ms; what is
   * no record to be joined (a poison one) does not wait: -Infinity.
   */
  timeOf(i: number, clockMs: number): number;
  /** Runs what is selected in its slice. */
  run(clockMs: number): void;
}
