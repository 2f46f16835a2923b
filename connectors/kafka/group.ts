/**
 * A member of a group of tasks. kafkajs' rebalances are eager and give no time before a task is
 * lost: the new assignment is known when it holds already. So a lost task is asked to finish
 * (`revoked`) while its new owner opens it; where transactions are used, the owner's opening fences
 * what comes too late.
 */
import { CarillonError } from '../../core/error.ts';
import type { Group, GroupHost, GroupSpec } from '../../core/log.ts';
import type { LogAdmin } from './admin.ts';
import { taskAssigner } from './assigner.ts';
import { Backoff, type KafkaClient, kafkaError, pause } from './client.ts';
import { type Committer, PlainCommitter, TransactionCommitter } from './commit.ts';
import { Feed, type FeedHost } from './feed.ts';
import type { Fetched } from './messages.ts';
import type { LogProducer } from './producer.ts';
import { KafkaTask, type Start, type TaskOwner, type TaskStart } from './task.ts';

/** Fetches without any record after which a restore that does not end is looked into. */
const QUIET_FETCHES = 40;

type Why = 'revoked' | 'stopped' | 'fenced';

interface Slot {
  readonly partition: number;
  wanted: boolean;
  task: KafkaTask | null;
  /** Set when the task that is open must go, though it may be wanted again. */
  goes: Why | null;
  /** Counts assignments and losses: what was prepared for another one is thrown away. */
  epoch: number;
  work: Promise<void> | null;
}

export class KafkaGroup implements Group, FeedHost, TaskOwner {
  readonly #client: KafkaClient;
  readonly #admin: LogAdmin;
  readonly #producer: LogProducer;
  readonly #spec: GroupSpec;
  readonly #host: GroupHost;
  readonly #feed: Feed;
  readonly #startedAt: number;
  readonly #closing = new AbortController();
  readonly #slots = new Map<number, Slot>();
  /** Positions of stalled restores whose leader has answered since. */
  #verified: { task: KafkaTask; topic: string; position: number }[] = [];
  #memberId: string | null = null;
  #owned: readonly number[] = [];
  #ownedAt = 0;
  #closed: Promise<void> | null = null;

  constructor(
    client: KafkaClient,
    admin: LogAdmin,
    producer: LogProducer,
    spec: GroupSpec,
    host: GroupHost,
  ) {
    this.#client = client;
    this.#admin = admin;
    this.#producer = producer;
    this.#spec = spec;
    this.#host = host;
    this.#startedAt = client.clock.now();
    const topics = new Set([...spec.inputs, ...spec.tables]);
    for (const { changelog } of spec.stores) topics.add(changelog);
    const assigner = taskAssigner(() => ({
      hash: spec.topologyHash,
      partitions: spec.partitions,
      startedAt: this.#startedAt,
      owned: this.#owned,
      ownedAt: this.#ownedAt,
    }));
    this.#feed = new Feed(client, { groupId: spec.group, topics: [...topics], assigner }, this);
  }

  /** Resolves at the first join; tasks open from then on. */
  start(): Promise<void> {
    return this.#feed.start();
  }

  get tasks(): readonly number[] {
    const open = [...this.#slots.values()].filter((slot) => slot.task !== null && !slot.goes);
    return open.map((slot) => slot.partition).sort((a, b) => a - b);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async lag(): Promise<readonly { topic: string; partition: number; lag: number }[]> {
    const tasks = [...this.#slots.values()].flatMap((slot) => slot.task ?? []);
    const ends = await Promise.all(
      this.#spec.inputs.map(async (topic) => [topic, await this.#admin.bounds(topic)] as const),
    );
    return tasks.flatMap((task) => {
      const mine = ends.map(([topic, all]) => [topic, all[task.partition]?.end ?? 0] as const);
      return task.lag(new Map(mine));
    });
  }

  // From the feed.

  joined(memberId: string, assignment: ReadonlyMap<string, readonly number[]>): void {
    const now = new Set([...assignment.values()].flat());
    // A new member id: we were out of the group, and another may have had our tasks meanwhile. With
    // transactions it has fenced us if so; without, only a fresh start is sure to be right.
    const anew = this.#memberId !== null && this.#memberId !== memberId;
    this.#memberId = memberId;
    this.#owned = [...now].sort((a, b) => a - b);
    this.#ownedAt = this.#client.clock.now();
    this.#verified = [];
    for (const [topic, partitions] of assignment) {
      for (const partition of partitions) this.#feed.pause(topic, partition);
    }
    for (const slot of this.#slots.values()) {
      if (!now.has(slot.partition)) this.#unwant(slot, 'revoked');
      else if (slot.task !== null && anew && !this.#spec.transactional) slot.goes = 'fenced';
      else if (slot.task !== null && slot.goes === null) slot.task.rejoined();
    }
    for (const partition of now) {
      const slot = this.#slotOf(partition);
      if (!slot.wanted) slot.epoch++;
      slot.wanted = !this.#closing.signal.aborted;
    }
    const { group } = this.#spec;
    this.#client.logger.info({ group, tasks: this.#owned }, 'The group has assigned its tasks.');
    for (const slot of this.#slots.values()) this.#reconcile(slot);
  }

  position(topic: string, partition: number): number | undefined {
    return this.#taskOf(partition)?.position(topic);
  }

  fetched(topic: string, partition: number, fetched: Fetched): void {
    this.#taskOf(partition)?.fetched(topic, fetched);
  }

  /** A restore waits for records that are not there: see KafkaTask.nothingLeft. */
  quiet(fetches: number): void {
    if (fetches === QUIET_FETCHES) void this.#verify();
    if (fetches < QUIET_FETCHES * 2 || this.#verified.length === 0) return;
    const verified = this.#verified;
    this.#verified = [];
    for (const { task, topic, position } of verified) task.nothingLeft(topic, position);
  }

  // From the tasks.

  lost(task: KafkaTask, error: CarillonError): void {
    const slot = this.#slots.get(task.partition);
    if (slot?.task !== task || slot.goes !== null) return;
    const { group } = this.#spec;
    const facts = { group, partition: task.partition, code: error.code, why: error.what };
    this.#client.logger.warn(facts, 'A task is lost, the member joins its group again.');
    this.#unwant(slot, 'fenced');
    this.#reconcile(slot);
    // Who is the rightful owner is for the group to say: opened again at once, it would fence that
    // one.
    this.#feed.rejoin();
  }

  failed(task: KafkaTask, error: Error): void {
    const slot = this.#slots.get(task.partition);
    if (slot?.task !== task) return;
    const facts = { group: this.#spec.group, partition: task.partition, why: error.stack };
    this.#client.logger.error(facts, 'A task has failed, its member leaves the group.');
    this.#unwant(slot, 'fenced');
    void this.close();
  }

  #taskOf(partition: number): KafkaTask | undefined {
    const slot = this.#slots.get(partition);
    return slot === undefined || slot.goes !== null ? undefined : (slot.task ?? undefined);
  }

  #slotOf(partition: number): Slot {
    let slot = this.#slots.get(partition);
    if (slot === undefined) {
      slot = { partition, wanted: false, task: null, goes: null, epoch: 0, work: null };
      this.#slots.set(partition, slot);
    }
    return slot;
  }

  #unwant(slot: Slot, why: Why): void {
    if (slot.wanted) slot.epoch++;
    slot.wanted = false;
    if (slot.task !== null) slot.goes ??= why;
  }

  /** Brings a slot to what is wanted, one step after the other; the last wish wins. */
  #reconcile(slot: Slot): void {
    slot.work ??= this.#work(slot).finally(() => {
      slot.work = null;
      // A wish that came while the last step ended.
      if (this.#isDue(slot)) this.#reconcile(slot);
    });
  }

  #isDue(slot: Slot): boolean {
    return slot.task === null ? slot.wanted : slot.goes !== null;
  }

  async #work(slot: Slot): Promise<void> {
    const backoff = new Backoff();
    for (;;) {
      if (slot.task !== null && slot.goes !== null) {
        const task = slot.task;
        await task.close(slot.goes, this.#client.settings.revokeTimeoutMs);
        slot.task = null;
        slot.goes = null;
      } else if (slot.task === null && slot.wanted) {
        try {
          await this.#open(slot);
        } catch (error) {
          const why = kafkaError(error, this.#spec.group).what;
          const facts = { group: this.#spec.group, partition: slot.partition, why };
          this.#client.logger.warn(facts, 'A task does not open, trying again.');
          await pause(backoff.next(), this.#closing.signal);
        }
      } else {
        return;
      }
    }
  }

  async #open(slot: Slot): Promise<void> {
    const { epoch, partition } = slot;
    const committer = await this.#committer(partition);
    let task: KafkaTask | null = null;
    try {
      // After the committer is open: the former owner cannot change the offsets any more.
      const start = await this.#startOf(partition);
      if (slot.epoch === epoch && slot.wanted) {
        const { logger } = this.#client;
        task = new KafkaTask(partition, this.#spec, this.#feed, committer, this, logger, start);
      }
    } finally {
      if (task === null) await committer.close();
    }
    if (task === null) return;
    if (slot.epoch !== epoch || !slot.wanted) {
      await committer.close();
      return;
    }
    slot.task = task;
    try {
      task.open(this.#host);
    } catch (error) {
      this.failed(task, error as Error);
    }
  }

  async #committer(partition: number): Promise<Committer> {
    if (this.#spec.transactional) {
      return TransactionCommitter.open(this.#client, this.#spec, partition);
    }
    return new PlainCommitter(this.#client, this.#spec, partition, this.#producer, this.#feed);
  }

  async #startOf(partition: number): Promise<TaskStart> {
    const { group, inputs, tables, stores } = this.#spec;
    const committed = await this.#admin.committed(group, inputs, partition);
    const offsets = new Map<string, Start>();
    const topics = [...inputs, ...tables, ...stores.map((one) => one.changelog)];
    await Promise.all(
      topics.map(async (topic) => {
        const bounds = (await this.#admin.bounds(topic))[partition];
        if (bounds === undefined) {
          throw new CarillonError('CAR642', `"${topic}" has no partition ${partition}.`, {
            where: { at: `${topic}/${partition}` },
          });
        }
        const asked = committed.get(topic)?.offset ?? -1;
        const offset = Math.max(asked, bounds.low);
        if (asked >= 0 && asked < bounds.low) {
          const facts = { group, topic, partition, committed: asked, first: bounds.low };
          this.#client.logger.error(facts, 'Records were deleted before this group had read them.');
        }
        offsets.set(topic, { offset, end: bounds.end });
      }),
    );
    return { offsets, committed };
  }

  async #verify(): Promise<void> {
    const stalled = [...this.#slots.values()].flatMap((slot) =>
      slot.task === null ? [] : slot.task.unreached().map((one) => ({ task: slot.task!, ...one })),
    );
    if (stalled.length === 0) return;
    try {
      // Asked of the leaders themselves: one that is away is no end.
      for (const topic of new Set(stalled.map((one) => one.topic))) await this.#admin.bounds(topic);
      this.#verified = stalled;
    } catch (error) {
      this.#client.logger.debug({ why: String(error) }, 'The leader of a restore does not answer.');
    }
  }

  async #close(): Promise<void> {
    this.#closing.abort();
    for (const slot of this.#slots.values()) {
      this.#unwant(slot, 'stopped');
      this.#reconcile(slot);
    }
    for (const slot of this.#slots.values()) while (slot.work !== null) await slot.work;
    await this.#feed.close();
  }
}
