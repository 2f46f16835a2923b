/**
 * How a task's work becomes durable: in one Kafka transaction, or outputs first and then offsets
 * (at least once).
 */
import type { Producer as KafkaProducer, Transaction } from 'kafkajs';
import { CarillonError } from '../../core/error.ts';
import type { CommitSet, GroupSpec, StateRow } from '../../core/log.ts';
import { errorType, type KafkaClient, pause, TRANSACTION_TIMEOUT_MS } from './client.ts';
import type { Feed } from './feed.ts';
import { Leaders } from './leaders.ts';
import { type Piece, piecesOf, piecesOfRows } from './messages.ts';
import type { LogProducer } from './producer.ts';
import { roundsOf, sendRound } from './send.ts';

export interface Committer {
  commit(set: CommitSet): Promise<void>;
  close(): Promise<void>;
}

const METADATA_BYTES_MAX = 4096;
/** The coordinator still writes the markers of the transaction before: a few milliseconds. */
const CONCURRENT_DELAY_MS = 5;
const CONCURRENT_ATTEMPTS_MAX = 200;

/** Batches, and rows as records of their stores' changelogs. */
function piecesOfSet(spec: GroupSpec, partition: number, set: CommitSet, nowMs: number): Piece[] {
  const pieces = set.batches.flatMap((batch, at) => piecesOf(batch, at));
  const byStore = new Map<string, StateRow[]>();
  for (const row of set.rows) {
    const rows = byStore.get(row.store);
    if (rows === undefined) byStore.set(row.store, [row]);
    else rows.push(row);
  }
  for (const [store, rows] of byStore) {
    const changelog = spec.stores.find((one) => one.store === store)?.changelog;
    if (changelog === undefined) throw new Error(`store "${store}" is not of the group's`);
    pieces.push(...piecesOfRows(changelog, partition, rows, nowMs));
  }
  return pieces;
}

function checkMetadata(spec: GroupSpec, set: CommitSet): void {
  for (const { topic, metadata } of set.offsets) {
    const size = Buffer.byteLength(metadata, 'utf8');
    if (size <= METADATA_BYTES_MAX) continue;
    throw new CarillonError(
      'CAR646',
      `Metadata of "${topic}" in "${spec.group}" is ${size} bytes.`,
      {
        where: { at: `${spec.group} ${topic}` },
      },
    );
  }
}

function isEmpty(set: CommitSet): boolean {
  return set.batches.length === 0 && set.rows.length === 0 && set.offsets.length === 0;
}

/**
 * One transactional id per task, `<group>-<p>`. Opening it fences the task's former owner: the
 * brokers end that one's transaction first, so offsets that are read after `open` are final.
 */
export class TransactionCommitter implements Committer {
  readonly #client: KafkaClient;
  readonly #spec: GroupSpec;
  readonly #partition: number;
  readonly #producer: KafkaProducer;
  readonly #leaders: Leaders;
  readonly #closing = new AbortController();
  /** Begun ahead; it opens nothing at the brokers before the first record. */
  #transaction: Transaction | null;

  private constructor(
    client: KafkaClient,
    spec: GroupSpec,
    partition: number,
    producer: KafkaProducer,
    leaders: Leaders,
    transaction: Transaction,
  ) {
    this.#client = client;
    this.#spec = spec;
    this.#partition = partition;
    this.#producer = producer;
    this.#leaders = leaders;
    this.#transaction = transaction;
  }

  static async open(
    client: KafkaClient,
    spec: GroupSpec,
    partition: number,
  ): Promise<TransactionCommitter> {
    const leaders = new Leaders();
    const producer = client.kafka.producer({
      transactionalId: `${spec.group}-${partition}`,
      transactionTimeout: TRANSACTION_TIMEOUT_MS,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      createPartitioner: leaders.partitioner,
      // The coordinator answers "concurrent" while it ends the transaction before: ask again soon.
      retry: { initialRetryTime: 5, maxRetryTime: 1_000, retries: 11 },
    });
    try {
      await producer.connect();
      const transaction = await producer.transaction();
      return new TransactionCommitter(client, spec, partition, producer, leaders, transaction);
    } catch (error) {
      await producer.disconnect().catch(() => {});
      throw error;
    }
  }

  /**
   * After a rejection this committer is of no more use: the end of its transaction is not known.
   */
  async commit(set: CommitSet): Promise<void> {
    if (isEmpty(set)) return;
    checkMetadata(this.#spec, set);
    const pieces = piecesOfSet(this.#spec, this.#partition, set, this.#client.clock.now());
    const transaction = this.#transaction ?? (await this.#producer.transaction());
    this.#transaction = null;
    try {
      for (const round of roundsOf(pieces)) {
        await sendRound(transaction, this.#leaders, round, false);
      }
      if (set.offsets.length > 0) await this.#sendOffsets(transaction, set);
      await transaction.commit();
    } catch (error) {
      if (transaction.isActive()) await transaction.abort().catch(() => {});
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#producer.disconnect().catch(() => {});
  }

  async #sendOffsets(transaction: Transaction, set: CommitSet): Promise<void> {
    const topics = set.offsets.map(({ topic, offset, metadata }) => ({
      topic,
      partitions: [{ partition: this.#partition, offset: String(offset), metadata }],
    }));
    for (let attempt = 1; ; attempt++) {
      try {
        await transaction.sendOffsets({ consumerGroupId: this.#spec.group, topics });
        return;
      } catch (error) {
        // kafkajs does not retry this one by itself.
        const again = errorType(error) === 'CONCURRENT_TRANSACTIONS';
        if (!again || attempt >= CONCURRENT_ATTEMPTS_MAX) throw error;
        await pause(CONCURRENT_DELAY_MS, this.#closing.signal);
      }
    }
  }
}

/** Outputs by the log's idempotent producer, then offsets as a member of the group. */
export class PlainCommitter implements Committer {
  readonly #client: KafkaClient;
  readonly #spec: GroupSpec;
  readonly #partition: number;
  readonly #producer: LogProducer;
  readonly #feed: Feed;

  constructor(
    client: KafkaClient,
    spec: GroupSpec,
    partition: number,
    producer: LogProducer,
    feed: Feed,
  ) {
    this.#client = client;
    this.#spec = spec;
    this.#partition = partition;
    this.#producer = producer;
    this.#feed = feed;
  }

  async commit(set: CommitSet): Promise<void> {
    if (isEmpty(set)) return;
    checkMetadata(this.#spec, set);
    const pieces = piecesOfSet(this.#spec, this.#partition, set, this.#client.clock.now());
    await this.#producer.sendPieces(pieces, set.batches.length);
    if (set.offsets.length === 0) return;
    await this.#feed.commitOffsets(
      set.offsets.map((one) => ({ ...one, partition: this.#partition })),
    );
  }

  async close(): Promise<void> {}
}
