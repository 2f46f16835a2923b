/**
 * Writes outside transactions: idempotent, acks from all in-sync replicas. What is asked while a
 * request is under way goes out together in the next round (kafkajs takes one request a broker at a
 * time anyway).
 */
import type { Producer as KafkaProducer } from 'kafkajs';
import { CarillonError } from '../../core/error.ts';
import type { EncodedBatch, Producer } from '../../core/log.ts';
import { Backoff, errorType, type KafkaClient, kafkaError } from './client.ts';
import { Leaders } from './leaders.ts';
import { type Piece, piecesOf } from './messages.ts';
import { roundsOf, sendRound } from './send.ts';
import { pause } from './wire/pause.ts';

/** What waits to be sent, in bytes; `send` holds its caller back beyond it. */
const WAITING_BYTES_MAX = 32 * 1024 * 1024;
/** Taken into one round at most. */
const ROUND_BYTES_MAX = 4 * 1024 * 1024;

interface Waiting {
  readonly pieces: readonly Piece[];
  readonly bytes: number;
  readonly offsets: number[];
  readonly deadlineMs: number;
  resolve(offsets: readonly number[]): void;
  reject(error: unknown): void;
}

/** After these the broker no longer knows this producer: a new one must take over. */
const LOST_SEQUENCE: ReadonlySet<string> = new Set([
  'OUT_OF_ORDER_SEQUENCE_NUMBER',
  'DUPLICATE_SEQUENCE_NUMBER',
  'UNKNOWN_PRODUCER_ID',
  'INVALID_PRODUCER_EPOCH',
  'INVALID_PRODUCER_ID_MAPPING',
]);

export class LogProducer implements Producer {
  readonly #client: KafkaClient;
  readonly #leaders = new Leaders();
  readonly #waiting: Waiting[] = [];
  readonly #closing = new AbortController();
  #waitingBytes = 0;
  #room: (() => void)[] = [];
  #producer: KafkaProducer | null = null;
  #pump: Promise<void> | null = null;

  constructor(client: KafkaClient) {
    this.#client = client;
  }

  /** Connects, so that the first `send` need not. */
  async open(): Promise<void> {
    try {
      await this.#connected();
    } catch (error) {
      throw kafkaError(error, 'producer');
    }
  }

  async send(batches: readonly EncodedBatch[]): Promise<readonly number[]> {
    return this.sendPieces(
      batches.flatMap((batch, at) => piecesOf(batch, at)),
      batches.length,
    );
  }

  /** Like `send`; pieces with batch -1 (changelog rows) have no offset to tell. */
  async sendPieces(pieces: readonly Piece[], batches: number): Promise<readonly number[]> {
    if (pieces.length === 0) return new Array<number>(batches).fill(-1);
    const bytes = pieces.reduce((sum, piece) => sum + piece.bytes, 0);
    while (this.#waitingBytes > 0 && this.#waitingBytes + bytes > WAITING_BYTES_MAX) {
      await new Promise<void>((resolve) => this.#room.push(resolve));
    }
    if (this.#closing.signal.aborted) throw closed();
    const deadlineMs = performance.now() + this.#client.settings.deliveryTimeoutMs;
    return new Promise((resolve, reject) => {
      const offsets = new Array<number>(batches).fill(-1);
      this.#waiting.push({ pieces, bytes, offsets, deadlineMs, resolve, reject });
      this.#waitingBytes += bytes;
      this.#pump ??= this.#run();
    });
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#pump;
    await this.#drop();
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const taken: Waiting[] = [];
      let bytes = 0;
      do {
        const next = this.#waiting.shift()!;
        taken.push(next);
        bytes += next.bytes;
      } while (this.#waiting.length > 0 && bytes < ROUND_BYTES_MAX);
      await this.#deliver(taken);
      for (const one of taken) this.#waitingBytes -= one.bytes;
      const woken = this.#room;
      this.#room = [];
      for (const wake of woken) wake();
    }
    this.#pump = null;
  }

  async #deliver(taken: readonly Waiting[]): Promise<void> {
    const owner = new Map<Piece, Waiting>();
    for (const one of taken) for (const piece of one.pieces) owner.set(piece, one);
    const deadlineMs = Math.min(...taken.map((one) => one.deadlineMs));
    try {
      for (const round of roundsOf([...owner.keys()])) {
        const offsets = await this.#persist(round, deadlineMs);
        round.forEach((piece, i) => {
          if (piece.first && piece.batch >= 0) {
            owner.get(piece)!.offsets[piece.batch] = offsets[i]!;
          }
        });
      }
      for (const one of taken) one.resolve(one.offsets);
    } catch (error) {
      // What was in flight may be written or not, and a new batch must not take its sequence
      // number.
      await this.#drop();
      const told = kafkaError(error, 'produce');
      for (const one of taken) one.reject(told);
    }
  }

  /** Sends one round, again and again until it is answered, refused, or out of time. */
  async #persist(round: readonly Piece[], deadlineMs: number): Promise<number[]> {
    const done = new Map<Piece, number>();
    const backoff = new Backoff();
    for (;;) {
      try {
        const producer = await this.#connected();
        return await sendRound(producer, this.#leaders, round, true, done);
      } catch (error) {
        const told = kafkaError(error, 'produce');
        const lost = LOST_SEQUENCE.has(errorType(error) ?? '');
        const delayMs = backoff.next();
        if (!told.retryable || this.#closing.signal.aborted) throw told;
        if (performance.now() + delayMs > deadlineMs) throw told;
        this.#client.logger.warn({ why: told.what }, 'Kafka does not take records, trying again.');
        if (lost) await this.#drop();
        await pause(delayMs, this.#closing.signal);
      }
    }
  }

  async #connected(): Promise<KafkaProducer> {
    if (this.#producer !== null) return this.#producer;
    const producer = this.#client.kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      createPartitioner: this.#leaders.partitioner,
      retry: { initialRetryTime: 50, maxRetryTime: 1_000, retries: 6 },
    });
    try {
      await producer.connect();
    } catch (error) {
      await producer.disconnect().catch(() => {});
      throw error;
    }
    this.#producer = producer;
    return producer;
  }

  async #drop(): Promise<void> {
    const producer = this.#producer;
    this.#producer = null;
    await producer?.disconnect().catch(() => {});
  }
}

function closed(): CarillonError {
  return new CarillonError('CAR640', 'The producer is closed.', { where: { at: 'produce' } });
}
