/**
 * The half of a join by a foreign key that has the right rows: answers who asks for one, and again
 * whenever it changes.
 */
import type { DerivingPlan } from '../../compiler/plan.ts';
import { Node } from '../node.ts';
import type { TaskParts } from '../streams/task-parts.ts';
import type { Asked } from './asked-row.ts';
import type { AskedRows, Telling } from './asked-rows.ts';
import { type Cause, recordOf } from './derived-writer.ts';
import { type Answer, type Ask, answerBytes } from './hop-messages.ts';
import type { RowChange, TimedRow, TimedRows } from './timed-rows.ts';

/** So many answers are a slice: what is between two commits is bounded, however many have asked. */
const TOLD_AT_ONCE = 512;
const NO_ROW = Buffer.alloc(0);

export class ForeignRight {
  /** Where asks and right rows come by: each is answered, or is dropped. */
  readonly node: Node;
  readonly #plan: DerivingPlan;
  readonly #rows: TimedRows;
  readonly #asked: AskedRows;
  readonly #parts: TaskParts;
  /** Answers to changes, in this slice. */
  #told = 0;

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
    const telling = this.#asked.tell(change.key, change.atMs);
    if (telling === undefined) {
      node.drop('no_match', recordOf(change));
      return;
    }
    node.counts.passed++;
    this.#tell(telling);
  }

  /** There is a change that some are still to be told of. */
  get isTelling(): boolean {
    return this.#asked.untold !== undefined;
  }

  /**
   * Called before each slice: goes on with changes that had too many to be told of, as far as one
   * slice goes; gives how much was done.
   */
  goOn(): number {
    this.#told = 0;
    let done = 0;
    for (let next = this.#asked.untold; next !== undefined; next = this.#asked.untold) {
      if (this.#told >= TOLD_AT_ONCE) break;
      this.#tell(next);
      done++;
    }
    return done + this.#told;
  }

  /** As many as the slice has room for; the others are a row until then. */
  #tell(telling: Telling): void {
    const row = this.#rows.timed(telling.right);
    const told = this.#asked.take(telling, TOLD_AT_ONCE - this.#told);
    for (const [key, asked] of told) this.#answer(key, asked, row, telling.atMs);
    this.#told += told.length;
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
