/**
 * The last offset of each key, for compaction: open addressing over typed arrays, with 96 bits of
 * hash in place of the key, so that a key costs 40 bytes whatever its length. Two keys with the
 * same hash would lose a row: with a million keys that is less likely than 10^-16.
 */
const LANES = 3;

export class KeyOffsets {
  #slots: number;
  #hashes: Int32Array;
  #offsets: Float64Array;
  #size = 0;
  #h0 = 0;
  #h1 = 0;
  #h2 = 0;

  constructor(slots = 1024) {
    this.#slots = slots;
    this.#hashes = new Int32Array(LANES * slots);
    this.#offsets = new Float64Array(slots).fill(-1);
  }

  get size(): number {
    return this.#size;
  }

  /** The key is bytes[start, end). A later call for a key replaces the earlier one. */
  set(bytes: Buffer, start: number, end: number, offset: number): void {
    this.#hash(bytes, start, end);
    const slot = this.#slot();
    if (this.#offsets[slot] === -1) this.#take(slot);
    this.#offsets[slot] = offset;
    if (this.#size * 2 > this.#slots) this.#grow();
  }

  /** -1: the key was not set. */
  get(bytes: Buffer, start: number, end: number): number {
    this.#hash(bytes, start, end);
    return this.#offsets[this.#slot()]!;
  }

  /** Three lanes, each with a multiplier of its own and its high bits folded down at each byte. */
  #hash(bytes: Buffer, start: number, end: number): void {
    let h0 = 0x811c9dc5 ^ (end - start);
    let h1 = 0x9747b28c | 0;
    let h2 = 0x3c6ef372 | 0;
    for (let i = start; i < end; i++) {
      const byte = bytes[i]!;
      h0 = Math.imul(h0 ^ byte, 0x01000193);
      h1 = Math.imul(h1 ^ byte, 0x85ebca6b);
      h1 ^= h1 >>> 15;
      h2 = Math.imul(h2 ^ byte, 0xc2b2ae35);
      h2 ^= h2 >>> 13;
    }
    h0 ^= h0 >>> 16;
    this.#h0 = Math.imul(h0, 0x27d4eb2f) ^ h1;
    this.#h1 = h1;
    this.#h2 = h2;
  }

  /** Where the hashed key is, or the free slot that is its own. */
  #slot(): number {
    const mask = this.#slots - 1;
    for (let slot = this.#h0 & mask; ; slot = (slot + 1) & mask) {
      if (this.#offsets[slot] === -1) return slot;
      const at = slot * LANES;
      if (
        this.#hashes[at] === this.#h0 &&
        this.#hashes[at + 1] === this.#h1 &&
        this.#hashes[at + 2] === this.#h2
      ) {
        return slot;
      }
    }
  }

  #take(slot: number): void {
    const at = slot * LANES;
    this.#hashes[at] = this.#h0;
    this.#hashes[at + 1] = this.#h1;
    this.#hashes[at + 2] = this.#h2;
    this.#size++;
  }

  #grow(): void {
    const slots = this.#slots;
    const hashes = this.#hashes;
    const offsets = this.#offsets;
    this.#slots = 2 * slots;
    this.#hashes = new Int32Array(LANES * this.#slots);
    this.#offsets = new Float64Array(this.#slots).fill(-1);
    this.#size = 0;
    for (let old = 0; old < slots; old++) {
      if (offsets[old] === -1) continue;
      this.#h0 = hashes[old * LANES]!;
      this.#h1 = hashes[old * LANES + 1]!;
      this.#h2 = hashes[old * LANES + 2]!;
      const slot = this.#slot();
      this.#take(slot);
      this.#offsets[slot] = offsets[old]!;
    }
  }
}
