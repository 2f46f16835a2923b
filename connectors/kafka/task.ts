/**
 * One task at this member: restores its stores and tables, then has its inputs taken from.
 *
 *   restoring ──(stores and tables at their ends)──▶ running ──close──▶ closing ──▶ closed
 */
import type {
  GroupHost,
  GroupSpec,
  LogBatch,
  TaskHost,
  TaskPort,
  UnitPart,
  UnitPort,
} from '../../core/log.ts';
import { batchCount, wholeBatch } from '../../core/record-batch.ts';
import type { Committed } from './admin.ts';
import type { Checkpoint, Covered } from './checkpoint.ts';
import { type KafkaLogger, within } from './client.ts';
import { InputQueue } from './input-queue.ts';
import type { Feed } from './plane.ts';
import type { TaskStart } from './task-start.ts';

type Rows = NonNullable<ReturnType<NonNullable<TaskHost['snapshot']>>>;

/** What a task asks of its member's feed. */
export type TaskFeed = Pick<Feed, 'seek' | 'pause' | 'resume' | 'tellsEnds'>;

export type Why = 'revoked' | 'stopped' | 'fenced';

interface Track {
  readonly topic: string;
  readonly role: 'input' | 'table' | 'changelog';
  readonly store: string;
  /** The next offset to fetch. */
  position: number;
  readonly end: number;
  /** Where its leader said last that it ends; infinity: it has not said. */
  endsAt: number;
  reached: boolean;
  /** An input's; empty for the others. */
  readonly queue: InputQueue;
  /** `nextOffset` of the last batch with records. */
  lastRecords: number;
}

export interface TaskParts {
  readonly partition: number;
  readonly spec: GroupSpec;
  readonly feed: TaskFeed;
  readonly unit: UnitPort;
  readonly start: TaskStart;
  readonly logger: KafkaLogger;
  /** What it begins with, before the ends of its changelogs. */
  readonly checkpoint?: Checkpoint | undefined;
  /** Keeps the rows of a task that has ended cleanly. Never rejects. */
  keep?(covered: readonly Covered[], rows: Rows): Promise<void>;
  /** The task's own code failed: the member ends. */
  failed(task: KafkaTask, error: Error): void;
}

export class KafkaTask implements TaskPort {
  readonly partition: number;
  readonly unit: UnitPort;
  readonly #parts: TaskParts;
  readonly #tracks = new Map<string, Track>();
  readonly #committed: Map<string, Committed>;
  #host: TaskHost | null = null;
  /** Its checkpoint is being read. */
  #isLoading = false;
  /** Parts that were handed to a commit, and are not known to be committed. */
  #unknown = 0;
  #state: 'restoring' | 'running' | 'closing' | 'closed' = 'restoring';

  constructor(parts: TaskParts) {
    const { partition, spec, start } = parts;
    this.partition = partition;
    this.unit = parts.unit;
    this.#parts = parts;
    this.#committed = new Map(start.committed);
    const add = (topic: string, role: Track['role'], store: string) => {
      const { offset, end } = start.offsets.get(topic)!;
      this.#tracks.set(topic, {
        topic,
        role,
        store,
        position: offset,
        end,
        endsAt: Number.POSITIVE_INFINITY,
        reached: role === 'input' || offset >= end,
        queue: new InputQueue(),
        lastRecords: offset,
      });
    };
    for (const topic of spec.inputs) add(topic, 'input', '');
    for (const topic of spec.tables) add(topic, 'table', '');
    for (const { store, changelog } of spec.stores) add(changelog, 'changelog', store);
  }

  get restoring(): boolean {
    return this.#state === 'restoring';
  }

  /** It can still commit: also while it is being closed. */
  get isOpen(): boolean {
    return this.#state !== 'closed';
  }

  /** Opens the engine's side and begins to read. */
  open(host: GroupHost): void {
    this.#host = host.open(this);
    const { checkpoint } = this.#parts;
    if (checkpoint !== undefined) {
      this.#isLoading = true;
      void this.#readBack(checkpoint);
    }
    this.rejoined();
    this.#readyWhenRestored();
  }

  /** A new generation, the task has stayed: the feed forgot where it was, we did not. */
  rejoined(): void {
    for (const track of this.#tracks.values()) {
      this.#parts.feed.seek(track.topic, this.partition, track.position);
      this.#flow(track);
    }
  }

  position(topic: string): number | undefined {
    const track = this.#tracks.get(topic);
    return track !== undefined && this.#wants(track) ? track.position : undefined;
  }

  fetched(batch: LogBatch): void {
    const track = this.#tracks.get(batch.topic);
    if (track === undefined || !this.#takes(track)) return;
    track.position = batch.nextOffset;
    try {
      if (track.role === 'input') this.#queue(track, batch);
      else this.#load(track, batch);
    } catch (error) {
      this.fail(error as Error);
    }
  }

  /** Where a partition that is wanted goes on; the records between were deleted. */
  skipTo(topic: string, offset: number): void {
    const track = this.#tracks.get(topic);
    if (track === undefined) return;
    track.position = offset;
    this.#parts.feed.seek(topic, this.partition, offset);
  }

  /** What is read now, and where it is: for who looks whether it moves. */
  wanted(): { topic: string; partition: number; position: number }[] {
    const wanted = [...this.#tracks.values()].filter((track) => this.#wants(track));
    return wanted.map(({ topic, position }) => ({ topic, partition: this.partition, position }));
  }

  /** Topics that are still read towards their end, with where they are. */
  unreached(): { topic: string; position: number; end: number }[] {
    if (this.#state !== 'restoring') return [];
    const rest = [...this.#tracks.values()].filter((track) => !track.reached);
    return rest.map(({ topic, position, end }) => ({ topic, position, end }));
  }

  /**
   * The leader is there, was asked again and again, and has nothing from `position` on: what is
   * missing up to the end was compacted away whole (kafkajs does not tell of empty batches).
   */
  nothingLeft(topic: string, position: number): void {
    const track = this.#tracks.get(topic);
    if (track === undefined || track.position !== position || track.reached) return;
    // It was not asked: what its checkpoint has comes first.
    if (this.#isLoading) return;
    const facts = { topic, partition: this.partition, position, end: track.end };
    this.#parts.logger.info(facts, 'The end of a compacted topic holds no records: restored.');
    this.skipTo(topic, track.end);
    this.#reach(track);
  }

  /** How far behind its inputs are, given their ends. */
  lag(ends: ReadonlyMap<string, number>): { topic: string; partition: number; lag: number }[] {
    return this.#parts.spec.inputs.map((topic) => {
      const track = this.#tracks.get(topic)!;
      const committed = this.#committed.get(topic)?.offset ?? -1;
      // All records are committed: what reading has passed over since is no lag.
      const isIdle = committed >= track.lastRecords;
      const at = isIdle ? Math.max(track.position, committed) : Math.max(committed, 0);
      return { topic, partition: this.partition, lag: Math.max(0, (ends.get(topic) ?? at) - at) };
    });
  }

  committedMetadata(topic: string): string {
    return this.#committed.get(topic)?.metadata ?? '';
  }

  take(topic: string): LogBatch | undefined {
    const track = this.#tracks.get(topic);
    if (this.#state !== 'running' || track === undefined) return undefined;
    const wasFull = track.queue.isFull;
    const batch = track.queue.take();
    if (wasFull && !track.queue.isFull) this.#flow(track);
    return batch;
  }

  isAtEnd(topic: string): boolean {
    const track = this.#tracks.get(topic);
    if (track === undefined || track.queue.size > 0) return false;
    return this.#parts.feed.tellsEnds !== true || track.position >= track.endsAt;
  }

  /** The leader of an input has said where it ends. */
  endIs(topic: string, offset: number): void {
    const track = this.#tracks.get(topic);
    if (track?.role !== 'input' || track.endsAt === offset) return;
    track.endsAt = offset;
    if (this.#state === 'running' && this.isAtEnd(topic)) this.#host!.wake();
  }

  /** The part as it is to be committed: with the note of what had rows. */
  marked(part: UnitPart): UnitPart {
    this.#unknown++;
    return { ...part, offsets: this.#parts.start.marks.apply(part.batches, part.offsets) };
  }

  committed(part: UnitPart): void {
    this.#unknown--;
    this.#parts.start.marks.committed();
    for (const { topic, offset, metadata } of part.offsets) {
      this.#committed.set(topic, { offset, metadata });
    }
  }

  /** What has been done is committed, or `timeoutMs` are over. Never rejects. */
  async settle(timeoutMs: number): Promise<void> {
    if (this.#state !== 'running') return;
    const settled = (async () => this.#host?.settle?.())();
    settled.catch((error) => {
      const { partition } = this;
      this.#parts.logger.warn({ partition, why: String(error) }, 'A task did not settle.');
    });
    await within(settled, timeoutMs);
  }

  fail(error: Error): void {
    if (this.#state !== 'closed') this.#parts.failed(this, error);
  }

  /**
   * Resolves when the engine's side has closed, within `timeoutMs`: it must not keep the next owner
   * waiting.
   */
  async close(why: Why, timeoutMs: number): Promise<void> {
    if (this.#state === 'closing' || this.#state === 'closed') return;
    const hasBegun = this.#state === 'running';
    this.#state = why === 'fenced' ? 'closed' : 'closing';
    for (const track of this.#tracks.values()) {
      track.queue.clear();
      this.#flow(track);
    }
    const { spec, logger } = this.#parts;
    const facts = { group: spec.group, partition: this.partition };
    // In a function, so that what it throws at once is told as well.
    const closed = (async () => this.#host?.close(why))();
    closed.catch((error) => {
      logger.error({ ...facts, why: String(error) }, 'A task did not close.');
    });
    if (!(await within(closed, timeoutMs))) {
      const sentence = 'A task did not finish in time: what it had not committed is void.';
      logger.warn({ ...facts, timeoutMs }, sentence);
    } else if (hasBegun && why === 'stopped') await this.#keep();
    this.#state = 'closed';
  }

  /** Rows that are not known to be committed are not kept. */
  async #keep(): Promise<void> {
    const { keep, spec, start } = this.#parts;
    if (keep === undefined || this.#unknown !== 0 || spec.stores.length === 0) return;
    const rows = this.#host?.snapshot?.();
    if (rows === undefined) return;
    const covered = spec.stores.flatMap(({ changelog }) => {
      const offset = start.marks.endOf(changelog);
      return offset === undefined ? [] : [{ changelog, id: start.marks.idOf(changelog), offset }];
    });
    await keep(covered, rows);
  }

  /** The checkpoint first, then the changelogs from where it ends. */
  async #readBack(checkpoint: Checkpoint): Promise<void> {
    try {
      for await (const { store, bytes } of checkpoint.batches()) {
        if (this.#state !== 'restoring') return;
        const { changelog } = this.#parts.spec.stores.find((one) => one.store === store)!;
        this.#parts.start.marks.note(changelog);
        this.#host!.restore(store, wholeBatch(changelog, this.partition, bytes, 0));
      }
    } catch (error) {
      this.fail(error as Error);
      return;
    }
    this.#isLoading = false;
    for (const track of this.#tracks.values()) this.#flow(track);
    this.#readyWhenRestored();
  }

  #wants(track: Track): boolean {
    return this.#takes(track) && !track.queue.isFull;
  }

  /** Also what was fetched already when the queue became full: thrown away it would come again. */
  #takes(track: Track): boolean {
    if (this.#state === 'restoring') {
      if (this.#isLoading && track.role === 'changelog') return false;
      return track.role !== 'input' && this.#readsOn(track);
    }
    if (this.#state !== 'running') return false;
    return track.role === 'input' || this.#readsOn(track);
  }

  /** A table is followed for ever, a changelog is this task's own writing. */
  #readsOn(track: Track): boolean {
    return track.role === 'table' || !track.reached;
  }

  #flow(track: Track): void {
    if (this.#wants(track)) this.#parts.feed.resume(track.topic, this.partition);
    else this.#parts.feed.pause(track.topic, this.partition);
  }

  #queue(track: Track, batch: LogBatch): void {
    if (batchCount(batch.bytes) > 0) track.lastRecords = batch.nextOffset;
    const isFirst = track.queue.push(batch);
    if (track.queue.isFull) this.#flow(track);
    if (isFirst) this.#host!.wake();
  }

  #load(track: Track, batch: LogBatch): void {
    if (batchCount(batch.bytes) > 0) {
      if (track.role === 'table') this.#host!.table(track.topic, batch);
      else {
        this.#parts.start.marks.note(track.topic);
        this.#host!.restore(track.store, batch);
      }
    }
    if (this.#state === 'restoring' && track.position >= track.end) this.#reach(track);
  }

  #reach(track: Track): void {
    track.reached = true;
    this.#flow(track);
    this.#readyWhenRestored();
  }

  #readyWhenRestored(): void {
    if (this.#state !== 'restoring' || this.#isLoading) return;
    for (const track of this.#tracks.values()) if (!track.reached) return;
    this.#state = 'running';
    try {
      this.#host!.ready();
    } catch (error) {
      this.fail(error as Error);
      return;
    }
    for (const track of this.#tracks.values()) this.#flow(track);
  }
}
