/**
 * The blocks of a table, in the order of their COMMITs: `blocks` for topics that are deleted by
 * time, `changes` for compacted ones until they are settled. What is kept in memory is where each
 * partition's runs are, roughly: a block in 64; from there the heads are looked through.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { type BlockHead, decodeHead, encodeHead, type GroupOffset, type Run } from './block.ts';
import { asBuffer } from './database.ts';

/** An entry of the index stands for this many blocks. */
const BLOCKS_PER_ENTRY = 64;
const HEADS_PER_READ = 32;
const NO_OFFSETS: ReadonlyMap<string, readonly GroupOffset[]> = new Map();

export interface Block extends BlockHead {
  readonly id: number;
  /** By the log's own clock: retention keeps to it. */
  readonly appendedAt: number;
  readonly size: number;
}

/** The runs of one partition: every so often, where it was in which block. */
interface Entries {
  readonly bases: number[];
  readonly ids: number[];
}

export class Blocks {
  /** The id of the newest block; 0: none yet. */
  lastId = 0;
  /** Bytes of all blocks, without their heads. */
  bytes = 0;
  readonly #entries = new Map<number, Entries>();
  #written: Block | undefined;
  readonly #insert: StatementSync;
  readonly #heads: StatementSync;
  readonly #part: StatementSync;
  readonly #all: StatementSync;
  readonly #remove: StatementSync;
  readonly #replace: StatementSync;

  constructor(db: DatabaseSync, table: 'blocks' | 'changes') {
    this.#insert = db.prepare(
      `INSERT INTO ${table}(id, appended_at, head, bytes) VALUES (?, ?, ?, ?)`,
    );
    this.#heads = db.prepare(
      `SELECT id, appended_at, head FROM ${table} WHERE id >= ? ORDER BY id LIMIT ?`,
    );
    this.#part = db.prepare(`SELECT substr(bytes, ?, ?) AS part FROM ${table} WHERE id = ?`);
    this.#all = db.prepare(`SELECT bytes FROM ${table} WHERE id = ?`);
    this.#remove = db.prepare(`DELETE FROM ${table} WHERE id = ?`);
    this.#replace = db.prepare(`UPDATE ${table} SET head = ?, bytes = ? WHERE id = ?`);
  }

  /** Forgets what is in memory: `loadNew` begins at the first block again. */
  forget(): void {
    this.#entries.clear();
    this.#written = undefined;
    this.lastId = 0;
    this.bytes = 0;
  }

  /** Looks at the heads of the blocks that came since the last time, in order. */
  loadNew(visit: (block: Block) => void): void {
    for (const block of this.from(this.lastId + 1)) {
      this.#index(block);
      visit(block);
    }
  }

  /** In the transaction, once before its COMMIT; `committed` or `forget` follows. */
  write(
    appendedAt: number,
    parts: readonly (Omit<Run, 'at'> & { readonly parts: readonly Buffer[] })[],
    offsets = NO_OFFSETS,
  ): void {
    if (parts.length === 0 && offsets.size === 0) return;
    const id = this.lastId + 1;
    const bytes = Buffer.concat(parts.flatMap((run) => run.parts));
    this.#insert.run(id, appendedAt, encodeHead(parts, offsets), bytes);
    let at = 0;
    const runs = parts.map(({ slot, base, next, maxTimestamp, size }) => {
      at += size;
      return { slot, base, next, maxTimestamp, size, at: at - size };
    });
    this.#written = { id, appendedAt, size: bytes.length, runs, offsets: [] };
  }

  /** What was written is committed. */
  committed(): void {
    if (this.#written !== undefined) this.#index(this.#written);
    this.#written = undefined;
  }

  /** The first block from an id on. */
  first(id: number): Block | undefined {
    return this.#heads.all(id, 1).map(blockOf)[0];
  }

  /** The blocks from an id on, without their bytes. */
  *from(id: number): Generator<Block> {
    for (let next = id; ; ) {
      const blocks = this.#heads.all(next, HEADS_PER_READ).map(blockOf);
      yield* blocks;
      if (blocks.length < HEADS_PER_READ) return;
      next = blocks.at(-1)!.id + 1;
    }
  }

  /** The run of a partition that holds the offset or follows it, looked for from a block on. */
  find(slot: number, offset: number, fromId: number): { id: number; run: Run } | undefined {
    const entries = this.#entries.get(slot);
    if (entries === undefined) return undefined;
    const start = Math.max(fromId, entryBefore(entries, offset));
    for (const { id, runs } of this.from(start)) {
      for (const run of runs) if (run.slot === slot && run.next > offset) return { id, run };
    }
    return undefined;
  }

  /** The bytes of a run; undefined when its block has gone meanwhile. */
  bytesOf(id: number, { at, size }: Run): Buffer | undefined {
    const row = this.#part.get(at + 1, size, id);
    return row === undefined ? undefined : asBuffer(row.part);
  }

  /** The bytes of a whole block. */
  read({ id }: Block): Buffer {
    return asBuffer(this.#all.get(id)!.bytes);
  }

  /** In the transaction. */
  remove(block: Block): void {
    this.#remove.run(block.id);
    this.bytes -= block.size;
    for (const { slot } of block.runs) {
      const entries = this.#entries.get(slot);
      // The last entry stays: the partition's newest runs are found from there.
      while (entries !== undefined && entries.ids.length > 1 && entries.ids[1]! <= block.id) {
        entries.ids.shift();
        entries.bases.shift();
      }
    }
  }

  /** In the transaction: only some of its runs are left. Its offsets stay. */
  keep(block: Block, runs: readonly Run[]): void {
    const bytes = this.read(block);
    const parts = runs.map(({ at, size }) => bytes.subarray(at, at + size));
    const kept = Buffer.concat(parts);
    const offsets = Map.groupBy(block.offsets, ({ group }) => group);
    this.#replace.run(encodeHead(runs, offsets), kept, block.id);
    this.bytes -= block.size - kept.length;
  }

  #index({ id, size, runs }: Block): void {
    this.lastId = id;
    this.bytes += size;
    for (const { slot, base } of runs) {
      let entries = this.#entries.get(slot);
      if (entries === undefined) {
        entries = { bases: [], ids: [] };
        this.#entries.set(slot, entries);
      }
      const last = entries.ids.at(-1);
      if (last !== undefined && id - last < BLOCKS_PER_ENTRY) continue;
      entries.bases.push(base);
      entries.ids.push(id);
    }
  }
}

function blockOf(row: { readonly [column: string]: unknown }): Block {
  const { runs, offsets } = decodeHead(asBuffer(row.head));
  const last = runs.at(-1);
  const size = last === undefined ? 0 : last.at + last.size;
  return { id: Number(row.id), appendedAt: Number(row.appended_at), size, runs, offsets };
}

/** The id of the last entry at or before the offset, or of the first. */
function entryBefore({ bases, ids }: Entries, offset: number): number {
  let low = 0;
  let high = bases.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (bases[middle]! <= offset) low = middle;
    else high = middle - 1;
  }
  return ids[low] ?? 0;
}
