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
import { batchCount } from '../../core/record-batch.ts';
import { keepRecords, RecordScan } from '../../core/record-scan.ts';
import { asBuffer } from './database.ts';
import type { Partition } from './partition.ts';

/** Keys of one pass; when there are more, the pass ends early and the rest comes with the next. */
const KEYS_PER_PASS_MAX = 500_000;
/** A pass reads the whole partition, so it waits until this share of its records is new. */
const NEW_SHARE = 0.5;
const NEW_RECORDS_MIN = 1_000;

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
    return statements.next.get(firstId + this.#position, firstId + this.#end, 1);
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
    const scan = new RecordScan().open(asBuffer(row.bytes), base);
    while (scan.next()) if (scan.keyStart >= 0) keys.set(scan.key!, scan.offset);
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
    const kept = keepRecords(bytes, base, ({ key, offset, isTombstone }) => {
      if (key === null) return true;
      return keys.get(key) === offset && !(isTombstone && old);
    });
    this.#position = last + 1;
    if (kept !== null) this.#kept += batchCount(kept);
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
