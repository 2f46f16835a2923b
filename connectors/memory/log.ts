/**
 * A log in memory: the twin of the embedded and the Kafka one, for the test driver, the simulator
 * and tests. A commit is visible at once and as a whole; a crash drops the tasks and opens them
 * again from what was committed. Wakes and rows of tables come before `commit` or `send` returns,
 * in the order of what was appended, so that a run is the same each time.
 */
import { CarillonError } from '../../core/error.ts';
import type {
  CommittedOffset,
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
import { type MemberLog, MemoryMember } from './member.ts';
import { MemoryPartition } from './partition.ts';

interface Follower {
  readonly topic: string;
  readonly onRecords: (records: readonly Record[]) => void;
}

interface OpenGroup {
  readonly spec: GroupSpec;
  readonly host: GroupHost;
  /** By worker, but those that have left by themselves. */
  readonly members: Map<number, MemoryMember>;
}

export interface MemoryLogOptions {
  /** As of so many processes, each with a member in every group and commits of its own; 1. */
  readonly workers?: number;
}

export class MemoryLog implements EditableLog {
  readonly #topics = new Map<string, MemoryPartition[]>();
  /** By group, topic and partition. */
  readonly #committed = new Map<string, CommittedOffset>();
  readonly #groups = new Map<string, OpenGroup>();
  readonly #workers: number;
  /** Of partitions that are not where they were at first. */
  readonly #owners = new Map<number, number>();
  #rebalances = 0;
  readonly #followers = new Set<Follower>();
  readonly #waiting = new Set<() => void>();
  /** Appended, and not told yet: a unit is told when all of it is there. */
  #news: { readonly batch: LogBatch; readonly encoded: EncodedBatch }[] = [];
  #isTelling = false;
  /** Called with each batch that has become visible, in order. */
  onAppended: (batch: EncodedBatch, baseOffset: number) => void = () => {};
  /** Called when a member has left its group by itself, with the reason. */
  onFailure: (error: Error) => void = () => {};

  constructor({ workers = 1 }: MemoryLogOptions = {}) {
    this.#workers = workers;
  }

  readonly positions: LogPositions = {
    committed: async (group, topics) =>
      topics.flatMap((topic) =>
        (this.#topics.get(topic) ?? []).map(({ partition }) => {
          const { offset = -1, metadata = '' } = this.#committedOf(group, topic, partition) ?? {};
          return { topic, partition, offset, metadata };
        }),
      ),
    bounds: async (topic) =>
      this.#topics.get(topic)?.map(({ nextOffset }) => ({ start: 0, end: nextOffset })),
    offsetsAt: async (topic, timeMs) =>
      (this.#topics.get(topic) ?? []).map((partition) => {
        for (const batch of partition.all()) {
          const found = readBatch(batch).find(({ timestamp }) => timestamp >= timeMs);
          if (found !== undefined) return found.offset;
        }
        return partition.nextOffset;
      }),
    topics: async () => [...this.#topics.keys()],
    members: async (group) => this.#groups.get(group)?.members.size ?? 0,
    set: async (group, positions) => {
      for (const { topic, partition, offset, metadata } of positions) {
        const at = `${group}/${topic}/${partition}`;
        if (offset < 0) this.#committed.delete(at);
        else this.#committed.set(at, { topic, offset, metadata });
      }
    },
    alone: (_topic, _isDone, body) => body(() => {}),
  };

  async applyTopics(specs: readonly TopicSpec[]): Promise<void> {
    for (const spec of specs) {
      const there = this.#topics.get(spec.name);
      if (there !== undefined && there.length !== spec.partitions) {
        const what = `topic ${spec.name} has ${there.length} partitions, not ${spec.partitions}.`;
        throw new CarillonError('CAR604', what, { where: { at: spec.name } });
      }
      if (there !== undefined) continue;
      const partitions = Array.from(
        { length: spec.partitions },
        (_, p) => new MemoryPartition(spec, p),
      );
      this.#topics.set(spec.name, partitions);
    }
  }

  async partitionsOf(topic: string): Promise<number | undefined> {
    return this.#topics.get(topic)?.length;
  }

  async producer(): Promise<Producer> {
    return { send: async (batches) => this.#append(batches), close: async () => {} };
  }

  async openGroup(spec: GroupSpec, host: GroupHost): Promise<Group> {
    if (this.#groups.has(spec.group)) {
      throw new CarillonError('CAR608', `Group ${spec.group} is open already.`, {
        where: { at: spec.group },
      });
    }
    const group: OpenGroup = { spec, host, members: new Map() };
    this.#groups.set(spec.group, group);
    this.#openMembers(group);
    return {
      get tasks() {
        return tasksOf(group);
      },
      close: async () => {
        try {
          for (const member of group.members.values()) await member.close('stopped');
        } finally {
          group.members.clear();
          if (this.#groups.get(spec.group) === group) this.#groups.delete(spec.group);
        }
      },
      missed: () => [],
      lag: async () =>
        tasksOf(group).flatMap((partition) =>
          spec.inputs.map((topic) => {
            const committed = this.#committedOf(spec.group, topic, partition)?.offset ?? 0;
            const lag = this.#partition(topic, partition).nextOffset - committed;
            return { topic, partition, lag };
          }),
        ),
    };
  }

  /**
   * Drops all tasks with what they have not committed, and opens them again; or those of one
   * worker, and the next one has them then.
   */
  async crash(worker?: number): Promise<void> {
    const lost = worker === undefined ? [] : this.heldBy(worker);
    if (worker === undefined) this.#owners.clear();
    for (const p of lost) this.#owners.set(p, (worker! + 1) % this.#workers);
    for (const group of this.#groups.values()) {
      for (const [of, member] of group.members) {
        if (worker !== undefined && of !== worker) continue;
        group.members.delete(of);
        await member.close('fenced');
      }
      this.#openMembers(group);
    }
  }

  /** Every other partition goes to another worker: these the first time, those the next. */
  async rebalance(): Promise<void> {
    const turn = this.#rebalances++;
    for (let p = turn % 2; p < this.#partitions; p += 2) {
      const from = this.#ownerOf(p);
      this.#owners.set(p, (from + 1) % this.#workers);
      for (const group of this.#groups.values()) {
        await group.members.get(from)?.revoke(p);
        this.#openMembers(group);
      }
    }
  }

  /** The partitions of which a worker has the tasks, in every group. */
  heldBy(worker: number): number[] {
    const all = Array.from({ length: this.#partitions }, (_, p) => p);
    return all.filter((p) => this.#ownerOf(p) === worker);
  }

  /** Drops all groups with what they have not committed, as the death of the process would. */
  async forget(): Promise<void> {
    for (const member of this.#allMembers()) await member.close('fenced');
    this.#groups.clear();
    this.#followers.clear();
  }

  async *read(topic: string, options: ReadOptions): AsyncIterable<readonly Record[]> {
    const partitions = this.#topics.get(topic) ?? [];
    const { from, follow, signal } = options;
    const positions = partitions.map(({ nextOffset }) => (from === 'end' ? nextOffset : 0));
    while (signal?.aborted !== true) {
      let isAny = false;
      for (const [p, partition] of partitions.entries()) {
        const batch = partition.at(positions[p]!);
        if (batch === undefined) continue;
        isAny = true;
        positions[p] = batch.nextOffset;
        const records = readBatch(batch);
        const wanted =
          typeof from === 'number' ? records.filter(({ timestamp }) => timestamp >= from) : records;
        if (wanted.length > 0) yield wanted;
      }
      if (isAny) continue;
      if (!follow) return;
      await this.#nextAppend(signal);
    }
  }

  async follow(
    topic: string,
    onRecords: (records: readonly Record[]) => void,
  ): Promise<{ close(): Promise<void> }> {
    const follower: Follower = { topic, onRecords };
    for (const partition of this.#topics.get(topic) ?? []) {
      for (const batch of partition.all()) onRecords(readBatch(batch));
    }
    this.#followers.add(follower);
    return {
      close: async () => {
        this.#followers.delete(follower);
      },
    };
  }

  async probe(): Promise<void> {}

  troubles(): [] {
    return [];
  }

  async close(): Promise<void> {
    for (const member of this.#allMembers()) await member.close('stopped');
    this.#groups.clear();
  }

  /** Opens what is not open: members, and the tasks of partitions that nobody has. */
  #openMembers(group: OpenGroup): void {
    const { spec, host, members } = group;
    const open = new Set(tasksOf(group));
    for (let p = 0; p < spec.partitions; p++) {
      if (open.has(p)) continue;
      const owner = this.#ownerOf(p);
      let member = members.get(owner);
      if (member === undefined) {
        member = new MemoryMember(spec, host, this.#memberLog(members, owner));
        members.set(owner, member);
      }
      member.open(p);
    }
  }

  #memberLog(members: Map<number, MemoryMember>, owner: number): MemberLog {
    return {
      partition: (topic, partition) => this.#partition(topic, partition),
      committed: (name, topic, partition) => this.#committedOf(name, topic, partition),
      commit: (name, unit) => this.#commit(name, unit),
      left: (member, error) => {
        if (members.get(owner) === member) members.delete(owner);
        this.onFailure(error);
      },
    };
  }

  #ownerOf(partition: number): number {
    return this.#owners.get(partition) ?? partition % this.#workers;
  }

  /** Of the group that has most. */
  get #partitions(): number {
    return Math.max(0, ...[...this.#groups.values()].map(({ spec }) => spec.partitions));
  }

  #allMembers(): MemoryMember[] {
    return [...this.#groups.values()].flatMap(({ members }) => [...members.values()]);
  }

  #committedOf(group: string, topic: string, partition: number): CommittedOffset | undefined {
    return this.#committed.get(`${group}/${topic}/${partition}`);
  }

  #commit(group: string, { parts }: CommitUnit): void {
    const batches = parts.flatMap((part) => part.batches);
    for (const { topic, partition } of batches) this.#partition(topic, partition);
    for (const { partition, offsets } of parts) {
      for (const { topic } of offsets) this.#partition(topic, partition);
    }
    for (const { partition, offsets } of parts) {
      for (const offset of offsets) {
        this.#committed.set(`${group}/${offset.topic}/${partition}`, offset);
      }
    }
    this.#append(batches);
  }

  #partition(topic: string, partition: number): MemoryPartition {
    const found = this.#topics.get(topic)?.[partition];
    if (found !== undefined) return found;
    throw new CarillonError('CAR691', `topic ${topic} has no partition ${partition}.`, {
      where: { at: topic },
    });
  }

  #append(batches: readonly EncodedBatch[]): number[] {
    const partitions = batches.map(({ topic, partition }) => this.#partition(topic, partition));
    const offsets = batches.map((encoded, i) => {
      const batch = partitions[i]!.append(encoded);
      this.#news.push({ batch, encoded });
      return batch.baseOffset;
    });
    for (const partition of partitions) {
      if (partition.isGrown && !this.#isInput(partition.topic)) partition.compact();
    }
    this.#tell();
    return offsets;
  }

  /** A group that reads a compacted topic as an input may be in its middle. */
  #isInput(topic: string): boolean {
    for (const { spec } of this.#groups.values()) if (spec.inputs.includes(topic)) return true;
    return false;
  }

  /** Tells what is new. Who is told may append in turn: that is told after it, never within. */
  #tell(): void {
    if (this.#isTelling) return;
    this.#isTelling = true;
    try {
      while (this.#news.length > 0) {
        const news = this.#news;
        this.#news = [];
        for (const { batch, encoded } of news) this.#show(batch, encoded);
        for (const { batch } of news) {
          for (const member of this.#allMembers()) member.wake(batch.topic, batch.partition);
        }
      }
    } finally {
      this.#isTelling = false;
    }
  }

  #show(batch: LogBatch, encoded: EncodedBatch): void {
    this.onAppended(encoded, batch.baseOffset);
    for (const follower of this.#followers) {
      if (follower.topic === batch.topic) follower.onRecords(readBatch(batch));
    }
    for (const member of this.#allMembers()) member.table(batch);
    for (const go of this.#waiting) go();
    this.#waiting.clear();
  }

  #nextAppend(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.add(resolve);
      signal?.addEventListener('abort', () => resolve(), { once: true });
    });
  }
}

function tasksOf({ members }: OpenGroup): number[] {
  return [...members.values()].flatMap((member) => member.tasks).sort((a, b) => a - b);
}
