/**
 * How units become durable through kafkajs: each part in a transaction of its own, or outputs first
 * and then offsets (at least once).
 *
 * A transaction a part, not one a unit: kafkajs' `sendOffsets` carries neither member nor
 * generation (no KIP-447), so what fences a zombie's offsets is the transactional id of the task
 * that moved, and nothing else (docs/decisions/kafkajs.md).
 */
import type { Producer as KafkaProducer, Transaction } from 'kafkajs';
import { CarillonError } from '../../core/error.ts';
import type { CommitUnit, UnitPart } from '../../core/log.ts';
import { errorType, type KafkaClient, TRANSACTION_TIMEOUT_MS, within } from './client.ts';
import { Leaders } from './leaders.ts';
import { piecesOf } from './messages.ts';
import type { LostPart, UnitCommitter } from './plane.ts';
import type { LogProducer } from './producer.ts';
import { roundsOf, sendRound } from './send.ts';
import { pause } from './wire/pause.ts';

/** The coordinator still writes the markers of the transaction before: a few milliseconds. */
const CONCURRENT_DELAY_MS = 5;
const CONCURRENT_ATTEMPTS_MAX = 200;
/** Then the brokers have ended the transaction themselves; kafkajs alone would try for minutes. */
const COMMIT_TIMEOUT_MS = TRANSACTION_TIMEOUT_MS + 5_000;

function isEmpty(part: UnitPart): boolean {
  return part.batches.length === 0 && part.offsets.length === 0;
}

/** What one task commits with: the transactional id `<group>-<p>`. */
export class TaskTransactions {
  readonly #group: string;
  readonly #partition: number;
  readonly #producer: KafkaProducer;
  readonly #leaders: Leaders;
  readonly #closing = new AbortController();
  /** Begun ahead; it opens nothing at the brokers before the first record. */
  #transaction: Transaction | null;

  private constructor(
    group: string,
    partition: number,
    producer: KafkaProducer,
    leaders: Leaders,
    transaction: Transaction,
  ) {
    this.#group = group;
    this.#partition = partition;
    this.#producer = producer;
    this.#leaders = leaders;
    this.#transaction = transaction;
  }

  /**
   * Fences the task's former owner: the brokers end that one's transaction first, so offsets that
   * are read after this are final.
   */
  static async open(
    client: KafkaClient,
    group: string,
    partition: number,
  ): Promise<TaskTransactions> {
    const leaders = new Leaders();
    const producer = client.kafka.producer({
      transactionalId: `${group}-${partition}`,
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
      return new TaskTransactions(group, partition, producer, leaders, transaction);
    } catch (error) {
      await producer.disconnect().catch(() => {});
      throw error;
    }
  }

  /**
   * After a rejection this is of no more use: the end of its transaction is not known. Rejects
   * after 15 s at the latest.
   */
  async commit(part: UnitPart): Promise<void> {
    if (isEmpty(part)) return;
    const done = this.#commit(part);
    if (await within(done, COMMIT_TIMEOUT_MS)) return done;
    throw new CarillonError('CAR640', `A transaction had no end in ${COMMIT_TIMEOUT_MS} ms.`, {
      where: { at: `${this.#group}-${this.#partition}` },
      retryable: true,
    });
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#producer.disconnect().catch(() => {});
  }

  async #commit(part: UnitPart): Promise<void> {
    const pieces = part.batches.flatMap((batch, at) => piecesOf(batch, at));
    const transaction = this.#transaction ?? (await this.#producer.transaction());
    this.#transaction = null;
    try {
      for (const round of roundsOf(pieces)) {
        await sendRound(transaction, this.#leaders, round, false);
      }
      if (part.offsets.length > 0) await this.#sendOffsets(transaction, part);
      await transaction.commit();
    } catch (error) {
      if (transaction.isActive()) await transaction.abort().catch(() => {});
      throw error;
    }
  }

  async #sendOffsets(transaction: Transaction, part: UnitPart): Promise<void> {
    const topics = part.offsets.map(({ topic, offset, metadata }) => ({
      topic,
      partitions: [{ partition: part.partition, offset: String(offset), metadata }],
    }));
    for (let attempt = 1; ; attempt++) {
      try {
        await transaction.sendOffsets({ consumerGroupId: this.#group, topics });
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

/** What a committer needs of a task's transactions; a stand-in's seam. */
export type OpenTransactions = (
  partition: number,
) => Promise<Pick<TaskTransactions, 'commit' | 'close'>>;

/** The parts side by side, as each has a producer of its own. */
export class TransactionCommitter implements UnitCommitter {
  readonly #openTransactions: OpenTransactions;
  readonly #open = new Map<number, Pick<TaskTransactions, 'commit' | 'close'>>();

  constructor(open: OpenTransactions) {
    this.#openTransactions = open;
  }

  async open(partition: number): Promise<void> {
    await this.close(partition);
    this.#open.set(partition, await this.#openTransactions(partition));
  }

  async close(partition: number): Promise<void> {
    const transactions = this.#open.get(partition);
    this.#open.delete(partition);
    await transactions?.close();
  }

  async commit(unit: CommitUnit): Promise<readonly LostPart[]> {
    const lost = await Promise.all(
      unit.parts.map(async (part): Promise<LostPart[]> => {
        try {
          const transactions = this.#open.get(part.partition);
          if (transactions === undefined) throw new Error('the task is not open here');
          await transactions.commit(part);
          return [];
        } catch (error) {
          return [{ partition: part.partition, error }];
        }
      }),
    );
    return lost.flat();
  }

  async end(): Promise<void> {
    await Promise.all([...this.#open.keys()].map((partition) => this.close(partition)));
  }
}

/** Offsets outside transactions, as a member of the group. */
export interface OffsetCommits {
  commitOffsets(
    offsets: readonly { topic: string; partition: number; offset: number; metadata: string }[],
  ): Promise<void>;
}

/**
 * Outputs of all parts by the log's idempotent producer, then their offsets in one request, so it
 * is the unit that stands or is lost.
 */
export class PlainCommitter implements UnitCommitter {
  readonly #producer: Pick<LogProducer, 'sendPieces'>;
  readonly #group: OffsetCommits;

  constructor(producer: Pick<LogProducer, 'sendPieces'>, group: OffsetCommits) {
    this.#producer = producer;
    this.#group = group;
  }

  async open(): Promise<void> {}

  async close(): Promise<void> {}

  async commit({ parts }: CommitUnit): Promise<readonly LostPart[]> {
    try {
      const batches = parts.flatMap((part) => part.batches);
      const pieces = batches.flatMap((batch, at) => piecesOf(batch, at));
      if (pieces.length > 0) await this.#producer.sendPieces(pieces, batches.length);
      const offsets = parts.flatMap(({ partition, offsets }) =>
        offsets.map((one) => ({ ...one, partition })),
      );
      if (offsets.length > 0) await this.#group.commitOffsets(offsets);
      return [];
    } catch (error) {
      return parts.map(({ partition }) => ({ partition, error }));
    }
  }

  async end(): Promise<void> {}
}
