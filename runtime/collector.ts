/** Collects what a task writes between two commits: one batch builder a topic partition. */
import type { EncodedBatch } from '../core/log.ts';
import { partitionOfText } from '../core/partition.ts';
import type { Header, Record } from '../core/record.ts';
import { BatchBuilder } from '../core/record-batch.ts';

export class Collector {
  readonly partitions: number;
  readonly #builders = new Map<string, (BatchBuilder | undefined)[]>();

  constructor(partitions: number) {
    this.partitions = partitions;
  }

  builder(topic: string, partition: number): BatchBuilder {
    let ofTopic = this.#builders.get(topic);
    if (ofTopic === undefined) {
      ofTopic = new Array<BatchBuilder | undefined>(this.partitions).fill(undefined);
      this.#builders.set(topic, ofTopic);
    }
    let builder = ofTopic[partition];
    if (builder === undefined) {
      builder = new BatchBuilder(topic, partition);
      ofTopic[partition] = builder;
    }
    return builder;
  }

  /** The builder of the partition that a key belongs to. */
  forKey(topic: string, key: string): BatchBuilder {
    return this.builder(topic, partitionOfText(key, this.partitions));
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
    return batches;
  }
}

const header = (key: string, value: string): Header => ({ key, value: Buffer.from(value, 'utf8') });

/** What a dead letter says of itself, beside the raw key and value of its source (rule S48). */
export interface DeadLetter {
  readonly code: string;
  readonly why: string;
  readonly stream: string;
  readonly step: string;
}

/**
 * Its time is the record's, but never ahead of the task's clock or negative: brokers refuse such
 * (`message.timestamp.after.max.ms`), and the letter would stop the task that writes it.
 */
export function writeDeadLetter(
  collector: Collector,
  topic: string,
  record: Record,
  letter: DeadLetter,
  nowMs: number,
): void {
  const headers: Header[] = [
    ...(record.headers ?? []),
    header('carillon.code', letter.code),
    header('carillon.reason', letter.why),
    header('carillon.stream', letter.stream),
    header('carillon.step', letter.step),
    header('carillon.topic', record.topic),
    header('carillon.partition', String(record.partition)),
    header('carillon.offset', String(record.offset)),
  ];
  let value: Buffer | null = null;
  if (record.valueStart >= 0) {
    value = record.valueBytes.subarray(record.valueStart, record.valueEnd);
  } else if (record.value !== null) {
    // The value was made by a step and has no bytes yet: it is kept readable.
    value = Buffer.from(JSON.stringify(record.value), 'utf8');
    headers.push(header('carillon.form', 'json'));
  }
  const key = record.keyStart < 0 ? null : record.keyBytes.subarray(record.keyStart, record.keyEnd);
  collector
    .builder(topic, record.partition % collector.partitions)
    .append(Math.max(0, Math.min(record.timestamp, nowMs)), key, value, headers);
}
