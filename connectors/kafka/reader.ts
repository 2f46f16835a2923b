/**
 * Reads a topic in full, all partitions, outside any group of tasks: for tools and for followed
 * tables.
 */
import { randomUUID } from 'node:crypto';
import { CarillonError } from '../../core/error.ts';
import type { LogBatch, ReadOptions } from '../../core/log.ts';
import type { Record } from '../../core/record.ts';
import { readBatch } from '../../core/record-batch.ts';
import type { LogAdmin } from './admin.ts';
import type { KafkaClient } from './client.ts';
import type { DataPlane, Feed, FeedHost, OffsetSource } from './plane.ts';
import { QUIET_FETCHES } from './restore-ends.ts';

/** Records that wait for a slow reader; beyond it nothing is fetched. */
const WAITING_RECORDS_MAX = 10_000;
/** What reading stands on. */
export interface ReaderParts {
  readonly client: Pick<KafkaClient, 'clientId' | 'logger'>;
  readonly offsets: OffsetSource;
  readonly admin: Pick<LogAdmin, 'forgetGroup'>;
  readonly plane: Pick<DataPlane, 'feed'>;
}

export interface ReaderHost {
  records(records: readonly Record[]): void;
  /** All that was there at the call has been handed over. */
  ended(): void;
  /** Nothing more is read of a partition, and no retry mends it; told again as long as it is so. */
  failed(error: CarillonError): void;
}

export class TopicReader implements FeedHost {
  readonly #parts: ReaderParts;
  readonly #topic: string;
  readonly #host: ReaderHost;
  readonly #groupId: string;
  readonly #feed: Feed;
  #positions: number[] = [];
  #ends: number[] = [];
  #beyond = true;
  #ended = false;
  #paused = false;
  #started = false;
  #verified = false;

  constructor(parts: ReaderParts, topic: string, host: ReaderHost) {
    this.#parts = parts;
    this.#topic = topic;
    this.#host = host;
    this.#groupId = `${parts.client.clientId}.read.${randomUUID()}`;
    this.#feed = parts.plane.feed({ groupId: this.#groupId, topics: [topic] }, this);
  }

  /** `follow` false: nothing beyond the end as it is now, and no consumer when there is nothing. */
  async start(from: ReadOptions['from'], follow: boolean): Promise<void> {
    const partitions = await this.#parts.offsets.partitionsOf(this.#topic);
    if (partitions === undefined) {
      throw new CarillonError('CAR642', `Topic "${this.#topic}" is not there.`, {
        where: { at: this.#topic },
      });
    }
    const bounds = await this.#parts.offsets.bounds(this.#topic);
    this.#ends = bounds.map((one) => one.end);
    if (from === 'start') this.#positions = bounds.map((one) => one.low);
    else if (from === 'end') this.#positions = [...this.#ends];
    else this.#positions = [...(await this.#parts.offsets.offsetsAt(this.#topic, from))];
    this.#beyond = follow;
    this.#endWhenThere();
    if (this.#ended && !follow) return;
    this.#started = true;
    await this.#feed.start();
  }

  async close(): Promise<void> {
    await this.#feed.close();
    if (this.#started) await this.#parts.admin.forgetGroup(this.#groupId);
  }

  pause(): void {
    this.#paused = true;
    this.#flow();
  }

  resume(): void {
    this.#paused = false;
    this.#flow();
  }

  joined(): void {
    this.#verified = false;
    this.#positions.forEach((position, p) => {
      this.#feed.seek(this.#topic, p, position);
    });
    this.#flow();
  }

  position(_topic: string, partition: number): number | undefined {
    return this.#isRead(partition) ? this.#positions[partition] : undefined;
  }

  fetched(batch: LogBatch): void {
    const { partition, nextOffset } = batch;
    this.#positions[partition] = nextOffset;
    const end = this.#ends[partition]!;
    const all = readBatch(batch);
    const records = this.#beyond ? all : all.filter((record) => record.offset < end);
    if (records.length > 0) this.#host.records(records);
    if (!this.#beyond && nextOffset >= end) this.#feed.pause(this.#topic, partition);
    this.#endWhenThere();
  }

  /** Retention has passed a slow reader, or the topic was made again: what is there is read. */
  outOfRange(topic: string, partition: number): void {
    void this.#goOn(topic, partition);
  }

  unreadable(topic: string, partition: number, error: CarillonError): void {
    if (!error.retryable) this.#host.failed(error);
    const facts = { topic, partition, why: error.what };
    this.#parts.client.logger.debug(facts, 'A partition does not answer a reader.');
  }

  quiet(fetches: number): void {
    if (this.#ended) return;
    if (fetches === QUIET_FETCHES) void this.#verify();
    if (fetches < QUIET_FETCHES * 2 || !this.#verified) return;
    // What is missing up to the end was compacted away whole.
    this.#ended = true;
    this.#host.ended();
  }

  async #goOn(topic: string, partition: number): Promise<void> {
    try {
      const low = (await this.#parts.offsets.bounds(topic))[partition]?.low ?? 0;
      const facts = { topic, partition, position: this.#positions[partition], first: low };
      this.#parts.client.logger.warn(facts, 'A reader was out of range, it goes on at the start.');
      this.#positions[partition] = low;
      this.#feed.seek(topic, partition, low);
    } catch (error) {
      const facts = { topic, partition, why: String(error) };
      this.#parts.client.logger.warn(facts, 'The bounds of a partition are not known.');
    }
  }

  async #verify(): Promise<void> {
    try {
      await this.#parts.offsets.bounds(this.#topic);
      this.#verified = true;
    } catch (error) {
      this.#parts.client.logger.debug(
        { why: String(error) },
        'The leader of a topic does not answer.',
      );
    }
  }

  #isRead(partition: number): boolean {
    if (this.#paused) return false;
    return this.#beyond || this.#positions[partition]! < this.#ends[partition]!;
  }

  #flow(): void {
    this.#positions.forEach((_, p) => {
      if (this.#isRead(p)) this.#feed.resume(this.#topic, p);
      else this.#feed.pause(this.#topic, p);
    });
  }

  #endWhenThere(): void {
    if (this.#ended || this.#positions.some((position, p) => position < this.#ends[p]!)) return;
    this.#ended = true;
    this.#host.ended();
  }
}

/**
 * The port's `read`: a bounded queue between the feed and the caller's loop. Throws CAR642, CAR645
 * when the topic may not be read, CAR647.
 */
export async function* readTopic(
  parts: ReaderParts,
  topic: string,
  options: ReadOptions,
): AsyncGenerator<readonly Record[]> {
  const queue: (readonly Record[])[] = [];
  let waiting = 0;
  let ended = false;
  let failure: CarillonError | undefined;
  let wake: () => void = () => {};
  const stop = () => wake();
  const reader = new TopicReader(parts, topic, {
    records(records) {
      queue.push(records);
      waiting += records.length;
      if (waiting > WAITING_RECORDS_MAX) reader.pause();
      wake();
    },
    ended() {
      ended = true;
      wake();
    },
    failed(error) {
      failure = error;
      wake();
    },
  });
  options.signal?.addEventListener('abort', stop);
  try {
    if (options.signal?.aborted) return;
    await reader.start(options.from, options.follow);
    while (!options.signal?.aborted) {
      const next = queue.shift();
      if (next !== undefined) {
        const full = waiting > WAITING_RECORDS_MAX;
        waiting -= next.length;
        if (full && waiting <= WAITING_RECORDS_MAX) reader.resume();
        yield next;
      } else if (failure !== undefined) {
        throw failure;
      } else if (ended && !options.follow) {
        return;
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    options.signal?.removeEventListener('abort', stop);
    await reader.close();
  }
}

/** The port's `follow`. Rejects as `readTopic`, until all that was there has been read. */
export async function followTopic(
  parts: ReaderParts,
  topic: string,
  onRecords: (records: readonly Record[]) => void,
): Promise<{ close(): Promise<void> }> {
  let reached: () => void = () => {};
  let failed: (error: unknown) => void = () => {};
  const end = new Promise<void>((resolve, reject) => {
    reached = resolve;
    failed = reject;
  });
  end.catch(() => {});
  let isWhole = false;
  const reader = new TopicReader(parts, topic, {
    records(records) {
      try {
        onRecords(records);
      } catch (error) {
        // The follower's own code failed: what it holds is not whole any more.
        parts.client.logger.error(
          { topic, why: String(error) },
          'A followed topic could not be applied.',
        );
        failed(error);
        void reader.close();
      }
    },
    ended: () => {
      isWhole = true;
      reached();
    },
    failed(error) {
      if (!isWhole) failed(error);
      // What it holds stays as it was: that is more of use than a process that ends.
      const facts = { topic, code: error.code, why: error.what };
      parts.client.logger.warn(facts, 'A followed topic cannot be read now.');
    },
  });
  try {
    await reader.start('start', true);
    await end;
  } catch (error) {
    await reader.close();
    throw error;
  }
  return { close: () => reader.close() };
}
