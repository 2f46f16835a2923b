/** How many keys a step keeps, where a key has several rows: a row of the step's own store. */
import type { ColumnStore } from '../core/store.ts';

/** Stands under the bare empty key, which no part of a key is. */
const COUNT = '';

type Counted = { readonly n: 'int' };

/** The count is state like any other: after a restart it is what it was (rule D11). */
export class KeyCount {
  readonly #store: ColumnStore<Counted>;

  constructor(store: ColumnStore<Counted>) {
    this.#store = store;
  }

  get keys(): number {
    return this.#store.get(this.#store.key(COUNT))?.n ?? 0;
  }

  add(by: number): void {
    this.#store.put(this.#store.key(COUNT)).n += by;
  }

  /** Whether the current row is the count's own. */
  get isHere(): boolean {
    return this.#store.isAt(this.#store.key(COUNT));
  }

  /** Goes to the oldest row that is not the count's own; false: there is none. */
  oldest(): boolean {
    const store = this.#store;
    if (store.oldest() === undefined) return false;
    if (!store.isAt(store.key(COUNT))) return true;
    store.renew();
    return store.oldest() !== undefined && !store.isAt(store.key(COUNT));
  }
}
