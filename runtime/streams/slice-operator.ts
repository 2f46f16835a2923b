/**
 * An operator over batches, counted from outside: what it lets through has passed, what it leaves
 * out of the selection was dropped as `not_emitted`. It sends on the slice that it was given, once,
 * before it returns; what it sends goes on when it has returned. When it throws, a new one is
 * opened and the records of the slice go through it one by one: so only the ones at fault are dead
 * letters.
 */
import { Observable, Subject, type Subscription } from 'rxjs';
import { CarillonError } from '../../core/error.ts';
import { Record } from '../../core/record.ts';
import { Slice } from '../../core/slice.ts';
import type { OperatorSpec } from '../../core/spec.ts';
import { StepFault } from '../node.ts';
import { contextOf, type Step, type StepHost, type StepsOf } from './step.ts';
import { overSlices, type SliceOperator } from './step-operators.ts';
import type { Turn } from './turn.ts';

export const NOT_EMITTED = 'not_emitted';

export function sliceOperator(
  of: StepsOf,
  step: Step,
  // biome-ignore lint/suspicious/noExplicitAny: a catalog holds specs of all option types.
  spec: OperatorSpec<any>,
  host: StepHost,
  turn: Turn,
): SliceOperator {
  const open = () => spec.open(step.plan.config as never, contextOf(of, step, host) as never);
  const runner = new OperatorRunner(step, open, turn);
  const operate = overSlices((slice, send) => runner.run(slice, send));
  return (source) =>
    new Observable((subscriber) => {
      runner.onLate = (error) => subscriber.error(error);
      const subscription = operate(source).subscribe(subscriber);
      subscription.add(() => runner.close());
      return subscription;
    });
}

class OperatorRunner {
  /** The task cannot go on: what was sent is in no sum, and its bytes are another slice's. */
  onLate: (error: CarillonError) => void = () => {};
  readonly #step: Step;
  readonly #open: () => SliceOperator;
  readonly #turn: Turn;
  #input = new Subject<Slice>();
  #subscription: Subscription | null = null;
  /** The slice that is with the operator; null: none is, and none may be sent. */
  #within: Slice | null = null;
  #isSent = false;
  #fault: unknown = null;
  /** A slice is changed in place: its records as they came, and one of them alone. */
  #before = new Slice(0, 1);
  #one = new Slice(0, 1);

  constructor(step: Step, open: () => SliceOperator, turn: Turn) {
    this.#step = step;
    this.#open = open;
    this.#turn = turn;
    this.#start(this.#open());
  }

  run(slice: Slice, send: (slice: Slice) => void): void {
    // The next step learns the time, whatever is left out here.
    if (slice.selected === 0) {
      send(slice);
      return;
    }
    const before = this.#copyOf(slice);
    this.#step.node.counts.in += slice.selected;
    if (this.#operate(slice, before, send) === null) return;
    const one = this.#one;
    for (let k = 0; k < before.n; k++) {
      one.clear();
      one.derive(before);
      one.append(before, k);
      const fault = this.#operate(one, before, send, k);
      if (fault !== null) this.#step.node.failed(new Record(before, k), fault);
    }
  }

  close(): void {
    this.#subscription?.unsubscribe();
  }

  /** Sends on what is left of a slice, and counts; gives what is wrong with it, or null. */
  #operate(slice: Slice, before: Slice, send: (slice: Slice) => void, first = 0): unknown {
    const { n, selected } = slice;
    const came = slice.selection.slice(0, selected);
    this.#fault = null;
    this.#isSent = false;
    this.#within = slice;
    const work = () => {
      this.#turn.isInStep = true;
      this.#input.next(slice);
      this.#turn.isInStep = false;
    };
    this.#turn.run({ next: selected }, selected, work, (fault) => {
      this.#fault = fault;
    });
    this.#within = null;
    const fault = this.#fault ?? (this.#isSent ? faultOf(slice, n, came) : null);
    if (fault !== null) {
      this.#start(this.#open());
      return fault;
    }
    this.#count(slice, came, before, first);
    if (this.#isSent) send(slice);
    return null;
  }

  #count(slice: Slice, came: Int32Array, before: Slice, first: number): void {
    const { node } = this.#step;
    const kept = new Set(this.#isSent ? slice.selection.subarray(0, slice.selected) : []);
    for (let j = 0; j < came.length; j++) {
      if (!kept.has(came[j]!)) node.drop(NOT_EMITTED, new Record(before, first + j));
    }
    node.counts.passed += kept.size;
    node.counts.out += kept.size;
  }

  #start(operator: SliceOperator): void {
    this.#subscription?.unsubscribe();
    this.#input = new Subject();
    this.#subscription = operator(this.#input).subscribe({
      next: (slice) => this.#receive(slice),
      error: (error) => {
        this.#fault = error;
      },
      complete: () => {
        this.#fault = new StepFault('CAR675', 'the operator has completed: it would send no more');
      },
    });
  }

  #receive(slice: Slice): void {
    if (this.#within === null) {
      const { node } = this.#step;
      const what = 'its operator sent a slice on after it had returned.';
      const where = { at: `${node.stream}/${node.name}` };
      this.onLate(new CarillonError('CAR678', what, { where }));
      return;
    }
    if (slice !== this.#within) {
      this.#fault = new StepFault('CAR675', 'the operator sent on what it was not given');
    } else if (this.#isSent) {
      this.#fault = new StepFault('CAR675', 'the operator sent a slice on twice');
    }
    this.#isSent = true;
  }

  /** The selected records only. */
  #copyOf(slice: Slice): Slice {
    const fields = slice.fieldStart.length;
    if (this.#before.capacity < slice.selected || this.#before.fieldStart.length !== fields) {
      this.#before = new Slice(fields, slice.capacity);
      this.#one = new Slice(fields, 1);
    }
    const copy = this.#before;
    copy.clear();
    copy.derive(slice);
    for (let j = 0; j < slice.selected; j++) copy.append(slice, slice.selection[j]!);
    return copy;
  }
}

/** What is left must be of what came, each once. */
function faultOf(slice: Slice, n: number, came: Int32Array): StepFault | null {
  const open = new Set(came);
  const { selection, selected } = slice;
  let isWhole = slice.n === n && selected >= 0 && selected <= came.length;
  for (let j = 0; isWhole && j < selected; j++) isWhole = open.delete(selection[j]!);
  if (isWhole) return null;
  return new StepFault('CAR675', 'the operator selects records that it was not given');
}
