/**
 * A member of a group on a log in memory: it holds the tasks of its worker, and their commits.
 * After a crash or a failure it is done with, and another one takes its place.
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
import type { MemoryPartition } from './partition.ts';

/** What a member needs of its log. */
export interface MemberLog {
  partition(topic: string, partition: number): MemoryPartition;
  committed(
    group: string,
    topic: string,
    partition: number,
  ): { readonly offset: number; readonly metadata: string } | undefined;
  /** Takes all of it or throws. */
  commit(group: string, unit: CommitUnit): void;
  /** The member has left by itself. */
  left(member: MemoryMember, error: Error): void;
}

class MemoryTask implements TaskPort {
  readonly partition: number;
  readonly unit: MemoryMember;
  readonly #positions = new Map<string, number>();
  host!: TaskHost;
  /** False before `ready`, and from the beginning of `close` on. */
  isReady = false;

  constructor(unit: MemoryMember, partition: number) {
    this.unit = unit;
    this.partition = partition;
  }

  /** Restores it, from the committed offsets on, as any log does. */
  open(host: TaskHost): void {
    this.host = host;
    const { log, spec } = this.unit;
    for (const { store, changelog } of spec.stores) {
      const batches = log.partition(changelog, this.partition).all();
      for (const batch of batches) host.restore(store, batch);
    }
    for (const topic of spec.tables) {
      for (const batch of log.partition(topic, this.partition).all()) host.table(topic, batch);
    }
    for (const topic of spec.inputs) {
      const committed = log.committed(spec.group, topic, this.partition);
      this.#positions.set(topic, committed?.offset ?? 0);
    }
    this.isReady = true;
    host.ready();
    if (spec.inputs.some((topic) => this.#isBehind(topic))) host.wake();
  }

  committedMetadata(topic: string): string {
    const { log, spec } = this.unit;
    return log.committed(spec.group, topic, this.partition)?.metadata ?? '';
  }

  take(topic: string): LogBatch | undefined {
    if (!this.isReady || !this.#isBehind(topic)) return undefined;
    const at = this.#positions.get(topic)!;
    const batch = this.unit.log.partition(topic, this.partition).at(at)!;
    this.#positions.set(topic, batch.nextOffset);
    return batch;
  }

  isAtEnd(topic: string): boolean {
    return !this.#isBehind(topic);
  }

  fail(error: Error): void {
    this.unit.fail(this, error);
  }

  #isBehind(topic: string): boolean {
    const at = this.#positions.get(topic);
    return at !== undefined && at < this.unit.log.partition(topic, this.partition).nextOffset;
  }
}

export class MemoryMember implements UnitPort {
  readonly spec: GroupSpec;
  readonly log: MemberLog;
  readonly #host: GroupHost;
  /** By partition. */
  readonly #tasks = new Map<number, MemoryTask>();
  #isOpen = true;

  constructor(spec: GroupSpec, host: GroupHost, log: MemberLog) {
    this.spec = spec;
    this.#host = host;
    this.log = log;
  }

  get tasks(): readonly number[] {
    return this.#isOpen ? [...this.#tasks.keys()] : [];
  }

  open(partition: number): void {
    if (!this.#isOpen) return;
    const task = new MemoryTask(this, partition);
    this.#tasks.set(partition, task);
    task.open(this.#host.open(task));
  }

  /** Gives a task up that another worker shall have: what it has done is committed first. */
  async revoke(partition: number): Promise<void> {
    const task = this.#tasks.get(partition);
    if (task === undefined) return;
    task.isReady = false;
    await task.host.close('revoked');
    this.#tasks.delete(partition);
  }

  commit(unit: CommitUnit): undefined {
    const { group } = this.spec;
    if (!this.#isOpen) throw new CarillonError('CAR607', `The member of ${group} is closed.`);
    try {
      this.log.commit(group, unit);
    } catch (error) {
      this.#isOpen = false;
      // Its caller is still at work with the unit: the tasks are closed in a turn of their own.
      queueMicrotask(() => void this.close('fenced'));
      this.log.left(this, error as Error);
      throw error;
    }
    return undefined;
  }

  /** One task is broken: it drops what it has, the others stop in order. */
  fail(broken: MemoryTask, error: Error): void {
    if (!this.#isOpen || !broken.isReady) return;
    broken.isReady = false;
    this.log.left(this, error);
    queueMicrotask(async () => {
      await broken.host.close('fenced');
      await this.close('stopped');
    });
  }

  async close(why: 'stopped' | 'fenced'): Promise<void> {
    if (why === 'fenced') this.#isOpen = false;
    const tasks = [...this.#tasks.values()].filter((task) => task.isReady);
    for (const task of tasks) task.isReady = false;
    try {
      for (const task of tasks) await task.host.close(why);
    } finally {
      this.#isOpen = false;
    }
  }

  table(batch: LogBatch): void {
    if (!this.spec.tables.includes(batch.topic)) return;
    const task = this.#tasks.get(batch.partition);
    if (task?.isReady === true) task.host.table(batch.topic, batch);
  }

  wake(topic: string, partition: number): void {
    if (!this.spec.inputs.includes(topic)) return;
    const task = this.#tasks.get(partition);
    if (task?.isReady === true) task.host.wake();
  }
}
