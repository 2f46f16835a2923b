/** What a timed step does, and what it is handed to send with. */
import type { Record } from './record.ts';
import type { Key } from './store.ts';
import type { Verdict } from './verdict.ts';

/** As Emit, and for what is held. */
export interface TimedEmit {
  (record: Record): Record;
  /** Sends on the record that the store's current row holds. */
  held(): Record;
  /** The value of the record that the store's current row holds, or null. */
  value(): unknown;
  /** A copy of that record, to be looked at; good until the next call. */
  view(): Record;
}

export interface TimedWork<V extends Verdict = Verdict> {
  record(record: Record, emit: TimedEmit, key: Key | null): V;
  /** The store's row has come to its time. Its due time is already taken off. */
  due(emit: TimedEmit): void;
  /** A record of the other input; only for steps that have one (`other`). */
  other?(record: Record, emit: TimedEmit): V;
  /**
   * The step's own time once it has this record, epoch milliseconds: its rows are due on that, and
   * not on the task's clock. Called before `record` and `other`, and what is due is let go between.
   */
  timeWith?(record: Record): number;
}
