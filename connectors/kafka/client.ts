/**
 * kafkajs, set up once: its logger, its codecs, its limits, and its errors in the words of the
 * house. Nothing outside this folder imports it.
 */
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import kafkajs, { type Kafka, type KafkaConfig, type LogEntry } from 'kafkajs';
import type { Clock } from '../../core/clock.ts';
import { systemClock } from '../../core/clock.ts';
import { CarillonError } from '../../core/error.ts';
import { type SocketFactory, Sockets } from './sockets.ts';
import type { Dialer } from './wire/connection.ts';

/** A fixed sentence, and facts as fields; pino's loggers fit. */
export interface KafkaLogger {
  debug(facts: object, sentence: string): void;
  info(facts: object, sentence: string): void;
  warn(facts: object, sentence: string): void;
  error(facts: object, sentence: string): void;
}

export interface KafkaOptions {
  /** `host:port` of some of the brokers. */
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly ssl?: KafkaConfig['ssl'];
  readonly sasl?: KafkaConfig['sasl'];
  readonly logger?: KafkaLogger;
  /** Of topics that are created; -1 (the default) is the broker's own default. */
  readonly replicationFactor?: number;
  /** How long `send` tries while the brokers are away, before it rejects. Default 30 s. */
  readonly deliveryTimeoutMs?: number;
  /** After how long without a heartbeat a member's tasks go to the others. Default 10 s. */
  readonly sessionTimeoutMs?: number;
  /** How often a member asks whether the group has changed. Default 500 ms. */
  readonly heartbeatIntervalMs?: number;
  /**
   * How long the broker holds an empty fetch (docs/decisions/kafkajs.md); on batches, a short one
   * (wire/fetch-rounds.ts). Default 50 ms.
   */
  readonly fetchWaitMs?: number;
  /** How long a task that was taken away may finish and commit. Default 5 s. */
  readonly revokeTimeoutMs?: number;
  readonly clock?: Clock;
  /** How a connection is made: for proxies, and for tests that cut the wire. */
  readonly socketFactory?: SocketFactory;
  /** The same for connections of the own protocol level. */
  readonly dialer?: Dialer;
  /**
   * What moves records: our own protocol level (`batches`, the default), or kafkajs' public
   * consumer and producer.
   */
  readonly dataPlane?: 'batches' | 'kafkajs';
  /** A folder for the state of tasks that have ended cleanly; absent: it is not kept here. */
  readonly checkpoints?: string;
}

export interface Settings {
  readonly replicationFactor: number;
  readonly deliveryTimeoutMs: number;
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  readonly fetchWaitMs: number;
  readonly revokeTimeoutMs: number;
}

/** What every part of the connector shares. */
export interface KafkaClient {
  readonly kafka: Pick<Kafka, 'admin' | 'consumer' | 'producer'>;
  /** The same with sockets of its own, for what kafkajs does not end by itself. */
  isolated(): { readonly kafka: Pick<Kafka, 'consumer'>; cut(): void };
  readonly logger: KafkaLogger;
  readonly clock: Clock;
  readonly clientId: string;
  readonly brokers: readonly string[];
  readonly settings: Settings;
}

const { CompressionCodecs, CompressionTypes, logLevel } = kafkajs;

export const silent: KafkaLogger = { debug() {}, info() {}, warn() {}, error() {} };

/** An open transaction holds up every reader of its partitions, so it is short (rule D2). */
export const TRANSACTION_TIMEOUT_MS = 10_000;
const CONNECTION_TIMEOUT_MS = 3_000;
const REQUEST_TIMEOUT_MS = 15_000;

export function openClient(options: KafkaOptions): KafkaClient {
  registerCodecs();
  dropTimeoutWarnings();
  const logger = options.logger ?? silent;
  return {
    kafka: new kafkajs.Kafka(configOf(options, logger, options.socketFactory)),
    isolated() {
      const sockets = new Sockets(options.socketFactory);
      const kafka = new kafkajs.Kafka(configOf(options, logger, sockets.factory));
      return { kafka, cut: () => sockets.cut() };
    },
    logger,
    clock: options.clock ?? systemClock,
    clientId: options.clientId,
    brokers: options.brokers,
    settings: {
      replicationFactor: options.replicationFactor ?? -1,
      deliveryTimeoutMs: options.deliveryTimeoutMs ?? 30_000,
      sessionTimeoutMs: options.sessionTimeoutMs ?? 10_000,
      heartbeatIntervalMs: options.heartbeatIntervalMs ?? 500,
      fetchWaitMs: options.fetchWaitMs ?? 50,
      revokeTimeoutMs: options.revokeTimeoutMs ?? 5_000,
    },
  };
}

function configOf(
  options: KafkaOptions,
  logger: KafkaLogger,
  socketFactory: SocketFactory | undefined,
): KafkaConfig {
  return {
    brokers: [...options.brokers],
    clientId: options.clientId,
    ...(options.ssl === undefined ? {} : { ssl: options.ssl }),
    ...(options.sasl === undefined ? {} : { sasl: options.sasl }),
    ...(socketFactory === undefined ? {} : { socketFactory }),
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    // Every layer of kafkajs retries by itself: few and quick, the patience is ours.
    retry: { initialRetryTime: 50, maxRetryTime: 1_000, retries: 4 },
    logLevel: logLevel.INFO,
    logCreator: () => (entry) => forward(logger, entry),
  };
}

/** What brokers answer in passing, and kafkajs asks again: a start or a commit is full of them. */
const ROUTINE = [
  'another concurrent operation on the same transaction was ongoing',
  'The group coordinator is not available',
  'The coordinator is loading',
  'Topic creation errors',
  'The group is rebalancing',
];

/**
 * kafkajs calls every lost connection an error; for us it is one only when the call itself fails.
 */
export function forward(logger: KafkaLogger, entry: LogEntry): void {
  const { message, stack: _stack, timestamp: _timestamp, logger: _logger, ...facts } = entry.log;
  const told = { ...facts, part: entry.namespace };
  const said = `${message} ${String(facts.error ?? '')}`;
  const isRoutine = ROUTINE.some((sentence) => said.includes(sentence));
  if (entry.level === logLevel.ERROR && !isRoutine) logger.warn(told, message);
  else logger.debug(told, message);
}

/** zstd is built into Node; kafkajs brings gzip itself. Snappy and lz4 would need a package. */
function registerCodecs(): void {
  CompressionCodecs[CompressionTypes.ZSTD] = () => ({
    compress: async (encoder: { buffer: Buffer }) => zstdCompressSync(encoder.buffer),
    decompress: async (bytes: Buffer) => zstdDecompressSync(bytes),
  });
}

let warningsDropped = false;

/** kafkajs sets timers of negative length, which Node 24 warns of; they do no harm. */
function dropTimeoutWarnings(): void {
  if (warningsDropped) return;
  warningsDropped = true;
  const emitWarning = process.emitWarning as (...args: unknown[]) => void;
  process.emitWarning = ((...args: unknown[]) => {
    if (args[1] === 'TimeoutNegativeWarning') return;
    emitWarning.apply(process, args);
  }) as typeof process.emitWarning;
}

interface KafkaFailure extends Error {
  readonly type?: string;
  readonly retriable?: boolean;
  readonly cause?: unknown;
}

/** The protocol's name of an error (`PRODUCER_FENCED`), looked for along its causes. */
export function errorType(error: unknown): string | undefined {
  let at = error as KafkaFailure | undefined;
  for (let depth = 0; at !== undefined && at !== null && depth < 5; depth++) {
    if (typeof at.type === 'string') return at.type;
    at = at.cause as KafkaFailure | undefined;
  }
  return undefined;
}

const FENCED: ReadonlySet<string> = new Set([
  'INVALID_PRODUCER_EPOCH',
  'PRODUCER_FENCED',
  'INVALID_PRODUCER_ID_MAPPING',
  'UNKNOWN_PRODUCER_ID',
  'FENCED_INSTANCE_ID',
]);

export function isFenced(error: unknown): boolean {
  return FENCED.has(errorType(error) ?? '');
}

/** What retrying does not mend: it is the deployment's to mend. */
const REFUSED: ReadonlySet<string> = new Set([
  'TOPIC_AUTHORIZATION_FAILED',
  'GROUP_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
  'SASL_AUTHENTICATION_FAILED',
  'UNSUPPORTED_SASL_MECHANISM',
  'MESSAGE_TOO_LARGE',
  'RECORD_LIST_TOO_LARGE',
  'INVALID_RECORD',
  'INVALID_REPLICATION_FACTOR',
  'INVALID_PARTITIONS',
  'INVALID_CONFIG',
  'POLICY_VIOLATION',
  'INVALID_TOPIC_EXCEPTION',
  'UNSUPPORTED_VERSION',
  'INCONSISTENT_GROUP_PROTOCOL',
]);

/** A kafkajs failure as the house tells it; a CarillonError stays what it is. */
export function kafkaError(error: unknown, at: string): CarillonError {
  if (error instanceof CarillonError) return error;
  const failure = error as KafkaFailure;
  const type = errorType(error);
  const name = String(failure?.name ?? '');
  const why = failure?.message ?? String(error);
  const options = { where: { at }, cause: error };
  if (type === 'UNKNOWN_TOPIC_OR_PARTITION') {
    return new CarillonError('CAR642', `"${at}" names a topic that is not there.`, options);
  }
  if (REFUSED.has(type ?? '') || name.includes('SASL') || name === 'KafkaJSNotImplemented') {
    return new CarillonError('CAR645', `Kafka refuses "${at}": ${why}`, options);
  }
  if (failure instanceof TypeError || failure instanceof RangeError) {
    return new CarillonError('CAR645', `"${at}" cannot be sent: ${why}`, options);
  }
  return new CarillonError('CAR640', `Kafka does not answer "${at}": ${why}`, {
    ...options,
    retryable: true,
  });
}

/** Doubles from 100 ms to 3 s; a success sets it back. */
export class Backoff {
  #delayMs = 0;

  next(): number {
    this.#delayMs = this.#delayMs === 0 ? 100 : Math.min(this.#delayMs * 2, 3_000);
    return this.#delayMs;
  }

  reset(): void {
    this.#delayMs = 0;
  }
}

/** True when `promise` settled in time. The timer never outlives the call. */
export async function within(promise: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  try {
    return await Promise.race([
      promise.then(
        () => true,
        () => true,
      ),
      late,
    ]);
  } finally {
    clearTimeout(timer);
  }
}
