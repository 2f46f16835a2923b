/**
 * The blocks of a table, in the order of their COMMITs: `blocks` for topics that are deleted by
 * time, `changes` for compacted ones until they are settled. What is kept in memory is where each
 * partition's runs are, roughly: a block in 64; from there the heads are looked through.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { type BlockHead, decodeHead, encodeHead, type GroupOffset, type Run } from './block.ts';
import { asBuffer } from './database.ts';

/** An entry of the index stands for this many blocks. */
const BLOCKS_PER_ENTRY = 64;
const HEADS_PER_READ = 32;
/**
 * An event's bytes are in its block twice at least, in its own topic and in the lanes: zstd at its
 * fastest makes a third of it, for 2 us an event where a COMMIT has 16 of them. Below 512 bytes it
 * is not worth a call; and a large block says that the machine is busy: a tenth of the engine's
 * time is worth more then than bytes, of which a large COMMIT writes fewer an event anyway.
 */
const COMPRESS_BYTES_MIN = 512;
const COMPRESS_BYTES_MAX = 128 * 1024;
const COMPRESSION = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };
/** A record batch begins with its base offset, 0; this is what zstd begins with. */
const ZSTD_MAGIC = 0xfd2fb528;
/** Blocks that were read last are kept: readers of its partitions come to a block one by one. */
const KEPT_BLOCKS = 16;
const KEPT_BYTES_MAX = 16 * 1024 * 1024;
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
  /** Bytes of all blocks, without their heads, as they are before compression. */
  bytes = 0;
  readonly #entries = new Map<number, Entries>();
  #written: Block | undefined;
  readonly #kept = new Map<number, Buffer>();
  #keptBytes = 0;
  readonly #insert: StatementSync;
  readonly #heads: StatementSync;
  readonly #bytes: StatementSync;
  readonly #remove: StatementSync;
  readonly #replace: StatementSync;

  constructor(db: DatabaseSync, table: 'blocks' | 'changes') {
    this.#insert = db.prepare(
      `INSERT INTO ${table}(id, appended_at, head, bytes) VALUES (?, ?, ?, ?)`,
    );
    this.#heads = db.prepare(
      `SELECT id, appended_at, head FROM ${table} WHERE id >= ? ORDER BY id LIMIT ?`,
    );
    this.#bytes = db.prepare(`SELECT bytes FROM ${table} WHERE id = ?`);
    this.#remove = db.prepare(`DELETE FROM ${table} WHERE id = ?`);
    this.#replace = db.prepare(`UPDATE ${table} SET head = ?, bytes = ? WHERE id = ?`);
  }

  /** Forgets what is in memory: `loadNew` begins at the first block again. */
  forget(): void {
    this.#entries.clear();
    this.#written = undefined;
    this.#kept.clear();
    this.#keptBytes = 0;
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
    this.#insert.run(id, appendedAt, encodeHead(parts, offsets), packed(bytes));
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
    // Who looks for the next run often finds it in the first.
    for (let next = id, limit = 1; ; limit = Math.min(2 * limit, HEADS_PER_READ)) {
      const blocks = this.#heads.all(next, limit).map(blockOf);
      yield* blocks;
      if (blocks.length < limit) return;
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
    const kept = this.#kept.get(id);
    if (kept !== undefined) return kept.subarray(at, at + size);
    const bytes = this.read(id);
    if (bytes !== undefined) this.#keep(id, bytes);
    return bytes?.subarray(at, at + size);
  }

  /** The bytes of a whole block; undefined: there is none. */
  read(id: number): Buffer | undefined {
    const row = this.#bytes.get(id);
    return row === undefined ? undefined : unpacked(asBuffer(row.bytes));
  }

  /** In the transaction. */
  remove(block: Block): void {
    this.#remove.run(block.id);
    this.#forget(block.id);
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
    const bytes = this.read(block.id)!;
    this.#forget(block.id);
    const parts = runs.map(({ at, size }) => bytes.subarray(at, at + size));
    const kept = Buffer.concat(parts);
    const offsets = Map.groupBy(block.offsets, ({ group }) => group);
    this.#replace.run(encodeHead(runs, offsets), packed(kept), block.id);
    this.bytes -= block.size - kept.length;
  }

  #keep(id: number, bytes: Buffer): void {
    this.#kept.set(id, bytes);
    this.#keptBytes += bytes.length;
    for (const [oldest] of this.#kept) {
      if (this.#kept.size <= KEPT_BLOCKS && this.#keptBytes <= KEPT_BYTES_MAX) return;
      this.#forget(oldest);
    }
  }

  #forget(id: number): void {
    this.#keptBytes -= this.#kept.get(id)?.length ?? 0;
    this.#kept.delete(id);
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

function packed(bytes: Buffer): Buffer {
  const isWorthIt = bytes.length >= COMPRESS_BYTES_MIN && bytes.length <= COMPRESS_BYTES_MAX;
  return isWorthIt ? zstdCompressSync(bytes, COMPRESSION) : bytes;
}

function unpacked(bytes: Buffer): Buffer {
  const isPacked = bytes.length >= 4 && bytes.readUInt32LE(0) === ZSTD_MAGIC;
  return isPacked ? zstdDecompressSync(bytes) : bytes;
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
