/** When tasks commit, by the log below them (design: the two ways to run). */
import type { CommitPolicy } from '../../runtime/unit.ts';

/** The embedded log groups commits itself: a task hands over what it has after every slice. */
export const EMBEDDED_STREAMS: CommitPolicy = { minMs: 0, maxMs: 0, recordsMax: 1 };
/** The inbox in the file: its offsets go with its rows, into the same transaction. */
export const EMBEDDED_IN_FILE: CommitPolicy = { minMs: 0, maxMs: 0, recordsMax: 1 };
export const EMBEDDED_SINKS: CommitPolicy = { minMs: 20, maxMs: 100, recordsMax: 5_000 };
/** A transactional id per task costs about 3 CPU-ms a transaction: not more often than this. */
export const KAFKA_STREAMS: CommitPolicy = {
  minMs: 25,
  maxMs: 100,
  recordsMax: 10_000,
  offsetsOnlyMs: 1_000,
};
export const KAFKA_SINKS: CommitPolicy = { minMs: 250, maxMs: 1_000, recordsMax: 10_000 };
