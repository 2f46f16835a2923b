/**
 * The log, as the engine sees it: topics of partitions of record batches, task groups that share
 * the partitions, commits that are one transaction. Twins behind this port: connectors/embedded
 * (one SQLite file), connectors/kafka, and the in-memory one of the test driver. All pass one
 * contract suite (test/contract/log.ts).
 */
import type { Diagnostic } from './error.ts';
import type { Record } from './record.ts';

export interface TopicSpec {
  readonly name: string;
  readonly partitions: number;
  readonly cleanup: 'delete' | 'compact' | 'compact,delete';
  /** Milliseconds; undefined: the deployment's default (7 d). */
  readonly retentionMs?: number;
}

/**
 * Records of one topic partition, encoded as a Kafka record batch (v2, uncompressed, base offset
 * and CRC still 0). Written once by runtime or a producer, stored or sent as it is.
 */
export interface EncodedBatch {
  readonly topic: string;
  readonly partition: number;
  readonly count: number;
  readonly bytes: Buffer;
  readonly maxTimestamp: number;
}

/**
 * Records of one topic partition as they lie in the log: one record batch, v2, uncompressed, handed
 * from the log to the task without being taken apart. Its bytes are never written again.
 */
export interface LogBatch {
  readonly topic: string;
  readonly partition: number;
  /** From the batch's header on; empty: there are no records, only the position moves on. */
  readonly bytes: Buffer;
  /** What the offset deltas of its records count from; the one in the header is not looked at. */
  readonly baseOffset: number;
  /** Records below it were read before: a position may lie in the middle of a batch. */
  readonly from: number;
  /** What to commit after its last record; it may lie beyond (control records, compacted ones). */
  readonly nextOffset: number;
}

export interface CommittedOffset {
  readonly topic: string;
  /** The next offset to read. */
  readonly offset: number;
  /** At most 4096 bytes; empty for none. */
  readonly metadata: string;
}

/**
 * What one task has done since its last commit: outputs, changelog records, how far it has read.
 */
export interface UnitPart {
  /** The task's. */
  readonly partition: number;
  readonly batches: readonly EncodedBatch[];
  readonly offsets: readonly CommittedOffset[];
}

/**
 * What all tasks of one member have done. It becomes visible as a whole or not at all; where a log
 * can only do so task by task (kafkajs, which lacks KIP-447), each part does.
 */
export interface CommitUnit {
  readonly parts: readonly UnitPart[];
}

/**
 * A group of tasks. Task p is partition p of every input, table and changelog together, so all of
 * them have the same number of partitions; a member of the group gets whole tasks.
 */
export interface GroupSpec {
  /** The consumer group's id: `reno.streams.critical`. */
  readonly group: string;
  readonly partitions: number;
  /** Read from the committed offset, or from the start when there is none. */
  readonly inputs: readonly string[];
  /**
   * Compacted topics; read from the start to their end before `ready`, then followed. Not
   * committed.
   */
  readonly tables: readonly string[];
  /** Stores and their changelog topics (compacted); restored before `ready`. */
  readonly stores: readonly { readonly store: string; readonly changelog: string }[];
  /**
   * True: a commit is one transaction, inputs are read read_committed, a lost task is fenced (D2).
   * False: outputs first, then offsets; at least once.
   */
  readonly transactional: boolean;
  /** True: its tasks ask whether inputs are at their ends (`TaskPort.isAtEnd`). */
  readonly inOrder?: boolean;
  /** Members with another hash never share tasks (D13). */
  readonly topologyHash: string;
}

/** The log's side of a member: what commits for all of its tasks. */
export interface UnitPort {
  /**
   * True: once a commit has succeeded, nothing here refers to the bytes of its batches, and the
   * tasks write over them. Absent: they are the log's for good.
   */
  readonly givesBack?: boolean;
  /**
   * Commits; the next call comes when this one has ended. The embedded log takes it synchronously
   * into its open transaction and returns undefined; others return a promise. A throw or rejection
   * means that nothing of the unit was committed: `close('fenced')` has come, or comes, for every
   * task with a part in it. A log that loses one part alone (kafkajs) has closed that part's task
   * with `fenced` when it resolves; the other parts stand.
   */
  commit(unit: CommitUnit): Promise<void> | undefined;
}

/** The log's side of a task. */
export interface TaskPort {
  readonly partition: number;
  /** Shared by all tasks of the member. */
  readonly unit: UnitPort;
  /** The metadata that was committed with each input's offset. Known when `ready` is called. */
  committedMetadata(topic: string): string;
  /**
   * The next batch of an input, in offset order, from its committed offset on; undefined: there is
   * none now, and the host is woken when there is. The log reads a bounded way ahead of what is
   * taken, and no further: this is all the back-pressure there is.
   */
  take(topic: string): LogBatch | undefined;
  /**
   * True when nothing of an input lies behind what was taken, as far as the log knows; the host is
   * woken when that becomes true. False: more is there, or the log has not asked yet. Only for
   * groups that are `inOrder`.
   */
  isAtEnd(topic: string): boolean;
  /** The task cannot go on (a broken invariant): it is closed, and its group member with it. */
  fail(error: Error): void;
}

/** The engine's side of a task. Calls never overlap. */
export interface TaskHost {
  /** Records of a store's changelog, in order; a null value deletes. */
  restore(store: string, batch: LogBatch): void;
  /** Rows of a table, in order; before `ready` its history, later its updates. */
  table(topic: string, batch: LogBatch): void;
  /** Stores and tables are at their ends; `take` gives batches from now on. */
  ready(): void;
  /** One of its inputs has something to take. */
  wake(): void;
  /**
   * The group is about to change, and the task may be taken away: commit what has been done. It
   * goes on meanwhile; what is done later is committed later, or void.
   */
  settle?(): Promise<void>;
  /**
   * All rows of its stores, as batches of their changelogs, when all of them were taken into a
   * commit; undefined: they were not, or the task has failed. Asked after it has closed; each batch
   * is good until the next one is asked for.
   */
  snapshot?(): Iterable<{ readonly store: string; readonly bytes: Buffer }> | undefined;
  /**
   * The task is taken away. `revoked`, `stopped`: finish and commit what can be (the port still
   * commits); `fenced`: drop everything.
   */
  close(why: 'revoked' | 'stopped' | 'fenced'): Promise<void>;
}

export interface GroupHost {
  open(port: TaskPort): TaskHost;
}

export interface Group {
  /** Tasks that this member holds now. */
  readonly tasks: readonly number[];
  /** Leaves the group after closing its tasks with `stopped`. */
  close(): Promise<void>;
  /** How far behind each input partition of its tasks is: end offset minus committed. */
  lag(): Promise<readonly { topic: string; partition: number; lag: number }[]>;
  /**
   * What its tasks still read back of stores and tables before they begin: the next offset and the
   * end. Absent: it is read at once.
   */
  restoring?(): readonly { topic: string; partition: number; position: number; end: number }[];
  /**
   * Offsets of its inputs that were deleted from the log (retention) before this member had read
   * them, since it was opened; partitions that lost none are left out. Each loss is also said with
   * its first and last offset.
   */
  missed(): readonly { topic: string; partition: number; offsets: number }[];
}

/** Non-transactional writes: ingest, gateway, outcomes, tools. */
export interface Producer {
  /**
   * Resolves when all batches are durable (Kafka: acks all); gives the offset of each batch's first
   * record. Rejects with a retryable CarillonError when the log is away.
   */
  send(batches: readonly EncodedBatch[]): Promise<readonly number[]>;
  close(): Promise<void>;
}

export interface ReadOptions {
  /** Where to begin: the start, the end, or the first record at or after a time (epoch ms). */
  readonly from: 'start' | 'end' | number;
  /** True: go on when the end is reached; false: stop at the end as it was at the call. */
  readonly follow: boolean;
  readonly signal?: AbortSignal;
}

/** Where a group stands in one partition. */
export interface GroupPosition {
  readonly topic: string;
  readonly partition: number;
  /** The next offset to read; -1: nothing was committed yet. */
  readonly offset: number;
  readonly metadata: string;
}

/** The first offset of a partition that is still there, and the end of what is committed. */
export interface TopicBounds {
  readonly start: number;
  readonly end: number;
}

/** Positions of groups, to be looked at from outside. */
export interface PositionReader {
  /** Of all partitions of the topics; a topic that is not there has none. */
  committed(group: string, topics: readonly string[]): Promise<readonly GroupPosition[]>;
  /** By partition; undefined: there is no such topic. */
  bounds(topic: string): Promise<readonly TopicBounds[] | undefined>;
  /** By partition: the first offset whose record is at or after a time; the end for none. */
  offsetsAt(topic: string, timeMs: number): Promise<readonly number[]>;
  /** The names of all topics. */
  topics(): Promise<readonly string[]>;
}

/** For edits of a topology, which move positions from one group to another. */
export interface LogPositions extends PositionReader {
  /** How many members a group has now. */
  members(group: string): Promise<number>;
  /** Rejects with CAR653 while the group has members. */
  set(group: string, positions: readonly GroupPosition[]): Promise<void>;
  /**
   * Runs `body` while no other process is in a body of this topic, which has one partition.
   * Resolves without running it when `isDone` becomes true while it waits. `stillAlone` throws
   * CAR654 when the turn was lost to another process meanwhile.
   */
  alone(
    topic: string,
    isDone: () => Promise<boolean>,
    body: (stillAlone: () => void) => Promise<void>,
  ): Promise<void>;
}

/** A log whose groups can be given other positions. */
export interface EditableLog extends Log {
  readonly positions: LogPositions;
}

export interface Log {
  /** Creates what is missing; throws CAR6xx when a topic is there with other partitions. */
  applyTopics(specs: readonly TopicSpec[]): Promise<void>;
  partitionsOf(topic: string): Promise<number | undefined>;
  producer(): Promise<Producer>;
  openGroup(spec: GroupSpec, host: GroupHost): Promise<Group>;
  /** For tools: all partitions of a topic, committed records only, partitions interleaved. */
  read(topic: string, options: ReadOptions): AsyncIterable<readonly Record[]>;
  /**
   * Follows a compacted topic in full, all partitions: resolves when its end (as it was at the
   * call) has been handed over; then goes on with updates until closed.
   */
  follow(
    topic: string,
    onRecords: (records: readonly Record[]) => void,
  ): Promise<{ close(): Promise<void> }>;
  /** Rejects with a CarillonError when the log cannot be reached. */
  probe(): Promise<void>;
  /**
   * What a person should know of now: errors keep something from being read or opened, warnings
   * have been met or are a risk. Each was logged when it came up; for health, and for the words at
   * start (after `applyTopics`).
   */
  troubles(): readonly Diagnostic[];
  close(): Promise<void>;
}
