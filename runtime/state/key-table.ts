/**
 * Rows of numbers under keys of bytes: what a store is made of. A row has a slot; its numbers lie
 * together, the first is when its key was first put. Rows stand in the order of first puts; those
 * that changed are listed once, until they are written. A deleted key stays until then, for its
 * tombstone, and so that a put in between finds it: the last value of a key counts.
 *
 * Rows lie in chunks, so that nothing is copied when a table grows but the index and the first
 * chunk.
 */
import type { BatchBuilder } from '../../core/batch-builder.ts';
import type { Key } from '../../core/store.ts';
import { copyBytes, precedes, sameBytes } from './copy-bytes.ts';
import { hashKey } from './key-hash.ts';
import { KeyIndex } from './key-index.ts';
import { Slabs } from './slabs.ts';
import { sortSlots } from './slot-order.ts';

const CHUNK_BITS = 14;
const CHUNK_SLOTS = 1 << CHUNK_BITS;
const CHUNK_MASK = CHUNK_SLOTS - 1;
/** The first chunk begins small, for most stores are. */
const FIRST_SLOTS = 64;
const CHANGED_FIRST = 64;

/** Of a slot, beside its numbers: address of its key, neighbours in order, state bits. */
const LINKS = 4;
const KEY = 0;
const BEFORE = 1;
const AFTER = 2;
const STATE = 3;
const LIVE = 1;
const CHANGED = 2;

/** The number of a row that says when its key was first put. */
export const FIRST_PUT = 0;
export const NO_SLOT = -1;

export class KeyTable {
  /** Numbers of a row; that of the first put is one. */
  readonly width: number;
  readonly #numbers: Float64Array[] = [];
  readonly #links: Int32Array[] = [];
  readonly #keys = new Slabs();
  readonly #index = new KeyIndex();
  /** Where the last `find` ended. */
  #cell = 0;
  /** Slots ever given. */
  #top = 0;
  /** Slots with room: of all chunks. */
  #room = 0;
  /** Freed slots, as a list over AFTER. */
  #free = NO_SLOT;
  #head = NO_SLOT;
  #tail = NO_SLOT;
  #puts = 0;
  #size = 0;
  #changed = new Int32Array(CHANGED_FIRST);
  #changedCount = 0;

  constructor(width: number) {
    this.width = width;
  }

  get size(): number {
    return this.#size;
  }

  get changedCount(): number {
    return this.#changedCount;
  }

  get bytes(): number {
    const rows = this.#room * (this.width * 8 + LINKS * 4);
    return rows + this.#keys.bytes + this.#index.bytes + this.#changed.byteLength;
  }

  /** The row that has been in longest, or NO_SLOT. */
  get oldest(): number {
    return this.#head;
  }

  /** The row after another in the order of first puts, or NO_SLOT. */
  after(slot: number): number {
    return this.#links[slot >>> CHUNK_BITS]![(slot & CHUNK_MASK) * LINKS + AFTER]!;
  }

  /** The array that has a row's numbers; another one when rows were added. */
  numbers(slot: number): Float64Array {
    return this.#numbers[slot >>> CHUNK_BITS]!;
  }

  /** Where in that array they begin. */
  place(slot: number): number {
    return (slot & CHUNK_MASK) * this.width;
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
    if (found !== NO_SLOT) {
      this.#unlink(found);
      this.#append(found);
      return found;
    }
    const slot = this.#insert(view, start, end, hash);
    this.#append(slot);
    return slot;
  }

  change(slot: number): void {
    const links = this.#links[slot >>> CHUNK_BITS]!;
    const at = (slot & CHUNK_MASK) * LINKS + STATE;
    if ((links[at]! & CHANGED) !== 0) return;
    links[at]! |= CHANGED;
    if (this.#changedCount === this.#changed.length) {
      const grown = new Int32Array(this.#changed.length * 2);
      grown.set(this.#changed);
      this.#changed = grown;
    }
    this.#changed[this.#changedCount++] = slot;
  }

  delete(slot: number): void {
    this.#unlink(slot);
    this.#links[slot >>> CHUNK_BITS]![(slot & CHUNK_MASK) * LINKS + STATE]! &= ~LIVE;
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

  isLive(slot: number): boolean {
    return (this.#links[slot >>> CHUNK_BITS]![(slot & CHUNK_MASK) * LINKS + STATE]! & LIVE) !== 0;
  }

  /** The nth of the changed rows, in the order in which they first changed. */
  changed(n: number): number {
    return this.#changed[n]!;
  }

  /** All changed rows were written: forgets that they changed, and the keys of deleted ones. */
  settle(): void {
    for (let n = 0; n < this.#changedCount; n++) {
      const slot = this.#changed[n]!;
      if (this.isLive(slot)) this.#setState(slot, LIVE);
      else this.#forget(slot);
    }
    this.#changedCount = 0;
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
    for (const slot of sortSlots(slots, puts, n)) {
      this.#link(slot);
      this.#puts = this.numbers(slot)[this.place(slot) + FIRST_PUT]! + 1;
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

  /** Reads what `find` will read of many keys, so that their cache misses overlap. */
  warm(hashes: Int32Array, n: number): void {
    const index = this.#index;
    index.warm(hashes, n);
    let sum = 0;
    for (let j = 0; j < n; j++) {
      const slot = index.guess(hashes[j]!);
      if (slot < 0) continue;
      sum ^= this.#key(slot);
      sum += this.numbers(slot)[this.place(slot)]!;
    }
    for (let j = 0; j < n; j++) {
      const slot = index.guess(hashes[j]!);
      if (slot >= 0) sum ^= this.keyLength(slot);
    }
    index.warmth ^= sum;
  }

  #isKey(slot: number, view: DataView, start: number, end: number): boolean {
    const address = this.#key(slot);
    const keys = this.#keys.view(address);
    const at = this.#keys.at(address);
    return this.#keys.length(address) === end - start && sameBytes(keys, at, view, start, end);
  }

  #key(slot: number): number {
    return this.#links[slot >>> CHUNK_BITS]![(slot & CHUNK_MASK) * LINKS + KEY]!;
  }

  #setState(slot: number, state: number): void {
    this.#links[slot >>> CHUNK_BITS]![(slot & CHUNK_MASK) * LINKS + STATE] = state;
  }

  #insert(view: DataView, start: number, end: number, hash: number): number {
    this.#size++;
    const index = this.#index;
    const known = index.cells[2 * this.#cell + 1]! - 1;
    if (known >= 0) {
      // It was deleted, and its tombstone is not written yet.
      const at = (known & CHUNK_MASK) * LINKS + STATE;
      this.#links[known >>> CHUNK_BITS]![at]! |= LIVE;
      this.#clear(known);
      return known;
    }
    if (index.isFull) {
      index.grow();
      this.find(view, start, end, hash);
    }
    const slot = this.#slot();
    const address = this.#keys.alloc(end - start);
    copyBytes(this.#keys.view(address), this.#keys.at(address), view, start, end);
    this.#links[slot >>> CHUNK_BITS]![(slot & CHUNK_MASK) * LINKS + KEY] = address;
    this.#setState(slot, LIVE);
    index.set(this.#cell, hash, slot);
    this.#clear(slot);
    return slot;
  }

  #clear(slot: number): void {
    const at = this.place(slot);
    this.numbers(slot).fill(0, at, at + this.width);
  }

  #slot(): number {
    const free = this.#free;
    if (free !== NO_SLOT) {
      this.#free = this.after(free);
      return free;
    }
    if (this.#top === this.#room) this.#addRoom();
    return this.#top++;
  }

  #addRoom(): void {
    const chunk = this.#room >>> CHUNK_BITS;
    const before = this.#numbers[chunk];
    const slots = chunk > 0 ? CHUNK_SLOTS : Math.max(FIRST_SLOTS, this.#room * 2);
    const numbers = new Float64Array(slots * this.width);
    const links = new Int32Array(slots * LINKS);
    if (before !== undefined) {
      numbers.set(before);
      links.set(this.#links[chunk]!);
    }
    this.#numbers[chunk] = numbers;
    this.#links[chunk] = links;
    this.#room = chunk * CHUNK_SLOTS + slots;
  }

  /** Puts a row last, as one that was first put now. */
  #append(slot: number): void {
    this.#link(slot);
    this.numbers(slot)[this.place(slot) + FIRST_PUT] = this.#puts++;
  }

  #link(slot: number): void {
    const links = this.#links[slot >>> CHUNK_BITS]!;
    const at = (slot & CHUNK_MASK) * LINKS;
    const tail = this.#tail;
    links[at + BEFORE] = tail;
    links[at + AFTER] = NO_SLOT;
    if (tail === NO_SLOT) this.#head = slot;
    else this.#links[tail >>> CHUNK_BITS]![(tail & CHUNK_MASK) * LINKS + AFTER] = slot;
    this.#tail = slot;
  }

  #unlink(slot: number): void {
    const links = this.#links[slot >>> CHUNK_BITS]!;
    const at = (slot & CHUNK_MASK) * LINKS;
    const before = links[at + BEFORE]!;
    const after = links[at + AFTER]!;
    if (before === NO_SLOT) this.#head = after;
    else this.#links[before >>> CHUNK_BITS]![(before & CHUNK_MASK) * LINKS + AFTER] = after;
    if (after === NO_SLOT) this.#tail = before;
    else this.#links[after >>> CHUNK_BITS]![(after & CHUNK_MASK) * LINKS + BEFORE] = before;
  }

  /** Frees a row that is no longer in order, with its key. */
  #forget(slot: number): void {
    const address = this.#key(slot);
    this.#index.remove(this.#index.cellOf(this.#hash(address), slot));
    this.#keys.free(address);
    this.#setState(slot, 0);
    this.#links[slot >>> CHUNK_BITS]![(slot & CHUNK_MASK) * LINKS + AFTER] = this.#free;
    this.#free = slot;
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
      this.#links[slot >>> CHUNK_BITS]![(slot & CHUNK_MASK) * LINKS + KEY] = to;
      return;
    }
  }
}
