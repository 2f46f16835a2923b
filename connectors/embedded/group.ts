/**
 * A group inside the embedded log. There is one process, so its one member holds all tasks.
 *
 *   opening ──stores, tables──▶ running ──close──▶ stopped
 *      ▲                           │
 *      └──── backoff ◀── fenced ◀──┘ a COMMIT failed: memory is ahead of the file
 */
import { CarillonError } from '../../core/error.ts';
import type { CommitSet, Group, GroupSpec, TaskPort } from '../../core/log.ts';
import { asBuffer } from './database.ts';
import type { Feed, Offers } from './offers.ts';
import type { Chunk, Partition } from './partition.ts';
import { PartitionReader } from './partition.ts';
import type { StateTable } from './state.ts';

/** TaskHost, but with the batches' bytes: the bridge sends them on as they are. */
export interface ChunkTaskHost {
  restore(store: string, key: Buffer, value: Buffer | null): void;
  table(chunk: Chunk): void;
  ready(): void;
  offer(chunk: Chunk): void;
  close(why: 'revoked' | 'stopped' | 'fenced'): Promise<void>;
}

export interface ChunkGroupHost {
  open(port: TaskPort): ChunkTaskHost;
}

/** What a group needs of its log. */
export interface GroupLog {
  readonly offers: Offers;
  readonly state: StateTable;
  partition(topic: string, partition: number): Partition;
  /** Checks the batches, then writes all of the set into the open transaction, or throws. */
  commit(group: string, partition: number, set: CommitSet): void;
  committed(): Promise<void>;
  closed(group: EmbeddedGroup): void;
}

const RESTORE_ROWS_PER_TURN = 2_000;
/**
 * How long a group waits before it opens its tasks again after a failed COMMIT; doubles up to the
 * second.
 */
const REOPEN_FIRST_MS = 100;
const REOPEN_MAX_MS = 30_000;

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

class Task implements TaskPort {
  readonly partition: number;
  readonly feeds = new Map<string, Feed>();
  readonly #group: EmbeddedGroup;
  host!: ChunkTaskHost;
  open = true;

  constructor(group: EmbeddedGroup, partition: number) {
    this.#group = group;
    this.partition = partition;
  }

  committedMetadata(topic: string): string {
    const { log, spec } = this.#group;
    const { slot } = log.partition(topic, this.partition);
    return log.state.offset(spec.group, slot)?.metadata ?? '';
  }

  commit(set: CommitSet): Promise<void> | undefined {
    const { log, spec } = this.#group;
    try {
      if (!this.open) throw closedTask(spec.group, this.partition);
      log.commit(spec.group, this.partition, set);
      return undefined;
    } catch (error) {
      if (this.open) this.#group.fail(this, error as Error);
      return Promise.reject(error);
    }
  }

  pause(topic: string): void {
    const feed = this.feeds.get(topic);
    if (feed === undefined) return;
    feed.paused = true;
    this.#group.log.offers.forget(feed);
  }

  resume(topic: string): void {
    const feed = this.feeds.get(topic);
    if (feed === undefined || !this.open) return;
    feed.paused = false;
    this.#group.log.offers.wake(feed);
  }

  fail(error: Error): void {
    if (this.open) this.#group.fail(this, error);
  }

  /** No offer after this. */
  stopFeeds(): void {
    for (const feed of this.feeds.values()) {
      this.#group.log.offers.forget(feed);
      feed.paused = true;
      feed.reader.close();
    }
    this.feeds.clear();
  }
}

export class EmbeddedGroup implements Group {
  readonly spec: GroupSpec;
  readonly log: GroupLog;
  readonly #host: ChunkGroupHost;
  #tasks: Task[] = [];
  /** Raised at every fencing, so that an opening that was overtaken notices. */
  #generation = 0;
  #reopenMs = REOPEN_FIRST_MS;
  #reopenTimer: NodeJS.Timeout | undefined;
  #closing: Promise<void> | undefined;

  constructor(spec: GroupSpec, host: ChunkGroupHost, log: GroupLog) {
    this.spec = spec;
    this.#host = host;
    this.log = log;
  }

  get tasks(): readonly number[] {
    return this.#tasks.map((task) => task.partition);
  }

  /** Opens all tasks: stores, then tables, then `ready`, then offers. */
  async open(): Promise<void> {
    const generation = this.#generation;
    for (let partition = 0; partition < this.spec.partitions; partition++) {
      const task = new Task(this, partition);
      task.host = this.#host.open(task);
      this.#tasks.push(task);
      await this.#restore(task, generation);
      if (generation !== this.#generation) return;
    }
  }

  async #restore(task: Task, generation: number): Promise<void> {
    const { state, offers } = this.log;
    for (const { store } of this.spec.stores) {
      let after: Buffer | undefined;
      for (;;) {
        const rows = state.page(
          this.spec.group,
          task.partition,
          store,
          after,
          RESTORE_ROWS_PER_TURN,
        );
        for (const row of rows) {
          task.host.restore(store, asBuffer(row.key), asBuffer(row.value));
        }
        if (rows.length < RESTORE_ROWS_PER_TURN) break;
        after = asBuffer(rows.at(-1)!.key);
        await nextTurn();
        if (generation !== this.#generation) return;
      }
    }
    for (const topic of this.spec.tables) {
      const feed = this.#feed(task, topic, true);
      for (let turns = 1; feed.reader.behind; turns++) {
        const chunk = feed.reader.next();
        if (chunk !== undefined) task.host.table(chunk);
        if (turns % 16 === 0) await nextTurn();
        if (generation !== this.#generation) return;
      }
    }
    for (const topic of this.spec.inputs) this.#feed(task, topic, false);
    task.host.ready();
    for (const feed of task.feeds.values()) offers.wake(feed);
  }

  #feed(task: Task, topic: string, table: boolean): Feed {
    const partition = this.log.partition(topic, task.partition);
    const committed = this.log.state.offset(this.spec.group, partition.slot)?.offset;
    const from = table ? partition.startOffset : (committed ?? partition.startOffset);
    // What a transactional group does with a record is undone with the record; others act outside
    // the log (a push cannot be taken back), so they are given only what is committed.
    const reader = new PartitionReader(partition, from, this.spec.transactional);
    const give = table
      ? (chunk: Chunk) => task.host.table(chunk)
      : (chunk: Chunk) => task.host.offer(chunk);
    const feed: Feed = { table, reader, paused: false, give };
    task.feeds.set(topic, feed);
    return feed;
  }

  wake(partition: Partition): void {
    for (const task of this.#tasks) {
      if (task.partition !== partition.partition) continue;
      const feed = task.feeds.get(partition.spec.name);
      if (feed !== undefined) this.log.offers.wake(feed);
    }
  }

  wakeAll(): void {
    for (const task of this.#tasks) {
      for (const feed of task.feeds.values()) this.log.offers.wake(feed);
    }
  }

  /** A COMMIT succeeded: the trouble, if there was any, is over. */
  settled(): void {
    this.#reopenMs = REOPEN_FIRST_MS;
  }

  /** Every task drops what it has, and is opened again from what is committed, a little later. */
  fence(): void {
    this.#generation++;
    const tasks = this.#drop();
    if (this.#closing !== undefined) return;
    const delay = this.#reopenMs;
    this.#reopenMs = Math.min(REOPEN_MAX_MS, delay * 2);
    // The failure may have come out of a task's own commit: it is closed in a turn of its own.
    const fenced = nextTurn().then(() =>
      Promise.allSettled(tasks.map((task) => task.host.close('fenced'))),
    );
    clearTimeout(this.#reopenTimer);
    const generation = this.#generation;
    void fenced.then(() => {
      if (generation !== this.#generation || this.#closing !== undefined) return;
      this.#reopenTimer = setTimeout(() => {
        this.open().catch(() => this.fence());
      }, delay);
    });
  }

  /** A task is broken: it drops what it has, and the member leaves the group. */
  fail(broken: Task, error: Error): void {
    // A write that failed has fenced everything already.
    if (!broken.open) return;
    broken.open = false;
    broken.stopFeeds();
    this.#tasks = this.#tasks.filter((task) => task !== broken);
    // The port's caller is still at work with this task; it is closed in a turn of its own.
    setImmediate(() => {
      const dropped = broken.host.close('fenced');
      void Promise.allSettled([dropped]).then(() => this.close());
    });
    this.failure = error;
  }

  /** Why the member left the group by itself. */
  failure: Error | undefined;

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    clearTimeout(this.#reopenTimer);
    this.#generation++;
    const tasks = this.#tasks;
    for (const task of tasks) task.stopFeeds();
    const closed = await Promise.allSettled(tasks.map((task) => task.host.close('stopped')));
    for (const task of tasks) task.open = false;
    this.#tasks = [];
    this.log.closed(this);
    await this.log.committed();
    for (const result of closed) if (result.status === 'rejected') throw result.reason;
  }

  /** The log is gone, or abandoned: nothing is committed any more. */
  #drop(): Task[] {
    const tasks = this.#tasks;
    this.#tasks = [];
    for (const task of tasks) {
      task.open = false;
      task.stopFeeds();
    }
    return tasks;
  }

  /** For a log that is abandoned: as if the process had died. */
  abandon(): void {
    this.#generation++;
    clearTimeout(this.#reopenTimer);
    this.#closing ??= Promise.resolve();
    this.#drop();
  }

  async lag(): Promise<readonly { topic: string; partition: number; lag: number }[]> {
    const { spec, log } = this;
    return this.#tasks.flatMap((task) =>
      spec.inputs.map((topic) => {
        const partition = log.partition(topic, task.partition);
        const committed = log.state.offset(spec.group, partition.slot)?.offset;
        const from = Math.max(committed ?? 0, partition.startOffset);
        return { topic, partition: task.partition, lag: partition.nextOffset - from };
      }),
    );
  }
}

function closedTask(group: string, partition: number): CarillonError {
  return new CarillonError('CAR607', `Task ${partition} of ${group} is closed.`, {
    where: { at: `${group}/${partition}` },
  });
}
