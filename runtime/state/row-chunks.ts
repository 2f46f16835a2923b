/**
 * The memory of a table's rows: by slot, numbers that lie together, and in the place of the first
 * two, four integers of the table's own. They lie in chunks, so that nothing is copied when a table
 * grows but the first chunk.
 */
const CHUNK_BITS = 14;
const CHUNK_SLOTS = 1 << CHUNK_BITS;
const CHUNK_MASK = CHUNK_SLOTS - 1;
/** The first chunk begins small, for most tables are. */
const FIRST_SLOTS = 64;

/** The integers: address of the row's key, neighbours in order, state bits. */
export const KEY = 0;
export const BEFORE = 1;
export const AFTER = 2;
export const STATE = 3;
/** Numbers in whose place they stand. */
export const LINK_NUMBERS = 2;
export const NO_SLOT = -1;

export class RowChunks {
  /** Numbers from one row to the next. */
  readonly #width: number;
  readonly #numbers: Float64Array[] = [];
  readonly #links: Int32Array[] = [];
  /** Slots ever given. */
  #top = 0;
  /** Slots with room: of all chunks. */
  #room = 0;
  /** Freed slots, as a list over AFTER. */
  #free = NO_SLOT;
  /** Slots in use. */
  #live = 0;

  /** `numbers`: of a row, the first two counted in. */
  constructor(numbers: number) {
    this.#width = numbers;
  }

  get bytes(): number {
    return this.#room * this.#width * Float64Array.BYTES_PER_ELEMENT;
  }

  /** Of these, what no row has. */
  get spare(): number {
    return (this.#room - this.#live) * this.#width * Float64Array.BYTES_PER_ELEMENT;
  }

  /** The array that has a row's numbers; another one when rows were added. */
  numbers(slot: number): Float64Array {
    return this.#numbers[slot >>> CHUNK_BITS]!;
  }

  /** Where in that array they begin. */
  place(slot: number): number {
    return (slot & CHUNK_MASK) * this.#width;
  }

  link(slot: number, which: number): number {
    return this.#links[slot >>> CHUNK_BITS]![this.place(slot) * 2 + which]!;
  }

  setLink(slot: number, which: number, to: number): void {
    this.#links[slot >>> CHUNK_BITS]![this.place(slot) * 2 + which] = to;
  }

  /** Sets the numbers of a row to 0, but not its integers. */
  clear(slot: number): void {
    const numbers = this.numbers(slot);
    const at = this.place(slot);
    for (let n = LINK_NUMBERS; n < this.#width; n++) numbers[at + n] = 0;
  }

  /** A slot that is not in use. */
  take(): number {
    this.#live++;
    const free = this.#free;
    if (free !== NO_SLOT) {
      this.#free = this.link(free, AFTER);
      return free;
    }
    if (this.#top === this.#room) this.#addRoom();
    return this.#top++;
  }

  giveBack(slot: number): void {
    this.#live--;
    this.setLink(slot, STATE, 0);
    this.setLink(slot, AFTER, this.#free);
    this.#free = slot;
  }

  #addRoom(): void {
    const chunk = this.#room >>> CHUNK_BITS;
    const before = this.#numbers[chunk];
    const slots = chunk > 0 ? CHUNK_SLOTS : Math.max(FIRST_SLOTS, this.#room * 2);
    const numbers = new Float64Array(slots * this.#width);
    if (before !== undefined) numbers.set(before);
    this.#numbers[chunk] = numbers;
    this.#links[chunk] = new Int32Array(numbers.buffer);
    this.#room = chunk * CHUNK_SLOTS + slots;
  }
}
