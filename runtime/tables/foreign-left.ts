/**
 * The half of a join by a foreign key that has the left rows: asks for the right row of each, and
 * tells what is answered, unless the left row is another by then.
 */
import type { DerivingPlan } from '../../compiler/plan.ts';
import type { Schemas } from '../../core/schema.ts';
import { Node } from '../node.ts';
import { decodedRow } from '../state/kept-rows.ts';
import type { TaskParts } from '../streams/task-parts.ts';
import { type Cause, type DerivedWriter, recordOf, type Value } from './derived-writer.ts';
import { type Answer, type Ask, askBytes } from './hop-messages.ts';
import type { RowChange, TimedRows } from './timed-rows.ts';

export class ForeignLeft {
  /** Where left rows come by: each asks, or is dropped. */
  readonly node: Node;
  readonly #plan: DerivingPlan;
  readonly #rows: TimedRows;
  readonly #out: DerivedWriter;
  readonly #parts: TaskParts;
  readonly #schemas: Schemas;

  constructor(
    plan: DerivingPlan,
    role: string,
    rows: TimedRows,
    out: DerivedWriter,
    parts: TaskParts,
  ) {
    this.node = new Node(role, 'ask', parts);
    this.#plan = plan;
    this.#rows = rows;
    this.#out = out;
    this.#parts = parts;
    this.#schemas = parts.schemas;
    rows.onChange = (change) => this.#changed(change);
  }

  /** `key`: of the left row that has asked. */
  answered(key: string, { version, atMs, row }: Answer, cause: Cause): void {
    const left = this.#rows.timed(key);
    if (left === undefined || left.version !== version) {
      this.#out.nothing(cause, 'overtaken');
      return;
    }
    const { derived } = this.#plan;
    const hasRight = row.length > 0;
    this.#rows.setTold(key, hasRight);
    if (!hasRight && derived.type === 'inner') {
      if (left.isTold) this.#out.gone(key, atMs);
      else this.#out.nothing(cause, 'no_match');
      return;
    }
    const schema = derived.right.schema;
    const right = hasRight ? decodedRow(this.#schemas, schema, row, 'answers') : null;
    this.#out.row(cause, key, this.#rows.decoded(left), right, atMs);
  }

  #changed(change: RowChange): void {
    const { key, row, before, atMs, slice, i } = change;
    const { node } = this;
    node.counts.in++;
    if (row === null && before === undefined) {
      node.drop('no_row', recordOf(change));
      return;
    }
    const was = before === undefined ? null : this.#foreignKeyOf(this.#rows.decoded(before));
    const is = row === null ? null : this.#foreignKeyOf(row);
    const of = { version: slice.offset[i]!, atMs, key };
    if (was !== null && was !== is) this.#ask(was, { ...of, wants: 'leave' });
    if (is !== null) {
      // What was told of the row before has to be taken back where there is nothing to tell now.
      const isTold = before !== undefined || this.#plan.derived.type === 'left';
      this.#ask(is, { ...of, wants: isTold ? 'any' : 'row' });
    } else if (!this.#tellAlone(change)) {
      node.drop(row === null ? 'no_match' : 'null_key', recordOf(change));
      return;
    }
    node.counts.passed++;
    node.counts.out++;
  }

  /** The left row names no right one, or is gone; false: there is nothing to tell. */
  #tellAlone({ key, row, before, atMs, ...cause }: RowChange): boolean {
    const isLeft = this.#plan.derived.type === 'left';
    this.#rows.setTold(key, false);
    if (row !== null && isLeft) {
      this.#out.row(cause, key, row, null, atMs);
      return true;
    }
    if (!isLeft && before?.isTold !== true) return false;
    this.#out.gone(key, atMs);
    return true;
  }

  #ask(right: string, ask: Omit<Ask, 'partition'>): void {
    const { collector, clock, partition } = this.#parts;
    collector
      .forKey(this.#plan.asks, right)
      .append(clock.now(), right, askBytes({ ...ask, partition }));
  }

  #foreignKeyOf(row: unknown): string | null {
    const of = (row as Value)[this.#plan.derived.by!];
    return of === null || of === undefined ? null : String(of);
  }
}
