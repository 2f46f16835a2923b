/**
 * Key compaction of what one partition has settled, as Kafka's log cleaner does it, a bounded piece
 * at a time:
 *
 *   idle ──half as much is new──▶ mapping what is new: key → last offset ──▶ rewriting all ──▶ idle
 *
 * Of a table only records older than the lag take part, on both sides: a record goes when a newer
 * one of its key is older than the lag as well. So the last record of each key always stays, and
 * whoever reads a table from its start gets what it was at any time within the lag (rule D12).
 * Deletions (null values) go once they are the last of their key and older than twice the lag, so
 * that a reader that was away for less than that still sees them. A changelog has no lag: only its
 * own task reads it, from its start, and while that reads, compaction waits.
 */
import { batchCount } from '../../core/record-batch.ts';
import { RecordScan } from '../../core/record-scan.ts';
import { BatchMerge, MERGED_BYTES } from './batch-merge.ts';
import { asBuffer } from './database.ts';
import { KeyOffsets } from './key-offsets.ts';
import type { Partition } from './partition.ts';

/** Keys of one pass (20 MiB); when there are more, the rest comes with the next. */
const KEYS_PER_PASS_MAX = 500_000;
/** A pass reads the whole partition, so it waits until this share of it is new. */
const NEW_SHARE = 0.5;
const NEW_BYTES_MIN = 256 * 1024;
/** What was too young is looked at again. */
const AGAIN_AFTER_MS = 60 * 60_000;

export interface CompactionTimes {
  readonly nowMs: number;
  readonly lagMs: number;
}

interface Row {
  readonly id: number;
  readonly base: number;
  readonly last: number;
  readonly appendedAt: number;
  readonly bytes: Buffer;
}

export class Compaction {
  readonly #partition: Partition;
  #phase: 'idle' | 'due' | 'mapping' | 'rewriting' = 'idle';
  #keys = new KeyOffsets();
  #position = 0;
  /** The pass covers offsets below this. */
  #end = 0;
  /** `settledBytes` and the time when the last pass began. */
  #begunAt: { readonly bytes: number; readonly ms: number } | undefined;
  /** Where what is new begins, as far as it is known here. */
  #cleanOffset = 0;
  /** What a pass would have to read beside what is new, bytes. */
  #cleanBytes = 0;
  readonly #scan = new RecordScan();
  readonly #merge = new BatchMerge();
  /** When the newest record in `#merge` was appended. */
  #mergedAt = 0;
  /** Of the record with this number in its row. */
  #isKept = new Uint8Array(1024);

  constructor(partition: Partition) {
    this.#partition = partition;
  }

  /** The transaction was rolled back: the pass begins anew. */
  reset(): void {
    this.#cleanOffset = 0;
    this.#phase = 'idle';
    this.#begunAt = undefined;
  }

  /** True when a pass is under way, or enough is new for the next one. */
  isDue(nowMs: number): boolean {
    if (this.#partition.restoring > 0) return false;
    if (this.#phase !== 'idle') return true;
    const begun = this.#begunAt;
    if (begun !== undefined) {
      const news = this.#partition.settledBytes - begun.bytes;
      const isMuch = news >= Math.max(NEW_BYTES_MIN, this.#cleanBytes * NEW_SHARE);
      if (!isMuch && nowMs - begun.ms < AGAIN_AFTER_MS) return false;
    }
    const { statements, firstId, slot, settledOffset, settledBytes } = this.#partition;
    if (this.#cleanOffset >= settledOffset) return false;
    const clean = Number(statements.clean.get(slot)!.clean_offset);
    this.#cleanOffset = clean;
    if (clean >= settledOffset) return false;
    const size = (from: number, to: number) =>
      Number(statements.size.get(firstId + from, firstId + to)!.bytes);
    this.#begunAt = { bytes: settledBytes, ms: nowMs };
    this.#cleanBytes = size(0, clean);
    if (size(clean, settledOffset) < this.#cleanBytes * NEW_SHARE) return false;
    this.#phase = 'due';
    return true;
  }

  /** Reads about as many bytes, inside a transaction. Returns how many rows it removed. */
  step(times: CompactionTimes, bytesMax: number): number {
    let removed = 0;
    for (let left = bytesMax; left > 0; ) {
      if (this.#phase === 'due') this.#begin();
      const row = this.#nextRow();
      if (this.#phase === 'mapping') this.#map(row, times);
      else if (row === undefined) {
        this.#finish();
        break;
      } else removed += this.#rewrite(row, times);
      left -= row?.bytes.length ?? 1;
    }
    this.#flush(this.#position - 1);
    return removed;
  }

  #begin(): void {
    const { statements, slot, settledOffset } = this.#partition;
    // The end of what is settled is known from its last row, or from the floor when that is gone.
    statements.setFloor.run(settledOffset, slot);
    this.#phase = 'mapping';
    this.#keys = new KeyOffsets();
    this.#position = Number(statements.clean.get(slot)!.clean_offset);
    this.#end = settledOffset;
  }

  #nextRow(): Row | undefined {
    const { firstId, statements } = this.#partition;
    const [row] = statements.next.all(firstId + this.#position, firstId + this.#end, 1);
    if (row === undefined) return undefined;
    const id = Number(row.id);
    return {
      id,
      base: id - firstId,
      last: Number(row.last_offset),
      appendedAt: Number(row.appended_at),
      bytes: asBuffer(row.bytes),
    };
  }

  #map(row: Row | undefined, { nowMs, lagMs }: CompactionTimes): void {
    const isYoung = row !== undefined && row.appendedAt > nowMs - lagMs;
    if (row === undefined || isYoung || this.#keys.size >= KEYS_PER_PASS_MAX) {
      if (row !== undefined) this.#end = this.#position;
      // With nothing mapped, nothing would be found: what was looked at ends where it began.
      this.#position = this.#keys.size === 0 ? this.#end : 0;
      this.#phase = 'rewriting';
      return;
    }
    const scan = this.#scan.open(row.bytes, row.base);
    while (scan.next()) this.#keys.set(scan.bytes, scan.keyStart, scan.keyEnd, scan.offset);
    this.#position = row.last + 1;
  }

  /** Returns how many rows it removed. */
  #rewrite(row: Row, { nowMs, lagMs }: CompactionTimes): number {
    const { statements } = this.#partition;
    const isOld = row.appendedAt <= nowMs - 2 * lagMs;
    const kept = this.#mark(row, isOld);
    this.#position = row.last + 1;
    const isWhole = kept === batchCount(row.bytes) && row.bytes.length >= MERGED_BYTES / 2;
    // Rows whose age still counts are not joined: each keeps its own.
    if (isWhole || !isOld) this.#flush(row.base - 1);
    if (isWhole || (!isOld && kept === batchCount(row.bytes))) return 0;
    this.#mergedAt = row.appendedAt;
    statements.remove.run(row.id);
    const scan = this.#scan.open(row.bytes, row.base);
    for (let n = 0; scan.next(); n++) if (this.#isKept[n] === 1) this.#merge.add(scan);
    if (this.#merge.isFull || !isOld) this.#flush(row.last);
    return 1;
  }

  /** Looks which records of a row stay. Returns how many. */
  #mark(row: Row, isOld: boolean): number {
    const count = batchCount(row.bytes);
    if (this.#isKept.length < count) this.#isKept = new Uint8Array(2 * count);
    const scan = this.#scan.open(row.bytes, row.base);
    let kept = 0;
    for (let n = 0; scan.next(); n++) {
      const last = this.#keys.get(scan.bytes, scan.keyStart, scan.keyEnd);
      const isLast = last === -1 || last === scan.offset;
      const isKept = isLast && !(scan.isTombstone && isOld);
      this.#isKept[n] = isKept ? 1 : 0;
      if (isKept) kept++;
    }
    return kept;
  }

  #flush(last: number): void {
    const merged = this.#merge.finish(last);
    if (merged === undefined) return;
    const { statements, firstId } = this.#partition;
    const { base, maxTimestamp, bytes } = merged;
    statements.insert.run(firstId + base, last, maxTimestamp, this.#mergedAt, bytes);
  }

  #finish(): void {
    const { statements, slot } = this.#partition;
    statements.setClean.run(this.#end, slot);
    this.#cleanOffset = this.#end;
    this.#phase = 'idle';
    this.#keys = new KeyOffsets();
  }
}
