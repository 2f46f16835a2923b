/** What a producer is handed, and what holds when it is not told. */
import type { Compression } from './compression.ts';
import type { Purpose } from './connection-pool.ts';
import type { ProducerIdentity } from './produce-request.ts';

/** A finished batch of `BatchBuilder`; it is sealed where it lies, and must not be used after. */
export interface OutgoingBatch {
  readonly topic: string;
  readonly partition: number;
  readonly bytes: Buffer;
}

export interface ProducerOptions {
  /** Which connections it uses: a broker takes one request of each at a time. Default `produce`. */
  readonly purpose?: Purpose;
  /** How long a batch is tried. Default 30 s. */
  readonly deliveryTimeoutMs?: number;
  /** How long a broker may take for one request. Default 15 s. */
  readonly requestTimeoutMs?: number;
  /** Between two attempts. Default 50 ms. */
  readonly retryMs?: number;
  /** Default `none`: readers of the same process then need not undo it. */
  readonly compression?: Compression;
  /** Larger batches are halved before they are sent. Default 1,000,000, below the brokers' own. */
  readonly batchBytesMax?: number;
  /** Waiting beyond this, `send` holds its caller back. Default 32 MiB. */
  readonly waitingBytesMax?: number;
  readonly transaction?: ProducerTransaction;
}

/** Of batches in transactions: they must have been opened under this identity. */
export interface ProducerTransaction {
  readonly id: string;
  readonly identity: ProducerIdentity;
  /** Leaders add partitions by themselves (KIP-890); else they must have been added. Default no. */
  readonly leadersAdd?: boolean;
}

const DELIVERY_TIMEOUT_MS = 30_000;
const REQUEST_TIMEOUT_MS = 15_000;
const BATCH_BYTES_MAX = 1_000_000;
const WAITING_BYTES_MAX = 32 * 1024 * 1024;
const RETRY_MS = 50;

export type ProducerSettings = Required<Omit<ProducerOptions, 'transaction'>>;

export function settingsOf(options: ProducerOptions): ProducerSettings {
  return {
    purpose: options.purpose ?? 'produce',
    deliveryTimeoutMs: options.deliveryTimeoutMs ?? DELIVERY_TIMEOUT_MS,
    requestTimeoutMs: options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
    retryMs: options.retryMs ?? RETRY_MS,
    compression: options.compression ?? 'none',
    batchBytesMax: options.batchBytesMax ?? BATCH_BYTES_MAX,
    waitingBytesMax: options.waitingBytesMax ?? WAITING_BYTES_MAX,
  };
}
