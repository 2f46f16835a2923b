/**
 * The half of a join by a foreign key that has the right rows: answers who asks for one, and again
 * whenever it changes.
 */
import type { DerivingPlan } from '../../compiler/plan.ts';
import { Node } from '../node.ts';
import type { TaskParts } from '../streams/task-parts.ts';
import type { Asked, AskedRows } from './asked-rows.ts';
import { type Cause, recordOf } from './derived-writer.ts';
import { type Answer, type Ask, answerBytes } from './hop-messages.ts';
import type { RowChange, TimedRow, TimedRows } from './timed-rows.ts';

const NO_ROW = Buffer.alloc(0);

export class ForeignRight {
  /** Where asks and right rows come by: each is answered, or is dropped. */
  readonly node: Node;
  readonly #plan: DerivingPlan;
  readonly #rows: TimedRows;
  readonly #asked: AskedRows;
  readonly #parts: TaskParts;

  constructor(
    plan: DerivingPlan,
    role: string,
    rows: TimedRows,
    asked: AskedRows,
    parts: TaskParts,
  ) {
    this.node = new Node(role, 'answer', parts);
    this.#plan = plan;
    this.#rows = rows;
    this.#asked = asked;
    this.#parts = parts;
    rows.onChange = (change) => this.#changed(change);
  }

  /** `right`: the key that is asked for. */
  ask(right: string, { version, atMs, partition, wants, key }: Ask, cause: Cause): void {
    const { node } = this;
    node.counts.in++;
    if (wants === 'leave') {
      this.#asked.delete(right, key);
      node.counts.passed++;
      return;
    }
    const asked = { partition, version };
    this.#asked.put(right, key, asked);
    const row = this.#rows.timed(right);
    if (row === undefined && wants === 'row') {
      node.drop('no_match', recordOf(cause));
      return;
    }
    node.counts.passed++;
    this.#answer(key, asked, row, Math.max(atMs, row?.atMs ?? atMs));
  }

  #changed(change: RowChange): void {
    const { node } = this;
    node.counts.in++;
    if (change.row === null && change.before === undefined) {
      node.drop('no_row', recordOf(change));
      return;
    }
    const row = this.#rows.timed(change.key);
    let answers = 0;
    for (const [key, asked] of this.#asked.of(change.key)) {
      this.#answer(key, asked, row, change.atMs);
      answers++;
    }
    if (answers > 0) node.counts.passed++;
    else node.drop('no_match', recordOf(change));
  }

  #answer(
    key: string,
    { partition, version }: Asked,
    row: TimedRow | undefined,
    atMs: number,
  ): void {
    const { collector, clock } = this.#parts;
    const answer: Answer = {
      version,
      atMs,
      row: row?.bytes ?? NO_ROW,
    };
    collector.builder(this.#plan.answers, partition).append(clock.now(), key, answerBytes(answer));
    this.node.counts.out++;
  }
}
