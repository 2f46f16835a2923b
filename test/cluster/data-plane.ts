/** Our own data plane, opened and closed, with what its tests write and read through it. */
import { walkBatches } from '../../connectors/kafka/wire/batches.ts';
import { ConnectionPool, type Requester } from '../../connectors/kafka/wire/connection-pool.ts';
import {
  type FetchedPartition,
  Fetcher,
  type FetchFailure,
  type WantedPartition,
} from '../../connectors/kafka/wire/fetcher.ts';
import { listOffsets } from '../../connectors/kafka/wire/list-offsets.ts';
import { ClusterMetadata, type TopicChange } from '../../connectors/kafka/wire/metadata.ts';
import { BatchProducer, type ProducerOptions } from '../../connectors/kafka/wire/producer.ts';
import { BatchBuilder } from '../../core/batch-builder.ts';
import type { Record } from '../../core/record.ts';
import { readBatch, wholeBatch } from '../../core/record-batch.ts';

export interface Row {
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: readonly (readonly [string, string])[];
}

/** Retention goes by the records' times: old ones would be deleted at a restart. */
export const NOW_MS = Date.now();

export function batchOf(topic: string, partition: number, rows: readonly Row[]) {
  const builder = new BatchBuilder(topic, partition);
  rows.forEach(({ key, value, headers }, i) => {
    const told = headers.map(([name, text]) => ({ key: name, value: Buffer.from(text) }));
    builder.append(NOW_MS + i, key, value === null ? null : Buffer.from(value), told);
  });
  return builder.finish();
}

export const rowsOf = (...keys: string[]): Row[] =>
  keys.map((key) => ({ key, value: `value of ${key}`, headers: [] }));

export function rowOf(record: Record): Row {
  const { key, valueBytes, headers } = record;
  return {
    key,
    value: valueBytes?.toString('utf8') ?? null,
    headers: (headers ?? []).map(({ key, value }) => [key, value.toString()] as const),
  };
}

/** One process' part of the data plane. */
export class DataPlane {
  readonly pool: ConnectionPool;
  readonly requester: Requester;
  readonly metadata: ClusterMetadata;
  readonly changes: TopicChange[] = [];
  readonly #closing: (() => Promise<void>)[] = [];

  /** `over` stands between the data plane and its connections, to lose what it likes. */
  constructor(brokers: readonly string[], over: (pool: Requester) => Requester = (pool) => pool) {
    this.pool = new ConnectionPool({ brokers, clientId: 'data-plane' });
    this.requester = over(this.pool);
    const onChange = (change: TopicChange) => this.changes.push(change);
    this.metadata = new ClusterMetadata(this.requester, { refreshMs: 200, onChange });
  }

  producer(options: ProducerOptions = {}): BatchProducer {
    const producer = new BatchProducer(this.requester, this.metadata, options);
    this.#closing.push(() => producer.close());
    return producer;
  }

  /** All of one partition up to its end as it is now, read committed. */
  async read(topic: string, partition: number, from = 0): Promise<Record[]> {
    await this.metadata.track([topic]);
    const at = { topic, partition };
    const [end] = await listOffsets(this.requester, this.metadata, [{ ...at, at: 'end' }]);
    const reader = new PartitionReader(this, topic, partition, from);
    try {
      await reader.until(() => reader.offset >= end!);
    } finally {
      await reader.close();
    }
    return reader.records;
  }

  async close(): Promise<void> {
    for (const close of this.#closing) await close();
    this.metadata.close();
    this.pool.close();
  }
}

/** Reads one partition on and on. */
export class PartitionReader {
  readonly records: Record[] = [];
  readonly failures: FetchFailure[] = [];
  readonly missed: string[] = [];
  offset: number;
  topicId: string;
  readonly #topic: string;
  readonly #partition: number;
  readonly #fetcher: Fetcher;
  #woken: () => void = () => {};

  constructor(plane: DataPlane, topic: string, partition: number, from: number) {
    this.#topic = topic;
    this.#partition = partition;
    this.offset = from;
    this.topicId = plane.metadata.topic(topic)!.id;
    this.#fetcher = new Fetcher(plane.requester, plane.metadata, this);
    this.#fetcher.wake();
  }

  wanted(): WantedPartition[] {
    const { offset, topicId } = this;
    return [{ topic: this.#topic, partition: this.#partition, offset, topicId }];
  }

  fetched({ wanted, bytes, aborted }: FetchedPartition): void {
    const { batches, nextOffset } = walkBatches({ ...wanted, bytes, aborted });
    for (const batch of batches) {
      const records = readBatch(
        wholeBatch(this.#topic, this.#partition, batch.bytes, batch.baseOffset),
      );
      this.records.push(...records.filter((record) => record.offset >= wanted.offset));
    }
    this.offset = nextOffset;
    this.#woken();
  }

  failed(_: WantedPartition, failure: FetchFailure): void {
    this.failures.push(failure);
    this.#woken();
  }

  away(broker: number, why: string): void {
    this.missed.push(`${broker}: ${why}`);
  }

  /** Fails with what it has met when the condition does not come about in time. */
  async until(condition: () => boolean, withinMs = 30_000): Promise<void> {
    const deadlineMs = performance.now() + withinMs;
    while (!condition()) {
      const leftMs = deadlineMs - performance.now();
      if (leftMs <= 0) {
        const met = JSON.stringify([...this.failures.slice(-3), ...this.missed.slice(-3)]);
        throw new Error(`at ${this.offset} after ${withinMs} ms: ${met}`);
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        this.#woken = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  close(): Promise<void> {
    return this.#fetcher.close();
  }
}
