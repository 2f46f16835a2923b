/**
 * Moves what compacted topics got from `changes`, where it lies in the order of the COMMITs, into
 * `batches`, where it lies by partition, in rows of about 64 KiB; a bounded piece at a time:
 *
 *   idle ──enough, or old──▶ reading blocks ──▶ writing, by partition ──▶ removing blocks ──▶ idle
 *
 * Of a changelog only the last record of each key of a piece is moved: a row that changes all the
 * time is written twice, and not once a change more.
 */
import { RecordScan } from '../../core/record-scan.ts';
import { BatchMerge } from './batch-merge.ts';
import { batchesOf } from './block.ts';
import type { Block } from './blocks.ts';
import { KeyOffsets } from './key-offsets.ts';
import type { Partition } from './partition.ts';
import type { Topics } from './topics.ts';

/** Settled at once, so that rows are large, and keys that repeat are found. */
const SETTLE_BYTES = 4 * 1024 * 1024;
/** What is older is settled although it is little: compaction and retention look at it there. */
const SETTLE_AFTER_MS = 60 * 60_000;
/** In one step: about a millisecond of work. */
const STEP_BYTES = 256 * 1024;
const STEP_BLOCKS = 128;
/** Records of one row were appended within this time, so that the row has an age. */
const ROW_SPAN_MS = 10 * 60_000;

interface Unsettled {
  readonly base: number;
  readonly next: number;
  readonly appendedAt: number;
  /** The batches of one run. */
  readonly bytes: Buffer;
}

export class Settling {
  readonly #topics: Topics;
  /** Of the blocks that were read, by partition; undefined: idle. */
  #read: Map<Partition, Unsettled[]> | undefined;
  #blocks: Block[] = [];
  #bytesRead = 0;
  #phase: 'reading' | 'writing' | 'removing' = 'reading';
  readonly #scan = new RecordScan();
  readonly #merge = new BatchMerge();

  constructor(topics: Topics) {
    this.#topics = topics;
  }

  /** The transaction was rolled back: it begins anew. */
  reset(): void {
    this.#read = undefined;
    this.#blocks = [];
    this.#bytesRead = 0;
    this.#phase = 'reading';
  }

  isDue(nowMs: number): boolean {
    if (this.#read !== undefined) return true;
    const { changes } = this.#topics;
    if (changes.bytes === 0) return false;
    if (changes.bytes >= SETTLE_BYTES) return true;
    const oldest = changes.first(0);
    return oldest !== undefined && oldest.appendedAt <= nowMs - SETTLE_AFTER_MS;
  }

  /** One piece, inside a transaction. */
  step(): void {
    this.#read ??= new Map();
    if (this.#phase === 'reading') this.#readSome(this.#read);
    else if (this.#phase === 'writing') this.#writeSome(this.#read);
    else this.#removeSome();
  }

  #readSome(read: Map<Partition, Unsettled[]>): void {
    const { changes, all } = this.#topics;
    let bytes = 0;
    for (const block of changes.from((this.#blocks.at(-1)?.id ?? 0) + 1)) {
      const content = changes.read(block.id)!;
      for (const { slot, base, next, at, size } of block.runs) {
        const partition = all[slot]!;
        const { appendedAt } = block;
        if (next <= partition.settledOffset) continue;
        const unsettled = { base, next, appendedAt, bytes: content.subarray(at, at + size) };
        const of = read.get(partition);
        if (of === undefined) read.set(partition, [unsettled]);
        else of.push(unsettled);
      }
      this.#blocks.push(block);
      bytes += block.size;
      if (bytes >= STEP_BYTES) break;
    }
    this.#bytesRead += bytes;
    if (bytes < STEP_BYTES || this.#bytesRead >= SETTLE_BYTES) this.#phase = 'writing';
  }

  #writeSome(read: Map<Partition, Unsettled[]>): void {
    for (const [partition, runs] of read) {
      let bytes = 0;
      let count = 0;
      while (count < runs.length && bytes < STEP_BYTES) bytes += runs[count++]!.bytes.length;
      this.#settle(partition, runs.splice(0, count));
      if (runs.length === 0) read.delete(partition);
      return;
    }
    this.#phase = 'removing';
  }

  #removeSome(): void {
    for (const block of this.#blocks.splice(0, STEP_BLOCKS)) this.#topics.changes.remove(block);
    if (this.#blocks.length === 0) this.reset();
  }

  #settle(partition: Partition, runs: readonly Unsettled[]): void {
    const keys = partition.isChangelog ? this.#lastOffsets(partition, runs) : undefined;
    let appendedAt = runs[0]!.appendedAt;
    let next = partition.settledOffset;
    for (const run of runs) {
      if (run.appendedAt - appendedAt > ROW_SPAN_MS) {
        this.#write(partition, next, appendedAt);
        appendedAt = run.appendedAt;
      }
      for (const batch of batchesOf('', 0, run.bytes, run.base, next)) {
        const scan = this.#scan.open(batch.bytes, batch.baseOffset);
        while (scan.next()) {
          if (scan.offset < next) continue;
          const { keyStart, keyEnd, offset } = scan;
          if (keys === undefined || keys.get(scan.bytes, keyStart, keyEnd) === offset) {
            this.#merge.add(scan);
          }
        }
        next = batch.nextOffset;
        if (this.#merge.isFull) this.#write(partition, next, run.appendedAt);
      }
    }
    this.#write(partition, next, runs.at(-1)!.appendedAt);
  }

  #lastOffsets(partition: Partition, runs: readonly Unsettled[]): KeyOffsets {
    const keys = new KeyOffsets();
    for (const { bytes, base } of runs) {
      for (const batch of batchesOf('', 0, bytes, base, partition.settledOffset)) {
        const scan = this.#scan.open(batch.bytes, batch.baseOffset);
        while (scan.next()) keys.set(scan.bytes, scan.keyStart, scan.keyEnd, scan.offset);
      }
    }
    return keys;
  }

  #write(partition: Partition, next: number, appendedAt: number): void {
    const { statements, firstId, slot } = partition;
    const merged = this.#merge.finish(next - 1);
    if (merged === undefined) statements.setFloor.run(next, slot);
    else {
      const { base, last, maxTimestamp, bytes } = merged;
      statements.insert.run(firstId + base, last, maxTimestamp, appendedAt, bytes);
      partition.settledBytes += bytes.length;
    }
    partition.settledOffset = next;
  }
}
