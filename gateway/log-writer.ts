/**
 * Writes single records to the log as batches: what comes while the log is busy goes out together
 * (group commit). Who waits for one write before the next keeps the order; writes side by side have
 * none. Bounded: over its limits it refuses (CAR711), and never queues.
 */

import { BatchBuilder } from '../core/batch-builder.ts';
import type { Clock } from '../core/clock.ts';
import { CarillonError } from '../core/error.ts';
import type { EncodedBatch, Log, Producer } from '../core/log.ts';
import { partitionOf } from '../core/partition.ts';
import type { Schemas } from '../core/schema.ts';
import { HttpProblem } from './problem.ts';

/** Kafka's `message.max.bytes` is 1 MiB by default: a batch is closed at half of it. */
const BATCH_BYTES_MAX = 512 * 1024;
/**
 * Writes under way at one time. With one alone a record waits for the write before its own too:
 * half a commit more on average.
 */
const FLIGHTS_MAX = 4;

export interface WriteLimits {
  /** Bytes that wait for the log or are under way. */
  readonly bytesMax: number;
  readonly recordsMax: number;
}

export const WRITE_LIMITS: WriteLimits = { bytesMax: 16 * 1024 * 1024, recordsMax: 50_000 };

export interface NewRecord {
  readonly key: string;
  /** Null: a tombstone. */
  readonly value: unknown;
}

export interface WrittenRecord {
  readonly partition: number;
  readonly offset: number;
}

/** A record of another topic that goes out with others. */
export interface BesideRecord {
  readonly topic: string;
  readonly schema: string;
  readonly record: NewRecord;
}

/** Where a record lies in the flight that takes it. */
interface Slot {
  readonly batch: number;
  readonly index: number;
}

class Flight {
  readonly batches: (BatchBuilder | EncodedBatch)[] = [];
  readonly open = new Map<string, number>();
  readonly landed = Promise.withResolvers<readonly number[]>();
  bytes = 0;
  records = 0;

  append(topic: string, partition: number, key: Buffer, value: Buffer | null, at: number): Slot {
    const place = `${topic}/${partition}`;
    let number = this.open.get(place);
    if (number === undefined) {
      number = this.batches.push(new BatchBuilder(topic, partition)) - 1;
      this.open.set(place, number);
    }
    const builder = this.batches[number] as BatchBuilder;
    const index = builder.count;
    builder.append(at, key, value);
    if (builder.size > BATCH_BYTES_MAX) {
      this.batches[number] = builder.finish();
      this.open.delete(place);
    }
    this.bytes += key.length + (value?.length ?? 0);
    this.records++;
    return { batch: number, index };
  }

  finish(): readonly EncodedBatch[] {
    return this.batches.map((batch) => (batch instanceof BatchBuilder ? batch.finish() : batch));
  }
}

export class LogWriter {
  readonly #log: Log;
  readonly #producer: Producer;
  readonly #schemas: Schemas;
  readonly #clock: Clock;
  readonly #limits: WriteLimits;
  readonly #partitions = new Map<string, number>();
  #next = new Flight();
  readonly #underWay = new Set<Flight>();
  #boarding = false;

  private constructor(
    log: Log,
    producer: Producer,
    schemas: Schemas,
    clock: Clock,
    limits: WriteLimits,
  ) {
    this.#log = log;
    this.#producer = producer;
    this.#schemas = schemas;
    this.#clock = clock;
    this.#limits = limits;
  }

  static async open(
    log: Log,
    schemas: Schemas,
    clock: Clock,
    limits: WriteLimits = WRITE_LIMITS,
  ): Promise<LogWriter> {
    return new LogWriter(log, await log.producer(), schemas, clock, limits);
  }

  /**
   * Resolves when all records are durable, with their offsets in order. Rejects with CAR711 (too
   * much is waiting; nothing was written) or CAR712 (the log is away; it may have been written).
   * `beside` goes out in the same write: on SQLite all of it is there, or nothing.
   */
  async write(
    topic: string,
    schema: string,
    records: readonly NewRecord[],
    beside?: BesideRecord,
  ): Promise<readonly WrittenRecord[]> {
    if (records.length === 0) return [];
    const partitions = await this.#partitionsOf(topic);
    const encoder = this.#schemas.encoder(schema);
    // Encoded apart from the batch, so that a value that does not encode leaves no half record in
    // it.
    const values = records.map(({ value }) => (value === null ? null : encoder.toBuffer(value)));
    const other = beside === undefined ? undefined : await this.#encoded(beside);
    const room = other === undefined ? values : [...values, other.value];
    this.#checkRoom(room.length, room);
    const flight = this.#next;
    const now = this.#clock.now();
    const written = records.map(({ key }, i) => {
      const bytes = Buffer.from(key, 'utf8');
      const partition = partitionOf(bytes, partitions);
      return { partition, slot: flight.append(topic, partition, bytes, values[i]!, now) };
    });
    if (other !== undefined) {
      flight.append(beside!.topic, other.partition, other.key, other.value, now);
    }
    this.#takeOff();
    const bases = await flight.landed.promise;
    return written.map(({ partition, slot }) => ({
      partition,
      offset: bases[slot.batch]! + slot.index,
    }));
  }

  /** Waits for what is under way. */
  async close(): Promise<void> {
    while (this.#boarding || this.#underWay.size > 0) {
      const flights = [...this.#underWay, this.#next].filter(({ records }) => records > 0);
      await Promise.allSettled(flights.map(({ landed }) => landed.promise));
      await new Promise(setImmediate);
    }
    await this.#producer.close();
  }

  #takeOff(): void {
    const full = this.#underWay.size >= FLIGHTS_MAX;
    if (this.#boarding || full || this.#next.records === 0) return;
    this.#boarding = true;
    // What else comes in this turn of the loop joins the flight.
    setImmediate(() => {
      this.#boarding = false;
      const flight = this.#next;
      this.#next = new Flight();
      this.#underWay.add(flight);
      this.#fly(flight).finally(() => {
        this.#underWay.delete(flight);
        this.#takeOff();
      });
    });
  }

  async #fly(flight: Flight): Promise<void> {
    try {
      flight.landed.resolve(await this.#producer.send(flight.finish()));
    } catch (cause) {
      flight.landed.reject(new HttpProblem('CAR712', 'the log did not take it.', { cause }));
    }
  }

  #checkRoom(count: number, values: readonly (Buffer | null)[]): void {
    let records = count;
    let bytes = values.reduce((sum, value) => sum + (value?.length ?? 0), 0);
    for (const flight of [this.#next, ...this.#underWay]) {
      records += flight.records;
      bytes += flight.bytes;
    }
    if (records <= this.#limits.recordsMax && bytes <= this.#limits.bytesMax) return;
    throw new HttpProblem('CAR711', 'the log is slower than what is sent to it.');
  }

  async #encoded({ topic, schema, record }: BesideRecord) {
    const key = Buffer.from(record.key, 'utf8');
    const partition = partitionOf(key, await this.#partitionsOf(topic));
    return { key, partition, value: this.#schemas.encoder(schema).toBuffer(record.value) };
  }

  async #partitionsOf(topic: string): Promise<number> {
    const known = this.#partitions.get(topic);
    if (known !== undefined) return known;
    let partitions: number | undefined;
    try {
      partitions = await this.#log.partitionsOf(topic);
    } catch (cause) {
      throw new HttpProblem('CAR712', 'the log does not answer.', { cause });
    }
    if (partitions === undefined) {
      throw new CarillonError('CAR712', `topic ${topic} is not there.`, {
        where: { at: topic },
        mend: 'Create the topics first: carillon topics apply.',
      });
    }
    this.#partitions.set(topic, partitions);
    return partitions;
  }
}
