/** What the embedded log can be told, and what it tells of itself. */
import type { Clock } from '../../core/clock.ts';

export interface EmbeddedLogOptions {
  /** The data folder; created when it is not there. */
  readonly dir: string;
  /** Retention and compaction keep to it; COMMITs keep to timers. */
  readonly clock: Clock;
  /** Topics without a retention of their own keep records this long; 7 d by default. */
  readonly retentionMs?: number;
  /** Batches of all `delete` topics together, bytes; the oldest go first. 1 GiB by default. */
  readonly bytesMax?: number;
  /** The file's largest size, bytes, state and inbox included; no limit by default. */
  readonly fileBytesMax?: number;
  /** The shortest time between two COMMITs; 5 ms by default. */
  readonly commitMinMs?: number;
  /** The longest time that a transaction is open; 100 ms by default. */
  readonly commitMaxMs?: number;
  /** The most records, state rows and inbox rows in one transaction; 50,000 by default. */
  readonly commitRecordsMax?: number;
  /**
   * `full` waits for the disk at each COMMIT; see database.ts for what each loses at a power cut.
   */
  readonly synchronous?: 'normal' | 'full';
  /** How old a record must be before a newer one of its key may take its place (D12); 24 h. */
  readonly compactionLagMs?: number;
  /** Called after each COMMIT with the number of records and rows in it. */
  readonly onCommitted?: (records: number) => void;
}

/** What the log has done since it was opened. */
export interface EmbeddedLogCounts {
  readonly commits: number;
  /** Transactions that could not be committed and were undone. */
  readonly failures: number;
  /** Records and rows in committed transactions. */
  readonly records: number;
  /** Batches that retention or compaction removed. */
  readonly removedBatches: number;
  /** Records that retention removed before a group or reader came to them. */
  readonly skippedRecords: number;
}
