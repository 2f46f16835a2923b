/**
 * Writes a record batch (see record-batch.ts): what a task sends between two commits, per topic
 * partition. Base offset and CRC are left 0; the connector that stores or sends the batch seals it.
 * What is hot writes straight into its bytes (`open`, `end`); others give key and value.
 */
import { BytePool } from './byte-pool.ts';
import type { Header } from './headers.ts';
import type { EncodedBatch } from './log.ts';
import { BATCH_HEADER_BYTES } from './record-batch.ts';
import type { ValueEncoder } from './schema.ts';
import { putVarint, VARINT_BYTES_MAX, varintBytes } from './varint.ts';

/** A length is a varint of two bytes for 64 to 8191, as nearly all are: that much room is kept. */
const LENGTH_BYTES = 2;
const LENGTH_BYTES_MAX = 5;
const ASCII_LOOP_MAX = 48;
const NO_BYTES = Buffer.alloc(0);
/** Length, attributes, time and offset of a record, and the length of its key. */
const RECORD_HEAD_BYTES_MAX = 5 + 1 + 3 * VARINT_BYTES_MAX;

const NO_VIEW = new DataView(NO_BYTES.buffer, 0, 0);
/** Keeps nothing. */
const FRESH = new BytePool(0);

/** What a batch of records of ours says of them; times in epoch milliseconds. */
interface BatchFacts {
  readonly lastDelta: number;
  readonly baseMs: number;
  readonly maxMs: number;
  readonly count: number;
}

/** Writes the header of a batch whose records stand behind it; the broker gives it its offset. */
export function writeBatchHeader(bytes: Buffer, of: BatchFacts): void {
  bytes.fill(0, 0, BATCH_HEADER_BYTES);
  bytes.writeInt32BE(bytes.length - 12, 8);
  bytes.writeInt32BE(-1, 12);
  bytes[16] = 2;
  bytes.writeInt32BE(of.lastDelta, 23);
  bytes.writeBigInt64BE(BigInt(of.baseMs), 27);
  bytes.writeBigInt64BE(BigInt(of.maxMs), 35);
  bytes.writeBigInt64BE(-1n, 43);
  bytes.writeInt16BE(-1, 51);
  bytes.writeInt32BE(-1, 53);
  bytes.writeInt32BE(of.count, 57);
}

export class BatchBuilder {
  readonly topic: string;
  readonly partition: number;
  /** None until something is written. */
  bytes: Buffer = NO_BYTES;
  /** Where the next byte goes. */
  at = BATCH_HEADER_BYTES;
  #view: DataView = NO_VIEW;
  readonly #pool: BytePool;
  #start = 0;
  #count = 0;
  /** Offset of the next record, from the batch's first. */
  #delta = 0;
  #baseTimestamp = 0;
  #maxTimestamp = 0;
  /** The greatest time before the record that `undo` would take back. */
  #maxBefore = 0;

  /** @param pool where its bytes come from; by default they are fresh ones */
  constructor(topic: string, partition: number, pool: BytePool = FRESH) {
    this.topic = topic;
    this.partition = partition;
    this.#pool = pool;
  }

  get count(): number {
    return this.#count;
  }

  get size(): number {
    return this.at;
  }

  /** On `bytes`; another one after `room`. */
  get view(): DataView {
    return this.#view;
  }

  /**
   * Leaves offsets out: the next record's is `delta` after the batch's base. For records of a log
   * that are written again, as they may have gaps between them; not less than the records before.
   */
  skipTo(delta: number): void {
    this.#delta = delta;
  }

  append(
    timestamp: number,
    key: Buffer | string | null,
    value: Buffer | null,
    headers: readonly Header[] | null = null,
  ): void {
    this.#begin(timestamp, key, value);
    this.end(headers);
  }

  /** As `end`, with headers that are encoded already: from[start, end), count and all. */
  endWith(from: Uint8Array, start: number, end: number): void {
    this.raw(from, start, end);
    this.#ended();
  }

  #ended(): void {
    this.#close(this.#start, this.at);
    this.#count++;
    this.#delta++;
  }

  /** from[start, end) with its length before it: a key, or a value. */
  blob(from: Uint8Array, start: number, end: number): void {
    this.int(end - start);
    this.raw(from, start, end);
  }

  /** Encodes the value straight into the batch. Returns the bytes that it took. */
  appendEncoded(
    timestamp: number,
    key: Buffer | string | null,
    encoder: ValueEncoder,
    value: unknown,
    headers: readonly Header[] | null = null,
  ): number {
    this.open(timestamp, (key?.length ?? 0) * 3);
    this.#key(key);
    const size = this.encoded(encoder, value);
    this.end(headers);
    return size;
  }

  /**
   * Encodes the value of the record that was begun, and its length before it; gives its bytes. When
   * the encoder throws, the record is taken back.
   */
  encoded(encoder: ValueEncoder, value: unknown): number {
    // The length stands before the value and is not known yet: leave room, then move.
    this.room(LENGTH_BYTES_MAX + 512);
    const valueAt = this.at + LENGTH_BYTES;
    let end = -1;
    try {
      end = encoder.encode(value, this.bytes, valueAt);
      while (end < 0) {
        this.room(this.bytes.length);
        end = encoder.encode(value, this.bytes, valueAt);
      }
    } finally {
      // An encoder that throws leaves the batch as it was.
      if (end < 0) this.#abandon();
    }
    this.#close(this.at, end);
    return end - valueAt;
  }

  /** Begins a record, with room for `size` more bytes of key, value and their lengths. */
  open(timestamp: number, size: number): void {
    this.#maxBefore = this.#maxTimestamp;
    if (this.#count === 0) {
      this.#baseTimestamp = timestamp;
      this.#maxTimestamp = timestamp;
    } else if (timestamp > this.#maxTimestamp) this.#maxTimestamp = timestamp;
    this.room(RECORD_HEAD_BYTES_MAX + 2 * LENGTH_BYTES_MAX + size);
    // The record's own length comes first; its place is kept.
    this.#start = this.at;
    const { bytes } = this;
    let at = this.at + LENGTH_BYTES;
    bytes[at++] = 0;
    at = putVarint(bytes, at, timestamp - this.#baseTimestamp);
    this.at = putVarint(bytes, at, this.#delta);
  }

  /** Begins a value whose length is not known yet; gives where, for `endValue`. */
  beginValue(): number {
    const start = this.at;
    this.at += LENGTH_BYTES;
    return start;
  }

  /** Ends value and record, without headers; gives the bytes of the value. */
  endValue(start: number): number {
    const size = this.at - start - LENGTH_BYTES;
    this.#close(start, this.at);
    this.end();
    return size;
  }

  /** Ends the record that `open` began: its key and value are written. */
  end(headers: readonly Header[] | null = null): void {
    if (headers === null) {
      this.room(1);
      this.bytes[this.at++] = 0;
    } else {
      this.int(headers.length);
      for (const { key, value } of headers) {
        this.text(key);
        this.int(value.length);
        this.raw(value, 0, value.length);
      }
    }
    this.#ended();
  }

  /** Takes the last record back when it was refused after all; only once, and before the next. */
  undo(): void {
    this.#count--;
    this.#delta--;
    this.#abandon();
  }

  /**
   * What was written; the builder is empty again. The bytes are the pool's: whoever is done with
   * them gives them back, or never.
   */
  finish(): EncodedBatch {
    this.room(0);
    const bytes = this.bytes.subarray(0, this.at);
    writeBatchHeader(bytes, {
      lastDelta: this.#delta - 1,
      baseMs: this.#baseTimestamp,
      maxMs: this.#maxTimestamp,
      count: this.#count,
    });
    const batch: EncodedBatch = {
      topic: this.topic,
      partition: this.partition,
      count: this.#count,
      bytes,
      maxTimestamp: this.#maxTimestamp,
    };
    this.bytes = NO_BYTES;
    this.#view = NO_VIEW;
    this.at = BATCH_HEADER_BYTES;
    this.#count = 0;
    this.#delta = 0;
    return batch;
  }

  int(value: number): void {
    this.room(VARINT_BYTES_MAX);
    this.at = putVarint(this.bytes, this.at, value);
  }

  text(value: string): void {
    if (value.length <= ASCII_LOOP_MAX && this.#ascii(value)) return;
    const size = Buffer.byteLength(value, 'utf8');
    this.int(size);
    this.room(size);
    this.at += this.bytes.write(value, this.at, 'utf8');
  }

  raw(from: Uint8Array, start: number, end: number): void {
    const size = end - start;
    this.room(size);
    const { bytes, at } = this;
    if (size <= ASCII_LOOP_MAX) for (let i = 0; i < size; i++) bytes[at + i] = from[start + i]!;
    else bytes.set(from.subarray(start, end), at);
    this.at = at + size;
  }

  room(size: number): void {
    if (this.at + size <= this.bytes.length) return;
    const former = this.bytes;
    const grown = this.#pool.take(Math.max(former.length * 2, this.at + size));
    former.copy(grown, 0, 0, this.at);
    this.bytes = grown;
    this.#view = new DataView(grown.buffer, grown.byteOffset, grown.length);
    if (former.length > 0) this.#pool.give(former);
  }

  #begin(timestamp: number, key: Buffer | string | null, value: Buffer | null): void {
    this.open(timestamp, (key?.length ?? 0) * 3 + (value?.length ?? 0));
    this.#key(key);
    if (value === null) this.int(-1);
    else {
      this.int(value.length);
      this.raw(value, 0, value.length);
    }
  }

  #key(key: Buffer | string | null): void {
    if (key === null) this.int(-1);
    else if (typeof key === 'string') this.text(key);
    else {
      this.int(key.length);
      this.raw(key, 0, key.length);
    }
  }

  /** As if the record that was begun had never been. */
  #abandon(): void {
    this.at = this.#start;
    this.#maxTimestamp = this.#maxBefore;
  }

  /**
   * Writes the length of what ends at `end` into the room kept at `start`, moving it if need be.
   */
  #close(start: number, end: number): void {
    const bodyAt = start + LENGTH_BYTES;
    const size = end - bodyAt;
    if (size < 64 || size >= 8192) {
      this.at = end;
      this.room(LENGTH_BYTES_MAX);
      const lengthBytes = varintBytes(size);
      this.bytes.copyWithin(start + lengthBytes, bodyAt, end);
      end += lengthBytes - LENGTH_BYTES;
    }
    putVarint(this.bytes, start, size);
    this.at = end;
  }

  /** Short ASCII is written here: two calls into the runtime cost more. False: it is not ASCII. */
  #ascii(value: string): boolean {
    const { length } = value;
    this.room(length + 2);
    const start = this.at;
    const { bytes } = this;
    let at = putVarint(bytes, start, length);
    for (let i = 0; i < length; i++) {
      const code = value.charCodeAt(i);
      if (code >= 0x80) return false;
      bytes[at++] = code;
    }
    this.at = at;
    return true;
  }
}
