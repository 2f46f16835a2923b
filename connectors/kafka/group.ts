/**
 * A member of a group of tasks. Rebalances are eager and give no time before a task is lost: the
 * new assignment is known when it holds already. So a lost task is asked to finish (`revoked`)
 * while its new owner opens it; where transactions are used, the owner's opening fences what comes
 * too late.
 */
import type { CarillonError } from '../../core/error.ts';
import type { Group, GroupHost, GroupSpec, LogBatch } from '../../core/log.ts';
import type { Record } from '../../core/record.ts';
import type { LogAdmin } from './admin.ts';
import { begunWith } from './begun-with.ts';
import type { Checkpoints } from './checkpoint.ts';
import type { KafkaClient } from './client.ts';
import { GroupTroubles } from './group-troubles.ts';
import { Missed } from './missed.ts';
import type { DataPlane, Feed, FeedHost, UnitCommitter } from './plane.ts';
import { RestoreEnds } from './restore-ends.ts';
import { Standstill } from './standstill.ts';
import { KafkaTask } from './task.ts';
import { type SlotHost, TaskSlot } from './task-slot.ts';
import { refuseLost, startOf } from './task-start.ts';
import type { TopicChange, TopicSource, TopicWatch } from './topic-watch.ts';
import type { Troubles } from './troubles.ts';
import { KafkaUnit, type UnitOwner } from './unit.ts';

export type GroupAdmin = Pick<LogAdmin, 'bounds' | 'committed' | 'committedAll'>;

/** What a group stands on, shared by all of a log's. */
export interface GroupParts {
  readonly client: Pick<KafkaClient, 'clock' | 'logger' | 'settings'>;
  readonly admin: GroupAdmin;
  readonly topics: TopicSource;
  readonly watch: Pick<TopicWatch, 'watch' | 'look'>;
  readonly troubles: Troubles;
  readonly plane: Pick<DataPlane, 'feed' | 'committer'>;
  /** State of tasks on this host; absent: there is none. */
  readonly checkpoints?: Checkpoints | undefined;
  /** The committed records of a topic, up to its end as it is now. */
  read(topic: string): AsyncIterable<readonly Record[]>;
}

export class KafkaGroup implements Group, FeedHost, SlotHost, UnitOwner {
  readonly #parts: GroupParts;
  readonly #spec: GroupSpec;
  readonly #host: GroupHost;
  readonly #feed: Feed;
  readonly #committer: UnitCommitter;
  readonly #unit: KafkaUnit;
  readonly #troubles: GroupTroubles;
  readonly #missed: Missed;
  readonly #ends: RestoreEnds;
  readonly #standstill: Standstill;
  readonly #startedAt: number;
  readonly #closing = new AbortController();
  readonly #slots = new Map<number, TaskSlot>();
  /** Partitions whose range is being asked for. */
  readonly #ranging = new Set<string>();
  #unwatch: () => void = () => {};
  #timer: NodeJS.Timeout | null = null;
  #memberId: string | null = null;
  #owned: readonly number[] = [];
  #ownedAt = 0;
  #closed: Promise<void> | null = null;

  constructor(parts: GroupParts, spec: GroupSpec, host: GroupHost) {
    this.#parts = parts;
    this.#spec = spec;
    this.#host = host;
    const { client, admin, plane, troubles } = parts;
    this.#startedAt = client.clock.now();
    const self = () => ({
      hash: spec.topologyHash,
      partitions: spec.partitions,
      startedAt: this.#startedAt,
      owned: this.#owned,
      ownedAt: this.#ownedAt,
    });
    this.#feed = plane.feed({ groupId: spec.group, topics: this.#topics, self }, this);
    this.#committer = plane.committer(spec.group, spec.transactional, this.#feed);
    this.#unit = new KafkaUnit(spec, this.#committer, this);
    this.#missed = new Missed(spec.group, client.logger, troubles);
    this.#troubles = new GroupTroubles(spec, client, troubles, this.#missed);
    this.#ends = new RestoreEnds(admin, client.logger, () => this.#held());
    this.#standstill = new Standstill(client.settings.sessionTimeoutMs);
  }

  /**
   * Resolves at the first join; tasks open from then on. Rejects with CAR630 when rows of a store
   * are gone, with CAR635 when its positions are; what was begun is to be closed then.
   */
  async start(): Promise<void> {
    const { admin, topics, watch, client, read } = this.#parts;
    await refuseLost(admin, topics, this.#spec, read);
    this.#unwatch = watch.watch(this.#topics, (change) => this.#changed(change));
    // So that what changes from now on is seen to have changed.
    await watch.look();
    await this.#feed.start();
    this.#timer = setInterval(() => void this.look(), client.settings.sessionTimeoutMs / 2);
    this.#timer.unref();
  }

  get tasks(): readonly number[] {
    return this.#held()
      .map((task) => task.partition)
      .sort((a, b) => a - b);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  missed(): readonly { topic: string; partition: number; offsets: number }[] {
    return this.#missed.list();
  }

  restoring(): readonly { topic: string; partition: number; position: number; end: number }[] {
    return this.#held().flatMap((task) => {
      return task.unreached().map((one) => ({ ...one, partition: task.partition }));
    });
  }

  async lag(): Promise<readonly { topic: string; partition: number; lag: number }[]> {
    const tasks = [...this.#slots.values()].flatMap((slot) => slot.committing ?? []);
    const ends = await Promise.all(
      this.#spec.inputs.map(
        async (topic) => [topic, await this.#parts.admin.bounds(topic)] as const,
      ),
    );
    return tasks.flatMap((task) => {
      const mine = ends.map(([topic, all]) => [topic, all[task.partition]?.end ?? 0] as const);
      return task.lag(new Map(mine));
    });
  }

  /** Whether reading moves; where it does not the consumer is replaced. Never rejects. */
  async look(nowMs = performance.now()): Promise<void> {
    const { client, admin } = this.#parts;
    const rest = this.restoring();
    if (rest.length > 0) {
      const records = rest.reduce((sum, { position, end }) => sum + end - position, 0);
      const facts = { group: this.#spec.group, records };
      client.logger.warn(facts, 'State is being read back; its tasks have not begun.');
    }
    const readings = this.#held().flatMap((task) => task.wanted());
    const suspects = this.#standstill.suspects(readings, nowMs);
    const standing: string[] = [];
    try {
      for (const topic of new Set(suspects.map((one) => one.topic))) {
        const bounds = await admin.bounds(topic);
        for (const one of suspects) {
          const end = bounds[one.partition]?.end ?? 0;
          if (one.topic !== topic || !this.#standstill.stands(one, end, nowMs)) continue;
          standing.push(`${topic}/${one.partition}@${one.position} of ${end}`);
        }
      }
    } catch (error) {
      client.logger.debug({ why: String(error) }, 'Whether reading moves is not known.');
      return;
    }
    if (standing.length === 0 || this.#closing.signal.aborted) return;
    const facts = { group: this.#spec.group, standing };
    client.logger.warn(
      facts,
      'Nothing is read though there is something: the consumer is replaced.',
    );
    this.#feed.rejoin();
  }

  // From the feed.

  joined(memberId: string, assignment: ReadonlyMap<string, readonly number[]>): void {
    const now = new Set([...assignment.values()].flat());
    // A new member id: we were out of the group, and another may have had our tasks meanwhile. With
    // transactions it has fenced us if so; without, only a fresh start is sure to be right.
    const isAnew = this.#memberId !== null && this.#memberId !== memberId;
    this.#memberId = memberId;
    this.#owned = [...now].sort((a, b) => a - b);
    this.#ownedAt = this.#parts.client.clock.now();
    this.#ends.reset();
    this.#standstill.restart(performance.now());
    for (const [topic, partitions] of assignment) {
      for (const partition of partitions) this.#feed.pause(topic, partition);
    }
    for (const slot of this.#slots.values()) {
      if (!now.has(slot.partition)) slot.unwant('revoked');
      else if (isAnew && !this.#spec.transactional) slot.renew();
      else slot.held?.rejoined();
    }
    const { group } = this.#spec;
    const facts = { group, tasks: this.#owned };
    this.#parts.client.logger.info(facts, 'The group has assigned its tasks.');
    if (this.#closing.signal.aborted) return;
    for (const partition of now) this.#slotOf(partition).want();
  }

  async finish(): Promise<void> {
    const { revokeTimeoutMs } = this.#parts.client.settings;
    await Promise.all(this.#held().map((task) => task.settle(revokeTimeoutMs)));
  }

  lost(): void {
    this.#owned = [];
    this.#ends.reset();
    for (const slot of this.#slots.values()) slot.unwant('fenced');
  }

  position(topic: string, partition: number): number | undefined {
    return this.#slots.get(partition)?.held?.position(topic);
  }

  fetched(batch: LogBatch): void {
    this.#troubles.read(batch.topic, batch.partition);
    this.#slots.get(batch.partition)?.held?.fetched(batch);
  }

  end(topic: string, partition: number, offset: number): void {
    this.#slots.get(partition)?.held?.endIs(topic, offset);
  }

  unreadable(topic: string, partition: number, error: CarillonError): void {
    this.#troubles.unreadable(topic, partition, error);
  }

  remade(): void {
    void this.#parts.watch.look();
  }

  quiet(fetches: number): void {
    this.#ends.quiet(fetches);
  }

  outOfRange(topic: string, partition: number, isSame = false): void {
    void this.#range(topic, partition, async (task, position) => {
      const bounds = (await this.#parts.admin.bounds(topic))[partition];
      // It moved meanwhile, or there is no such partition: the watch tells of that.
      if (bounds === undefined || task.position(topic) !== position) return;
      if (position > bounds.end) {
        this.#troubles.beyond(topic, partition, position, bounds.end);
        // Of the same topic the tail is lost: what comes is behind that.
        if (isSame) task.skipTo(topic, bounds.written ?? bounds.end);
        else this.#slots.get(partition)?.renew([topic]);
        return;
      }
      const { low } = bounds;
      if (position < low && this.#isInput(topic)) {
        this.#missed.add(topic, partition, position, low - 1);
      }
      task.skipTo(topic, Math.max(position, low));
    });
  }

  gap(topic: string, partition: number, position: number, first: number): void {
    if (!this.#isInput(topic)) return;
    void this.#range(topic, partition, async () => {
      const low = (await this.#parts.admin.bounds(topic))[partition]?.low ?? 0;
      // Else it is a gap of the log's own: compacted, or transactions' markers.
      if (low > position) this.#missed.add(topic, partition, position, Math.min(low, first) - 1);
    });
  }

  // From the slots.

  async prepare(partition: number, remade: ReadonlySet<string>): Promise<KafkaTask> {
    const { admin, topics, client } = this.#parts;
    await this.#committer.open(partition);
    // After it is open: the former owner cannot change the offsets any more.
    const start = await startOf(admin, topics, this.#spec, partition, remade, this.#troubles);
    const kept = await begunWith(this.#parts.checkpoints, this.#spec, partition, start);
    const facts = { group: this.#spec.group, partition, from: [...kept.start.offsets.values()] };
    client.logger.info(facts, 'A task begins.');
    return new KafkaTask({
      partition,
      spec: this.#spec,
      feed: this.#feed,
      unit: this.#unit,
      ...kept,
      logger: client.logger,
      failed: (task, error) => this.#failed(task, error),
    });
  }

  release(partition: number): Promise<void> {
    return this.#committer.close(partition);
  }

  opened(task: KafkaTask): void {
    this.#troubles.opened(task.partition);
    try {
      task.open(this.#host);
    } catch (error) {
      this.#failed(task, error as Error);
    }
  }

  notOpened(partition: number, error: CarillonError): void {
    this.#troubles.notOpened(partition, error);
  }

  // From the unit.

  committing(partition: number): KafkaTask | undefined {
    return this.#slots.get(partition)?.committing;
  }

  lostPart(task: KafkaTask, error: CarillonError): void {
    const slot = this.#slots.get(task.partition);
    if (slot?.held !== task) return;
    const { group } = this.#spec;
    const facts = { group, partition: task.partition, code: error.code, why: error.what };
    this.#parts.client.logger.warn(facts, 'A task is lost, the member joins its group again.');
    slot.unwant('fenced');
    // Who is the rightful owner is for the group to say: opened again at once, it would fence that
    // one.
    this.#feed.rejoin();
  }

  get #topics(): readonly string[] {
    const { inputs, tables, stores } = this.#spec;
    return [...new Set([...inputs, ...tables, ...stores.map((one) => one.changelog)])];
  }

  #isInput(topic: string): boolean {
    return this.#spec.inputs.includes(topic);
  }

  #held(): KafkaTask[] {
    return [...this.#slots.values()].flatMap((slot) => slot.held ?? []);
  }

  #slotOf(partition: number): TaskSlot {
    let slot = this.#slots.get(partition);
    if (slot === undefined) {
      const { revokeTimeoutMs } = this.#parts.client.settings;
      slot = new TaskSlot(partition, this, revokeTimeoutMs, this.#closing.signal);
      this.#slots.set(partition, slot);
    }
    return slot;
  }

  #failed(task: KafkaTask, error: Error): void {
    const slot = this.#slots.get(task.partition);
    if (slot?.held !== task) return;
    const facts = { group: this.#spec.group, partition: task.partition, why: error.stack };
    const { logger } = this.#parts.client;
    logger.error(facts, 'A task has failed, its member leaves the group.');
    slot.unwant('fenced');
    void this.close();
  }

  #changed(change: TopicChange): void {
    this.#troubles.changed(change);
    if (change.kind !== 'recreated') return;
    for (const slot of this.#slots.values()) slot.renew([change.topic]);
  }

  /** One question a partition at a time; who does not answer is asked at the next occasion. */
  async #range(
    topic: string,
    partition: number,
    ask: (task: KafkaTask, position: number) => Promise<void>,
  ): Promise<void> {
    const key = `${topic}/${partition}`;
    const task = this.#slots.get(partition)?.held;
    const position = task?.position(topic);
    if (task === undefined || position === undefined || this.#ranging.has(key)) return;
    this.#ranging.add(key);
    try {
      await ask(task, position);
    } catch (error) {
      const facts = { topic, partition, why: String(error) };
      this.#parts.client.logger.warn(facts, 'The bounds of a partition are not known.');
    } finally {
      this.#ranging.delete(key);
    }
  }

  async #close(): Promise<void> {
    this.#closing.abort();
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#unwatch();
    for (const slot of this.#slots.values()) slot.unwant('stopped');
    for (const slot of this.#slots.values()) await slot.settled();
    await this.#committer.end();
    await this.#feed.close();
    this.#troubles.closed();
  }
}
