/**
 * What has been done to a store since a step began with one record, so that it can be undone when
 * the step throws: then the record at fault leaves no trace. Rows are saved when they become the
 * current one, for only that one can be changed; what was held in them is freed only at the end.
 * Costs a copy of a row's numbers, some 20 ns.
 */
import type { DueWheel } from './due-wheel.ts';
import type { HeldColumn } from './held-column.ts';
import type { KeyTable } from './key-table.ts';
import { LINK_NUMBERS, NO_SLOT } from './row-chunks.ts';

/** Numbers of an entry of `#moves`. */
const MOVE = 3;
/** In place of a neighbour: the row was not there before. */
const ADDED = -2;

export class RowUndo {
  readonly #table: KeyTable;
  readonly #dues: DueWheel;
  readonly #held: HeldColumn;
  /** Numbers of a row that are saved, and its due time before them. */
  readonly #width: number;
  /** Rows as they were, in the order in which they were saved; the first one of a slot counts. */
  readonly #slots: number[] = [];
  #numbers = new Float64Array(0);
  /** Rows that were added, moved or deleted: slot and its neighbours, before it was. */
  readonly #moves: number[] = [];
  #puts = 0;
  #saved = NO_SLOT;
  #isOpen = false;

  /** `numbers`: of a row, those that the table links rows with counted in. */
  constructor(table: KeyTable, dues: DueWheel, held: HeldColumn, numbers: number) {
    this.#table = table;
    this.#dues = dues;
    this.#held = held;
    this.#width = numbers - LINK_NUMBERS + 1;
  }

  begin(): void {
    this.#isOpen = true;
    this.#puts = this.#table.puts;
    this.#held.defer();
  }

  /** A row becomes the current one; `dueMs`: when it was due, where that has been taken off. */
  save(slot: number, dueMs = this.#dues.dueOf(slot)): void {
    if (!this.#isOpen || slot === this.#saved) return;
    this.#saved = slot;
    const width = this.#width;
    const at = this.#slots.push(slot) * width - width;
    if (at + width > this.#numbers.length) this.#grow();
    const saved = this.#numbers;
    const numbers = this.#table.numbers(slot);
    const from = this.#table.place(slot) + LINK_NUMBERS - 1;
    saved[at] = dueMs;
    for (let n = 1; n < width; n++) saved[at + n] = numbers[from + n]!;
  }

  added(slot: number): void {
    if (this.#isOpen) this.#moves.push(slot, ADDED, ADDED);
  }

  /** A row is about to be deleted, or put behind all others. */
  moves(slot: number): void {
    if (!this.#isOpen) return;
    this.#moves.push(slot, this.#table.before(slot), this.#table.after(slot));
  }

  /** All of it stays. */
  keep(): void {
    this.#held.keep();
    this.#end();
  }

  /** None of it has been, but that its rows are written once more. */
  undo(): void {
    const table = this.#table;
    for (let at = this.#moves.length - MOVE; at >= 0; at -= MOVE) {
      const slot = this.#moves[at]!;
      if (this.#moves[at + 1] === ADDED) {
        this.#dues.remove(slot);
        table.delete(slot);
      } else table.putBack(slot, this.#moves[at + 1]!, this.#moves[at + 2]!);
    }
    for (let n = this.#slots.length - 1; n >= 0; n--) this.#restore(this.#slots[n]!, n);
    table.puts = this.#puts;
    this.#held.undo();
    this.#end();
  }

  #restore(slot: number, n: number): void {
    if (!this.#table.isLive(slot)) return;
    const width = this.#width;
    const numbers = this.#table.numbers(slot);
    const to = this.#table.place(slot) + LINK_NUMBERS - 1;
    for (let i = 1; i < width; i++) numbers[to + i] = this.#numbers[n * width + i]!;
    this.#dues.set(slot, this.#numbers[n * width]!);
  }

  #end(): void {
    this.#slots.length = 0;
    this.#moves.length = 0;
    this.#saved = NO_SLOT;
    this.#isOpen = false;
  }

  #grow(): void {
    const grown = new Float64Array(Math.max(this.#width, this.#numbers.length) * 2);
    grown.set(this.#numbers);
    this.#numbers = grown;
  }
}
