/**
 * A log in memory: the twin of the embedded and the Kafka one for the test driver and for tests. A
 * commit is visible at once and as a whole; a crash drops the tasks and opens them again from what
 * was committed.
 */
import { CarillonError } from '../core/error.ts';
import type {
  CommitSet,
  CommittedOffset,
  EncodedBatch,
  Group,
  GroupHost,
  GroupSpec,
  Log,
  Producer,
  ReadOptions,
  TaskHost,
  TaskPort,
  TopicSpec,
} from '../core/log.ts';
import type { Record } from '../core/record.ts';
import { readBatch } from '../core/record-batch.ts';

interface StoredBatch {
  readonly baseOffset: number;
  readonly batch: EncodedBatch;
}

interface Partition {
  readonly batches: StoredBatch[];
  nextOffset: number;
}

interface Follower {
  readonly topic: string;
  readonly onRecords: (records: readonly Record[]) => void;
}

/** What a task has committed; it outlives the task. */
interface Committed {
  readonly offsets: Map<string, CommittedOffset>;
  readonly rows: Map<string, Map<string, { key: Buffer; value: Buffer }>>;
}

/** Index of the first batch that has an offset at or above `offset`. */
function firstAbove(batches: readonly StoredBatch[], offset: number): number {
  let low = 0;
  let high = batches.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const { baseOffset, batch } = batches[middle]!;
    if (baseOffset + batch.count <= offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

class MemoryTask implements TaskPort {
  readonly partition: number;
  readonly spec: GroupSpec;
  readonly log: MemoryLog;
  readonly paused = new Set<string>();
  /** What to offer next, by input. */
  readonly positions = new Map<string, number>();
  host: TaskHost | null = null;
  failure: Error | null = null;

  constructor(log: MemoryLog, spec: GroupSpec, partition: number) {
    this.log = log;
    this.spec = spec;
    this.partition = partition;
  }

  committedMetadata(topic: string): string {
    return this.log.committedOf(this.spec.group, this.partition).offsets.get(topic)?.metadata ?? '';
  }

  commit(set: CommitSet): undefined {
    this.log.commit(this.spec.group, this.partition, set);
    return undefined;
  }

  pause(topic: string): void {
    this.paused.add(topic);
  }

  resume(topic: string): void {
    this.paused.delete(topic);
    this.log.wake();
  }

  fail(error: Error): void {
    this.failure = error;
    this.log.onFailure(error);
    void this.host?.close('fenced');
    this.host = null;
  }
}

export class MemoryLog implements Log {
  readonly #topics = new Map<string, Partition[]>();
  readonly #committed = new Map<string, Committed>();
  readonly #tasks = new Map<string, { tasks: MemoryTask[]; host: GroupHost }>();
  readonly #followers = new Set<Follower>();
  readonly #waiting = new Set<() => void>();
  #pumping = false;
  /** Called with each batch that has become visible, in order. */
  onAppended: (batch: EncodedBatch, baseOffset: number) => void = () => {};
  onFailure: (error: Error) => void = () => {};

  async applyTopics(specs: readonly TopicSpec[]): Promise<void> {
    for (const spec of specs) {
      const there = this.#topics.get(spec.name);
      if (there !== undefined && there.length !== spec.partitions) {
        throw new CarillonError(
          'CAR604',
          `topic ${spec.name} has ${there.length} partitions, not ${spec.partitions}.`,
          { where: { at: spec.name } },
        );
      }
      if (there !== undefined) continue;
      const empty = () => ({ batches: [], nextOffset: 0 });
      this.#topics.set(spec.name, Array.from({ length: spec.partitions }, empty));
    }
  }

  async partitionsOf(topic: string): Promise<number | undefined> {
    return this.#topics.get(topic)?.length;
  }

  async producer(): Promise<Producer> {
    return {
      send: async (batches) => {
        const offsets = batches.map((batch) => this.#append(batch));
        this.#pump();
        return offsets;
      },
      close: async () => {},
    };
  }

  async openGroup(spec: GroupSpec, host: GroupHost): Promise<Group> {
    const tasks: MemoryTask[] = [];
    this.#tasks.set(spec.group, { tasks, host });
    for (let p = 0; p < spec.partitions; p++) {
      const task = new MemoryTask(this, spec, p);
      tasks.push(task);
      this.#open(task, host);
    }
    this.#pump();
    return {
      tasks: tasks.map((task) => task.partition),
      close: async () => {
        for (const task of tasks) await task.host?.close('stopped');
        this.#tasks.delete(spec.group);
      },
      lag: async () =>
        tasks.flatMap((task) =>
          spec.inputs.map((topic) => {
            const committed = this.committedOf(spec.group, task.partition).offsets.get(topic);
            const end = this.#partition(topic, task.partition).nextOffset;
            return { topic, partition: task.partition, lag: end - (committed?.offset ?? 0) };
          }),
        ),
    };
  }

  /** Drops all tasks with what they have not committed, and opens them again. */
  async crash(): Promise<void> {
    for (const { tasks, host } of this.#tasks.values()) {
      for (const task of tasks) {
        await task.host?.close('fenced');
        task.paused.clear();
        this.#open(task, host);
      }
    }
    this.#pump();
  }

  /** Drops all groups with what they have not committed, as the death of the process would. */
  async forget(): Promise<void> {
    for (const { tasks } of this.#tasks.values()) {
      for (const task of tasks) await task.host?.close('fenced');
    }
    this.#tasks.clear();
    this.#followers.clear();
  }

  async *read(topic: string, options: ReadOptions): AsyncIterable<readonly Record[]> {
    const partitions = this.#topics.get(topic) ?? [];
    const at = partitions.map((partition) => (options.from === 'end' ? partition.nextOffset : 0));
    for (;;) {
      let any = false;
      for (let p = 0; p < partitions.length; p++) {
        for (const { baseOffset, batch } of partitions[p]!.batches) {
          if (baseOffset < at[p]!) continue;
          at[p] = baseOffset + batch.count;
          const records = readBatch(topic, p, batch.bytes, baseOffset);
          const { from } = options;
          const wanted =
            typeof from === 'number' ? records.filter((r) => r.timestamp >= from) : records;
          any = true;
          if (wanted.length > 0) yield wanted;
        }
      }
      if (any) continue;
      if (!options.follow || options.signal?.aborted) return;
      await this.#nextAppend(options.signal);
      if (options.signal?.aborted) return;
    }
  }

  async follow(
    topic: string,
    onRecords: (records: readonly Record[]) => void,
  ): Promise<{ close(): Promise<void> }> {
    const follower: Follower = { topic, onRecords };
    for (const [p, partition] of (this.#topics.get(topic) ?? []).entries()) {
      for (const { baseOffset, batch } of partition.batches) {
        onRecords(readBatch(topic, p, batch.bytes, baseOffset));
      }
    }
    this.#followers.add(follower);
    return {
      close: async () => {
        this.#followers.delete(follower);
      },
    };
  }

  async probe(): Promise<void> {}

  async close(): Promise<void> {
    for (const { tasks } of this.#tasks.values()) {
      for (const task of tasks) await task.host?.close('stopped');
    }
    this.#tasks.clear();
  }

  // For its tasks.

  committedOf(group: string, partition: number): Committed {
    const key = `${group}/${partition}`;
    let committed = this.#committed.get(key);
    if (committed === undefined) {
      committed = { offsets: new Map(), rows: new Map() };
      this.#committed.set(key, committed);
    }
    return committed;
  }

  commit(group: string, partition: number, set: CommitSet): void {
    const committed = this.committedOf(group, partition);
    for (const offset of set.offsets) committed.offsets.set(offset.topic, offset);
    for (const { store, key, value } of set.rows) {
      const rows = committed.rows.get(store) ?? new Map();
      if (value === null) rows.delete(key.toString('latin1'));
      else rows.set(key.toString('latin1'), { key: Buffer.from(key), value: Buffer.from(value) });
      committed.rows.set(store, rows);
    }
    for (const batch of set.batches) this.#append(batch);
    this.#pump();
  }

  wake(): void {
    this.#pump();
  }

  #open(task: MemoryTask, groupHost: GroupHost): void {
    const host = groupHost.open(task);
    const committed = this.committedOf(task.spec.group, task.partition);
    for (const [store, rows] of committed.rows) {
      for (const { key, value } of rows.values()) host.restore(store, key, value);
    }
    for (const topic of task.spec.tables) {
      const { batches } = this.#partition(topic, task.partition);
      for (const { baseOffset, batch } of batches) {
        host.table(topic, readBatch(topic, task.partition, batch.bytes, baseOffset));
      }
    }
    for (const topic of task.spec.inputs) {
      task.positions.set(topic, committed.offsets.get(topic)?.offset ?? 0);
    }
    task.host = host;
    host.ready();
  }

  #partition(topic: string, partition: number): Partition {
    const found = this.#topics.get(topic)?.[partition];
    if (found !== undefined) return found;
    throw new CarillonError('CAR691', `topic ${topic} has no partition ${partition}.`, {
      where: { at: topic },
    });
  }

  #append(batch: EncodedBatch): number {
    const partition = this.#partition(batch.topic, batch.partition);
    const baseOffset = partition.nextOffset;
    partition.batches.push({ baseOffset, batch });
    partition.nextOffset += batch.count;
    this.onAppended(batch, baseOffset);
    const records = () => readBatch(batch.topic, batch.partition, batch.bytes, baseOffset);
    for (const follower of this.#followers) {
      if (follower.topic === batch.topic) follower.onRecords(records());
    }
    for (const { tasks } of this.#tasks.values()) {
      const task = tasks[batch.partition];
      if (task?.spec.tables.includes(batch.topic)) task.host?.table(batch.topic, records());
    }
    for (const go of this.#waiting) go();
    this.#waiting.clear();
    return baseOffset;
  }

  /**
   * Hands each task what it has not been offered; a host may commit or resume while it is called.
   */
  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    let again = true;
    while (again) {
      again = false;
      for (const { tasks } of this.#tasks.values()) {
        for (const task of tasks) again = this.#offer(task) || again;
      }
    }
    this.#pumping = false;
  }

  #offer(task: MemoryTask): boolean {
    let any = false;
    for (const topic of task.spec.inputs) {
      const { batches } = this.#partition(topic, task.partition);
      for (let i = firstAbove(batches, task.positions.get(topic)!); i < batches.length; i++) {
        if (task.host === null || task.paused.has(topic)) break;
        const { baseOffset, batch } = batches[i]!;
        const at = task.positions.get(topic)!;
        const end = baseOffset + batch.count;
        task.positions.set(topic, end);
        const records = readBatch(topic, task.partition, batch.bytes, baseOffset);
        task.host.offer(topic, at > baseOffset ? records.slice(at - baseOffset) : records, end);
        any = true;
      }
    }
    return any;
  }

  #nextAppend(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.add(resolve);
      signal?.addEventListener('abort', () => resolve(), { once: true });
    });
  }
}
