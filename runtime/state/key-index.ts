/**
 * Where the rows of a table are found: open addressing with linear probing over pairs of a hash and
 * a slot. A hash is compared before a key is: of two keys that differ, one in 4 thousand million
 * gets further.
 */
const CELLS_FIRST = 64;
/** Filled beyond 5/8, chains grow; an index is between 5/16 and 5/8 full. */
const FULL_OF_8 = 5;

export class KeyIndex {
  /** By cell: hash, slot + 1; 0: the cell is free. */
  cells = new Int32Array(2 * CELLS_FIRST);
  mask = CELLS_FIRST - 1;
  #used = 0;
  /** What was only read to be warm goes here, so that the reads are not left out as idle. */
  warmth = 0;

  get bytes(): number {
    return this.cells.byteLength;
  }

  get isFull(): boolean {
    return (this.#used + 1) * 8 > (this.mask + 1) * FULL_OF_8;
  }

  set(cell: number, hash: number, slot: number): void {
    this.cells[2 * cell] = hash;
    this.cells[2 * cell + 1] = slot + 1;
    this.#used++;
  }

  cellOf(hash: number, slot: number): number {
    const { cells, mask } = this;
    let cell = hash & mask;
    while (cells[2 * cell + 1] !== slot + 1) cell = (cell + 1) & mask;
    return cell;
  }

  /** The slot of the first cell that is looked at for a hash, or -1: for loops that only warm. */
  guess(hash: number): number {
    return this.cells[2 * (hash & this.mask) + 1]! - 1;
  }

  /** Frees a cell; those behind it move up, so that no chain breaks. */
  remove(cell: number): void {
    const { cells, mask } = this;
    let hole = cell;
    for (let next = (cell + 1) & mask; cells[2 * next + 1] !== 0; next = (next + 1) & mask) {
      const home = cells[2 * next]! & mask;
      if (((next - home) & mask) < ((next - hole) & mask)) continue;
      cells[2 * hole] = cells[2 * next]!;
      cells[2 * hole + 1] = cells[2 * next + 1]!;
      hole = next;
    }
    cells[2 * hole + 1] = 0;
    this.#used--;
  }

  /**
   * Doubles it. The old cells lie nearly in the order of the new ones (the low bits of the hash),
   * so it is read and written from front to back: 10 million keys take about 0.2 s.
   */
  grow(): void {
    const { cells: old } = this;
    const cells = new Int32Array(old.length * 2);
    const mask = this.mask * 2 + 1;
    for (let at = 0; at < old.length; at += 2) {
      const slot = old[at + 1]!;
      if (slot === 0) continue;
      const hash = old[at]!;
      let cell = hash & mask;
      while (cells[2 * cell + 1] !== 0) cell = (cell + 1) & mask;
      cells[2 * cell] = hash;
      cells[2 * cell + 1] = slot;
    }
    this.cells = cells;
    this.mask = mask;
  }

  /**
   * Reads the cells of many hashes. These reads do not wait for each other as those of `find` do,
   * so that their cache misses overlap.
   */
  warm(hashes: Int32Array, n: number): void {
    const { cells, mask } = this;
    let sum = 0;
    for (let j = 0; j < n; j++) sum ^= cells[2 * (hashes[j]! & mask) + 1]!;
    this.warmth ^= sum;
  }
}
