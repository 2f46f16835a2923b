/** Topics and offsets asked of the brokers over the own protocol level. */
import { CarillonError } from '../../core/error.ts';
import { type Bounds, type Committed, STALE_MS } from './admin.ts';
import { AskQueue } from './ask-queue.ts';
import type { OffsetSource } from './plane.ts';
import type { TopicFacts, TopicSource } from './topic-watch.ts';
import type { Requester } from './wire/connection-pool.ts';
import { Coordinator } from './wire/coordinator.ts';
import { committedForMember, committedOffsets } from './wire/group-offsets.ts';
import { type Membership, OFFSET_COMMIT } from './wire/group-requests.ts';
import { type ListOptions, listOffsets, type OffsetQuestion } from './wire/list-offsets.ts';
import type { ClusterMetadata } from './wire/metadata.ts';
import type { PartitionOffset } from './wire/transaction-requests.ts';

const TIMEOUT_MS = 15_000;
const NO_GENERATION = -1;

export class WireOffsets implements OffsetSource, TopicSource {
  readonly staleMs = STALE_MS;
  readonly #requester: Requester;
  readonly #metadata: ClusterMetadata;
  readonly #memberships: ReadonlyMap<string, Membership>;
  /** So that tasks which open together ask for the bounds of a topic once. */
  readonly #queue = new AskQueue();

  /** @param memberships by group, of this process */
  constructor(
    requester: Requester,
    metadata: ClusterMetadata,
    memberships: ReadonlyMap<string, Membership>,
  ) {
    this.#memberships = memberships;
    this.#requester = requester;
    this.#metadata = metadata;
  }

  /** With the topics' ids. */
  async describe(topics: readonly string[]): Promise<ReadonlyMap<string, TopicFacts>> {
    await this.#metadata.track(topics);
    await this.#metadata.refresh();
    const found = new Map<string, TopicFacts>();
    for (const name of topics) {
      const topic = this.#metadata.topic(name);
      if (topic === undefined || this.#metadata.failure(name) !== undefined) continue;
      found.set(name, { partitions: topic.leaders.length, id: topic.id });
    }
    return found;
  }

  async partitionsOf(topic: string): Promise<number | undefined> {
    return (await this.describe([topic])).get(topic)?.partitions;
  }

  bounds(topic: string): Promise<readonly Bounds[]> {
    return this.#queue.ask(topic, async () => {
      const [starts, ends, written] = await Promise.all([
        this.#list(topic, 'start'),
        this.#list(topic, 'end'),
        this.#list(topic, 'end', { reads: 'written' }),
      ]);
      return starts.map((low, p) => ({ low, end: ends[p]!, written: written[p]! }));
    });
  }

  async offsetsAt(topic: string, timeMs: number): Promise<readonly number[]> {
    const [found, ends] = await Promise.all([this.#list(topic, timeMs), this.#list(topic, 'end')]);
    return found.map((offset, p) => (offset < 0 ? ends[p]! : offset));
  }

  /**
   * As a member of the group: waits for transactions of others that hold some of these offsets
   * (KIP-447).
   */
  async committed(
    groupId: string,
    topics: readonly string[],
    partition: number,
  ): Promise<ReadonlyMap<string, Committed>> {
    const asked = topics.map((topic) => ({ topic, partition }));
    const membership = () => this.#memberships.get(groupId);
    const told = await committedForMember(this.#requester, this.#metadata, membership, asked);
    return new Map(told.map(({ topic, offset, metadata }) => [topic, { offset, metadata }]));
  }

  async committedAll(
    groupId: string,
    topics: readonly string[],
  ): Promise<ReadonlyMap<number, ReadonlyMap<string, Committed>>> {
    await this.#metadata.track(topics);
    const asked = topics.flatMap((topic) =>
      this.#partitions(topic).map((p) => ({ topic, partition: p })),
    );
    const options = { stable: false, timeoutMs: TIMEOUT_MS };
    const told = await committedOffsets(this.#requester, this.#metadata, groupId, asked, options);
    const all = new Map<number, Map<string, Committed>>();
    for (const { topic, partition, offset, metadata } of told) {
      const mine = all.get(partition) ?? new Map<string, Committed>();
      mine.set(topic, { offset, metadata });
      all.set(partition, mine);
    }
    return all;
  }

  /** For a group that has no members: no generation stands behind it. */
  async commit(group: string, offsets: readonly PartitionOffset[]): Promise<void> {
    const coordinator = new Coordinator(this.#requester, this.#metadata, 'group', group);
    await coordinator.ask(
      OFFSET_COMMIT,
      { group, memberId: '', generation: NO_GENERATION, offsets },
      {
        purpose: 'group',
        deadlineMs: performance.now() + TIMEOUT_MS,
        signal: new AbortController().signal,
      },
    );
  }

  async #list(
    topic: string,
    at: OffsetQuestion['at'],
    options: ListOptions = {},
  ): Promise<readonly number[]> {
    await this.#metadata.track([topic]);
    const questions = this.#partitions(topic).map((partition) => ({ topic, partition, at }));
    if (questions.length === 0) throw missing(topic);
    const timed = { timeoutMs: TIMEOUT_MS, ...options };
    return listOffsets(this.#requester, this.#metadata, questions, timed);
  }

  #partitions(topic: string): number[] {
    return (this.#metadata.topic(topic)?.leaders ?? []).map((_, partition) => partition);
  }
}

function missing(topic: string): CarillonError {
  return new CarillonError('CAR642', `Topic "${topic}" is not there.`, { where: { at: topic } });
}
