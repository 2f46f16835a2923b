/**
 * One task at this member: restores its stores and tables, offers its inputs, commits its work.
 *
 *   restoring ──(stores and tables at their ends)──▶ running ──close──▶ closing ──▶ closed
 */
import { CarillonError } from '../../core/error.ts';
import type { CommitSet, GroupHost, GroupSpec, TaskHost, TaskPort } from '../../core/log.ts';
import type { Record } from '../../core/record.ts';
import type { Committed } from './admin.ts';
import { isFenced, type KafkaLogger, kafkaError, within } from './client.ts';
import type { Committer } from './commit.ts';
import type { Feed } from './feed.ts';
import type { Fetched } from './messages.ts';

/** Records of one offer; the rest of a fetch waits here until the task's queue takes it. */
const OFFER_RECORDS_MAX = 500;

export interface Start {
  readonly offset: number;
  /** For tables and changelogs: restored when reading has come here. */
  readonly end: number;
}

export interface TaskStart {
  readonly offsets: ReadonlyMap<string, Start>;
  readonly committed: ReadonlyMap<string, Committed>;
}

/** What a task asks of its member's consumer. */
export type TaskFeed = Pick<Feed, 'seek' | 'pause' | 'resume'>;

export interface TaskOwner {
  /** A commit failed: the task is to be closed as fenced, and asked for again. */
  lost(task: KafkaTask, error: CarillonError): void;
  /** The task's own code failed: the member ends. */
  failed(task: KafkaTask, error: Error): void;
}

interface Track {
  readonly topic: string;
  readonly role: 'input' | 'table' | 'changelog';
  readonly store: string;
  /** The next offset to fetch. */
  position: number;
  end: number;
  reached: boolean;
  pausedByHost: boolean;
  /** Fetched and not offered yet: at most one fetch of the partition. */
  held: readonly Record[];
  heldFrom: number;
  heldNext: number;
  /** `nextOffset` of the last offer. */
  offered: number;
}

export class KafkaTask implements TaskPort {
  readonly partition: number;
  readonly #spec: GroupSpec;
  readonly #feed: TaskFeed;
  readonly #committer: Committer;
  readonly #owner: TaskOwner;
  readonly #logger: KafkaLogger;
  readonly #tracks = new Map<string, Track>();
  readonly #committed: Map<string, Committed>;
  #host: TaskHost | null = null;
  #state: 'restoring' | 'running' | 'closing' | 'closed' = 'restoring';
  #commits: Promise<void> = Promise.resolve();

  constructor(
    partition: number,
    spec: GroupSpec,
    feed: TaskFeed,
    committer: Committer,
    owner: TaskOwner,
    logger: KafkaLogger,
    start: TaskStart,
  ) {
    this.partition = partition;
    this.#spec = spec;
    this.#feed = feed;
    this.#committer = committer;
    this.#owner = owner;
    this.#logger = logger;
    this.#committed = new Map(start.committed);
    const add = (topic: string, role: Track['role'], store: string) => {
      const { offset, end } = start.offsets.get(topic)!;
      this.#tracks.set(topic, trackOf(topic, role, store, offset, end));
    };
    for (const topic of spec.inputs) add(topic, 'input', '');
    for (const topic of spec.tables) add(topic, 'table', '');
    for (const { store, changelog } of spec.stores) add(changelog, 'changelog', store);
  }

  get restoring(): boolean {
    return this.#state === 'restoring';
  }

  /** Opens the engine's side and begins to read. */
  open(host: GroupHost): void {
    this.#host = host.open(this);
    this.rejoined();
    this.#readyWhenRestored();
  }

  /** A new generation, the task has stayed: kafkajs forgot where it was, we did not. */
  rejoined(): void {
    for (const track of this.#tracks.values()) {
      this.#feed.seek(track.topic, this.partition, track.position);
      this.#flow(track);
    }
  }

  position(topic: string): number | undefined {
    const track = this.#tracks.get(topic);
    return track !== undefined && this.#wants(track) ? track.position : undefined;
  }

  fetched(topic: string, fetched: Fetched): void {
    const track = this.#tracks.get(topic)!;
    track.position = fetched.nextOffset;
    try {
      if (track.role === 'input') {
        if (fetched.records.length > 0) this.#hold(track, fetched);
      } else {
        if (track.role === 'table') this.#table(track, fetched.records);
        else this.#restore(track, fetched.records);
        if (this.#state === 'restoring' && track.position >= track.end) this.#reach(track);
      }
    } catch (error) {
      this.fail(error as Error);
    }
  }

  /** Topics that are still read towards their end, with where they are. */
  unreached(): { topic: string; position: number }[] {
    if (this.#state !== 'restoring') return [];
    const rest = [...this.#tracks.values()].filter((track) => !track.reached);
    return rest.map(({ topic, position }) => ({ topic, position }));
  }

  /**
   * The leader is there, was asked again and again, and has nothing from `position` on: what is
   * missing up to the end was compacted away whole (kafkajs does not tell of empty batches).
   */
  nothingLeft(topic: string, position: number): void {
    const track = this.#tracks.get(topic);
    if (track === undefined || track.position !== position || track.reached) return;
    const facts = { topic, partition: this.partition, position, end: track.end };
    this.#logger.info(facts, 'The end of a compacted topic holds no records: restored.');
    this.#reach(track);
  }

  /** How far behind its inputs are, given their ends. */
  lag(ends: ReadonlyMap<string, number>): { topic: string; partition: number; lag: number }[] {
    return this.#spec.inputs.map((topic) => {
      const track = this.#tracks.get(topic)!;
      const committed = this.#committed.get(topic)?.offset ?? -1;
      const idle = track.held.length === 0 && committed >= track.offered;
      // All that was offered is committed: what reading has passed over since is no lag.
      const at = idle ? track.position : Math.max(committed, 0);
      return { topic, partition: this.partition, lag: Math.max(0, (ends.get(topic) ?? at) - at) };
    });
  }

  committedMetadata(topic: string): string {
    return this.#committed.get(topic)?.metadata ?? '';
  }

  commit(set: CommitSet): Promise<void> {
    const done = this.#commits.then(() => this.#commit(set));
    // The next one waits for this one, whatever came of it.
    this.#commits = done.catch(() => {});
    return done;
  }

  pause(topic: string): void {
    const track = this.#tracks.get(topic)!;
    track.pausedByHost = true;
    this.#flow(track);
  }

  resume(topic: string): void {
    const track = this.#tracks.get(topic)!;
    track.pausedByHost = false;
    // Never from inside the host's own call: its calls do not overlap.
    if (track.held.length > 0) setImmediate(() => this.#drain(track));
    else this.#flow(track);
  }

  fail(error: Error): void {
    if (this.#state === 'closed') return;
    this.#owner.failed(this, error);
  }

  /** Resolves when nothing of the task is left here; within `timeoutMs`, if the host lets it. */
  async close(why: 'revoked' | 'stopped' | 'fenced', timeoutMs: number): Promise<void> {
    if (this.#state === 'closing' || this.#state === 'closed') return;
    this.#state = why === 'fenced' ? 'closed' : 'closing';
    for (const track of this.#tracks.values()) {
      track.held = [];
      this.#flow(track);
    }
    const closed = this.#host?.close(why) ?? Promise.resolve();
    closed.catch((error) => {
      this.#logger.error(
        { partition: this.partition, why: String(error) },
        'A task did not close.',
      );
    });
    if (!(await within(closed, timeoutMs))) {
      const facts = { group: this.#spec.group, partition: this.partition, timeoutMs };
      this.#logger.warn(facts, 'A task did not finish in time: what it had not committed is void.');
    }
    this.#state = 'closed';
    await within(this.#commits, timeoutMs);
    await this.#committer.close();
  }

  async #commit(set: CommitSet): Promise<void> {
    const at = `${this.#spec.group}-${this.partition}`;
    if (this.#isClosed()) {
      throw new CarillonError('CAR643', `Task ${at} is closed.`, { where: { at } });
    }
    try {
      await this.#committer.commit(set);
    } catch (error) {
      const lost = this.#lossOf(error, at);
      if (!this.#isClosed()) this.#owner.lost(this, lost);
      throw lost;
    }
    for (const { topic, offset, metadata } of set.offsets) {
      this.#committed.set(topic, { offset, metadata });
    }
  }

  /** A method, as the state changes while a commit is under way. */
  #isClosed(): boolean {
    return this.#state === 'closed';
  }

  #lossOf(error: unknown, at: string): CarillonError {
    const options = { where: { at }, cause: error };
    if (isFenced(error)) {
      return new CarillonError('CAR643', `Task ${at} was taken over by another process.`, options);
    }
    const told = kafkaError(error, at);
    if (!told.retryable) return told;
    return new CarillonError('CAR644', `A commit of ${at} failed: ${told.what}`, {
      ...options,
      retryable: true,
    });
  }

  #wants(track: Track): boolean {
    if (this.#state === 'restoring') return track.role !== 'input' && this.#readsOn(track);
    if (this.#state !== 'running') return false;
    if (track.role === 'input') return !track.pausedByHost && track.held.length === 0;
    return this.#readsOn(track);
  }

  /** A table is followed for ever, a changelog is this task's own writing. */
  #readsOn(track: Track): boolean {
    return track.role === 'table' || !track.reached;
  }

  #flow(track: Track): void {
    if (this.#wants(track)) this.#feed.resume(track.topic, this.partition);
    else this.#feed.pause(track.topic, this.partition);
  }

  #hold(track: Track, fetched: Fetched): void {
    track.held = fetched.records;
    track.heldFrom = 0;
    track.heldNext = fetched.nextOffset;
    this.#drain(track);
  }

  #drain(track: Track): void {
    if (this.#state !== 'running') return;
    const { held } = track;
    try {
      while (track.heldFrom < held.length && !track.pausedByHost) {
        const to = Math.min(held.length, track.heldFrom + OFFER_RECORDS_MAX);
        const slice =
          track.heldFrom === 0 && to === held.length ? held : held.slice(track.heldFrom, to);
        const next = to === held.length ? track.heldNext : held[to - 1]!.offset + 1;
        track.heldFrom = to;
        track.offered = next;
        this.#host!.offer(track.topic, slice, next);
      }
    } catch (error) {
      this.fail(error as Error);
      return;
    }
    if (track.heldFrom >= held.length) track.held = [];
    this.#flow(track);
  }

  #table(track: Track, records: readonly Record[]): void {
    if (records.length > 0) this.#host!.table(track.topic, records);
  }

  /** Copies: a row lives long, and must not keep the whole fetch alive. */
  #restore(track: Track, records: readonly Record[]): void {
    for (const record of records) {
      const key = Buffer.from(record.keyBytes.subarray(record.keyStart, record.keyEnd));
      const value =
        record.valueStart < 0
          ? null
          : Buffer.from(record.valueBytes.subarray(record.valueStart, record.valueEnd));
      this.#host!.restore(track.store, key, value);
    }
  }

  #reach(track: Track): void {
    track.reached = true;
    this.#flow(track);
    this.#readyWhenRestored();
  }

  #readyWhenRestored(): void {
    if (this.#state !== 'restoring') return;
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

function trackOf(
  topic: string,
  role: Track['role'],
  store: string,
  offset: number,
  end: number,
): Track {
  return {
    topic,
    role,
    store,
    position: offset,
    end,
    reached: role === 'input' || offset >= end,
    pausedByHost: false,
    held: [],
    heldFrom: 0,
    heldNext: offset,
    offered: offset,
  };
}
