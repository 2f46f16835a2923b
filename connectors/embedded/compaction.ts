/**
 * Key compaction of one partition, as Kafka's log cleaner does it, a bounded piece at a time:
 *
 *   idle ──enough is new──▶ mapping: key → last offset, up to the lag ──▶ rewriting ──▶ idle
 *
 * Only records older than the lag take part, on both sides: a record goes when a newer one of its
 * key is older than the lag as well. So the last record of each key always stays, and whoever reads
 * a table from its start gets what it was at any time within the lag (rule D12). Deletions (null
 * values) go once they are the last of their key and older than twice the lag, so that a reader
 * that was away for less than that still sees them; a group reads its tables from the start anyway.
 */
import { asBuffer } from './database.ts';
import type { Partition } from './partition.ts';

const RECORDS_AT = 61;
const LENGTH_AT = 8;
const COUNT_AT = 57;
/** Kafka's batch length counts from after the length field. */
const LENGTH_FROM = 12;

/** Keys of one pass; when there are more, the pass ends early and the rest comes with the next. */
const KEYS_PER_PASS_MAX = 500_000;
/** A pass reads the whole partition, so it waits until this share of its records is new. */
const NEW_SHARE = 0.5;
const NEW_RECORDS_MIN = 1_000;

interface RawRecord {
  /** The record with its length in front. */
  readonly start: number;
  readonly end: number;
  readonly offsetDelta: number;
  /** The key as latin1 text, which keeps bytes apart; null when there is none. */
  readonly key: string | null;
  readonly tombstone: boolean;
}

function* rawRecords(bytes: Buffer): Generator<RawRecord> {
  let at = RECORDS_AT;
  const varint = () => {
    let value = 0;
    let factor = 1;
    for (;;) {
      const byte = bytes.readUInt8(at++);
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) break;
      factor *= 0x80;
    }
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  };
  for (let left = bytes.readInt32BE(COUNT_AT); left > 0; left--) {
    const start = at;
    const size = varint();
    const end = at + size;
    at++;
    varint();
    const offsetDelta = varint();
    const keySize = varint();
    const key = keySize < 0 ? null : bytes.toString('latin1', at, at + keySize);
    if (keySize > 0) at += keySize;
    const tombstone = varint() < 0;
    at = end;
    yield { start, end, offsetDelta, key, tombstone };
  }
}

/** True when a record has no key, which no compacted topic can hold. */
export function hasNullKey(bytes: Buffer): boolean {
  for (const { key } of rawRecords(bytes)) if (key === null) return true;
  return false;
}

/** The batch with only the records to keep, null when none is left, or itself when all are. */
export function keepRecords(bytes: Buffer, keep: (record: RawRecord) => boolean): Buffer | null {
  const kept: Buffer[] = [];
  let dropped = 0;
  for (const record of rawRecords(bytes)) {
    if (keep(record)) kept.push(bytes.subarray(record.start, record.end));
    else dropped++;
  }
  if (dropped === 0) return bytes;
  if (kept.length === 0) return null;
  const result = Buffer.concat([bytes.subarray(0, RECORDS_AT), ...kept]);
  result.writeInt32BE(result.length - LENGTH_FROM, LENGTH_AT);
  result.writeInt32BE(kept.length, COUNT_AT);
  return result;
}

export interface CompactionTimes {
  readonly nowMs: number;
  readonly lagMs: number;
}

export class Compaction {
  readonly #partition: Partition;
  #keys: Map<string, number> | undefined;
  #phase: 'idle' | 'mapping' | 'rewriting' = 'idle';
  #position = 0;
  /** The pass covers offsets below this. */
  #end = 0;
  #kept = 0;
  /** `appended` of the partition when the last pass began; the first pass looks at everything. */
  #appendedBefore = Number.NEGATIVE_INFINITY;

  constructor(partition: Partition) {
    this.#partition = partition;
  }

  /**
   * Does at most `batchesMax` batches of work, inside a transaction. Returns how many it removed.
   */
  step(times: CompactionTimes, batchesMax: number): number {
    let removed = 0;
    for (let left = batchesMax; left > 0; left--) {
      if (this.#phase === 'idle' && !this.#begin()) break;
      const row = this.#nextRow();
      if (this.#phase === 'mapping') this.#map(row, times);
      else removed += this.#rewrite(row, times);
    }
    return removed;
  }

  /** True when a pass is under way, or enough is new for the next one. */
  get due(): boolean {
    if (this.#phase !== 'idle') return true;
    const news = this.#partition.appended - this.#appendedBefore;
    return news >= Math.max(NEW_RECORDS_MIN, this.#kept * NEW_SHARE);
  }

  #begin(): boolean {
    if (!this.due) return false;
    this.#appendedBefore = this.#partition.appended;
    this.#phase = 'mapping';
    this.#keys = new Map();
    this.#position = this.#partition.startOffset;
    this.#end = this.#partition.committedOffset;
    this.#kept = 0;
    return true;
  }

  #nextRow(): { [column: string]: unknown } | undefined {
    const { firstId, statements } = this.#partition;
    return statements.next.get(firstId + this.#position, firstId + this.#end);
  }

  #map(row: { [column: string]: unknown } | undefined, times: CompactionTimes): void {
    const keys = this.#keys!;
    const young = row !== undefined && Number(row.appended_at) > times.nowMs - times.lagMs;
    if (row === undefined || young || keys.size >= KEYS_PER_PASS_MAX) {
      this.#end = this.#position;
      this.#position = this.#partition.startOffset;
      this.#phase = 'rewriting';
      return;
    }
    const base = Number(row.id) - this.#partition.firstId;
    for (const { key, offsetDelta } of rawRecords(asBuffer(row.bytes))) {
      if (key !== null) keys.set(key, base + offsetDelta);
    }
    this.#position = Number(row.last_offset) + 1;
  }

  #rewrite(row: { [column: string]: unknown } | undefined, times: CompactionTimes): number {
    if (row === undefined) {
      this.#phase = 'idle';
      this.#keys = undefined;
      return 0;
    }
    const keys = this.#keys!;
    const { statements, firstId } = this.#partition;
    const base = Number(row.id) - firstId;
    const last = Number(row.last_offset);
    const bytes = asBuffer(row.bytes);
    const old = Number(row.appended_at) <= times.nowMs - 2 * times.lagMs;
    const kept = keepRecords(bytes, ({ key, offsetDelta, tombstone }) => {
      if (key === null) return true;
      return keys.get(key) === base + offsetDelta && !(tombstone && old);
    });
    this.#position = last + 1;
    if (kept !== null) this.#kept += kept.readInt32BE(COUNT_AT);
    if (kept === bytes) return 0;
    if (kept !== null) {
      statements.replace.run(kept, Number(row.id));
      this.#partition.bytes += kept.length - bytes.length;
      return 0;
    }
    // The end of the partition is known from its last batch, or from the floor when that is gone.
    statements.setFloor.run(this.#partition.nextOffset, this.#partition.slot);
    statements.remove.run(Number(row.id));
    this.#partition.bytes -= bytes.length;
    return 1;
  }
}
