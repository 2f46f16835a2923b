/**
 * What a timed step does with one record that comes, or with one row that is due: all of it, or,
 * when the step throws, nothing. What it holds, sends, settles and counts would otherwise disagree:
 * a record might be sent and be a dead letter too, or be in a row and in no sum.
 */
import type { ColumnKinds } from '../../core/store.ts';
import type { RowStore } from '../state/row-store.ts';
import type { HeldOutput } from './held-output.ts';

export class Attempt {
  readonly #store: RowStore<ColumnKinds>;
  readonly #output: HeldOutput;
  /** What is settled and counted once the step has returned. */
  readonly #later: (() => void)[];

  /** `later`: where the step's context puts it. */
  constructor(store: RowStore<ColumnKinds>, output: HeldOutput, later: (() => void)[]) {
    this.#store = store;
    this.#output = output;
    this.#later = later;
  }

  begin(): void {
    this.#store.begin();
    this.#output.begin();
  }

  keep(): void {
    const later = this.#later;
    if (later.length > 0) {
      for (const settle of later) settle();
      later.length = 0;
    }
    this.#store.keep();
    this.#output.keep();
  }

  undo(): void {
    this.#later.length = 0;
    this.#store.undo();
    this.#output.undo();
  }
}
