/**
 * Makes one batch of several for the same partition: a request takes one batch of a partition, so
 * what many tasks write there would need a round trip each.
 */
import { BATCH_HEADER_BYTES } from '../../../core/record-batch.ts';
import { putVarint, VarintReader, varintBytes } from '../../../core/varint.ts';
import type { OutgoingBatch } from './producer.ts';
import { readInt64 } from './response-reader.ts';

const PREFIX_BYTES = 12;
const LAST_DELTA_AT = 23;
const BASE_TIMESTAMP_AT = 27;
const MAX_TIMESTAMP_AT = 35;
const COUNT_AT = 57;
/** A record grows when its deltas do: a length of up to 5 bytes, and two numbers of up to 10. */
const GROWTH_BYTES_MAX = 25;

/**
 * One batch a partition, as long as none becomes larger than `bytesMax`; the order within a
 * partition is kept. Batches are finished ones of `BatchBuilder`, uncompressed and not sealed.
 */
export function mergeBatches(
  batches: readonly OutgoingBatch[],
  bytesMax: number,
): readonly OutgoingBatch[] {
  const byPartition = new Map<string, OutgoingBatch[]>();
  for (const batch of batches) {
    const key = `${batch.topic}/${batch.partition}`;
    const those = byPartition.get(key);
    if (those === undefined) byPartition.set(key, [batch]);
    else those.push(batch);
  }
  if (byPartition.size === batches.length) return batches;
  return [...byPartition.values()].flatMap((those) => mergedRuns(those, bytesMax));
}

function mergedRuns(batches: readonly OutgoingBatch[], bytesMax: number): OutgoingBatch[] {
  const runs: OutgoingBatch[][] = [];
  let size = Number.POSITIVE_INFINITY;
  for (const batch of batches) {
    if (size + batch.bytes.length <= bytesMax) runs.at(-1)!.push(batch);
    else {
      runs.push([batch]);
      size = 0;
    }
    size += batch.bytes.length;
  }
  return runs.map((run) => {
    const { topic, partition, bytes } = run[0]!;
    return { topic, partition, bytes: run.length === 1 ? bytes : merged(run) };
  });
}

/** The first batch's times are the base; its records are copied as they are. */
function merged(run: readonly OutgoingBatch[]): Buffer {
  const first = run[0]!.bytes;
  const baseTimestamp = readInt64(first, BASE_TIMESTAMP_AT);
  let room = first.length;
  for (const { bytes } of run.slice(1)) {
    room += bytes.length + bytes.readInt32BE(COUNT_AT) * GROWTH_BYTES_MAX;
  }
  const target = Buffer.allocUnsafe(room);
  let at = first.copy(target);
  let count = first.readInt32BE(COUNT_AT);
  let nextDelta = first.readInt32BE(LAST_DELTA_AT) + 1;
  let maxTimestamp = readInt64(first, MAX_TIMESTAMP_AT);
  for (const { bytes } of run.slice(1)) {
    const shift = { offset: nextDelta, time: readInt64(bytes, BASE_TIMESTAMP_AT) - baseTimestamp };
    at = appendRecords(target, at, bytes, shift);
    count += bytes.readInt32BE(COUNT_AT);
    nextDelta += bytes.readInt32BE(LAST_DELTA_AT) + 1;
    maxTimestamp = Math.max(maxTimestamp, readInt64(bytes, MAX_TIMESTAMP_AT));
  }
  target.writeInt32BE(at - PREFIX_BYTES, 8);
  target.writeInt32BE(nextDelta - 1, LAST_DELTA_AT);
  target.writeBigInt64BE(BigInt(maxTimestamp), MAX_TIMESTAMP_AT);
  target.writeInt32BE(count, COUNT_AT);
  return target.subarray(0, at);
}

/** Gives the end of what was written. */
function appendRecords(
  target: Buffer,
  from: number,
  bytes: Buffer,
  shift: { readonly offset: number; readonly time: number },
): number {
  const source = new VarintReader(bytes, BATCH_HEADER_BYTES);
  let at = from;
  for (let left = bytes.readInt32BE(COUNT_AT); left > 0; left--) {
    const size = source.next();
    const end = source.at + size;
    const attributes = bytes[source.at++]!;
    const time = source.next() + shift.time;
    const offset = source.next() + shift.offset;
    const rest = end - source.at;
    at = putVarint(target, at, 1 + varintBytes(time) + varintBytes(offset) + rest);
    target[at++] = attributes;
    at = putVarint(target, at, time);
    at = putVarint(target, at, offset);
    at += bytes.copy(target, at, source.at, end);
    source.at = end;
  }
  return at;
}
