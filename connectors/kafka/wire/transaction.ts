/**
 * One transaction after the other under one transactional id: batches and a group's offsets become
 * visible together or not at all. Where the cluster has the second version of transactions
 * (KIP-890, the feature `transaction.version`) leaders and the group's coordinator make themselves
 * part of it, and its end gives the epoch of the next; else both are asked for.
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
import { pause } from './pause.ts';
import type { ProducerIdentity } from './produce-request.ts';
import { BatchProducer, type OutgoingBatch, type ProducerOptions } from './producer.ts';
import {
  ADD_OFFSETS_TO_TXN,
  ADD_PARTITIONS_TO_TXN,
  END_TXN,
  END_TXN_AND_BUMP,
  type GroupOffsets,
  type Owner,
  type TopicPartition,
  TXN_OFFSET_COMMIT,
  TXN_OFFSET_COMMIT_AND_ADD,
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
/**
 * Between the end of a transaction and the first write of the next: markers are still being
 * written, and a leader that adds a partition meanwhile looks again after 20 ms
 * (`add.partitions.to.txn.retry.backoff.ms`). On one broker with 16 partitions one after the other
 * took 30 ms without it, 7 to 9 with it.
 */
const MARKERS_MS = 5;
const FEATURE = 'transaction.version';
/** From this level on brokers add to a transaction what is written in it. */
const BROKERS_ADD_LEVEL = 2;
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
  /** Of this transaction, while it is open; of the last one else. Null before the first. */
  #brokersAdd: boolean | null = null;
  #beginning: Promise<boolean> | null = null;
  /** Monotonic: when the last transaction ended. */
  #endedMs = Number.NEGATIVE_INFINITY;
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
      await this.#add(batches);
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
      const brokersAdd = await this.#begin();
      const owner = this.#owner;
      if (!brokersAdd) {
        const added = { owner, group: of.group };
        await this.#coordinator.ask(ADD_OFFSETS_TO_TXN, added, this.#call('transaction'));
      }
      const api = brokersAdd ? TXN_OFFSET_COMMIT_AND_ADD : TXN_OFFSET_COMMIT;
      await this.#groupOf(of.group).ask(api, { owner, of }, this.#call('group'));
    });
  }

  /** Ends the transaction; without one it does nothing. */
  async commit(unit: TransactionUnit = { batches: [] }): Promise<void> {
    const { batches, offsets } = unit;
    await this.#step(async () => {
      if (batches.length > 0) await this.#add(batches);
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
    await this.#takeNextEpoch();
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

  async #takeNextEpoch(): Promise<void> {
    const { signal } = this.#closing;
    this.#owner = await identify(this.#coordinator, this.#options, this.#owner, signal);
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

  /** True: brokers add to the transaction what is written in it. */
  async #begin(): Promise<boolean> {
    if (this.#isOpen) return this.#brokersAdd!;
    this.#beginning ??= this.#beginNow().finally(() => {
      this.#beginning = null;
    });
    return this.#beginning;
  }

  async #beginNow(): Promise<boolean> {
    const brokersAdd = this.#requester.feature(FEATURE) >= BROKERS_ADD_LEVEL;
    // A late write of the transactions before must not be taken for one of this.
    if (brokersAdd && this.#brokersAdd === false) await this.#takeNextEpoch();
    const restMs = this.#endedMs + MARKERS_MS - performance.now();
    if (brokersAdd && restMs > 0) await pause(restMs, this.#closing.signal);
    this.#brokersAdd = brokersAdd;
    this.#isOpen = true;
    this.#producer.begin({ identity: this.#owner, leadersAdd: brokersAdd });
    return brokersAdd;
  }

  async #add(batches: readonly OutgoingBatch[]): Promise<void> {
    if (await this.#begin()) return;
    const fresh = new Map<string, TopicPartition>();
    for (const { topic, partition } of batches) {
      const key = `${topic}/${partition}`;
      if (!this.#added.has(key)) fresh.set(key, { topic, partition });
    }
    if (fresh.size === 0) return;
    const request = { owner: this.#owner, partitions: [...fresh.values()] };
    await this.#coordinator.ask(ADD_PARTITIONS_TO_TXN, request, this.#call('transaction'));
    for (const key of fresh.keys()) this.#added.add(key);
  }

  async #end(commit: boolean): Promise<void> {
    const request = { owner: this.#owner, commit };
    if (this.#brokersAdd === true) {
      const call = this.#call('transaction');
      const { next } = await this.#coordinator.ask(END_TXN_AND_BUMP, request, call);
      this.#owner = { ...this.#owner, ...next };
    } else await this.#coordinator.ask(END_TXN, request, this.#call('transaction'));
    this.#isOpen = false;
    this.#endedMs = performance.now();
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
