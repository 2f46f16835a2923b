/**
 * Makes a batch anew from some records of another: for one that the broker finds too large, and for
 * one whose times were set by the broker. Rare ways both, so they may cost a pass over the records.
 */
import { readInt64 } from './response-reader.ts';

const HEADER_BYTES = 61;
const PREFIX_BYTES = 12;
const ATTRIBUTES_AT = 21;
const LAST_DELTA_AT = 23;
const BASE_TIMESTAMP_AT = 27;
const MAX_TIMESTAMP_AT = 35;
const COUNT_AT = 57;
const LOG_APPEND_TIME = 0x08;

class Varints {
  readonly bytes: Buffer;
  at: number;

  constructor(bytes: Buffer, at: number) {
    this.bytes = bytes;
    this.at = at;
  }

  read(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 0x80) {
      const byte = this.bytes.readUInt8(this.at++);
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) break;
    }
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  write(value: number): void {
    let rest = value < 0 ? -value * 2 - 1 : value * 2;
    while (rest >= 0x80) {
      this.bytes[this.at++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.bytes[this.at++] = rest;
  }
}

const varintBytes = (value: number): number => {
  const scratch = new Varints(Buffer.allocUnsafe(10), 0);
  scratch.write(value);
  return scratch.at;
};

interface Choice {
  /** The first record that is kept, and how many are, by their place in the batch. */
  readonly first: number;
  readonly count: number;
  /** True: all records get the time 0 after the base, and the offsets stay as they are. */
  readonly stamp: boolean;
}

/**
 * The two halves of an uncompressed batch with base offset 0, by the number of its records; null
 * when it has only one. CRC, sequence and the like are for the producer to seal again.
 */
export function splitBatch(batch: Buffer): readonly [Buffer, Buffer] | null {
  const count = batch.readInt32BE(COUNT_AT);
  if (count < 2) return null;
  const half = count >>> 1;
  return [
    rebuild(batch, { first: 0, count: half, stamp: false }),
    rebuild(batch, { first: half, count: count - half, stamp: false }),
  ];
}

/**
 * In a topic with `message.timestamp.type=LogAppendTime` the batch's greatest time is that of all
 * its records (KIP-32). The copy says so in the records themselves, where its readers look.
 */
export function stampWithAppendTime(batch: Buffer): Buffer {
  const stamped = rebuild(batch, { first: 0, count: batch.readInt32BE(COUNT_AT), stamp: true });
  const attributes = stamped.readInt16BE(ATTRIBUTES_AT) & ~LOG_APPEND_TIME;
  stamped.writeInt16BE(attributes, ATTRIBUTES_AT);
  batch.copy(stamped, BASE_TIMESTAMP_AT, MAX_TIMESTAMP_AT, MAX_TIMESTAMP_AT + 8);
  batch.copy(stamped, MAX_TIMESTAMP_AT, MAX_TIMESTAMP_AT, MAX_TIMESTAMP_AT + 8);
  batch.copy(stamped, LAST_DELTA_AT, LAST_DELTA_AT, LAST_DELTA_AT + 4);
  return stamped;
}

/** Deltas only become smaller, so the copy needs no more room than the batch. */
function rebuild(batch: Buffer, choice: Choice): Buffer {
  const { first, count, stamp } = choice;
  const source = new Varints(batch, HEADER_BYTES);
  const target = new Varints(Buffer.allocUnsafe(batch.length), HEADER_BYTES);
  let offsetDelta = 0;
  let timestampDeltaMax = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < first + count; i++) {
    const size = source.read();
    const end = source.at + size;
    if (i >= first) {
      const attributes = batch.readUInt8(source.at++);
      const timestampDelta = source.read();
      offsetDelta = source.read() - (stamp ? 0 : first);
      timestampDeltaMax = Math.max(timestampDeltaMax, timestampDelta);
      const time = stamp ? 0 : timestampDelta;
      const rest = end - source.at;
      target.write(1 + varintBytes(time) + varintBytes(offsetDelta) + rest);
      target.bytes[target.at++] = attributes;
      target.write(time);
      target.write(offsetDelta);
      target.at += batch.copy(target.bytes, target.at, source.at, end);
    }
    source.at = end;
  }
  const bytes = target.bytes.subarray(0, target.at);
  batch.copy(bytes, 0, 0, HEADER_BYTES);
  bytes.writeInt32BE(bytes.length - PREFIX_BYTES, 8);
  bytes.writeInt32BE(offsetDelta, LAST_DELTA_AT);
  const maxTimestamp = readInt64(batch, BASE_TIMESTAMP_AT) + timestampDeltaMax;
  bytes.writeBigInt64BE(BigInt(maxTimestamp), MAX_TIMESTAMP_AT);
  bytes.writeInt32BE(count, COUNT_AT);
  return bytes;
}
