/**
 * One transaction after the other under one transactional id: batches and a group's offsets become
 * visible together or not at all.
 *
 *   open ──▶ idle ──commit(unit)──▶ idle ──▶ …
 *             ▲          │ rejected
 *             └─abort()──┴──▶ CAR643, fenced: only close() is left
 *
 * After a rejection `abort` ends the transaction and takes the next epoch, so that nothing of it
 * that is still on its way can be written; then the unit may be tried again.
 */
import { CarillonError } from '../../../core/error.ts';
import type { Requester } from './connection-pool.ts';
import { Coordinator, type CoordinatorCall } from './coordinator.ts';
import { typeOf } from './errors.ts';
import { INIT_PRODUCER_ID } from './init-producer-id.ts';
import type { ClusterMetadata } from './metadata.ts';
import type { ProducerIdentity } from './produce-request.ts';
import { BatchProducer, type OutgoingBatch, type ProducerOptions } from './producer.ts';
import {
  ADD_OFFSETS_TO_TXN,
  ADD_PARTITIONS_TO_TXN,
  END_TXN,
  type GroupOffsets,
  type Owner,
  type TopicPartition,
  TXN_OFFSET_COMMIT,
} from './transaction-requests.ts';

export type { GroupOffsets, PartitionOffset } from './transaction-requests.ts';

export interface TransactionUnit {
  readonly batches: readonly OutgoingBatch[];
  readonly offsets?: GroupOffsets;
}

export interface TransactionOptions
  extends Omit<ProducerOptions, 'transaction' | 'deliveryTimeoutMs'> {
  readonly transactionalId: string;
  /** After that long without an end the broker aborts by itself. Default 10 s (rule D2). */
  readonly transactionTimeoutMs?: number;
  /** How long one step is tried while brokers are away. Default: the transaction's timeout. */
  readonly stepTimeoutMs?: number;
}

const TRANSACTION_TIMEOUT_MS = 10_000;
/** The coordinator still writes the markers of the transaction before: some milliseconds. */
const CONCURRENT: ReadonlySet<string> = new Set(['CONCURRENT_TRANSACTIONS']);

export class TransactionalProducer {
  readonly #requester: Requester;
  readonly #metadata: ClusterMetadata;
  readonly #options: TransactionOptions;
  readonly #coordinator: Coordinator;
  readonly #groups = new Map<string, Coordinator>();
  readonly #closing = new AbortController();
  readonly #added = new Set<string>();
  #owner: Owner;
  #producer: BatchProducer;
  /** The transaction has begun at the coordinator, or may have. */
  #isOpen = false;
  /** A step has failed: nothing but `abort` and `close` from here. */
  #isBroken = false;

  private constructor(
    requester: Requester,
    metadata: ClusterMetadata,
    options: TransactionOptions,
    coordinator: Coordinator,
    owner: Owner,
  ) {
    this.#requester = requester;
    this.#metadata = metadata;
    this.#options = options;
    this.#coordinator = coordinator;
    this.#owner = owner;
    this.#producer = this.#producerOf(owner);
  }

  /**
   * Takes the transactional id over: whatever its former owner had open is aborted before this
   * resolves, and that owner is fenced.
   */
  static async open(
    requester: Requester,
    metadata: ClusterMetadata,
    options: TransactionOptions,
    signal: AbortSignal = new AbortController().signal,
  ): Promise<TransactionalProducer> {
    const id = options.transactionalId;
    const coordinator = new Coordinator(requester, metadata, 'transaction', id);
    const owner = await identify(coordinator, options, null, signal);
    return new TransactionalProducer(requester, metadata, options, coordinator, owner);
  }

  get transactionalId(): string {
    return this.#options.transactionalId;
  }

  /**
   * Writes batches as part of the transaction, which begins with the first. Gives the offset of
   * each batch's first record. Calls may overlap.
   */
  async send(batches: readonly OutgoingBatch[]): Promise<readonly number[]> {
    if (batches.length === 0) return [];
    return this.#step(async () => {
      await this.#addPartitions(batches);
      return this.#producer.send(batches);
    });
  }

  /**
   * Makes offsets part of the transaction. CAR643 when the member is not in the group's present
   * generation any more.
   */
  async sendOffsets(of: GroupOffsets): Promise<void> {
    if (of.offsets.length === 0) return;
    await this.#step(async () => {
      const owner = this.#owner;
      this.#isOpen = true;
      await this.#coordinator.ask(
        ADD_OFFSETS_TO_TXN,
        { owner, group: of.group },
        this.#call('transaction'),
      );
      await this.#groupOf(of.group).ask(TXN_OFFSET_COMMIT, { owner, of }, this.#call('group'));
    });
  }

  /** Ends the transaction; without one it does nothing. */
  async commit(unit: TransactionUnit = { batches: [] }): Promise<void> {
    const { batches, offsets } = unit;
    await this.#step(async () => {
      if (batches.length > 0) await this.#addPartitions(batches);
      const written = batches.length === 0 ? undefined : this.#producer.send(batches);
      const results = await Promise.allSettled([
        written,
        offsets === undefined ? undefined : this.sendOffsets(offsets),
      ]);
      for (const one of results) if (one.status === 'rejected') throw one.reason;
      if (!this.#isOpen) return;
      await this.#end(true);
    });
  }

  /**
   * Ends a transaction that shall not be, or of which a step has failed; resolves when none of it
   * can come any more. CAR643 when another owner has taken over.
   */
  async abort(): Promise<void> {
    await this.#producer.close();
    if (this.#isOpen) await this.#endAsAborted();
    this.#owner = await identify(
      this.#coordinator,
      this.#options,
      this.#owner,
      this.#closing.signal,
    );
    this.#producer = this.#producerOf(this.#owner);
    this.#isBroken = false;
  }

  /** An open transaction is aborted, as far as the coordinator answers; else it times out there. */
  async close(): Promise<void> {
    await this.#producer.close();
    this.#isBroken = true;
    // One attempt at a coordinator that is there; else it ends the transaction by itself.
    this.#closing.abort();
    if (this.#isOpen) await this.#endAsAborted().catch(() => {});
  }

  async #step<T>(work: () => Promise<T>): Promise<T> {
    if (this.#isBroken) {
      throw new CarillonError('CAR644', `A transaction of "${this.transactionalId}" has failed.`, {
        where: { at: this.transactionalId },
        retryable: true,
      });
    }
    try {
      return await work();
    } catch (error) {
      this.#isBroken = true;
      throw error;
    }
  }

  async #addPartitions(batches: readonly OutgoingBatch[]): Promise<void> {
    const fresh = new Map<string, TopicPartition>();
    for (const { topic, partition } of batches) {
      const key = `${topic}/${partition}`;
      if (!this.#added.has(key)) fresh.set(key, { topic, partition });
    }
    if (fresh.size === 0) return;
    this.#isOpen = true;
    const request = { owner: this.#owner, partitions: [...fresh.values()] };
    await this.#coordinator.ask(ADD_PARTITIONS_TO_TXN, request, this.#call('transaction'));
    for (const key of fresh.keys()) this.#added.add(key);
  }

  async #end(commit: boolean): Promise<void> {
    const request = { owner: this.#owner, commit };
    await this.#coordinator.ask(END_TXN, request, this.#call('transaction'));
    this.#isOpen = false;
    this.#added.clear();
  }

  async #endAsAborted(): Promise<void> {
    try {
      await this.#end(false);
    } catch (error) {
      // None was begun, or its end was done already though the answer was lost.
      if (typeOf(error) !== 'INVALID_TXN_STATE') throw error;
      this.#isOpen = false;
      this.#added.clear();
    }
  }

  #call(purpose: CoordinatorCall['purpose']): CoordinatorCall {
    return callOf(this.#options, purpose, this.#closing.signal);
  }

  #groupOf(group: string): Coordinator {
    let coordinator = this.#groups.get(group);
    if (coordinator === undefined) {
      coordinator = new Coordinator(this.#requester, this.#metadata, 'group', group);
      this.#groups.set(group, coordinator);
    }
    return coordinator;
  }

  #producerOf(owner: Owner): BatchProducer {
    const { transactionalId: id, ...options } = this.#options;
    return new BatchProducer(this.#requester, this.#metadata, {
      ...options,
      deliveryTimeoutMs: timeoutOf(this.#options),
      transaction: { id, identity: owner },
    });
  }
}

const timeoutOf = (options: TransactionOptions) =>
  options.stepTimeoutMs ?? options.transactionTimeoutMs ?? TRANSACTION_TIMEOUT_MS;

function callOf(
  options: TransactionOptions,
  purpose: CoordinatorCall['purpose'],
  signal: AbortSignal,
): CoordinatorCall {
  const deadlineMs = performance.now() + timeoutOf(options);
  return { purpose, deadlineMs, again: CONCURRENT, signal };
}

async function identify(
  coordinator: Coordinator,
  options: TransactionOptions,
  after: ProducerIdentity | null,
  signal: AbortSignal,
): Promise<Owner> {
  const { transactionalId, transactionTimeoutMs = TRANSACTION_TIMEOUT_MS } = options;
  const request = { transactionalId, transactionTimeoutMs, after };
  const call = callOf(options, 'transaction', signal);
  const { producerId, epoch } = await coordinator.ask(INIT_PRODUCER_ID, request, call);
  return { transactionalId, producerId, epoch };
}
