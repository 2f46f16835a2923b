/** How a step sends records on. */
import type { Record } from './record.ts';

/**
 * Sends a copy of the record to the next step (counted as out), and gives the copy, so that it can
 * be changed: `emit(record).value = …`. Good until the next call.
 */
export type Emit = (record: Record) => Record;

/** As Emit, and for what is held. */
export interface TimedEmit {
  (record: Record): Record;
  /** Sends on the record that the store's current row holds. */
  held(): Record;
  /** The value of the record that the store's current row holds, or null. */
  value(): unknown;
  /**
   * Sends on a record that is made of no other: without key, value, headers and deadline, and with
   * the time 0. The step gives it what it shall have, its id too.
   */
  blank(): Record;
}
