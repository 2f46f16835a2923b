/**
 * Two tables of one key, in one task: a change of either makes the row anew, with the later of the
 * two times (semantics S33).
 */
import type { DerivedTablePlan } from '../../compiler/plan.ts';
import type { DerivedWriter } from './derived-writer.ts';
import type { RowChange, TimedRows } from './timed-rows.ts';

export class PairJoin {
  readonly #type: DerivedTablePlan['type'];
  readonly #left: TimedRows;
  readonly #right: TimedRows;
  readonly #out: DerivedWriter;

  constructor(
    type: DerivedTablePlan['type'],
    left: TimedRows,
    right: TimedRows,
    out: DerivedWriter,
  ) {
    this.#type = type;
    this.#left = left;
    this.#right = right;
    this.#out = out;
    left.onChange = (change) => this.#changed(change, true);
    right.onChange = (change) => this.#changed(change, false);
  }

  #changed(change: RowChange, isLeft: boolean): void {
    const { key, row, before, atMs } = change;
    const side = isLeft ? this.#right : this.#left;
    const other = side.timed(key);
    const isNeeded = this.#type === 'inner' || (this.#type === 'left' && !isLeft);
    const isNone = row === null && before === undefined;
    if (isNone || (other === undefined && isNeeded)) {
      this.#out.nothing(change, isNone ? 'no_row' : 'no_match');
      return;
    }
    const timeMs = Math.max(atMs, other?.atMs ?? atMs);
    const of = other === undefined ? null : side.decoded(other);
    const [left, right] = isLeft ? [row, of] : [of, row];
    if (this.#hasRow(left, right)) this.#out.row(change, key, left, right, timeMs);
    else this.#out.gone(key, timeMs);
  }

  #hasRow(left: unknown, right: unknown): boolean {
    if (this.#type === 'outer') return left !== null || right !== null;
    return left !== null && (this.#type === 'left' || right !== null);
  }
}
