/** Topics as they are there, to be compared with what a topology needs. */

/**
 * A compacted topic keeps what was superseded for so long, so that a replay can read it (rule D12).
 */
export const COMPACTION_LAG_MS = 24 * 3_600_000;

export interface FoundTopic {
  readonly partitions: number;
  /** As Kafka writes it: `delete`, `compact`, or both with a comma, in any order. */
  readonly cleanup: string;
  /** Infinite: for ever. Undefined: the log does not tell. */
  readonly retentionMs?: number;
  /** For how long what was superseded is kept at least. */
  readonly compactionLagMs?: number;
  /** Of the partition that has the fewest; undefined where there is only one copy anyway. */
  readonly replicas?: number;
}
