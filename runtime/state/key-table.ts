/**
 * Rows of numbers under keys of bytes: what a store is made of. A row has a slot; its numbers lie
 * together. Rows stand in the order of first puts; those that changed are listed once, until they
 * are written. A deleted key stays until then, for its tombstone, and so that a put in between
 * finds it: the last value of a key counts.
 */
import type { BatchBuilder } from '../../core/batch-builder.ts';
import type { Key } from '../../core/store.ts';
import { copyBytes, precedes, sameBytes } from './copy-bytes.ts';
import { hashKey } from './key-hash.ts';
import { KeyIndex } from './key-index.ts';
import { AFTER, BEFORE, KEY, LINK_NUMBERS, NO_SLOT, RowChunks, STATE } from './row-chunks.ts';
import { Slabs } from './slabs.ts';
import { sortSlots } from './slot-order.ts';

const CHANGED_FIRST = 64;
/** A list of changed rows that has grown beyond it is given back. */
const CHANGED_KEPT_MAX = 1 << 16;
/** So many changed rows are read ahead when they are written. */
const READ_AHEAD = 64;
/** State bits. */
const LIVE = 1;
const CHANGED = 2;

/** The number of a row that says when its key was first put; those behind it are the owner's. */
export const FIRST_PUT = LINK_NUMBERS;
export { NO_SLOT };

export class KeyTable {
  readonly #rows: RowChunks;
  readonly #keys = new Slabs();
  readonly #index = new KeyIndex();
  /** Where the last `find` ended. */
  #cell = 0;
  #head = NO_SLOT;
  #tail = NO_SLOT;
  /** Rows ever put behind all others. */
  puts = 0;
  #size = 0;
  #changed = new Int32Array(CHANGED_FIRST);
  #changedCount = 0;
  #writtenCount = 0;

  /** `numbers`: of a row, those up to FIRST_PUT counted in. */
  constructor(numbers: number) {
    this.#rows = new RowChunks(numbers);
  }

  get size(): number {
    return this.#size;
  }

  get changedCount(): number {
    return this.#changedCount;
  }

  get bytes(): number {
    return this.#rows.bytes + this.#keys.bytes + this.#index.bytes + this.#changed.byteLength;
  }

  /** Of these, what is free to be used again. */
  get spare(): number {
    return this.#rows.spare + this.#keys.spare;
  }

  /** The row that has been in longest, or NO_SLOT. */
  get oldest(): number {
    return this.#head;
  }

  /** The row after another in the order of first puts, or NO_SLOT. */
  after(slot: number): number {
    return this.#rows.link(slot, AFTER);
  }

  /** The row before another, or NO_SLOT. */
  before(slot: number): number {
    return this.#rows.link(slot, BEFORE);
  }

  /** The array that has a row's numbers; another one when rows were added. */
  numbers(slot: number): Float64Array {
    return this.#rows.numbers(slot);
  }

  /** Where in that array they begin. */
  place(slot: number): number {
    return this.#rows.place(slot);
  }

  /** The row of a key, or NO_SLOT. */
  find(view: DataView, start: number, end: number, hash: number): number {
    const { cells, mask } = this.#index;
    for (let cell = hash & mask; ; cell = (cell + 1) & mask) {
      const slot = cells[2 * cell + 1]! - 1;
      if (slot < 0) {
        this.#cell = cell;
        return NO_SLOT;
      }
      if (cells[2 * cell] !== hash || !this.#isKey(slot, view, start, end)) continue;
      this.#cell = cell;
      return this.isLive(slot) ? slot : NO_SLOT;
    }
  }

  isKey(slot: number, key: Key): boolean {
    return this.#isKey(slot, key.view, key.start, key.end);
  }

  /** The row of a key that was not found just now: last in order, changed, its numbers 0. */
  add(view: DataView, start: number, end: number, hash: number): number {
    const slot = this.#insert(view, start, end, hash);
    this.#append(slot);
    this.change(slot);
    return slot;
  }

  /** The row of a key that a changelog has; it is not changed by that. `order` makes the order. */
  load(view: DataView, start: number, end: number, hash: number): number {
    const found = this.find(view, start, end, hash);
    if (found !== NO_SLOT) this.#unlink(found);
    const slot = found !== NO_SLOT ? found : this.#insert(view, start, end, hash);
    this.#append(slot);
    return slot;
  }

  change(slot: number): void {
    const state = this.#rows.link(slot, STATE);
    if ((state & CHANGED) !== 0) return;
    this.#rows.setLink(slot, STATE, state | CHANGED);
    if (this.#changedCount === this.#changed.length) {
      const grown = new Int32Array(this.#changed.length * 2);
      grown.set(this.#changed);
      this.#changed = grown;
    }
    this.#changed[this.#changedCount++] = slot;
  }

  /** As TaskStore.touch. */
  touch(from: number | null, count: number): number | null {
    let slot = from ?? this.#head;
    for (let n = 0; n < count && slot !== NO_SLOT; n++) {
      this.change(slot);
      slot = this.after(slot);
    }
    return slot === NO_SLOT ? null : slot;
  }

  delete(slot: number): void {
    this.#unlink(slot);
    this.#rows.setLink(slot, STATE, this.#rows.link(slot, STATE) & ~LIVE);
    this.#size--;
    this.change(slot);
  }

  /** Takes a row out as if its key had never been: a tombstone that was read. */
  unload(slot: number): void {
    this.#unlink(slot);
    this.#size--;
    this.#forget(slot);
  }

  /** Puts a row behind all others, as if it were deleted and put again. */
  renew(slot: number): void {
    this.#unlink(slot);
    this.#append(slot);
    this.change(slot);
  }

  /** Undoes `delete` or `renew`, as the last thing that was done: between two neighbours again. */
  putBack(slot: number, before: number, after: number): void {
    const rows = this.#rows;
    if (this.isLive(slot)) this.#unlink(slot);
    else this.#size++;
    rows.setLink(slot, STATE, rows.link(slot, STATE) | LIVE);
    rows.setLink(slot, BEFORE, before);
    rows.setLink(slot, AFTER, after);
    if (before === NO_SLOT) this.#head = slot;
    else rows.setLink(before, AFTER, slot);
    if (after === NO_SLOT) this.#tail = slot;
    else rows.setLink(after, BEFORE, slot);
  }

  isLive(slot: number): boolean {
    return (this.#rows.link(slot, STATE) & LIVE) !== 0;
  }

  /** The nth of the changed rows, in the order in which they first changed. */
  changed(n: number): number {
    return this.#changed[n]!;
  }

  /**
   * The nth of the changed rows was written: it is changed no more, and if it was deleted its key
   * is forgotten. Said right after the row was written, it costs least; in order, and then
   * `settle`.
   */
  wrote(n: number): void {
    this.#writtenCount = n + 1;
    const slot = this.#changed[n]!;
    if (this.isLive(slot)) this.#rows.setLink(slot, STATE, LIVE);
    else this.#forget(slot);
  }

  /** All changed rows were written: none is changed any more. */
  settle(): void {
    for (let n = this.#writtenCount; n < this.#changedCount; n++) this.wrote(n);
    this.#writtenCount = 0;
    this.#changedCount = 0;
    if (this.#changed.length > CHANGED_KEPT_MAX) this.#changed = new Int32Array(CHANGED_FIRST);
    this.#keys.compact((from, to) => this.#keyMoved(from, to));
  }

  /** All of a changelog was read: makes the order that of the first puts, which rows have again. */
  order(): void {
    const slots = new Int32Array(this.#size);
    const puts = new Float64Array(this.#size);
    let n = 0;
    for (let slot = this.#head; slot !== NO_SLOT; slot = this.after(slot)) {
      slots[n] = slot;
      puts[n++] = this.numbers(slot)[this.place(slot) + FIRST_PUT]!;
    }
    this.#head = NO_SLOT;
    this.#tail = NO_SLOT;
    this.puts = 0;
    for (const slot of sortSlots(slots, puts, n)) {
      this.#link(slot);
      this.puts = this.numbers(slot)[this.place(slot) + FIRST_PUT]! + 1;
    }
  }

  keyView(slot: number): DataView {
    return this.#keys.view(this.#key(slot));
  }

  keyStart(slot: number): number {
    return this.#keys.at(this.#key(slot));
  }

  keyLength(slot: number): number {
    return this.#keys.length(this.#key(slot));
  }

  keyText(slot: number): string {
    const { buffer, byteOffset } = this.keyView(slot);
    const at = byteOffset + this.keyStart(slot);
    return Buffer.from(buffer, at, this.keyLength(slot)).toString('utf8');
  }

  /** Whether the key of one row comes before that of another, as texts are compared. */
  precedes(a: number, b: number): boolean {
    const x = this.#key(a);
    const y = this.#key(b);
    const keys = this.#keys;
    const xSize = keys.length(x);
    return precedes(keys.view(x), keys.at(x), xSize, keys.view(y), keys.at(y), keys.length(y));
  }

  /** Writes the key as that of a record. */
  writeKey(slot: number, to: BatchBuilder): void {
    const size = this.keyLength(slot);
    to.int(size);
    to.room(size);
    const from = this.keyStart(slot);
    copyBytes(to.view, to.at, this.keyView(slot), from, from + size);
    to.at += size;
  }

  /** The row that a key with this hash most likely has, or NO_SLOT: only good for reading ahead. */
  guess(hash: number): number {
    return this.#index.guess(hash);
  }

  /** Reads what `find` will read of many keys, so that their cache misses overlap. */
  warm(hashes: Int32Array, n: number): void {
    const index = this.#index;
    index.warm(hashes, n);
    let sum = 0;
    for (let j = 0; j < n; j++) {
      const slot = index.guess(hashes[j]!);
      if (slot >= 0) sum ^= this.#key(slot);
    }
    for (let j = 0; j < n; j++) {
      const slot = index.guess(hashes[j]!);
      if (slot >= 0) sum ^= this.keyLength(slot);
    }
    index.warmth ^= sum;
  }

  /** As `warm`, for the changed rows from the nth on that are written next; called for each n. */
  warmChanged(n: number): void {
    if (n % READ_AHEAD !== 0) return;
    const end = Math.min(n + READ_AHEAD, this.#changedCount);
    let sum = 0;
    for (let i = n; i < end; i++) sum ^= this.#key(this.#changed[i]!);
    for (let i = n; i < end; i++) sum ^= this.keyLength(this.#changed[i]!);
    this.#index.warmth ^= sum;
  }

  #isKey(slot: number, view: DataView, start: number, end: number): boolean {
    const address = this.#key(slot);
    const keys = this.#keys.view(address);
    const at = this.#keys.at(address);
    return this.#keys.length(address) === end - start && sameBytes(keys, at, view, start, end);
  }

  #key(slot: number): number {
    return this.#rows.link(slot, KEY);
  }

  #insert(view: DataView, start: number, end: number, hash: number): number {
    this.#size++;
    const index = this.#index;
    const known = index.cells[2 * this.#cell + 1]! - 1;
    if (known >= 0) {
      // It was deleted, and its tombstone is not written yet.
      this.#rows.setLink(known, STATE, this.#rows.link(known, STATE) | LIVE);
      this.#rows.clear(known);
      return known;
    }
    if (index.isFull) {
      index.grow();
      this.find(view, start, end, hash);
    }
    const slot = this.#rows.take();
    const address = this.#keys.alloc(end - start);
    copyBytes(this.#keys.view(address), this.#keys.at(address), view, start, end);
    this.#rows.clear(slot);
    this.#rows.setLink(slot, KEY, address);
    this.#rows.setLink(slot, STATE, LIVE);
    index.set(this.#cell, hash, slot);
    return slot;
  }

  /** Puts a row last, as one that was first put now. */
  #append(slot: number): void {
    this.#link(slot);
    this.numbers(slot)[this.place(slot) + FIRST_PUT] = this.puts++;
  }

  #link(slot: number): void {
    const rows = this.#rows;
    const tail = this.#tail;
    rows.setLink(slot, BEFORE, tail);
    rows.setLink(slot, AFTER, NO_SLOT);
    if (tail === NO_SLOT) this.#head = slot;
    else rows.setLink(tail, AFTER, slot);
    this.#tail = slot;
  }

  #unlink(slot: number): void {
    const rows = this.#rows;
    const before = rows.link(slot, BEFORE);
    const after = rows.link(slot, AFTER);
    if (before === NO_SLOT) this.#head = after;
    else rows.setLink(before, AFTER, after);
    if (after === NO_SLOT) this.#tail = before;
    else rows.setLink(after, BEFORE, before);
  }

  /** Frees a row that is no longer in order, with its key. */
  #forget(slot: number): void {
    const address = this.#key(slot);
    this.#index.remove(this.#index.cellOf(this.#hash(address), slot));
    this.#keys.free(address);
    this.#rows.giveBack(slot);
  }

  #hash(address: number): number {
    const at = this.#keys.at(address);
    return hashKey(this.#keys.view(address), at, at + this.#keys.length(address));
  }

  /** A key has another address: finds its row by the key, and tells it. */
  #keyMoved(from: number, to: number): void {
    const { cells, mask } = this.#index;
    for (let cell = this.#hash(to) & mask; ; cell = (cell + 1) & mask) {
      const slot = cells[2 * cell + 1]! - 1;
      if (this.#key(slot) !== from) continue;
      this.#rows.setLink(slot, KEY, to);
      return;
    }
  }
}
