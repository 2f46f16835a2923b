/**
 * The log of an embedded deployment: topics and offsets in one SQLite file, written by this object
 * alone, in one transaction at a time (see transaction.ts for when it commits). Groups inside the
 * log see what is appended at once; what leaves the process waits for COMMIT: the acks of
 * producers, `read`, `follow`, groups that are not transactional, and everything over the bridge.
 */
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../../core/clock.ts';
import { CarillonError } from '../../core/error.ts';
import type {
  CommitUnit,
  EncodedBatch,
  Group,
  GroupHost,
  GroupSpec,
  Log,
  LogBatch,
  Producer,
  ReadOptions,
  TopicSpec,
} from '../../core/log.ts';
import type { Record } from '../../core/record.ts';
import { readBatch } from '../../core/record-batch.ts';
import { RecordScan } from '../../core/record-scan.ts';
import { Checkpoints } from './checkpoints.ts';
import { DATABASE_FILE, type OpenDatabase, openDatabase, writeError } from './database.ts';
import { moveFormerState } from './former-state.ts';
import { EmbeddedGroup } from './group.ts';
import { Housekeeping, type Sweep } from './housekeeping.ts';
import type { MemberLog } from './member.ts';
import { Offsets } from './offsets.ts';
import type { EmbeddedLogCounts, EmbeddedLogOptions } from './options.ts';
import type { Partition } from './partition.ts';
import type { PartitionReader } from './partition-reader.ts';
import { Subscription } from './subscription.ts';
import { TableFeeds } from './table-feeds.ts';
import { Topics } from './topics.ts';
import { Transaction } from './transaction.ts';

export type { EmbeddedLogCounts, EmbeddedLogOptions } from './options.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

/** Throws CAR601 (folder), CAR602 (in use by another process), CAR603 (file). */
export function openEmbeddedLog(options: EmbeddedLogOptions): EmbeddedLog {
  return new EmbeddedLog(options);
}

export class EmbeddedLog implements Log {
  readonly dir: string;
  readonly clock: Clock;
  readonly #counts = { commits: 0, failures: 0, records: 0, removedBatches: 0 };
  /** For the other tables of the file (inbox, schema ids): statements are run inside `write`. */
  readonly connection: DatabaseSync;
  readonly #file: OpenDatabase;
  readonly #topics: Topics;
  readonly #offsets: Offsets;
  readonly #transaction: Transaction;
  readonly #tables = new TableFeeds();
  readonly #groups = new Map<string, EmbeddedGroup>();
  readonly #subscriptions = new Set<Subscription>();
  readonly #housekeeping: Housekeeping;
  readonly #checkpoints: Checkpoints;
  readonly #onCommitted: ((records: number) => void) | undefined;
  /** Partitions that were appended to in the open transaction. */
  readonly #touched = new Set<Partition>();
  readonly #woken = new Set<PartitionReader>();
  #isWaking = false;
  #trouble: CarillonError | undefined;
  /** The file was removed or replaced under us; looked at each second. */
  #gone: CarillonError | undefined;
  #closed = false;

  constructor(options: EmbeddedLogOptions) {
    this.dir = options.dir;
    this.clock = options.clock;
    this.#onCommitted = options.onCommitted;
    this.#file = openDatabase({
      dir: options.dir,
      synchronous: options.synchronous ?? 'normal',
      fileBytesMax: options.fileBytesMax,
    });
    this.connection = this.#file.db;
    this.#checkpoints = new Checkpoints(join(options.dir, DATABASE_FILE));
    this.#topics = new Topics(this.connection);
    moveFormerState(this.connection, this.#topics, options.clock.now());
    this.#offsets = new Offsets(this.connection);
    this.#offsets.load();
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
      topics: this.#topics,
      counts: this.#counts,
      retentionMs: options.retentionMs ?? 7 * DAY_MS,
      bytesMax: options.bytesMax ?? 1024 ** 3,
      compactionLagMs: options.compactionLagMs ?? DAY_MS,
      write: (body) => this.write(0, body),
      look: () => {
        this.#gone = this.#file.gone();
        this.#trouble ??= this.#gone;
      },
    });
    this.#housekeeping.start();
  }

  get counts(): EmbeddedLogCounts {
    let skippedRecords = 0;
    for (const { skipped } of this.#topics.all()) skippedRecords += skipped;
    return { ...this.#counts, skippedRecords };
  }

  async applyTopics(specs: readonly TopicSpec[]): Promise<void> {
    this.#mustBeOpen();
    this.#topics.check(specs);
    // A topic must not go away again with somebody else's records: a transaction of its own.
    this.#transaction.flush();
    this.write(0, () => this.#topics.add(specs));
    this.#transaction.flush();
  }

  async partitionsOf(topic: string): Promise<number | undefined> {
    return this.#topics.spec(topic)?.partitions;
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
    if (this.#groups.has(spec.group)) {
      throw new CarillonError('CAR608', `Group ${spec.group} is open already.`, {
        where: { at: spec.group },
      });
    }
    const changelogs = spec.stores.map(({ changelog }) => changelog);
    for (const topic of [...spec.inputs, ...spec.tables, ...changelogs]) {
      const { partitions } = this.#topics.partition(topic, 0).spec;
      if (partitions === spec.partitions) continue;
      const what = `Group ${spec.group} has ${spec.partitions} tasks, but ${topic} has ${partitions} partitions.`;
      throw new CarillonError('CAR604', what, { where: { at: topic } });
    }
    const group = new EmbeddedGroup(spec, host, this.#memberLog(), () => {
      if (this.#groups.get(spec.group) === group) this.#groups.delete(spec.group);
    });
    this.#groups.set(spec.group, group);
    try {
      await group.open();
    } catch (error) {
      await group.close().catch(() => {});
      throw error;
    }
    return group;
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

  troubles(): [] {
    return [];
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

  /** Resolves when all that was written so far is committed; rejects when it was undone. */
  committed(): Promise<void> {
    return this.#transaction.committed();
  }

  /** Adds a bounded piece of work that is done each second, inside the transaction. */
  addSweep(sweep: Sweep): () => void {
    return this.#housekeeping.addSweep(sweep);
  }

  /** One piece of retention, compaction and sweeping now; it is done each second anyway. */
  sweep(): void {
    this.#housekeeping.run();
  }

  /** Closes the groups (`stopped`), commits, closes the file. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#housekeeping.stop();
    const groups = [...this.#groups.values()];
    const closed = await Promise.allSettled(groups.map((group) => group.close()));
    for (const subscription of this.#subscriptions) subscription.close();
    try {
      this.#transaction.flush();
    } finally {
      this.#closed = true;
      this.#transaction.stop();
      await this.#checkpoints.stop();
      this.#file.close();
    }
    for (const result of closed) if (result.status === 'rejected') throw result.reason;
  }

  /** Drops what is not committed and lets go of the file, as the death of the process does. */
  abandon(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#housekeeping.stop();
    for (const group of this.#groups.values()) group.abandon();
    this.#transaction.abandon(closedError('The log was abandoned.'));
    for (const subscription of this.#subscriptions) subscription.close();
    this.#transaction.stop();
    void this.#checkpoints.stop();
    this.#file.close();
  }

  #subscribe(topic: string, from: ReadOptions['from']): Subscription {
    const partitions = this.#topics.partitionsOf(topic);
    const subscription = new Subscription(partitions, from, () => {
      this.#subscriptions.delete(subscription);
    });
    this.#subscriptions.add(subscription);
    return subscription;
  }

  async #send(batches: readonly EncodedBatch[]): Promise<readonly number[]> {
    this.#mustBeOpen();
    const partitions = this.#check(batches);
    const offsets = this.write(0, () => this.#append(batches, partitions));
    this.#wakeReaders(partitions, true);
    await this.committed();
    return offsets;
  }

  #memberLog(): MemberLog {
    return {
      tables: this.#tables,
      offsets: this.#offsets,
      partition: (topic, partition) => this.#topics.partition(topic, partition),
      commit: (group, unit) => this.#commit(group, unit),
      taken: () => this.#transaction.busy(),
      committed: () => this.committed(),
    };
  }

  #commit(group: string, { parts }: CommitUnit): void {
    this.#mustBeOpen();
    const batches = parts.flatMap((part) => part.batches);
    const partitions = this.#check(batches);
    const inputs = parts.flatMap(({ partition, offsets }) =>
      offsets.map((offset) => ({ of: this.#topics.partition(offset.topic, partition), offset })),
    );
    this.#transaction.write(0, () => {
      this.#append(batches, partitions);
      for (const { of, offset } of inputs) this.#offsets.set(group, of.slot, offset);
    });
    this.#wakeReaders(partitions, true);
  }

  /** What can be refused is refused before anything is written. */
  #check(batches: readonly EncodedBatch[]): Partition[] {
    return batches.map((batch) => {
      const partition = this.#topics.partition(batch.topic, batch.partition);
      const at = `${batch.topic}/${batch.partition}`;
      if (batch.count < 1) {
        throw new CarillonError('CAR609', `A batch for ${at} has no records.`, { where: { at } });
      }
      if (partition.spec.cleanup !== 'delete' && hasNullKey(batch.bytes)) {
        const what = `A batch for ${at} has a record without a key, but the topic is compacted.`;
        throw new CarillonError('CAR609', what, { where: { at } });
      }
      return partition;
    });
  }

  #append(batches: readonly EncodedBatch[], partitions: readonly Partition[]): number[] {
    let records = 0;
    const nowMs = this.clock.now();
    const offsets = batches.map((batch, i) => {
      const partition = partitions[i]!;
      const base = partition.append(batch, nowMs);
      records += batch.count;
      this.#touched.add(partition);
      return base;
    });
    this.#transaction.count(records);
    return offsets;
  }

  /** Nothing is acknowledged that went into a file which nobody finds again. */
  #beforeCommit(): void {
    if (this.#gone !== undefined) throw this.#gone;
    this.#offsets.write();
  }

  #afterCommit(records: number): void {
    this.#counts.commits++;
    this.#counts.records += records;
    this.#trouble = undefined;
    for (const group of this.#groups.values()) group.settled();
    const touched = [...this.#touched];
    this.#touched.clear();
    for (const partition of touched) partition.committedOffset = partition.nextOffset;
    this.#wakeReaders(touched, false);
    this.#checkpoints.committed(records);
    this.#onCommitted?.(records);
  }

  #afterFailure(error: CarillonError): void {
    this.#counts.failures++;
    this.#trouble = error;
    this.#touched.clear();
    for (const group of this.#groups.values()) group.fence();
    this.#topics.reload();
    this.#offsets.load();
  }

  /** Those who see what is not committed yet, or those who do not. */
  #wakeReaders(partitions: Iterable<Partition>, speculative: boolean): void {
    for (const partition of partitions) {
      for (const reader of partition.readers) {
        if (reader.speculative === speculative) this.#woken.add(reader);
      }
    }
    if (this.#isWaking) return;
    this.#isWaking = true;
    try {
      // Who is woken may append in turn; those readers are woken after it, never within.
      for (const reader of this.#woken) {
        this.#woken.delete(reader);
        reader.wake();
      }
    } finally {
      this.#isWaking = false;
    }
  }

  #mustBeOpen(): void {
    if (this.#closed) throw closedError(`The log in ${this.dir} is closed.`);
  }
}

/** True when a record has no key, which no compacted topic can hold. */
function hasNullKey(bytes: Buffer): boolean {
  const scan = new RecordScan().open(bytes, 0);
  while (scan.next()) if (scan.keyStart < 0) return true;
  return false;
}

function closedError(what: string): CarillonError {
  return new CarillonError('CAR607', what);
}
