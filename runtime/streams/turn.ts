/**
 * How a step is run over the records of a slice. One of the package's own is run as it is; one of
 * somebody's own for no longer than it may take, as nothing else ends a loop that never does.
 */
import { Script } from 'node:vm';
import { CarillonError } from '../../core/error.ts';
import { isOwn } from '../../core/step-facts.ts';
import { StepFault } from '../node.ts';
import type { Step } from './step.ts';

/** A record has at least so long, and at most twice that. */
export const STEP_MS_MAX = 5_000;

/** Where it stands in a slice: `next` counts up before a record is worked on. */
export interface Progress {
  next: number;
}

export interface Turn {
  /** True: `work` returns after this record, so that the next one has its full time. */
  readonly isSpent: boolean;
  /** True while somebody's own code runs: an interruption there leaves the engine's state whole. */
  isInStep: boolean;
  /**
   * Calls `work` until all `selected` records are done, and `after` each call. `work` goes on at
   * `next`, and may return before the last; `failed` is told of a record that it never came back
   * from. Throws CAR679 where the task cannot go on after that.
   */
  run(
    at: Progress,
    selected: number,
    work: () => void,
    failed: (fault: StepFault) => void,
    after?: () => void,
  ): void;
  /** As `run`, for work that is not for a record of a slice. */
  alone(work: () => void): void;
  /** Calls `work`; true: it was interrupted. */
  isInterrupted(work: () => void): boolean;
}

export function turnOf(step: Step, msMax: number | undefined): Turn {
  return isOwn(step.plan.spec) ? new BoundedTurn(step, msMax ?? STEP_MS_MAX) : UNBOUNDED;
}

const UNBOUNDED: Turn = {
  isSpent: false,
  isInStep: false,
  run(at, selected, work, _failed, after) {
    do {
      work();
      after?.();
    } while (at.next < selected);
  },
  alone: (work) => work(),
  isInterrupted(work) {
    work();
    return false;
  },
};

/** A script is all that Node can interrupt; it finds what to run under this name. */
const WORK = Symbol.for('carillon.step');
const world = globalThis as unknown as { [WORK]: (() => void) | undefined };
const script = new Script("globalThis[Symbol.for('carillon.step')]()", {
  filename: 'carillon-step',
});

/**
 * True: it did not return in time. That costs a thread with a timer, about 0.3 ms (2026-11), and so
 * it is done once a slice, not once a record.
 */
function isCutOff(work: () => void, timeout: number): boolean {
  const outer = world[WORK];
  world[WORK] = work;
  try {
    script.runInThisContext({ timeout });
    return false;
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
    return true;
  } finally {
    world[WORK] = outer;
  }
}

class BoundedTurn implements Turn {
  isInStep = false;
  readonly #step: Step;
  readonly #msMax: number;
  #sinceMs = 0;

  constructor(step: Step, msMax: number) {
    this.#step = step;
    this.#msMax = msMax;
  }

  get isSpent(): boolean {
    return performance.now() - this.#sinceMs > this.#msMax;
  }

  run(
    at: Progress,
    selected: number,
    work: () => void,
    failed: (fault: StepFault) => void,
    after?: () => void,
  ): void {
    do {
      if (this.isInterrupted(work)) failed(this.#fault());
      after?.();
    } while (at.next < selected);
  }

  alone(work: () => void): void {
    if (this.isInterrupted(work)) this.#fault();
  }

  isInterrupted(work: () => void): boolean {
    this.#sinceMs = performance.now();
    return isCutOff(work, 2 * this.#msMax);
  }

  /** What a step with state was about to write may be half written; what is committed is whole. */
  #fault(): StepFault {
    const { node, store } = this.#step;
    const why = `the step has not returned within ${this.#msMax} ms`;
    if (store === null && this.isInStep) {
      this.isInStep = false;
      return new StepFault('CAR676', why);
    }
    const where = { at: `${node.stream}/${node.name}` };
    throw new CarillonError('CAR679', `${why}, and what it changed is half done.`, { where });
  }
}
