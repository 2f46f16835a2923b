/**
 * The one member of a group inside the embedded log: it holds all tasks, and what commits for them.
 * When a COMMIT fails it is done with, and the group makes another (see group.ts).
 */
import { CarillonError } from '../../core/error.ts';
import type {
  CommitUnit,
  GroupHost,
  GroupSpec,
  LogBatch,
  TaskHost,
  TaskPort,
  UnitPort,
} from '../../core/log.ts';
import type { Offsets } from './offsets.ts';
import type { Partition } from './partition.ts';
import { PartitionReader } from './partition-reader.ts';
import type { TableFeed, TableFeeds } from './table-feeds.ts';

/** What a member needs of its log. */
export interface MemberLog {
  /**
   * Offsets that retention took although some group had not read them, since the log was opened.
   */
  missed(topic: string, partition: number): number;
  readonly tables: TableFeeds;
  readonly offsets: Offsets;
  partition(topic: string, partition: number): Partition;
  /** Checks the unit, then writes all of it into the open transaction, or throws. */
  commit(group: string, unit: CommitUnit): void;
  /** A task has taken something: the transaction waits for what becomes of it. */
  taken(): void;
  committed(): Promise<void>;
}

/** Records of a changelog or table that are handed over in one turn of the event loop. */
const RESTORE_RECORDS_PER_TURN = 20_000;

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

class Task implements TaskPort {
  readonly partition: number;
  readonly unit: Member;
  readonly #inputs = new Map<string, PartitionReader>();
  readonly #tables: TableFeed[] = [];
  #restored = 0;
  host!: TaskHost;

  constructor(unit: Member, partition: number) {
    this.unit = unit;
    this.partition = partition;
  }

  committedMetadata(topic: string): string {
    const { log, spec } = this.unit;
    const { slot } = log.partition(topic, this.partition);
    return log.offsets.get(spec.group, slot)?.metadata ?? '';
  }

  take(topic: string): LogBatch | undefined {
    const batch = this.#inputs.get(topic)?.next();
    if (batch !== undefined) this.unit.log.taken();
    return batch;
  }

  isAtEnd(topic: string): boolean {
    return this.#inputs.get(topic)?.behind !== true;
  }

  fail(error: Error): void {
    this.unit.fail(this, error);
  }

  /** Stores, then tables, then `ready`. False: it was closed meanwhile. */
  async open(host: TaskHost): Promise<boolean> {
    this.host = host;
    const { log, spec } = this.unit;
    for (const { store, changelog } of spec.stores) {
      const partition = log.partition(changelog, this.partition);
      partition.isChangelog = true;
      await this.#readAll(partition, (batch) => host.restore(store, batch));
    }
    for (const topic of spec.tables) {
      const partition = log.partition(topic, this.partition);
      const give = (batch: LogBatch) => host.table(topic, batch);
      const end = await this.#readAll(partition, give);
      if (!this.unit.isOpen) return false;
      const wake = () => log.tables.wake(feed);
      const reader = new PartitionReader(partition, end, spec.transactional, wake);
      const feed: TableFeed = { reader, give };
      this.#tables.push(feed);
    }
    if (!this.unit.isOpen) return false;
    for (const topic of spec.inputs) this.#openInput(topic);
    host.ready();
    for (const feed of this.#tables) log.tables.wake(feed);
    if ([...this.#inputs.values()].some((reader) => reader.behind)) host.wake();
    return true;
  }

  /** Nothing is given after this. */
  stop(): void {
    for (const feed of this.#tables) {
      this.unit.log.tables.forget(feed);
      feed.reader.close();
    }
    for (const reader of this.#inputs.values()) reader.close();
    this.#tables.length = 0;
    this.#inputs.clear();
  }

  #openInput(topic: string): void {
    const { log, spec } = this.unit;
    const partition = log.partition(topic, this.partition);
    const from = log.offsets.get(spec.group, partition.slot)?.offset ?? partition.startOffset;
    const wake = () => this.host.wake();
    // What a transactional group does with a record is undone with the record; others act outside
    // the log (a push cannot be taken back), so they are given only what is committed.
    this.#inputs.set(topic, new PartitionReader(partition, from, spec.transactional, wake));
  }

  /** Reads a partition from its start to its end, which it gives. */
  async #readAll(partition: Partition, give: (batch: LogBatch) => void): Promise<number> {
    const endOf = () =>
      this.unit.spec.transactional ? partition.nextOffset : partition.committedOffset;
    const cursor = { block: 0 };
    let at = partition.startOffset;
    // What it has seen must not change meanwhile: compaction waits.
    partition.restoring++;
    try {
      while (this.unit.isOpen && at < endOf()) {
        for (const batch of partition.read(at, endOf(), cursor)) {
          if (batch.bytes.length > 0) give(batch);
          at = batch.nextOffset;
          this.#restored += batch.nextOffset - batch.from;
        }
        if (this.#restored < RESTORE_RECORDS_PER_TURN) continue;
        this.#restored = 0;
        await nextTurn();
      }
    } finally {
      partition.restoring--;
    }
    return at;
  }
}

export class Member implements UnitPort {
  readonly spec: GroupSpec;
  readonly log: MemberLog;
  readonly #onFailure: (error: Error) => void;
  #tasks: Task[] = [];
  isOpen = true;

  /** `onFailure`: it cannot go on, and has fenced what is broken; the group is to be left. */
  constructor(spec: GroupSpec, log: MemberLog, onFailure: (error: Error) => void) {
    this.spec = spec;
    this.log = log;
    this.#onFailure = onFailure;
  }

  get tasks(): readonly number[] {
    return this.#tasks.map((task) => task.partition);
  }

  async open(host: GroupHost): Promise<void> {
    for (let partition = 0; partition < this.spec.partitions; partition++) {
      const task = new Task(this, partition);
      this.#tasks.push(task);
      if (!(await task.open(host.open(task)))) return;
    }
  }

  commit(unit: CommitUnit): undefined {
    if (!this.isOpen) {
      throw new CarillonError('CAR607', `The member of ${this.spec.group} is closed.`, {
        where: { at: this.spec.group },
      });
    }
    try {
      this.log.commit(this.spec.group, unit);
    } catch (error) {
      // A write that failed has fenced everything already; what was refused is of this one alone.
      if (this.isOpen) {
        const tasks = this.drop();
        setImmediate(() => {
          void fenceTasks(tasks).then(() => this.#onFailure(error as Error));
        });
      }
      throw error;
    }
    return undefined;
  }

  /** A task is broken: it drops what it has, and the others stop in order. */
  fail(broken: Task, error: Error): void {
    if (!this.#tasks.includes(broken)) return;
    broken.stop();
    this.#tasks = this.#tasks.filter((task) => task !== broken);
    // The port's caller is still at work with this task; it is closed in a turn of its own.
    setImmediate(() => void fenceTasks([broken]).then(() => this.#onFailure(error)));
  }

  /** It commits nothing any more, and its tasks are given nothing. Returns them, to be fenced. */
  drop(): readonly Task[] {
    this.isOpen = false;
    const tasks = this.#tasks;
    this.#tasks = [];
    for (const task of tasks) task.stop();
    return tasks;
  }

  /** Closes the tasks, which may commit while they do. */
  async close(): Promise<void> {
    const tasks = this.#tasks;
    for (const task of tasks) task.stop();
    const closed = await Promise.allSettled(tasks.map((task) => task.host.close('stopped')));
    this.drop();
    for (const result of closed) if (result.status === 'rejected') throw result.reason;
  }
}

export async function fenceTasks(tasks: readonly { readonly host: TaskHost }[]): Promise<void> {
  await Promise.allSettled(tasks.map((task) => task.host.close('fenced')));
}
