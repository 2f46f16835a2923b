/**
 * The last node of a derived table: writes its rows, and a tombstone where there is one no more.
 * Each change that comes to it ends as a row, as a drop with its reason, or as a dead letter.
 */
import type { DerivedTablePlan } from '../../compiler/plan.ts';
import { Record } from '../../core/record.ts';
import type { Slice } from '../../core/slice.ts';
import { Node } from '../node.ts';
import type { TaskParts } from '../streams/task-parts.ts';
import { isEncoded } from '../streams/writing.ts';

export type Value = { readonly [field: string]: unknown };

/** What a change is called by, where it is dropped or refused. */
export interface Cause {
  readonly slice: Slice;
  readonly i: number;
}

/**
 * `no_match`: no row on the other side, and none was told. `no_row`: a tombstone of what was not
 * there. `null_key`: the left row names no right one. `overtaken`: what was asked for is no more.
 */
export type NothingToTell = 'no_match' | 'no_row' | 'null_key' | 'overtaken';

/** As far ahead as events may be: brokers refuse what is much later (`message.timestamp.*`). */
const AHEAD_MS_MAX = 600_000;

export class DerivedWriter {
  readonly node: Node;
  readonly #derived: DerivedTablePlan;
  readonly #parts: TaskParts;

  /** `role`: of the sub-topology. */
  constructor(derived: DerivedTablePlan, role: string, parts: TaskParts) {
    this.node = new Node(role, 'join', parts);
    this.#derived = derived;
    this.#parts = parts;
  }

  /** Null for a side that has no row. */
  row(cause: Cause, key: string, left: unknown, right: unknown, atMs: number): void {
    const { as, ownAs, table } = this.#derived;
    const own = ownAs === null ? (left as Value) : { [ownAs]: left };
    const value = { ...own, [as]: right, [table.key]: key };
    const { collector, schemas } = this.#parts;
    const encoder = schemas.encoder(table.schema);
    const { node } = this;
    node.counts.in++;
    const builder = collector.forKey(table.topic, key);
    const isTold = isEncoded(node, recordOf(cause), () =>
      builder.appendEncoded(this.#timeOf(atMs), key, encoder, value),
    );
    if (isTold) this.#told();
  }

  gone(key: string, atMs: number): void {
    this.node.counts.in++;
    this.#parts.collector
      .forKey(this.#derived.table.topic, key)
      .append(this.#timeOf(atMs), key, null);
    this.#told();
  }

  nothing(cause: Cause, why: NothingToTell): void {
    this.node.counts.in++;
    this.node.drop(why, recordOf(cause));
  }

  #told(): void {
    const { counts } = this.node;
    counts.passed++;
    counts.out++;
  }

  #timeOf(atMs: number): number {
    return Math.max(0, Math.min(atMs, this.#parts.clock.now() + AHEAD_MS_MAX));
  }
}

export const recordOf = ({ slice, i }: Cause) => new Record(slice, i);
