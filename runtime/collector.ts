/** Collects what a task writes between two commits: one batch builder a topic partition. */
import { BatchBuilder } from '../core/batch-builder.ts';
import { BytePool } from '../core/byte-pool.ts';
import type { EncodedBatch } from '../core/log.ts';
import { partitionOfText, partitionOfView } from '../core/partition.ts';

export class Collector {
  readonly partitions: number;
  readonly #pool: BytePool;
  readonly #builders = new Map<string, (BatchBuilder | undefined)[]>();
  /** What was taken last. */
  #taken: EncodedBatch[] = [];

  constructor(partitions: number, pool: BytePool = new BytePool(0)) {
    this.partitions = partitions;
    this.#pool = pool;
  }

  builder(topic: string, partition: number): BatchBuilder {
    let ofTopic = this.#builders.get(topic);
    if (ofTopic === undefined) {
      ofTopic = new Array<BatchBuilder | undefined>(this.partitions).fill(undefined);
      this.#builders.set(topic, ofTopic);
    }
    let builder = ofTopic[partition];
    if (builder === undefined) {
      builder = new BatchBuilder(topic, partition, this.#pool);
      ofTopic[partition] = builder;
    }
    return builder;
  }

  /** The builder of the partition that a key belongs to. */
  forKey(topic: string, key: string): BatchBuilder {
    const { partitions } = this;
    return this.builder(topic, partitions === 1 ? 0 : partitionOfText(key, partitions));
  }

  /** The same, of a key that lies in bytes[start, end). */
  forKeyIn(topic: string, bytes: Uint8Array, start: number, end: number): BatchBuilder {
    const { partitions } = this;
    return this.builder(
      topic,
      partitions === 1 ? 0 : partitionOfView(bytes, start, end, partitions),
    );
  }

  get isEmpty(): boolean {
    for (const ofTopic of this.#builders.values()) {
      for (const builder of ofTopic) if (builder !== undefined && builder.count > 0) return false;
    }
    return true;
  }

  takeBatches(): EncodedBatch[] {
    const batches: EncodedBatch[] = [];
    for (const ofTopic of this.#builders.values()) {
      for (const builder of ofTopic) {
        if (builder !== undefined && builder.count > 0) batches.push(builder.finish());
      }
    }
    this.#taken = batches;
    return batches;
  }

  /** Nobody reads the batches that were taken last any more: their bytes are used again. */
  giveBack(): void {
    for (const { bytes } of this.#taken) this.#pool.give(bytes);
    this.#taken = [];
  }
}
