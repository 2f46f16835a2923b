/**
 * Makes an operator of a timed step: it lets go of what is due, then runs each record as one
 * attempt. A step with another stream has the records of that too, which its task hands in.
 */
import { Observable } from 'rxjs';
import type { TimedWork } from '../../core/emit.ts';
import { Record } from '../../core/record.ts';
import type { Slice } from '../../core/slice.ts';
import type { TimedSpec } from '../../core/spec.ts';
import type { ColumnKinds, Columns } from '../../core/store.ts';
import type { Verdict } from '../../core/verdict.ts';
import type { IdentityKeys } from '../state/identity-keys.ts';
import type { RowStore } from '../state/row-store.ts';
import { Attempt } from './attempt.ts';
import { HeldOutput } from './held-output.ts';
import type { Reading } from './reading.ts';
import { contextOf, type Step, type StepHost, type StepsOf } from './step.ts';
import { keysOf, makeKeys, type SliceOperator } from './step-operators.ts';
import type { Turn } from './turn.ts';

export class TimedOperator {
  readonly operator: SliceOperator;
  readonly #step: Step;
  readonly #store: RowStore<ColumnKinds>;
  readonly #work: TimedWork;
  readonly #keys: IdentityKeys | null;
  readonly #held: HeldOutput;
  readonly #attempt: Attempt;
  readonly #turn: Turn;
  #send: (slice: Slice) => void = () => {};

  constructor(
    of: StepsOf,
    step: Step,
    // biome-ignore lint/suspicious/noExplicitAny: a catalog holds specs of all option types.
    spec: TimedSpec<any, Columns>,
    host: StepHost,
    turn: Turn,
    reading: Pick<Reading, 'relocate'>,
    fields: number,
  ) {
    const store = step.rows;
    if (store === null) throw new Error(`timed step ${step.node.name} has no store`);
    const later: (() => void)[] = [];
    this.#step = step;
    this.#turn = turn;
    this.#store = store;
    this.#work = spec.open(step.plan.config as never, contextOf(of, step, host, later) as never);
    this.#keys = keysOf(step, spec.keyedBy);
    const { counts } = step.node;
    const send = (out: Slice) => {
      counts.out += out.selected;
      if (out.selected > 0) reading.relocate(out);
      this.#send(out);
    };
    this.#held = new HeldOutput(store, fields, send, reading);
    this.#attempt = new Attempt(store, this.#held, later);
    this.operator = (source) =>
      new Observable<Slice>((subscriber) => {
        // Known before the first slice: the other stream may be the first that has something.
        this.#send = (slice) => subscriber.next(slice);
        return source.subscribe({
          next: (slice) => {
            try {
              this.#run(slice);
            } catch (error) {
              subscriber.error(error);
            }
          },
          error: (error) => subscriber.error(error),
          complete: () => subscriber.complete(),
        });
      });
  }

  /** Runs records of its other stream. */
  other(slice: Slice): void {
    this.#held.open(slice);
    this.#runAll(slice, (record) => this.#work.other!(record, this.#held.emit));
  }

  #run(slice: Slice): void {
    this.#held.open(slice);
    this.#turn.alone(() => this.#letDueGo(slice.clockMs));
    const keys = this.#keys;
    makeKeys(keys, this.#step, slice, new Record(slice, 0));
    this.#runAll(slice, (record, j) => {
      return this.#work.record(record, this.#held.emit, keys === null ? null : keys.at(j));
    });
  }

  #runAll(slice: Slice, work: (record: Record, j: number) => Verdict): void {
    const { node } = this.#step;
    const turn = this.#turn;
    const record = new Record(slice, 0);
    const { selection, selected } = slice;
    const at = { next: 0 };
    const judge = () => {
      do {
        if (at.next >= selected) return;
        const j = at.next++;
        record.i = selection[j]!;
        this.#attemptOne(record, () => work(record, j));
      } while (!turn.isSpent);
    };
    turn.run(at, selected, judge, (fault) => node.failed(record, fault));
    node.counts.in += selected;
    this.#held.flush();
  }

  #attemptOne(record: Record, work: () => Verdict): void {
    const { node } = this.#step;
    this.#attempt.begin();
    let verdict: Verdict;
    try {
      verdict = work();
    } catch (error) {
      this.#attempt.undo();
      node.failed(record, error);
      return;
    }
    this.#attempt.keep();
    node.settle(verdict, record);
  }

  /** Rows that are due; when their step throws, what the row holds is at fault, and goes. */
  #letDueGo(nowMs: number): void {
    const store = this.#store;
    const attempt = this.#attempt;
    for (;;) {
      attempt.begin();
      if (!store.takeDue(nowMs)) break;
      try {
        this.#work.due(this.#held.emit);
      } catch (error) {
        attempt.undo();
        const record = store.dismissDue();
        if (record === null) throw error;
        this.#step.node.failedHeld(record, error);
        continue;
      }
      attempt.keep();
    }
    attempt.keep();
  }
}
