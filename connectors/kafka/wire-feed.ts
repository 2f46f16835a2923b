/**
 * A member of a group on the own protocol level, and what it fetches: batches as they lie on the
 * wire. A feed that shares with nobody (a reader) is in no group at all.
 */
import { CarillonError } from '../../core/error.ts';
import { STALE_MS } from './admin.ts';
import type { Self } from './assigner.ts';
import { Backoff } from './client.ts';
import { GenerationGate } from './generation-gate.ts';
import type { Feed, FeedHost, FeedSpec } from './plane.ts';
import { BrokerError, wireError } from './wire/errors.ts';
import {
  type FetchedPartition,
  Fetcher,
  type FetchFailure,
  type FetchHost,
  type WantedPartition,
} from './wire/fetcher.ts';
import { GroupMember } from './wire/group-member.ts';
import type { Membership } from './wire/group-requests.ts';
import type { Assignment } from './wire/group-strategy.ts';
import { pause } from './wire/pause.ts';
import { emptyBatch, logBatches } from './wire-batches.ts';
import type { WireParts } from './wire-plane.ts';
import { taskStrategy } from './wire-strategy.ts';

/** One partition's part of an answer. */
const PARTITION_BYTES_MAX = 1024 * 1024;
/** What could not be read is tried again after so long. */
const UNREADABLE_REST_MS = 1_000;
/**
 * So many answers in a row without a record, at a position before the last stable offset: what is
 * missing up to it was compacted away.
 */
const EMPTY_ANSWERS = 3;

interface Place {
  /** Of the topic that the position belongs to; empty: not known yet. */
  topicId: string;
  /** Answers in a row that brought nothing though the log goes on. */
  empty: number;
  /** Monotonic milliseconds. */
  restsUntilMs: number;
  /** Since when the leader says that the position is beyond its end; monotonic milliseconds. */
  beyondSinceMs: number;
}

const NEVER_MS = Number.POSITIVE_INFINITY;

const placeOf = (topicId: string): Place => {
  return { topicId, empty: 0, restsUntilMs: 0, beyondSinceMs: NEVER_MS };
};

export class WireFeed implements Feed, FetchHost {
  readonly tellsEnds = true;
  readonly #parts: WireParts;
  readonly #spec: FeedSpec;
  readonly #host: FeedHost;
  readonly #fetcher: Fetcher;
  readonly #member: GroupMember | null;
  readonly #gate: GenerationGate;
  readonly #closing = new AbortController();
  readonly #places = new Map<string, Place>();
  #assignment: ReadonlyMap<string, readonly number[]> = new Map();
  #owned: ReadonlySet<number> = new Set();
  #membership: Membership | null = null;

  constructor(parts: WireParts, spec: FeedSpec, host: FeedHost) {
    this.#parts = parts;
    this.#spec = spec;
    this.#host = host;
    const { requester, metadata, settings } = parts;
    this.#gate = new GenerationGate(spec.groupId);
    this.#fetcher = new Fetcher(requester, metadata, this, {
      purpose: `fetch ${spec.groupId}`,
      shortWaitMs: settings.fetchWaitMs,
    });
    this.#member = spec.self === undefined ? null : this.#memberOf(spec.self);
  }

  async start(): Promise<void> {
    try {
      await this.#track();
      if (this.#closing.signal.aborted) throw this.#outside();
      if (this.#member === null) this.#takeAll();
      else await this.#member.start();
    } catch (error) {
      await this.close();
      throw wireError(error, this.#spec.groupId);
    }
  }

  rejoin(): void {
    if (this.#closing.signal.aborted) return;
    if (this.#member === null) this.#takeAll();
    else this.#member.rejoin();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#setMembership(null);
    this.#gate.lost();
    await Promise.all([this.#fetcher.close(), this.#member?.leave()]);
  }

  /** A position is of the topic as it is now. */
  seek(topic: string, partition: number): void {
    const topicId = this.#parts.metadata.topic(topic)?.id ?? '';
    this.#places.set(`${topic}/${partition}`, placeOf(topicId));
    this.#wake();
  }

  /** What is not wanted is not asked for: the host's `position` says so. */
  pause(): void {}

  resume(): void {
    this.#wake();
  }

  // For the committer.

  /**
   * Runs a commit within one generation of the group, and waits for one while the member joins.
   * Rejects with CAR643 when the member is in none, or was out of its group meanwhile.
   */
  async within<T>(commit: (membership: Membership) => Promise<T>): Promise<T> {
    return this.#gate.within(async () => {
      if (this.#membership === null) throw this.#outside();
      return commit(this.#membership);
    });
  }

  /** The task is this member's in the present generation. */
  owns(partition: number): boolean {
    return this.#owned.has(partition);
  }

  async commitOffsets(
    offsets: readonly { topic: string; partition: number; offset: number; metadata: string }[],
  ): Promise<void> {
    if (this.#member === null) throw this.#outside();
    await this.#member.commitOffsets(offsets);
  }

  // From the fetcher.

  *wanted(): IterableIterator<WantedPartition> {
    const nowMs = performance.now();
    for (const [topic, partitions] of this.#assignment) {
      for (const partition of partitions) {
        const offset = this.#host.position(topic, partition);
        if (offset === undefined) continue;
        const place = this.#place(topic, partition);
        if (place.restsUntilMs > nowMs) continue;
        const { topicId } = place;
        yield { topic, partition, offset, topicId, maxBytes: PARTITION_BYTES_MAX };
      }
    }
  }

  fetched(fetched: FetchedPartition): void {
    const { topic, partition, offset } = fetched.wanted;
    if (this.#host.position(topic, partition) !== offset) return;
    const place = this.#place(topic, partition);
    if (place.topicId !== fetched.wanted.topicId) return;
    place.empty = 0;
    place.beyondSinceMs = NEVER_MS;
    try {
      for (const batch of logBatches(fetched)) this.#host.fetched(batch);
    } catch (error) {
      this.#unreadable(topic, partition, error);
    }
  }

  answered(partitions: readonly FetchedPartition[]): void {
    for (const { wanted, code, lastStableOffset } of partitions) {
      if (code === 0) this.#host.end?.(wanted.topic, wanted.partition, lastStableOffset);
    }
    if (partitions.some(({ bytes }) => bytes.length > 0)) return;
    for (const { wanted, code, lastStableOffset } of partitions) {
      const { topic, partition, offset } = wanted;
      if (code !== 0 || offset >= lastStableOffset) continue;
      if (this.#host.position(topic, partition) !== offset) continue;
      const place = this.#place(topic, partition);
      if (++place.empty < EMPTY_ANSWERS) continue;
      place.empty = 0;
      this.#host.fetched(emptyBatch(wanted, offset, lastStableOffset));
    }
  }

  away(broker: number, why: string): void {
    this.#parts.logger.debug({ broker, why }, 'A broker does not answer a fetch.');
  }

  failed({ topic, partition, offset }: WantedPartition, failure: FetchFailure): void {
    if (this.#host.position(topic, partition) !== offset) return;
    if (failure.kind === 'out-of-range') {
      if (!this.#isDoubted(topic, partition, offset > failure.end)) {
        this.#host.outOfRange(topic, partition, true);
      }
    } else if (failure.kind === 'recreated') this.#host.remade?.(topic);
    else if (failure.kind === 'refused') {
      this.#unreadable(topic, partition, new BrokerError(failure.why));
    }
    // A topic that is gone is told of by who watches topics.
  }

  #memberOf(self: () => Self): GroupMember {
    const { requester, metadata, settings, logger } = this.#parts;
    const { groupId: group, topics } = this.#spec;
    const { sessionTimeoutMs, heartbeatIntervalMs, deliveryTimeoutMs: startTimeoutMs } = settings;
    const strategy = taskStrategy(topics, self);
    const timing = { sessionTimeoutMs, heartbeatIntervalMs, startTimeoutMs };
    return new GroupMember(
      requester,
      metadata,
      { group, strategy, ...timing },
      {
        assigned: (membership, assignment) => this.#assigned(membership, assignment),
        rebalancing: async () => {
          await this.#host.finish?.();
          await this.#gate.shut();
        },
        lost: (why) => this.#lost(why),
        failed: ({ what }) => {
          const sentence = 'A member joins again, or its coordinator is away.';
          logger.debug({ group, why: what }, sentence);
        },
      },
    );
  }

  #assigned(membership: Membership, { partitions }: Assignment): void {
    const before = this.#membership;
    const isNext =
      before?.memberId === membership.memberId && before.generation + 1 === membership.generation;
    // A generation that was missed: another may have had our tasks in it.
    if (before !== null && !isNext) this.#lost('a generation was missed');
    this.#setMembership(membership);
    this.#assignment = partitions;
    this.#owned = new Set([...partitions.values()].flat());
    this.#places.clear();
    this.#host.joined(membership.memberId, partitions);
    this.#gate.open();
    this.#wake();
  }

  #lost(why: string): void {
    const facts = { group: this.#spec.groupId, why };
    this.#parts.logger.warn(facts, 'The member was out of its group.');
    this.#setMembership(null);
    this.#assignment = new Map();
    this.#owned = new Set();
    // First, so that what waits for a generation finds its tasks gone.
    this.#host.lost?.();
    this.#gate.lost();
  }

  /**
   * A leader that was stopped in its tracks and runs on takes what was written since for beyond its
   * end, until it learns that it has been followed.
   */
  #isDoubted(topic: string, partition: number, isBeyond: boolean): boolean {
    const place = this.#place(topic, partition);
    const nowMs = performance.now();
    place.beyondSinceMs = isBeyond ? Math.min(place.beyondSinceMs, nowMs) : NEVER_MS;
    void this.#parts.metadata.complain();
    return isBeyond && nowMs - place.beyondSinceMs < STALE_MS;
  }

  #unreadable(topic: string, partition: number, error: unknown): void {
    const at = `${topic}/${partition}`;
    this.#place(topic, partition).restsUntilMs = performance.now() + UNREADABLE_REST_MS;
    this.#host.unreadable?.(topic, partition, wireError(error, at));
    setTimeout(() => this.#wake(), UNREADABLE_REST_MS).unref();
  }

  #place(topic: string, partition: number): Place {
    const key = `${topic}/${partition}`;
    let place = this.#places.get(key);
    if (place === undefined) {
      place = placeOf('');
      this.#places.set(key, place);
    }
    if (place.topicId === '') place.topicId = this.#parts.metadata.topic(topic)?.id ?? '';
    return place;
  }

  /** Learns of the topics, and waits for a broker as long as a delivery waits. */
  async #track(): Promise<void> {
    const { metadata, settings } = this.#parts;
    const backoff = new Backoff();
    const deadlineMs = performance.now() + settings.deliveryTimeoutMs;
    for (;;) {
      try {
        return await metadata.track(this.#spec.topics);
      } catch (error) {
        const told = wireError(error, this.#spec.groupId);
        const delayMs = backoff.next();
        const isLate = performance.now() + delayMs > deadlineMs;
        if (!told.retryable || isLate || this.#closing.signal.aborted) throw told;
        await pause(delayMs, this.#closing.signal);
      }
    }
  }

  #takeAll(): void {
    const { metadata } = this.#parts;
    this.#assignment = new Map(
      this.#spec.topics.map((topic) => [topic, [...(metadata.topic(topic)?.leaders.keys() ?? [])]]),
    );
    this.#places.clear();
    this.#host.joined('', this.#assignment);
    this.#wake();
  }

  #setMembership(membership: Membership | null): void {
    this.#membership = membership;
    const { memberships } = this.#parts;
    if (membership === null) memberships.delete(this.#spec.groupId);
    else memberships.set(this.#spec.groupId, membership);
  }

  #wake(): void {
    if (!this.#closing.signal.aborted) this.#fetcher.wake();
  }

  #outside(): CarillonError {
    const at = this.#spec.groupId;
    return new CarillonError('CAR643', `The member of "${at}" is not in its group.`, {
      where: { at },
    });
  }
}
