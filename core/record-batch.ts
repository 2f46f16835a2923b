/**
 * Kafka's record batch, format v2 (KIP-98), uncompressed: what a commit writes and a fetch reads,
 * here and on the wire. The engine's records are views on these bytes. Base offset and CRC are left
 * 0; the connector that stores or sends the batch seals it.
 *
 * Layout: baseOffset i64 | length i32 | leaderEpoch i32 | magic i8 = 2 | crc u32 | attributes i16 |
 * lastOffsetDelta i32 | baseTimestamp i64 | maxTimestamp i64 | producerId i64 | producerEpoch i16 |
 * baseSequence i32 | count i32 | records.
 */
import type { EncodedBatch } from './log.ts';
import { type Header, Record } from './record.ts';
import type { ValueEncoder } from './schema.ts';

const HEADER_BYTES = 61;
/** From here on the CRC counts. */
const CRC_FROM = 21;
/** A length is a varint of two bytes for 64 to 8191, as nearly all are: that much room is kept. */
const LENGTH_BYTES = 2;
const LENGTH_BYTES_MAX = 5;
const ASCII_LOOP_MAX = 48;
const INITIAL_BYTES = 4096;

function varintBytes(size: number): number {
  let bytes = 1;
  for (let rest = size * 2; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes++;
  return bytes;
}

/**
 * Collects records of one topic partition; `finish` gives the batch, and the builder is empty
 * again.
 */
export class BatchBuilder {
  readonly topic: string;
  readonly partition: number;
  #bytes: Buffer = Buffer.allocUnsafe(INITIAL_BYTES);
  #at = HEADER_BYTES;
  #count = 0;
  #baseTimestamp = 0;
  #maxTimestamp = 0;

  constructor(topic: string, partition: number) {
    this.topic = topic;
    this.partition = partition;
  }

  get count(): number {
    return this.#count;
  }

  get size(): number {
    return this.#at;
  }

  append(
    timestamp: number,
    key: Buffer | string | null,
    value: Buffer | null,
    headers: readonly Header[] | null = null,
  ): void {
    const start = this.#begin(timestamp, key);
    if (value === null) {
      this.#varint(-1);
    } else {
      this.#varint(value.length);
      this.#raw(value);
    }
    this.#end(start, headers);
  }

  /** Encodes the value straight into the batch. Returns the bytes that it took. */
  appendEncoded(
    timestamp: number,
    key: Buffer | string | null,
    encoder: ValueEncoder,
    value: unknown,
    headers: readonly Header[] | null = null,
  ): number {
    const start = this.#begin(timestamp, key);
    // The length stands before the value and is not known yet: leave room for the longest, then
    // move.
    this.#room(LENGTH_BYTES_MAX + 512);
    const valueAt = this.#at + LENGTH_BYTES;
    let end = -1;
    try {
      end = encoder.encode(value, this.#bytes, valueAt);
      while (end < 0) {
        this.#room(this.#bytes.length);
        end = encoder.encode(value, this.#bytes, valueAt);
      }
    } finally {
      // An encoder that throws leaves the batch as it was.
      if (end < 0) this.#at = start;
    }
    const size = end - valueAt;
    this.#close(this.#at, end);
    this.#end(start, headers);
    return size;
  }

  /** Takes the last record back when it was refused after all. */
  mark(): number {
    return this.#at;
  }

  undo(mark: number): void {
    this.#at = mark;
    this.#count--;
  }

  finish(): EncodedBatch {
    const bytes = this.#bytes.subarray(0, this.#at);
    bytes.fill(0, 0, HEADER_BYTES);
    bytes.writeInt32BE(this.#at - 12, 8);
    bytes.writeInt32BE(-1, 12);
    bytes[16] = 2;
    bytes.writeInt32BE(this.#count - 1, 23);
    bytes.writeBigInt64BE(BigInt(this.#baseTimestamp), 27);
    bytes.writeBigInt64BE(BigInt(this.#maxTimestamp), 35);
    bytes.writeBigInt64BE(-1n, 43);
    bytes.writeInt16BE(-1, 51);
    bytes.writeInt32BE(-1, 53);
    bytes.writeInt32BE(this.#count, 57);
    const batch: EncodedBatch = {
      topic: this.topic,
      partition: this.partition,
      count: this.#count,
      bytes,
      maxTimestamp: this.#maxTimestamp,
    };
    // The finished bytes belong to the batch now; the next one gets a buffer of its own.
    this.#bytes = Buffer.allocUnsafe(Math.max(INITIAL_BYTES, this.#at));
    this.#at = HEADER_BYTES;
    this.#count = 0;
    return batch;
  }

  #begin(timestamp: number, key: Buffer | string | null): number {
    if (this.#count === 0) {
      this.#baseTimestamp = timestamp;
      this.#maxTimestamp = timestamp;
    } else if (timestamp > this.#maxTimestamp) this.#maxTimestamp = timestamp;
    this.#room(64);
    // The record's own length comes first; its place is kept like the value's.
    const start = this.#at;
    this.#at += LENGTH_BYTES;
    this.#bytes[this.#at++] = 0;
    this.#varint(timestamp - this.#baseTimestamp);
    this.#varint(this.#count);
    if (key === null) this.#varint(-1);
    else if (typeof key === 'string') this.#text(key);
    else {
      this.#varint(key.length);
      this.#raw(key);
    }
    return start;
  }

  #end(start: number, headers: readonly Header[] | null): void {
    if (headers === null) {
      this.#varint(0);
    } else {
      this.#varint(headers.length);
      for (const header of headers) {
        this.#text(header.key);
        this.#varint(header.value.length);
        this.#raw(header.value);
      }
    }
    this.#close(start, this.#at);
    this.#count++;
  }

  /**
   * Writes the length of what ends at `end` into the room kept at `start`, moving it if need be.
   */
  #close(start: number, end: number): void {
    const bodyAt = start + LENGTH_BYTES;
    const size = end - bodyAt;
    if (size < 64 || size >= 8192) {
      this.#at = end;
      this.#room(LENGTH_BYTES_MAX);
      this.#at = start;
      const lengthBytes = varintBytes(size);
      this.#bytes.copyWithin(start + lengthBytes, bodyAt, end);
      end += lengthBytes - LENGTH_BYTES;
    }
    this.#at = start;
    this.#putVarint(size);
    this.#at = end;
  }

  #text(value: string): void {
    if (value.length <= ASCII_LOOP_MAX && this.#ascii(value)) return;
    const size = Buffer.byteLength(value, 'utf8');
    this.#varint(size);
    this.#room(size);
    this.#at += this.#bytes.write(value, this.#at, 'utf8');
  }

  /** Short ASCII is written here: two calls into the runtime cost more. False: it is not ASCII. */
  #ascii(value: string): boolean {
    const { length } = value;
    this.#room(length + 2);
    const start = this.#at;
    this.#varint(length);
    const bytes = this.#bytes;
    let at = this.#at;
    for (let i = 0; i < length; i++) {
      const code = value.charCodeAt(i);
      if (code >= 0x80) {
        this.#at = start;
        return false;
      }
      bytes[at++] = code;
    }
    this.#at = at;
    return true;
  }

  #raw(value: Buffer): void {
    this.#room(value.length);
    this.#at += value.copy(this.#bytes, this.#at);
  }

  #varint(value: number): void {
    this.#room(10);
    this.#putVarint(value);
  }

  /** Without asking for room: the caller has it. */
  #putVarint(value: number): void {
    let rest = value < 0 ? -value * 2 - 1 : value * 2;
    while (rest >= 0x80) {
      this.#bytes[this.#at++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.#at++] = rest;
  }

  #room(size: number): void {
    if (this.#at + size <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#at + size));
    this.#bytes.copy(grown, 0, 0, this.#at);
    this.#bytes = grown;
  }
}

/** Reads varints without an object per record: the position is kept in the reader. */
class Cursor {
  readonly bytes: Buffer;
  at: number;

  constructor(bytes: Buffer, at: number) {
    this.bytes = bytes;
    this.at = at;
  }

  varint(): number {
    const first = this.bytes[this.at];
    if (first !== undefined && first < 0x80) {
      this.at++;
      return (first >>> 1) ^ -(first & 1);
    }
    let value = 0;
    let factor = 1;
    for (;;) {
      const byte = this.bytes[this.at++];
      if (byte === undefined) throw new RangeError('record batch ends too early');
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) break;
      factor *= 0x80;
    }
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
}

/** How many records a batch has, without reading them. */
export function batchCount(bytes: Buffer): number {
  return bytes.readInt32BE(57);
}

/** The records of one uncompressed batch, as views on `bytes`. */
export function readBatch(
  topic: string,
  partition: number,
  bytes: Buffer,
  baseOffset: number,
): Record[] {
  const count = batchCount(bytes);
  const baseTimestamp = Number(bytes.readBigInt64BE(27));
  const cursor = new Cursor(bytes, HEADER_BYTES);
  const records = new Array<Record>(count);
  for (let i = 0; i < count; i++) {
    const size = cursor.varint();
    const end = cursor.at + size;
    cursor.at++;
    const timestamp = baseTimestamp + cursor.varint();
    const offset = baseOffset + cursor.varint();
    const keySize = cursor.varint();
    const keyStart = keySize < 0 ? -1 : cursor.at;
    if (keySize > 0) cursor.at += keySize;
    const valueSize = cursor.varint();
    const valueStart = valueSize < 0 ? -1 : cursor.at;
    if (valueSize > 0) cursor.at += valueSize;
    records[i] = new Record(
      topic,
      partition,
      offset,
      timestamp,
      bytes,
      keyStart,
      keySize < 0 ? -1 : keyStart + keySize,
      bytes,
      valueStart,
      valueSize < 0 ? -1 : valueStart + valueSize,
      readHeaders(cursor),
    );
    cursor.at = end;
  }
  return records;
}

function readHeaders(cursor: Cursor): readonly Header[] | null {
  const count = cursor.varint();
  if (count === 0) return null;
  const headers: Header[] = [];
  for (let i = 0; i < count; i++) {
    const keySize = cursor.varint();
    const key = cursor.bytes.toString('utf8', cursor.at, cursor.at + keySize);
    cursor.at += keySize;
    const valueSize = Math.max(0, cursor.varint());
    headers.push({ key, value: cursor.bytes.subarray(cursor.at, cursor.at + valueSize) });
    cursor.at += valueSize;
  }
  return headers;
}

/** Writes base offset and CRC-32C into a finished batch. */
export function sealBatch(
  bytes: Buffer,
  baseOffset: number,
  crc32c: (bytes: Buffer) => number,
): void {
  bytes.writeBigInt64BE(BigInt(baseOffset), 0);
  bytes.writeUInt32BE(crc32c(bytes.subarray(CRC_FROM)) >>> 0, 17);
}
