/** How a step sends records on. */
import type { Record } from './record.ts';
import type { Key } from './store.ts';
import type { Verdict } from './verdict.ts';

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
  /** A copy of that record, to be looked at; good until the next call. */
  view(): Record;
  /**
   * Sends on a record that is made of no other: without key, value, headers and deadline, and with
   * the time 0. The step gives it what it shall have, its id too.
   */
  blank(): Record;
}

/** What a timed step does. */
export interface TimedWork<V extends Verdict = Verdict> {
  record(record: Record, emit: TimedEmit, key: Key | null): V;
  /** The store's row has come to its time. Its due time is already taken off. */
  due(emit: TimedEmit): void;
  /** A record of the other stream; only for steps that have one (`other`). */
  other?(record: Record, emit: TimedEmit): V;
}
