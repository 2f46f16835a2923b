/**
 * The log of an embedded deployment: topics and offsets in one SQLite file, written by this object
 * alone, in one transaction at a time (see transaction.ts for when it commits). Groups inside the
 * log see what is appended at once; what leaves the process waits for COMMIT: the acks of
 * producers, `read`, `follow`, groups that are not transactional, and everything over the bridge.
 */
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../../core/clock.ts';
import { CarillonError, type Diagnostic } from '../../core/error.ts';
import type {
  CommitUnit,
  EditableLog,
  EncodedBatch,
  Group,
  GroupHost,
  GroupSpec,
  LogBatch,
  LogPositions,
  Producer,
  ReadOptions,
  TopicSpec,
} from '../../core/log.ts';
import type { Record } from '../../core/record.ts';
import { readBatch } from '../../core/record-batch.ts';
import { Checkpoints } from './checkpoints.ts';
import {
  DATABASE_FILE,
  diskFullError,
  type OpenDatabase,
  openDatabase,
  writeError,
} from './database.ts';
import { moveFormerFile } from './former-file.ts';
import { Groups, topicsOf } from './groups.ts';
import { type Chore, Housekeeping } from './housekeeping.ts';
import type { MemberLog } from './member.ts';
import type { EmbeddedLogCounts, EmbeddedLogOptions } from './options.ts';
import type { Partition } from './partition.ts';
import { embeddedPositions, positionReader } from './positions.ts';
import { Storage } from './storage.ts';
import { Subscription } from './subscription.ts';
import { TableFeeds } from './table-feeds.ts';
import { Transaction } from './transaction.ts';

export type { EmbeddedLogCounts, EmbeddedLogOptions } from './options.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const BYTES_MAX = 1024 ** 3;
/** What one COMMIT writes as one row. */
const COMMIT_BYTES_MAX = 8 * 1024 * 1024;

/**
 * Throws CAR601 (folder), CAR602 (in use by another process), CAR603 (file), CAR613 (full disk).
 */
export function openEmbeddedLog(options: EmbeddedLogOptions): EmbeddedLog {
  return new EmbeddedLog(options);
}

export class EmbeddedLog implements EditableLog {
  readonly dir: string;
  readonly clock: Clock;
  /** By topic and partition: offsets that retention took unread. */
  readonly #missed = new Map<string, number>();
  readonly #counts = { commits: 0, failures: 0, records: 0, removedBatches: 0, skippedRecords: 0 };
  /** For the other tables of the file (inbox, schema ids): statements are run inside `write`. */
  readonly connection: DatabaseSync;
  readonly #file: OpenDatabase;
  readonly #storage: Storage;
  readonly #transaction: Transaction;
  readonly #tables = new TableFeeds();
  readonly #groups: Groups;
  readonly positions: LogPositions;
  readonly #subscriptions = new Set<Subscription>();
  readonly #housekeeping: Housekeeping;
  readonly #checkpoints: Checkpoints;
  readonly #options: EmbeddedLogOptions;
  #trouble: CarillonError | undefined;
  /** The file was removed or replaced under us; looked at each second. */
  #gone: CarillonError | undefined;
  #closed = false;

  constructor(options: EmbeddedLogOptions) {
    this.dir = options.dir;
    this.clock = options.clock;
    this.#options = options;
    this.#file = openDatabase({
      dir: options.dir,
      synchronous: options.synchronous ?? 'normal',
      fileBytesMax: options.fileBytesMax,
    });
    this.connection = this.#file.db;
    this.#checkpoints = new Checkpoints(join(options.dir, DATABASE_FILE));
    this.#moveFormerFile(options.clock.now());
    this.#storage = new Storage(this.connection);
    const { topics, offsets } = this.#storage;
    this.#groups = new Groups(this.#storage, options.clock);
    this.positions = embeddedPositions(positionReader(topics, offsets), {
      isOpen: (group) => this.#groups.isOpen(group),
      set: (group, positions) => this.write(0, () => this.#storage.setPositions(group, positions)),
      committed: () => this.committed(),
    });
    this.#transaction = new Transaction(this.connection, {
      commitMinMs: options.commitMinMs ?? 5,
      commitMaxMs: options.commitMaxMs ?? 100,
      commitRecordsMax: options.commitRecordsMax ?? 50_000,
      busy: () => this.#tables.busy,
      beforeCommit: () => this.#beforeCommit(),
      committed: (records) => this.#afterCommit(records),
      failed: (error) => this.#afterFailure(error),
      toError: (cause) => writeError(this.dir, cause),
    });
    this.#housekeeping = new Housekeeping({
      clock: options.clock,
      topics,
      offsets,
      retentionMs: options.retentionMs ?? 7 * DAY_MS,
      bytesMax: options.bytesMax ?? BYTES_MAX,
      compactionLagMs: options.compactionLagMs ?? DAY_MS,
      marks: () => this.#groups.marks(),
      dropped: (dropped) => {
        const { topic, partition, first, last } = dropped;
        this.#counts.skippedRecords += last - first + 1;
        const at = `${topic}/${partition}`;
        this.#missed.set(at, (this.#missed.get(at) ?? 0) + last - first + 1);
        options.onDroppedUnread?.(dropped);
      },
      removed: (rows) => {
        this.#counts.removedBatches += rows;
      },
      write: (body) => this.write(0, body),
      look: () => {
        this.#gone = this.#file.gone();
        this.#trouble ??= this.#gone;
      },
    });
    this.#housekeeping.start();
  }

  get counts(): EmbeddedLogCounts {
    return { ...this.#counts, bytesWritten: this.#checkpoints.bytesWritten };
  }

  async applyTopics(specs: readonly TopicSpec[]): Promise<void> {
    this.#mustBeOpen();
    this.#storage.topics.check(specs);
    // A topic must not go away again with somebody else's records: a transaction of its own.
    this.#transaction.flush();
    try {
      this.write(0, () => this.#storage.topics.add(specs));
      this.#transaction.flush();
    } catch (error) {
      // It is the first that a start writes: whoever starts it can do something about it.
      throw diskFullError(this.dir, (error as Error).cause) ?? error;
    }
  }

  async partitionsOf(topic: string): Promise<number | undefined> {
    return this.#storage.topics.spec(topic)?.partitions;
  }

  async producer(): Promise<Producer> {
    this.#mustBeOpen();
    let open = true;
    return {
      send: (batches) => {
        if (!open) return Promise.reject(closedError('The producer is closed.'));
        return this.#send(batches);
      },
      close: async () => {
        open = false;
        await this.committed();
      },
    };
  }

  async openGroup(spec: GroupSpec, host: GroupHost): Promise<Group> {
    this.#mustBeOpen();
    for (const topic of topicsOf(spec)) {
      const { partitions } = this.#storage.topics.partition(topic, 0).spec;
      if (partitions === spec.partitions) continue;
      const what = `Group ${spec.group} has ${spec.partitions} tasks, but ${topic} has ${partitions} partitions.`;
      throw new CarillonError('CAR604', what, { where: { at: topic } });
    }
    return this.#groups.open(spec, host, this.#memberLog());
  }

  async *read(topic: string, options: ReadOptions): AsyncGenerator<readonly Record[]> {
    for await (const batch of this.readBatches(topic, options)) yield readBatch(batch);
  }

  /** As `read`, in batches as bytes. */
  readBatches(topic: string, options: ReadOptions): AsyncGenerator<LogBatch> {
    this.#mustBeOpen();
    return this.#subscribe(topic, options.from).batches(options);
  }

  async follow(
    topic: string,
    onRecords: (records: readonly Record[]) => void,
  ): Promise<{ close(): Promise<void> }> {
    return this.followBatches(topic, (batch) => onRecords(readBatch(batch)));
  }

  /** As `follow`, in batches as bytes. */
  async followBatches(
    topic: string,
    onBatch: (batch: LogBatch) => void,
  ): Promise<{ close(): Promise<void> }> {
    this.#mustBeOpen();
    const subscription = this.#subscribe(topic, 'start');
    await subscription.follow(onBatch);
    return { close: async () => subscription.close() };
  }

  troubles(): readonly Diagnostic[] {
    if (!this.#housekeeping.isFull) return [];
    return [fullError(this.dir, this.#storage.topics.blocks.bytes)];
  }

  async probe(): Promise<void> {
    this.#mustBeOpen();
    if (this.#trouble !== undefined) throw this.#trouble;
  }

  /**
   * Runs `body` in the open transaction; `records` counts towards its size. Throws CAR606 when the
   * file cannot be written; then everything in the transaction is undone.
   */
  write<T>(records: number, body: () => T): T {
    this.#mustBeOpen();
    return this.#transaction.write(records, body);
  }

  /** True while something is written that a crash would take back. */
  get hasUncommitted(): boolean {
    return this.#transaction.isOpen;
  }

  /** Resolves when all that was written so far is committed; rejects when it was undone. */
  committed(): Promise<void> {
    return this.#transaction.committed();
  }

  /** Adds work that is done in pieces, inside the transaction. Returns what takes it away again. */
  addChore(chore: Chore): () => void {
    return this.#housekeeping.addChore(chore);
  }

  /** All of retention, compaction and chores that is due, now; it is done in pieces anyway. */
  sweep(): void {
    this.#housekeeping.run();
  }

  /** Closes the groups (`stopped`), commits, closes the file. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#housekeeping.stop();
    const closed = await Promise.allSettled(this.#groups.all.map((group) => group.close()));
    for (const subscription of this.#subscriptions) subscription.close();
    try {
      this.#transaction.flush();
    } finally {
      this.#closed = true;
      this.#transaction.stop();
      await this.#checkpoints.stop();
      this.#file.close(true);
    }
    for (const result of closed) if (result.status === 'rejected') throw result.reason;
  }

  /** Drops what is not committed and lets go of the file, as the death of the process does. */
  abandon(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#housekeeping.stop();
    for (const group of this.#groups.all) group.abandon();
    this.#transaction.abandon(closedError('The log was abandoned.'));
    for (const subscription of this.#subscriptions) subscription.close();
    this.#transaction.stop();
    void this.#checkpoints.stop();
    this.#file.close(false);
  }

  #subscribe(topic: string, from: ReadOptions['from']): Subscription {
    const partitions = this.#storage.topics.partitionsOf(topic);
    const subscription = new Subscription(partitions, from, () => {
      this.#subscriptions.delete(subscription);
    });
    this.#subscriptions.add(subscription);
    return subscription;
  }

  async #send(batches: readonly EncodedBatch[]): Promise<readonly number[]> {
    this.#mustBeOpen();
    const { topics } = this.#storage;
    const partitions = this.#storage.check(batches);
    if (this.#housekeeping.isFull) throw fullError(this.dir, topics.blocks.bytes);
    const offsets = this.write(0, () => this.#append(batches, partitions));
    this.#storage.wake(partitions, true);
    await this.committed();
    return offsets;
  }

  #memberLog(): MemberLog {
    return {
      tables: this.#tables,
      offsets: this.#storage.offsets,
      partition: (topic, partition) => this.#storage.topics.partition(topic, partition),
      commit: (group, unit) => this.#commit(group, unit),
      missed: (topic, partition) => this.#missed.get(`${topic}/${partition}`) ?? 0,
      taken: () => this.#transaction.busy(),
      committed: () => this.committed(),
    };
  }

  #commit(group: string, { parts }: CommitUnit): void {
    this.#mustBeOpen();
    const batches = parts.flatMap((part) => part.batches);
    const partitions = this.#storage.check(batches);
    for (const { partition, offsets } of parts) {
      for (const { topic } of offsets) this.#storage.topics.partition(topic, partition);
    }
    this.#transaction.write(0, () => {
      this.#append(batches, partitions);
      for (const { partition, offsets } of parts) {
        this.#storage.setOffsets(group, partition, offsets);
      }
    });
    this.#storage.wake(partitions, true);
  }

  #append(batches: readonly EncodedBatch[], partitions: readonly Partition[]): number[] {
    const records = batches.reduce((sum, { count }) => sum + count, 0);
    const offsets = this.#storage.append(batches, partitions);
    this.#transaction.count(records, this.#storage.pendingBytes >= COMMIT_BYTES_MAX);
    return offsets;
  }

  /** Nothing is acknowledged that went into a file which nobody finds again. */
  #beforeCommit(): void {
    if (this.#gone !== undefined) throw this.#gone;
    this.#storage.write(this.clock.now());
  }

  #afterCommit(records: number): void {
    this.#counts.commits++;
    this.#counts.records += records;
    this.#trouble = undefined;
    for (const group of this.#groups.all) group.settled();
    if (this.#storage.committed()) {
      for (const subscription of this.#subscriptions) subscription.wake();
    }
    const { bytes } = this.#storage.topics.blocks;
    const isMuch = bytes > (this.#options.bytesMax ?? BYTES_MAX);
    if (isMuch && !this.#housekeeping.isFull) this.#housekeeping.nudge();
    this.#checkpoints.committed();
    this.#options.onCommitted?.(records);
  }

  #afterFailure(error: CarillonError): void {
    this.#counts.failures++;
    this.#trouble = error;
    for (const group of this.#groups.all) group.fence();
    this.#storage.reload();
    this.#housekeeping.reset();
  }

  #moveFormerFile(nowMs: number): void {
    try {
      moveFormerFile(this.connection, nowMs);
    } catch (cause) {
      this.#file.close(false);
      throw diskFullError(this.dir, cause) ?? writeError(this.dir, cause);
    }
  }

  #mustBeOpen(): void {
    if (this.#closed) throw closedError(`The log in ${this.dir} is closed.`);
  }
}

function closedError(what: string): CarillonError {
  return new CarillonError('CAR607', what);
}

function fullError(dir: string, bytes: number): CarillonError {
  const what =
    `The log in ${dir} is full: ${bytes} bytes of records are kept, ` +
    'and of what is left nothing is read by all of its groups.';
  return new CarillonError('CAR612', what, { where: { at: dir }, retryable: true });
}
