/**
 * Goes through the records of a batch without making slices or objects of them: for compaction,
 * which keeps or drops records as they lie, and touches nothing else of them.
 */
import { BATCH_HEADER_BYTES, batchCount } from './record-batch.ts';
import { VarintReader } from './varint.ts';

const LENGTH_AT = 8;
/** The batch's length counts from after its own field. */
const LENGTH_FROM = 12;
const COUNT_AT = 57;

export class RecordScan {
  bytes: Buffer = Buffer.alloc(0);
  /** The record with its length in front: bytes[start, end). */
  start = 0;
  end = 0;
  offset = 0;
  /** Epoch milliseconds, as its producer gave it. */
  timestamp = 0;
  /** Where the length of its key stands: from here on nothing depends on the batch. */
  restAt = 0;
  /** The key is bytes[keyStart, keyEnd); keyStart is -1 when there is none. */
  keyStart = -1;
  keyEnd = -1;
  isTombstone = false;
  #left = 0;
  #baseOffset = 0;
  #baseTimestamp = 0;
  readonly #in = new VarintReader(this.bytes);

  /** Begins with a batch; `bytes` without records are none. */
  open(bytes: Buffer, baseOffset: number): this {
    this.bytes = bytes;
    this.#in.bytes = bytes;
    this.#in.at = BATCH_HEADER_BYTES;
    this.#left = batchCount(bytes);
    this.#baseOffset = baseOffset;
    if (this.#left > 0) this.#baseTimestamp = Number(bytes.readBigInt64BE(27));
    return this;
  }

  /** Goes to the next record. False: there is none. */
  next(): boolean {
    if (this.#left === 0) return false;
    this.#left--;
    const reader = this.#in;
    this.start = reader.at;
    const size = reader.next();
    this.end = reader.at + size;
    if (size < 0 || this.end > this.bytes.length) {
      throw new RangeError('a record batch ends too early');
    }
    reader.at++;
    this.timestamp = this.#baseTimestamp + reader.next();
    this.offset = this.#baseOffset + reader.next();
    this.restAt = reader.at;
    const keySize = reader.next();
    this.keyStart = keySize < 0 ? -1 : reader.at;
    if (keySize > 0) reader.at += keySize;
    this.keyEnd = keySize < 0 ? -1 : reader.at;
    this.isTombstone = reader.next() < 0;
    reader.at = this.end;
    return true;
  }

  /** The key as latin1 text, which keeps bytes apart; null when there is none. */
  get key(): string | null {
    return this.keyStart < 0 ? null : this.bytes.toString('latin1', this.keyStart, this.keyEnd);
  }
}

/**
 * The batch with only the records to keep, which keep their offsets: null when none is left, or
 * itself when all are. Its CRC is not made anew.
 */
export function keepRecords(
  bytes: Buffer,
  baseOffset: number,
  keep: (scan: RecordScan) => boolean,
): Buffer | null {
  const scan = new RecordScan().open(bytes, baseOffset);
  const result = Buffer.allocUnsafeSlow(bytes.length);
  let at = BATCH_HEADER_BYTES;
  let kept = 0;
  while (scan.next()) {
    if (!keep(scan)) continue;
    at += bytes.copy(result, at, scan.start, scan.end);
    kept++;
  }
  if (kept === batchCount(bytes)) return bytes;
  if (kept === 0) return null;
  bytes.copy(result, 0, 0, BATCH_HEADER_BYTES);
  result.writeInt32BE(at - LENGTH_FROM, LENGTH_AT);
  result.writeInt32BE(kept, COUNT_AT);
  return result.subarray(0, at);
}
