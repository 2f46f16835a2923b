/**
 * A step of somebody's own, held to what its spec declares: what the compiler of types would have
 * refused, and what it cannot see, is the record's fault and has a name. Steps of the package are
 * left as they are; their tests hold them to it.
 */
import { CarillonError } from '../../core/error.ts';
import type { StepContext, StepSpec, TimedEmit } from '../../core/spec.ts';
import { isOwn } from '../../core/step-facts.ts';
import type { Columns, Key } from '../../core/store.ts';
import { HELD, PASSED, type Verdict } from '../../core/verdict.ts';
import { StepFault } from '../node.ts';
import type { Step } from './step.ts';
import type { Turn } from './turn.ts';

type Call = (...given: never[]) => unknown;

export function guarded(step: Step, turn: Turn): StepSpec {
  const { spec } = step.plan;
  if (!isOwn(spec)) return spec;
  const guard = new Guard(step, spec, turn);
  return {
    ...spec,
    open: (config: unknown, context: StepContext<Columns>) => {
      const opened = guard.open(config, context);
      if (spec.kind === 'operator') return opened;
      if (spec.kind === 'timed') return guard.timed(opened);
      return (...given: never[]) => guard.verdict(opened as Call, given);
    },
  } as unknown as StepSpec;
}

class Guard {
  readonly #step: Step;
  readonly #spec: StepSpec;
  readonly #turn: Turn;
  /** Records that were let go since the step was called. */
  #settled = 0;

  constructor(step: Step, spec: StepSpec, turn: Turn) {
    this.#step = step;
    this.#spec = spec;
    this.#turn = turn;
  }

  /** Throws CAR677: then the task cannot begin. */
  open(config: unknown, context: StepContext<Columns>): unknown {
    const { node } = this.#step;
    const refuse = (why: string, cause?: unknown) =>
      new CarillonError('CAR677', `its open ${why}.`, {
        where: { at: `${node.stream}/${node.name}` },
        cause,
      });
    let opened: unknown;
    try {
      const open = this.#spec.open as (config: unknown, context: unknown) => unknown;
      const isInterrupted = this.#turn.isInterrupted(() => {
        opened = open(config, this.#context(context));
      });
      if (isInterrupted) throw new Error('it does not return');
    } catch (cause) {
      throw refuse(`threw: ${messageOf(cause)}`, cause);
    }
    const wanted = this.#spec.kind === 'timed' ? 'an object of record and due' : 'a function';
    if (!this.#fits(opened)) throw refuse(`gave ${shown(opened)}, not ${wanted}`);
    return opened;
  }

  #fits(opened: unknown): boolean {
    if (this.#spec.kind !== 'timed') return typeof opened === 'function';
    const { record, due } = (opened ?? {}) as { readonly record?: unknown; readonly due?: unknown };
    return typeof record === 'function' && typeof due === 'function';
  }

  verdict(call: Call, given: readonly never[]): Verdict {
    return this.#checked(this.#called(() => call(...given)));
  }

  timed(opened: unknown): unknown {
    const own = opened as {
      record(record: never, emit: TimedEmit, key: Key | null): unknown;
      due(emit: TimedEmit): unknown;
    };
    return {
      record: (record: never, emit: TimedEmit, key: Key | null) => {
        let verdict: Verdict = PASSED;
        this.#balanced(() => {
          verdict = this.#checked(this.#called(() => own.record(record, emit, key)));
          return verdict === HELD ? 1 : 0;
        });
        return verdict;
      },
      due: (emit: TimedEmit) =>
        this.#balanced(() => {
          this.#called(() => own.due(emit));
          return 0;
        }),
    };
  }

  #called(work: () => unknown): unknown {
    this.#turn.isInStep = true;
    try {
      return work();
    } finally {
      this.#turn.isInStep = false;
    }
  }

  /** What its rows hold must be what it says that it holds, or a record would be lost. */
  #balanced(work: () => number): void {
    const before = this.#step.rows!.held;
    this.#settled = 0;
    const more = work() - this.#settled;
    const is = this.#step.rows!.held - before;
    if (is === more) return;
    const rows = `its rows hold ${Math.abs(is)} record(s) ${is < 0 ? 'less' : 'more'}`;
    throw new StepFault('CAR675', `the step says that it ${saidOf(more)}, but ${rows}`);
  }

  #checked(given: unknown): Verdict {
    const { kind, reason } = (given ?? {}) as { readonly kind?: unknown; readonly reason?: string };
    const { drops, deadLetters } = this.#spec;
    switch (kind) {
      case 'passed':
        return PASSED;
      case 'held':
        if (this.#spec.kind === 'timed') return HELD;
        throw new StepFault('CAR675', 'the step says HELD, which only a timed step may');
      case 'dropped':
        this.#declared('drops', 'drops as', drops, reason);
        return given as Verdict;
      case 'dead-lettered':
        this.#declared('deadLetters', 'refuses with', deadLetters, reason);
        return given as Verdict;
    }
    throw new StepFault('CAR675', `the step gave ${shown(given)}, not a verdict`);
  }

  #declared(
    where: 'drops' | 'deadLetters' | 'counts',
    how: string,
    names: Readonly<Record<string, string>> | undefined,
    name: string | undefined,
  ): void {
    if (name !== undefined && Object.hasOwn(names ?? {}, name)) return;
    throw new StepFault('CAR675', `the step ${how} ${shown(name)}, which its ${where} lack`);
  }

  #context(given: StepContext<Columns>): StepContext<Columns> {
    const checks: Pick<StepContext<Columns>, 'count' | 'settle'> = {
      count: (name, by = 1) => {
        this.#declared('counts', 'counts', this.#spec.counts, name);
        if (!Number.isSafeInteger(by) || by < 0) {
          throw new StepFault('CAR675', `the step counts ${shown(by)} of ${name}`);
        }
        given.count(name, by);
      },
      settle: (verdict, by = 1, offset = -1) => {
        given.settle(this.#checked(verdict), by, offset);
        this.#settled += by;
      },
    };
    // The store is a getter, which throws where there is none: so it is not copied.
    return Object.assign(Object.create(given), checks);
  }
}

function saidOf(more: number): string {
  if (more === 0) return 'holds as many records as before';
  return more > 0 ? `holds ${more} record(s) more` : `has let ${-more} record(s) go`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Never what a record holds: only of what kind it is. */
function shown(given: unknown): string {
  if (given === null || given === undefined) return String(given);
  if (typeof given === 'string') return JSON.stringify(given.slice(0, NAME_CHARS_MAX));
  if (given instanceof Promise) {
    // What it comes to is nobody's any more.
    given.catch(() => {});
    return 'a promise';
  }
  if (typeof given === 'number') return String(given);
  return typeof given === 'object' ? 'an object' : `a ${typeof given}`;
}

const NAME_CHARS_MAX = 64;
