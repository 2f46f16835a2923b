/**
 * How the units of a member become durable on the own protocol level: one transaction a unit, or
 * outputs first and then offsets.
 *
 * A transactional id stands for a task, `<group>-<task>`, as on kafkajs: who opens a task takes its
 * id over, which ends at once whatever its former owner had open under it. A unit is written under
 * the id of the lowest task that the member has: so the transaction of a member that has died is
 * ended by whoever gets that task, and ids are no more than tasks. What fences a zombie is the
 * group: offsets are refused from a member or generation that is not the present one (KIP-447).
 */
import type { CommitUnit, UnitPart } from '../../core/log.ts';
import { TRANSACTION_TIMEOUT_MS, within } from './client.ts';
import type { LostPart, UnitCommitter } from './plane.ts';
import { wireError } from './wire/errors.ts';
import { mergeBatches } from './wire/merge.ts';
import type { BatchProducer, OutgoingBatch } from './wire/producer.ts';
import { TransactionalProducer } from './wire/transaction.ts';
import type { WireFeed } from './wire-feed.ts';
import type { WireParts } from './wire-plane.ts';

/** Below the producer's own limit, at which batches are halved. */
const MERGED_BYTES_MAX = 900_000;
/** A unit that takes longer is given up for a task that closes. */
const CLOSE_PATIENCE_MS = 5_000;
/** How long `end` waits for transactions to be aborted. */
const END_TIMEOUT_MS = 3_000;

const lostAll = (parts: readonly UnitPart[], error: unknown): LostPart[] =>
  parts.map(({ partition }) => ({ partition, error }));

function outputsOf(parts: readonly UnitPart[]): readonly OutgoingBatch[] {
  return mergeBatches(
    parts.flatMap((part) => part.batches),
    MERGED_BYTES_MAX,
  );
}

function offsetsOf(parts: readonly UnitPart[]) {
  return parts.flatMap(({ partition, offsets }) => offsets.map((one) => ({ ...one, partition })));
}

/** A member, as its committer sees it. */
export type CommittingFeed = Pick<WireFeed, 'within' | 'owns' | 'commitOffsets'>;

export class UnitTransactions implements UnitCommitter {
  readonly #parts: WireParts;
  readonly #group: string;
  readonly #feed: CommittingFeed;
  readonly #open = new Map<number, TransactionalProducer>();
  readonly #ending = new Set<Promise<void>>();
  #underWay: Promise<unknown> = Promise.resolve();
  #beganMs = 0;

  constructor(parts: WireParts, group: string, feed: CommittingFeed) {
    this.#parts = parts;
    this.#group = group;
    this.#feed = feed;
  }

  async open(partition: number): Promise<void> {
    await this.close(partition);
    const { requester, metadata } = this.#parts;
    const producer = await TransactionalProducer.open(requester, metadata, {
      transactionalId: `${this.#group}-${partition}`,
      transactionTimeoutMs: TRANSACTION_TIMEOUT_MS,
      purpose: `produce ${this.#group}`,
    });
    this.#open.set(partition, producer);
  }

  async close(partition: number): Promise<void> {
    if (!this.#open.has(partition)) return;
    // A unit of the other tasks may be on its way under this id.
    const leftMs = this.#beganMs + CLOSE_PATIENCE_MS - performance.now();
    await within(this.#underWay, Math.max(0, leftMs));
    this.#end(partition);
  }

  async commit({ parts }: CommitUnit): Promise<readonly LostPart[]> {
    const committing = this.#commit(parts);
    this.#underWay = committing;
    this.#beganMs = performance.now();
    return committing;
  }

  async end(): Promise<void> {
    // A unit that is on its way is given up: its tasks are closed.
    for (const partition of [...this.#open.keys()]) this.#end(partition);
    await within(Promise.all(this.#ending), END_TIMEOUT_MS);
  }

  #end(partition: number): void {
    const producer = this.#open.get(partition);
    this.#open.delete(partition);
    if (producer === undefined) return;
    // Not waited for: who opens the task next ends what this cannot.
    const ending = producer.close().finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  }

  async #commit(parts: readonly UnitPart[]): Promise<readonly LostPart[]> {
    try {
      return await this.#feed.within(async (membership) => {
        const isMine = ({ partition }: UnitPart) =>
          this.#feed.owns(partition) && this.#open.has(partition);
        const mine = parts.filter(isMine);
        const moved = lostAll(
          parts.filter((part) => !isMine(part)),
          new Error('the task has moved to another member'),
        );
        const batches = outputsOf(mine);
        const offsets = offsetsOf(mine);
        if (batches.length === 0 && offsets.length === 0) return moved;
        const lowest = Math.min(...this.#open.keys());
        const producer = this.#open.get(lowest)!;
        await producer.commit({ batches, offsets: { ...membership, offsets } });
        return moved;
      });
    } catch (error) {
      return lostAll(parts, wireError(error, this.#group));
    }
  }
}

/** At least once: outputs of all parts, then their offsets in one request. */
export class OutputsThenOffsets implements UnitCommitter {
  readonly #producer: Pick<BatchProducer, 'send'>;
  readonly #group: string;
  readonly #feed: CommittingFeed;

  constructor(producer: Pick<BatchProducer, 'send'>, group: string, feed: CommittingFeed) {
    this.#producer = producer;
    this.#group = group;
    this.#feed = feed;
  }

  async open(): Promise<void> {}

  async close(): Promise<void> {}

  /** Also what a task has done that has moved since: its new owner tells some of it again. */
  async commit({ parts }: CommitUnit): Promise<readonly LostPart[]> {
    try {
      await this.#feed.within(async () => {
        await this.#producer.send(outputsOf(parts));
        const offsets = offsetsOf(parts);
        if (offsets.length > 0) await this.#feed.commitOffsets(offsets);
      });
      return [];
    } catch (error) {
      return lostAll(parts, wireError(error, this.#group));
    }
  }

  async end(): Promise<void> {}
}
