/**
 * Rows of a changelog that cannot be read. A step that is given another type under its name leaves
 * such rows behind, deleted by records that come after them; so it is known only at the end of the
 * changelog whether one is left.
 */
import type { CarillonError } from '../../core/error.ts';
import { unreadableRow } from './changelog-form.ts';

export class UnreadableRows {
  readonly #store: string;
  /** By key, as latin1, which keeps bytes apart. */
  readonly #causes = new Map<string, unknown>();

  constructor(store: string) {
    this.#store = store;
  }

  /** The key's newest row cannot be read. */
  add(bytes: Buffer, keyStart: number, keyEnd: number, cause: unknown): void {
    this.#causes.set(bytes.toString('latin1', keyStart, keyEnd), cause);
  }

  /** A newer record of the key has come. */
  passed(bytes: Buffer, keyStart: number, keyEnd: number): void {
    if (this.#causes.size === 0) return;
    this.#causes.delete(bytes.toString('latin1', keyStart, keyEnd));
  }

  /** Of one that is left, CAR802; undefined: all of the changelog was read. */
  get fault(): CarillonError | undefined {
    for (const cause of this.#causes.values()) return unreadableRow(this.#store, cause);
    return undefined;
  }
}
