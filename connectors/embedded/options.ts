/** What the embedded log can be told, and what it tells of itself. */
import type { Clock } from '../../core/clock.ts';
import type { DroppedUnread } from './retention.ts';

export interface EmbeddedLogOptions {
  /** The data folder; created when it is not there. */
  readonly dir: string;
  /** Retention and compaction keep to it; COMMITs keep to timers. */
  readonly clock: Clock;
  /** Topics without a retention of their own keep records this long; 7 d by default. */
  readonly retentionMs?: number;
  /**
   * Batches of all `delete` topics together, bytes; 1 GiB by default. Of what every group has read
   * the oldest go first; when there is no more of that, what is new is refused (CAR612).
   */
  readonly bytesMax?: number;
  /** The file's largest size, bytes, inbox included; no limit by default. */
  readonly fileBytesMax?: number;
  /** The shortest time between two COMMITs; 5 ms by default. */
  readonly commitMinMs?: number;
  /** The longest time that a transaction is open; 100 ms by default. */
  readonly commitMaxMs?: number;
  /** The most records and inbox rows in one transaction; 50,000 by default. */
  readonly commitRecordsMax?: number;
  /**
   * `full` waits for the disk at each COMMIT; see database.ts for what each loses at a power cut.
   */
  readonly synchronous?: 'normal' | 'full';
  /** How old a record must be before a newer one of its key may take its place (D12); 24 h. */
  readonly compactionLagMs?: number;
  /** Called after each COMMIT with the number of records and rows in it. */
  readonly onCommitted?: (records: number) => void;
  /** Called when retention takes records that a group had yet to read. */
  readonly onDroppedUnread?: (dropped: DroppedUnread) => void;
}

/** What the log has done since it was opened. */
export interface EmbeddedLogCounts {
  readonly commits: number;
  /** Transactions that could not be committed and were undone. */
  readonly failures: number;
  /** Records and rows in committed transactions. */
  readonly records: number;
  /** Rows of batches that retention or compaction removed. */
  readonly removedBatches: number;
  /** Records that retention removed before a group had read them. */
  readonly skippedRecords: number;
  /** Written to the WAL and by its checkpoints to the file, bytes; inbox included. */
  readonly bytesWritten: number;
}
