/**
 * The numbers of devices as lines of eight numbers, one cache line each; those of one member follow
 * each other in a run. Ids are bytes in slabs.
 */
import type { DeviceLines } from '../../core/device-lines.ts';
import { sameBytes } from '../state/copy-bytes.ts';
import { Slabs } from '../state/slabs.ts';

export const ENTRY_WIDTH = 8;
export const ID = 0;
export const EPOCH = 1;
/** The last number given. */
export const LAST = 2;
/** By transport: the last number given in that lane; four of them. */
export const LANES = 3;
/** Counts up with every use: the order of use. */
export const USED = 7;

const CHUNK_BITS = 14;
const CHUNK_ENTRIES = 1 << CHUNK_BITS;
const CHUNK_MASK = CHUNK_ENTRIES - 1;
const FIRST_ENTRIES = 64;

/** Runs of entries. A run never spans two chunks, and its capacity is a power of two. */
export class DeviceEntries {
  readonly ids = new Slabs();
  readonly #chunks: Float64Array[] = [];
  /** Entries of the last chunk that are given. */
  #top = 0;
  /** Freed runs, by the logarithm of their capacity. */
  readonly #free: number[][] = [];

  get bytes(): number {
    return this.ids.bytes + this.#chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
  }

  /** The array that has an entry's numbers; another one when runs were made. */
  numbers(entry: number): Float64Array {
    return this.#chunks[entry >>> CHUNK_BITS]!;
  }

  /** Where in that array they begin. */
  place(entry: number): number {
    return (entry & CHUNK_MASK) * ENTRY_WIDTH;
  }

  /** A run for `1 << bits` entries. */
  alloc(bits: number): number {
    const free = this.#free[bits]?.pop();
    if (free !== undefined) return free;
    const size = 1 << bits;
    let chunk = this.#chunks.length - 1;
    if (chunk < 0 || this.#top + size > CHUNK_ENTRIES) {
      chunk = this.#chunks.push(new Float64Array(this.#firstSize(size) * ENTRY_WIDTH)) - 1;
      this.#top = 0;
    }
    const has = this.#chunks[chunk]!.length / ENTRY_WIDTH;
    if (this.#top + size > has) {
      const grown = new Float64Array(
        Math.min(CHUNK_ENTRIES, Math.max(has * 2, this.#top + size)) * ENTRY_WIDTH,
      );
      grown.set(this.#chunks[chunk]!);
      this.#chunks[chunk] = grown;
    }
    const entry = (chunk << CHUNK_BITS) | this.#top;
    this.#top += size;
    return entry;
  }

  free(entry: number, bits: number): void {
    this.#free[bits] ??= [];
    this.#free[bits].push(entry);
  }

  /** Moves a run's first `count` entries to a run of twice the capacity; gives that one. */
  widen(from: number, count: number, bits: number): number {
    const to = this.alloc(bits + 1);
    const at = this.place(from);
    this.numbers(to).set(this.numbers(from).subarray(at, at + count * ENTRY_WIDTH), this.place(to));
    this.free(from, bits);
    return to;
  }

  /** Reads a run and its ids ahead; what it gives means nothing. */
  warm(run: number, count: number): number {
    const numbers = this.numbers(run);
    let at = this.place(run) + ID;
    let sum = 0;
    for (let n = 0; n < count; n++, at += ENTRY_WIDTH) sum ^= this.ids.length(numbers[at]!);
    return sum;
  }

  isDevice(entry: number, devices: DeviceLines, line: number): boolean {
    const address = this.numbers(entry)[this.place(entry) + ID]!;
    const start = devices.idStart(line);
    const end = devices.idEnd(line);
    if (this.ids.length(address) !== end - start) return false;
    return sameBytes(this.ids.view(address), this.ids.at(address), devices.idView, start, end);
  }

  /** A fresh chunk is as large as all, the first begins small: most stores are. */
  #firstSize(size: number): number {
    return this.#chunks.length === 0 ? Math.max(FIRST_ENTRIES, size) : CHUNK_ENTRIES;
  }
}
