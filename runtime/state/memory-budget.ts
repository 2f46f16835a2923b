/**
 * How much memory the state of a process may take. Stores say what they need; from four fifths of
 * the budget on those that have their share or more are full, and their steps do what their
 * `on_full` says; when all is spent tasks take nothing more, and a task whose state does not fit
 * does not open. So a process is not ended by its state (docs/decisions/memory-budgets.md).
 */
import { CarillonError } from '../../core/error.ts';

/** Of the budget, where steps begin to do what they do when they are full. */
const SHORT = 0.8;
/**
 * What is restored had room where it was written; so a process that stood still because its budget
 * was spent comes back, and stands still.
 */
const RESTORED = 1.25;
/** So many rows a store may always have: a step must find one to let go. */
const ROWS_MIN = 64;
/** Batches between two looks while a store is restored. */
const LOOK_EVERY = 64;

/** What takes memory. */
export interface Sized {
  /** Memory that it has, bytes. */
  readonly bytes: number;
  /** Of these, what is free to be used again. */
  readonly spare: number;
  readonly size?: number;
  /** How many rows it may have before it is full; stores that nobody can refuse have none. */
  rowsMax?: number;
}

export class MemoryBudget {
  /** Bytes; Infinity: there is none. */
  readonly limit: number;
  /** What all parts need, as of their last looks. */
  used = 0;
  /** How many stores the parts have. */
  stores = 0;

  constructor(limit: number = Number.POSITIVE_INFINITY) {
    this.limit = limit;
  }

  /** Stores that have their share of it are full. */
  get isShort(): boolean {
    return this.used >= this.limit * SHORT;
  }

  /** Nothing more is to be taken. */
  get isSpent(): boolean {
    return this.used >= this.limit;
  }

  /** In words, for health. */
  get told(): string {
    const mib = (bytes: number) => Math.round(bytes / 2 ** 20);
    return `state needs ${mib(this.used)} of ${mib(this.limit)} MiB (state.memory_max)`;
  }

  /** Said of a task whose state is read back. */
  checkFits(where: string): void {
    if (this.used < this.limit * RESTORED) return;
    throw new CarillonError('CAR697', `${this.told}, and more is to be read back.`, {
      where: { at: where },
    });
  }
}

/** What one task, or table of the process, has of the budget. */
export class MemoryPart {
  readonly #budget: MemoryBudget;
  readonly #stores: Sized[] = [];
  #needed = 0;
  #restored = 0;

  constructor(budget: MemoryBudget) {
    this.#budget = budget;
  }

  add(store: Sized): void {
    this.#stores.push(store);
    this.#budget.stores++;
  }

  /** Counts anew, and says to the stores whether they are full; gives whether all is spent. */
  look(): boolean {
    const budget = this.#budget;
    let needed = 0;
    for (const { bytes, spare } of this.#stores) needed += bytes - spare;
    budget.used += needed - this.#needed;
    this.#needed = needed;
    const share = budget.isShort ? budget.used / budget.stores : Number.POSITIVE_INFINITY;
    for (const store of this.#stores) {
      if (store.rowsMax === undefined) continue;
      const isFull = store.bytes - store.spare >= share;
      store.rowsMax = isFull ? Math.max(ROWS_MIN, store.size!) : Number.POSITIVE_INFINITY;
    }
    return budget.isSpent;
  }

  get isSpent(): boolean {
    return this.#budget.isSpent;
  }

  /** A batch of a store or table was read. Throws CAR697 when all that comes does not fit. */
  restored(where: string): void {
    if (++this.#restored % LOOK_EVERY !== 0) return;
    this.look();
    this.#budget.checkFits(where);
  }

  /** What it had is given back. */
  close(): void {
    this.#budget.used -= this.#needed;
    this.#budget.stores -= this.#stores.length;
    this.#needed = 0;
    this.#stores.length = 0;
  }
}
