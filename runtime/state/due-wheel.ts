/**
 * When rows are due: a timing wheel over slots. Five levels of 256 buckets, the finest of 1 ms, the
 * coarsest of 49 days; a row lies at the lowest level whose turn holds both now and its time, so
 * that setting, moving and removing a time is a few writes and leaves nothing behind. What the
 * wheel has passed lies in a heap by due time, of equal ones by the owner's order. So rows come out
 * in exactly that order whatever the clock does: when it jumps, the wheel jumps to the next due
 * time, not over the buckets between.
 */
import { NEVER } from '../../core/store.ts';

const BITS = 8;
const BUCKETS = 1 << BITS;
const LEVELS = 5;
const TOP = LEVELS - 1;
/** In milliseconds: a bucket's span by level, and the whole turn of the top one. */
const SPANS = Array.from({ length: LEVELS + 1 }, (_, level) => BUCKETS ** level);
/** Once the wheel is so far behind the clock it follows, so that new times find low levels. */
const FOLLOW_MS = BUCKETS;
const SLOTS_FIRST = 64;

const NONE = -1;
/** In place of a bucket: the slot is in the heap, and BEFORE is its place there. */
const IN_HEAP = LEVELS * BUCKETS;
const LINKS = 3;
const BEFORE = 0;
const AFTER = 1;
const BUCKET = 2;

export class DueWheel {
  readonly #precedes: (a: number, b: number) => boolean;
  #links = new Int32Array(SLOTS_FIRST * LINKS).fill(NONE);
  #dues = new Float64Array(SLOTS_FIRST);
  readonly #heads = new Int32Array(LEVELS * BUCKETS).fill(NONE);
  readonly #counts = new Int32Array(LEVELS);
  #heap = new Int32Array(SLOTS_FIRST);
  #heapSize = 0;
  #size = 0;
  /** All that is due by then is in the heap, and nothing else. */
  #nowMs = 0;
  /** The earliest due time; NaN: not known, to be looked for. */
  #nextMs = NEVER;

  /** `precedes`: which of two slots with the same due time comes first. */
  constructor(precedes: (a: number, b: number) => boolean) {
    this.#precedes = precedes;
  }

  get bytes(): number {
    return this.#links.byteLength + this.#dues.byteLength + this.#heap.byteLength;
  }

  /** When a slot is due, or NEVER. */
  dueOf(slot: number): number {
    const bucket = this.#links[slot * LINKS + BUCKET];
    return bucket === undefined || bucket === NONE ? NEVER : this.#dues[slot]!;
  }

  /** Whole milliseconds; NEVER takes the time off. */
  set(slot: number, dueMs: number): void {
    // As of a window that takes one more record.
    if (dueMs === this.dueOf(slot)) return;
    this.remove(slot);
    if (dueMs === NEVER) return;
    if (slot >= this.#dues.length) this.#grow(slot);
    this.#dues[slot] = dueMs;
    this.#size++;
    if (dueMs <= this.#nowMs) this.#push(slot);
    else this.#link(slot, dueMs);
    if (dueMs < this.#nextMs) this.#nextMs = dueMs;
  }

  remove(slot: number): void {
    const bucket = this.#links[slot * LINKS + BUCKET];
    if (bucket === undefined || bucket === NONE) return;
    if (bucket === IN_HEAP) this.#takeOut(this.#links[slot * LINKS + BEFORE]!);
    else this.#unlink(slot, bucket);
    this.#links[slot * LINKS + BUCKET] = NONE;
    this.#size--;
    if (this.#size === 0) this.#nextMs = NEVER;
    else if (this.#dues[slot] === this.#nextMs) this.#nextMs = Number.NaN;
  }

  /** When the next slot is due, or NEVER. */
  nextDueMs(): number {
    if (Number.isNaN(this.#nextMs)) this.#nextMs = this.#lookForNext();
    return this.#nextMs;
  }

  /**
   * Takes the time off the next slot that is due by `nowMs`, and gives the slot; -1: there is none.
   */
  take(nowMs: number): number {
    const next = this.nextDueMs();
    if (next > nowMs) {
      if (this.#size === 0) this.#nowMs = nowMs;
      else if (nowMs - this.#nowMs >= FOLLOW_MS) this.#jump(nowMs);
      return NONE;
    }
    if (this.#heapSize === 0) this.#jump(next);
    const slot = this.#heap[0]!;
    this.remove(slot);
    return slot;
  }

  /**
   * Goes on to a time before which nothing is due: so all buckets between are empty, and only those
   * that hold this time are to be emptied, into lower ones and into the heap.
   */
  #jump(toMs: number): void {
    const fromMs = this.#nowMs;
    this.#nowMs = toMs;
    for (let level = TOP; level >= 0; level--) {
      const turn = Math.floor(toMs / SPANS[level]!);
      if (turn !== Math.floor(fromMs / SPANS[level]!))
        this.#empty(level * BUCKETS + (turn % BUCKETS));
    }
  }

  #empty(bucket: number): void {
    let slot = this.#heads[bucket]!;
    this.#heads[bucket] = NONE;
    while (slot !== NONE) {
      const after = this.#links[slot * LINKS + AFTER]!;
      this.#counts[bucket >>> BITS]!--;
      const dueMs = this.#dues[slot]!;
      if (dueMs <= this.#nowMs) this.#push(slot);
      else this.#link(slot, dueMs);
      slot = after;
    }
  }

  /**
   * The wheel may run ahead of the clock: what lies in a coarse bucket is brought down to where its
   * order is known, once, and not gone through again and again.
   */
  #lookForNext(): number {
    for (;;) {
      if (this.#heapSize > 0) return this.#dues[this.#heap[0]!]!;
      const fine = this.#firstBucket(0);
      // All of a bucket of the finest level are due at the same time.
      if (fine !== NONE) return this.#dues[this.#heads[fine]!]!;
      const startMs = this.#nextTurn();
      if (startMs === NEVER) break;
      this.#jump(startMs);
    }
    // The top level holds what is beyond its turn too, so that its buckets have no order.
    let next = NEVER;
    for (let bucket = TOP * BUCKETS; bucket < LEVELS * BUCKETS; bucket++) {
      next = Math.min(next, this.#earliestIn(bucket));
    }
    return next;
  }

  /** The first bucket of a level behind now that holds a slot, or NONE. */
  #firstBucket(level: number): number {
    if (this.#counts[level] === 0) return NONE;
    const end = (level + 1) * BUCKETS;
    const now = Math.floor(this.#nowMs / SPANS[level]!) % BUCKETS;
    for (let bucket = level * BUCKETS + now + 1; bucket < end; bucket++) {
      if (this.#heads[bucket] !== NONE) return bucket;
    }
    return NONE;
  }

  /**
   * When the first coarse bucket that holds a slot begins; NEVER when only the top level has any.
   */
  #nextTurn(): number {
    for (let level = 1; level < TOP; level++) {
      const bucket = this.#firstBucket(level);
      if (bucket === NONE) continue;
      const turn = SPANS[level + 1]!;
      const baseMs = Math.floor(this.#nowMs / turn) * turn;
      return baseMs + (bucket - level * BUCKETS) * SPANS[level]!;
    }
    return NEVER;
  }

  #earliestIn(bucket: number): number {
    let earliest = NEVER;
    for (
      let slot = this.#heads[bucket]!;
      slot !== NONE;
      slot = this.#links[slot * LINKS + AFTER]!
    ) {
      const dueMs = this.#dues[slot]!;
      if (dueMs < earliest) earliest = dueMs;
    }
    return earliest;
  }

  #link(slot: number, dueMs: number): void {
    let level = 0;
    while (
      level < TOP &&
      Math.floor(dueMs / SPANS[level + 1]!) !== Math.floor(this.#nowMs / SPANS[level + 1]!)
    ) {
      level++;
    }
    const bucket = level * BUCKETS + (Math.floor(dueMs / SPANS[level]!) % BUCKETS);
    const links = this.#links;
    const head = this.#heads[bucket]!;
    links[slot * LINKS + BEFORE] = NONE;
    links[slot * LINKS + AFTER] = head;
    links[slot * LINKS + BUCKET] = bucket;
    if (head !== NONE) links[head * LINKS + BEFORE] = slot;
    this.#heads[bucket] = slot;
    this.#counts[level]!++;
  }

  #unlink(slot: number, bucket: number): void {
    const links = this.#links;
    const before = links[slot * LINKS + BEFORE]!;
    const after = links[slot * LINKS + AFTER]!;
    if (before === NONE) this.#heads[bucket] = after;
    else links[before * LINKS + AFTER] = after;
    if (after !== NONE) links[after * LINKS + BEFORE] = before;
    this.#counts[bucket >>> BITS]!--;
  }

  #isBefore(a: number, b: number): boolean {
    const earlier = this.#dues[a]! - this.#dues[b]!;
    return earlier < 0 || (earlier === 0 && this.#precedes(a, b));
  }

  #push(slot: number): void {
    if (this.#heapSize === this.#heap.length) {
      const grown = new Int32Array(this.#heap.length * 2);
      grown.set(this.#heap);
      this.#heap = grown;
    }
    this.#links[slot * LINKS + BUCKET] = IN_HEAP;
    this.#rise(this.#heapSize++, slot);
  }

  /** Puts a slot at a free place of the heap, or above it. */
  #rise(at: number, slot: number): void {
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(slot, this.#heap[parent]!)) break;
      this.#stand(at, this.#heap[parent]!);
      at = parent;
    }
    this.#stand(at, slot);
  }

  /** Fills a place of the heap from below; the last slot takes the place that is then free. */
  #takeOut(at: number): void {
    const size = --this.#heapSize;
    if (at === size) return;
    for (let child = at * 2 + 1; child < size; child = at * 2 + 1) {
      const right = child + 1;
      if (right < size && this.#isBefore(this.#heap[right]!, this.#heap[child]!)) child = right;
      this.#stand(at, this.#heap[child]!);
      at = child;
    }
    this.#rise(at, this.#heap[size]!);
  }

  #stand(at: number, slot: number): void {
    this.#heap[at] = slot;
    this.#links[slot * LINKS + BEFORE] = at;
  }

  #grow(slot: number): void {
    const slots = Math.max(slot + 1, this.#dues.length * 2);
    const links = new Int32Array(slots * LINKS).fill(NONE, this.#links.length);
    links.set(this.#links);
    this.#links = links;
    const dues = new Float64Array(slots);
    dues.set(this.#dues);
    this.#dues = dues;
  }
}
