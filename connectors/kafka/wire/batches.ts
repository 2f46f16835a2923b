/**
 * From the bytes of a fetch to batches that can be read: whole ones, checked by their CRC-32C,
 * uncompressed, without control batches and without what was aborted. No object per record.
 *
 * A compressed batch is rebuilt as an uncompressed one, so that its reader sees one form.
 */
import { crc32c } from '@node-rs/crc32';
import { CarillonError } from '../../../core/error.ts';
import { CODEC_MASK, decompress } from './compression.ts';
import type { AbortedTransaction } from './fetch-request.ts';
import { stampWithAppendTime } from './rebuild.ts';
import { readInt64 } from './response-reader.ts';

export const HEADER_BYTES = 61;
/** Base offset and length: what stands before the bytes that the length counts. */
const PREFIX_BYTES = 12;
const MAGIC_AT = 16;
const CRC_AT = 17;
/** From here on the CRC counts. */
export const ATTRIBUTES_AT = 21;
const LAST_DELTA_AT = 23;
const PRODUCER_ID_AT = 43;
const COUNT_AT = 57;
const LOG_APPEND_TIME = 0x08;
const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;
/** A batch may be 1 MiB by default when compressed; more than this is a bomb. */
const DECOMPRESSED_BYTES_MAX = 128 * 1024 * 1024;

export interface FetchedRun {
  readonly topic: string;
  readonly partition: number;
  /** Where the fetch began: a batch that ends before it is passed over. */
  readonly offset: number;
  readonly bytes: Buffer;
  /** Of a read_committed fetch; empty for read_uncommitted, then aborted records are handed out. */
  readonly aborted: readonly AbortedTransaction[];
}

/** A record batch, format 2, uncompressed, as `readBatch` of core/record-batch.ts reads it. */
export interface ReadableBatch {
  readonly baseOffset: number;
  /** By the header: in a compacted topic there need not be a record of this offset. */
  readonly lastOffset: number;
  /** Never 0. Records below the offset that was fetched may be among them. */
  readonly count: number;
  /** A view on the answer, or a buffer of its own; its CRC counts only in the first case. */
  readonly bytes: Buffer;
}

export interface WalkedRun {
  readonly batches: readonly ReadableBatch[];
  /** Where to fetch next: past what was passed over. The old offset when no batch was whole. */
  readonly nextOffset: number;
}

/**
 * The batches of a run that can be read, up to its end or to the first damaged one. When the run
 * begins with a damaged one: throws CAR647, with topic, partition and offset. So what stands before
 * it is handed out first, and the next fetch meets it.
 */
export function walkBatches(run: FetchedRun): WalkedRun {
  const { bytes, aborted } = run;
  const batches: ReadableBatch[] = [];
  const filter = new AbortedFilter(aborted);
  let nextOffset = run.offset;
  for (let at = 0; at + PREFIX_BYTES <= bytes.length; ) {
    const end = at + PREFIX_BYTES + bytes.readInt32BE(at + 8);
    // The broker cuts an answer where its size ends: the rest comes with the next fetch.
    if (end > bytes.length) break;
    try {
      const batch = bytes.subarray(at, end);
      checkBatch(run, batch, nextOffset);
      const lastOffset = readInt64(batch, 0) + batch.readInt32BE(LAST_DELTA_AT);
      if (filter.keeps(batch, lastOffset) && lastOffset >= run.offset) {
        batches.push(readable(run, batch, lastOffset));
      }
      nextOffset = Math.max(nextOffset, lastOffset + 1);
    } catch (error) {
      if (nextOffset > run.offset) break;
      throw error;
    }
    at = end;
  }
  return { batches, nextOffset };
}

/**
 * Whose transactions in a partition are open and will be aborted, at the place that is read. The
 * brokers tell transactions by their ends, so they are put in the order of their beginnings first
 * (Java's client does the same).
 */
class AbortedFilter {
  readonly #coming: readonly AbortedTransaction[];
  readonly #open = new Set<number>();
  #next = 0;

  constructor(aborted: readonly AbortedTransaction[]) {
    const isSorted = aborted.length < 2;
    this.#coming = isSorted ? aborted : aborted.toSorted((a, b) => a.firstOffset - b.firstOffset);
  }

  /** False for control batches, for aborted ones and for those that compaction has emptied. */
  keeps(batch: Buffer, lastOffset: number): boolean {
    while (
      this.#next < this.#coming.length &&
      this.#coming[this.#next]!.firstOffset <= lastOffset
    ) {
      this.#open.add(this.#coming[this.#next++]!.producerId);
    }
    const attributes = batch.readInt16BE(ATTRIBUTES_AT);
    if ((attributes & CONTROL) !== 0) {
      if (isAbortMarker(batch)) this.#open.delete(readInt64(batch, PRODUCER_ID_AT));
      return false;
    }
    if (batch.readInt32BE(COUNT_AT) === 0) return false;
    if ((attributes & TRANSACTIONAL) === 0 || this.#open.size === 0) return true;
    return !this.#open.has(readInt64(batch, PRODUCER_ID_AT));
  }
}

/**
 * A control batch has one record, whose key is version i16 and type i16; type 0 is an abort. Before
 * the key stand lengths of one byte each, as all of the record is short.
 */
function isAbortMarker(batch: Buffer): boolean {
  const keyAt = HEADER_BYTES + 5;
  return batch.length >= keyAt + 4 && batch.readInt16BE(keyAt + 2) === 0;
}

function checkBatch(run: FetchedRun, batch: Buffer, offset: number): void {
  const magic = batch.length > MAGIC_AT ? batch[MAGIC_AT]! : -1;
  if (magic === 0 || magic === 1) {
    throw unreadable(run, offset, `is of the old format ${magic}, from before Kafka 0.11`, false);
  }
  if (magic !== 2 || batch.length < HEADER_BYTES) {
    throw unreadable(run, offset, `is of an unknown format ${magic}`, false);
  }
  if (crc32c(batch.subarray(ATTRIBUTES_AT)) !== batch.readUInt32BE(CRC_AT)) {
    // Another replica may have it whole.
    throw unreadable(run, offset, 'has a checksum that does not fit', true);
  }
}

function readable(run: FetchedRun, batch: Buffer, lastOffset: number): ReadableBatch {
  const baseOffset = readInt64(batch, 0);
  const attributes = batch.readInt16BE(ATTRIBUTES_AT);
  const codec = attributes & CODEC_MASK;
  let bytes = batch;
  try {
    if (codec !== 0) bytes = uncompressed(batch, codec);
    if ((attributes & LOG_APPEND_TIME) !== 0) bytes = stampWithAppendTime(bytes);
  } catch (error) {
    const why = `is damaged within: ${(error as Error).message}`;
    throw unreadable(run, baseOffset, why, false);
  }
  return { baseOffset, lastOffset, count: batch.readInt32BE(COUNT_AT), bytes };
}

function uncompressed(batch: Buffer, codec: number): Buffer {
  const records = decompress(codec, batch.subarray(HEADER_BYTES), DECOMPRESSED_BYTES_MAX);
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + records.length);
  batch.copy(bytes, 0, 0, HEADER_BYTES);
  records.copy(bytes, HEADER_BYTES);
  bytes.writeInt32BE(bytes.length - PREFIX_BYTES, 8);
  bytes.writeInt16BE(bytes.readInt16BE(ATTRIBUTES_AT) & ~CODEC_MASK, ATTRIBUTES_AT);
  return bytes;
}

function unreadable(
  run: FetchedRun,
  offset: number,
  why: string,
  retryable: boolean,
): CarillonError {
  const at = `${run.topic}/${run.partition}@${offset}`;
  return new CarillonError('CAR647', `The record batch at ${at} ${why}.`, {
    where: { at },
    retryable,
  });
}
