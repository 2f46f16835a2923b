/**
 * Bytes of all lengths under one number each, their address: the keys of a table, what rows hold.
 * They lie one behind the other in slabs; a freed entry leaves a hole, a slab of holes is given
 * back, and when half of all is holes the rest is moved together (`compact`).
 *
 * An entry is its length (i32, ~length when it is freed) and its bytes, at a multiple of 4. An
 * address is the slab's number and the entry's place in it, in words: so all slabs together have
 * room for 16 GiB, which is the limit of one store's keys.
 */
import { copyBytes } from './copy-bytes.ts';

const SLAB_BYTES = 256 * 1024;
/** Most stores are small. */
const FIRST_SLAB_BYTES = 8 * 1024;
/** A word's number within a slab. */
const PLACE_BITS = 16;
const PLACE_MASK = (1 << PLACE_BITS) - 1;
const SLABS_MAX = 1 << (32 - PLACE_BITS);
const HEAD_BYTES = 4;
/** Below it nothing is moved: it would save less than it costs. */
const COMPACT_FROM_BYTES = 4 * SLAB_BYTES;
/** Slabs that one `compact` empties at most: so it takes milliseconds, however much there is. */
const COMPACTED_MAX = 8;
const GIVEN_BACK = new DataView(new ArrayBuffer(0));

const sizeOf = (length: number) => (HEAD_BYTES + length + 3) & ~3;

export class Slabs {
  /** By slab: its bytes. */
  readonly views: DataView[] = [];
  /** By slab: where its last entry ends, and how much of it lives. */
  readonly #ends: number[] = [];
  readonly #lives: number[] = [];
  /** Numbers of slabs that were given back. */
  readonly #holes: number[] = [];
  #slab = -1;
  #bytes = 0;
  #used = 0;
  #live = 0;

  /** Memory it takes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Of these, what no entry has. */
  get spare(): number {
    return this.#bytes - this.#live;
  }

  /** A new entry; what stands in it is left to the caller. Throws a RangeError at 16 GiB. */
  alloc(length: number): number {
    const size = sizeOf(length);
    let slab = this.#slab;
    if (slab < 0 || this.#ends[slab]! + size > this.views[slab]!.byteLength)
      slab = this.#next(size);
    const at = this.#ends[slab]!;
    this.views[slab]!.setInt32(at, length, true);
    this.#ends[slab] = at + size;
    this.#lives[slab]! += size;
    this.#used += size;
    this.#live += size;
    return (slab << PLACE_BITS) | (at >>> 2);
  }

  view(address: number): DataView {
    return this.views[address >>> PLACE_BITS]!;
  }

  /** Where the entry's bytes begin in its view. */
  at(address: number): number {
    return ((address & PLACE_MASK) << 2) + HEAD_BYTES;
  }

  length(address: number): number {
    return this.view(address).getInt32((address & PLACE_MASK) << 2, true);
  }

  free(address: number): void {
    const slab = address >>> PLACE_BITS;
    const view = this.views[slab]!;
    const at = (address & PLACE_MASK) << 2;
    const length = view.getInt32(at, true);
    view.setInt32(at, ~length, true);
    const size = sizeOf(length);
    this.#live -= size;
    this.#lives[slab]! -= size;
    if (this.#lives[slab] === 0 && slab !== this.#slab) this.#giveBack(slab);
  }

  /**
   * When half is holes: moves the entries of slabs that are mostly holes to others, a bounded
   * number at a time. `onMove` is told of each after it was copied, and finds its owner by what it
   * says.
   */
  compact(onMove: (from: number, to: number) => void): void {
    if (this.#used < COMPACT_FROM_BYTES || this.#live * 2 > this.#used) return;
    let left = COMPACTED_MAX;
    // A slab that is begun on the way has no holes and is passed over.
    for (let slab = 0, slabs = this.views.length; slab < slabs && left > 0; slab++) {
      if (slab === this.#slab || this.#lives[slab]! * 2 > this.#ends[slab]!) continue;
      if (this.#ends[slab] === 0) continue;
      this.#empty(slab, onMove);
      left--;
    }
  }

  #empty(slab: number, onMove: (from: number, to: number) => void): void {
    const view = this.views[slab]!;
    const end = this.#ends[slab]!;
    for (let at = 0; at < end; ) {
      const length = view.getInt32(at, true);
      if (length < 0) {
        at += sizeOf(~length);
        continue;
      }
      const to = this.alloc(length);
      const from = at + HEAD_BYTES;
      copyBytes(this.view(to), this.at(to), view, from, from + length);
      onMove((slab << PLACE_BITS) | (at >>> 2), to);
      at += sizeOf(length);
    }
    this.#live -= this.#lives[slab]!;
    this.#giveBack(slab);
  }

  #giveBack(slab: number): void {
    this.#used -= this.#ends[slab]!;
    this.#bytes -= this.views[slab]!.byteLength;
    this.views[slab] = GIVEN_BACK;
    this.#ends[slab] = 0;
    this.#lives[slab] = 0;
    this.#holes.push(slab);
  }

  /** Begins a slab in which there is room for `size`. */
  #next(size: number): number {
    const before = this.#slab;
    if (before >= 0 && this.#lives[before] === 0) this.#giveBack(before);
    const slab = this.#holes.pop() ?? this.views.length;
    if (slab === SLABS_MAX) throw new RangeError('a store has no room for more than 16 GiB');
    const bytes = Math.max(size, this.#bytes === 0 ? FIRST_SLAB_BYTES : SLAB_BYTES);
    this.views[slab] = new DataView(Buffer.allocUnsafeSlow(bytes).buffer);
    this.#ends[slab] = 0;
    this.#lives[slab] = 0;
    this.#bytes += bytes;
    this.#slab = slab;
    return slab;
  }
}
