/**
 * What one COMMIT has appended, as one row: a head that says what is in it, and the bytes. So a
 * COMMIT writes pages that lie side by side, whatever number of partitions it touches: rows that
 * are clustered by partition dirty a page of their own each, and that was 22 KB an event at 2,000
 * events/s.
 *
 * Head: number of runs | runs, each: slot, base offset, number of offsets, greatest timestamp, size
 * | number of groups | groups, each: name, number of offsets, each: slot, offset, metadata. All
 * numbers are varints. The bytes are those of the runs, in their order; a run is the batches of one
 * partition, one after the other without a gap.
 */
import { ByteReader, ByteWriter } from '../../core/bytes.ts';
import type { LogBatch } from '../../core/log.ts';
import { batchSpan } from '../../core/record-batch.ts';

export interface Run {
  readonly slot: number;
  readonly base: number;
  /** The offset after its last. */
  readonly next: number;
  readonly maxTimestamp: number;
  /** Where it begins in the bytes of its block. */
  readonly at: number;
  readonly size: number;
}

/** How far a group has come in a partition. */
export interface GroupOffset {
  readonly group: string;
  readonly slot: number;
  readonly offset: number;
  readonly metadata: string;
}

const HEAD_BYTES = 512;

export function encodeHead(
  runs: readonly Omit<Run, 'at'>[],
  offsets: ReadonlyMap<string, readonly GroupOffset[]>,
): Buffer {
  const head = new ByteWriter(HEAD_BYTES).int(runs.length);
  for (const { slot, base, next, maxTimestamp, size } of runs) {
    head
      .int(slot)
      .int(base)
      .int(next - base)
      .int(maxTimestamp)
      .int(size);
  }
  head.int(offsets.size);
  for (const [group, of] of offsets) {
    head.text(group).int(of.length);
    for (const { slot, offset, metadata } of of) head.int(slot).int(offset).text(metadata);
  }
  return head.done();
}

export interface BlockHead {
  readonly runs: readonly Run[];
  readonly offsets: readonly GroupOffset[];
}

export function decodeHead(bytes: Buffer): BlockHead {
  const head = new ByteReader(bytes);
  let at = 0;
  const runs: Run[] = [];
  for (let left = head.int(); left > 0; left--) {
    const slot = head.int();
    const base = head.int();
    const next = base + head.int();
    const maxTimestamp = head.int();
    const size = head.int();
    runs.push({ slot, base, next, maxTimestamp, at, size });
    at += size;
  }
  const offsets: GroupOffset[] = [];
  for (let groups = head.int(); groups > 0; groups--) {
    const group = head.text();
    for (let left = head.int(); left > 0; left--) {
      offsets.push({ group, slot: head.int(), offset: head.int(), metadata: head.text() });
    }
  }
  return { runs, offsets };
}

/** The batches of a run that end above `from`. */
export function batchesOf(
  topic: string,
  partition: number,
  bytes: Buffer,
  base: number,
  from: number,
): LogBatch[] {
  const batches: LogBatch[] = [];
  let baseOffset = base;
  for (let at = 0; at < bytes.length; ) {
    const end = at + 12 + bytes.readInt32BE(at + 8);
    const batch = bytes.subarray(at, end);
    const nextOffset = baseOffset + batchSpan(batch);
    if (nextOffset > from) {
      batches.push({
        topic,
        partition,
        bytes: batch,
        baseOffset,
        from: Math.max(from, baseOffset),
        nextOffset,
      });
    }
    baseOffset = nextOffset;
    at = end;
  }
  return batches;
}
