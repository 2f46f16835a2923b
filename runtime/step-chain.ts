/**
 * The steps of a stream, opened for one task: neighbours are fused into one RxJS operator over
 * batches, which pushes each record through a chain of closures and counts every verdict. One
 * `next` a batch, no scheduler, no Subject between steps: the path stays synchronous.
 */
import { Observable, type OperatorFunction } from 'rxjs';
import type { StepPlan } from '../compiler/plan.ts';
import type { Clock } from '../core/clock.ts';
import type { Batch, Record } from '../core/record.ts';
import type { StepContext } from '../core/spec.ts';
import { NEVER, type TableView } from '../core/store.ts';
import {
  conservationGap,
  newStepCounts,
  PASSED,
  type StepCounts,
  type Verdict,
} from '../core/verdict.ts';
import { MemoryStore } from './memory-store.ts';

type Push = (record: Record) => void;

/** What the task gives to its chains. */
export interface ChainHost {
  readonly partition: number;
  readonly clock: Clock;
  table(name: string): TableView;
  revive(record: Record): void;
  deadLetter(record: Record, code: string, why: string, step: string): void;
  /** For tools that name every drop; `record` is null when the step did not say which it was. */
  onDrop?: ((record: Record | null, step: string, reason: string, by: number) => void) | undefined;
}

export interface ChainOf {
  readonly stream: string;
  readonly useCase: string;
  readonly steps: readonly StepPlan[];
}

function bump(counts: Map<string, number>, name: string, by = 1): void {
  counts.set(name, (counts.get(name) ?? 0) + by);
}

/** One step of one task, with its counts and its store. */
export class OpenStep {
  readonly name: string;
  readonly counts: StepCounts = newStepCounts();
  readonly store: MemoryStore<unknown> | null;
  readonly isTimed: boolean;
  /** Takes one record; what passes goes to `next`. */
  accept: Push = () => {};
  next: Push = () => {};
  /** Fires the rows that are due by then. */
  fireDue: (nowMs: number) => void = () => {};
  readonly #host: ChainHost;

  constructor(plan: StepPlan, host: ChainHost) {
    this.name = plan.name;
    this.#host = host;
    const { spec } = plan;
    const rows = spec.kind === 'operator' ? undefined : spec.rows;
    const heldBy = spec.kind === 'timed' ? spec.heldBy : null;
    this.store =
      plan.store === null || rows === undefined ? null : new MemoryStore(plan.store, rows, heldBy);
    this.isTimed = spec.kind === 'timed';
  }

  count(verdict: Verdict, by: number, record: Record | null): void {
    const { counts } = this;
    if (verdict.kind === 'passed') counts.passed += by;
    else if (verdict.kind === 'dropped') {
      bump(counts.dropped, verdict.reason, by);
      this.#host.onDrop?.(record, this.name, verdict.reason, by);
    } else if (verdict.kind === 'held') counts.held += by;
    else {
      bump(counts.deadLettered, verdict.reason, by);
      if (record !== null) {
        this.#host.deadLetter(record, verdict.reason, 'refused by the step', this.name);
      }
    }
  }

  failed(record: Record, error: unknown): void {
    bump(this.counts.deadLettered, 'CAR506');
    const why = error instanceof Error ? error.message : String(error);
    this.#host.deadLetter(record, 'CAR506', why, this.name);
  }

  /** Records that its verdicts have lost, or made up; 0 when the law of conservation holds. */
  gap(): number {
    const { counts, store } = this;
    // The counts alone would balance whatever the step says; its rows are what it really holds.
    const rowsGap = this.isTimed && store !== null ? counts.held - store.held : 0;
    return rowsGap !== 0 ? rowsGap : conservationGap(counts);
  }

  settle(verdict: Verdict, by = 1, record: Record | null = null): void {
    this.counts.held -= by;
    this.count(verdict, by, record);
  }
}

function contextOf(of: ChainOf, step: OpenStep, host: ChainHost): StepContext<unknown> {
  return {
    stream: of.stream,
    step: step.name,
    useCase: of.useCase,
    partition: host.partition,
    clock: host.clock,
    get store() {
      if (step.store === null) throw new Error(`step ${step.name} declares no rows`);
      return step.store;
    },
    table: <T>(name: string) => host.table(name) as TableView<T>,
    revive: (record) => host.revive(record),
    count: (name, by = 1) => bump(step.counts.counted, name, by),
    settle: (verdict, by, record) => step.settle(verdict, by, record),
  };
}

function openEach(step: OpenStep, work: (record: Record) => Verdict): void {
  const { counts } = step;
  step.accept = (record) => {
    counts.in++;
    let verdict: Verdict;
    try {
      verdict = work(record);
    } catch (error) {
      step.failed(record, error);
      return;
    }
    if (verdict === PASSED) {
      counts.passed++;
      counts.out++;
      step.next(record);
    } else step.count(verdict, 1, record);
  };
}

/**
 * What a record emits is sent on only when its step has returned: a step that throws half-way sends
 * nothing.
 */
function openEmitting(
  step: OpenStep,
  work: (record: Record, emit: Push) => Verdict,
): (body: (emit: Push) => void) => void {
  const { counts } = step;
  let emitted: Record[] = [];
  const emit: Push = (record) => {
    emitted.push(record);
  };
  const sendOn = () => {
    if (emitted.length === 0) return;
    const sent = emitted;
    emitted = [];
    counts.out += sent.length;
    for (const record of sent) step.next(record);
  };
  step.accept = (record) => {
    counts.in++;
    let verdict: Verdict;
    try {
      verdict = work(record, emit);
    } catch (error) {
      emitted = [];
      step.failed(record, error);
      return;
    }
    step.count(verdict, 1, record);
    sendOn();
  };
  return (body) => {
    body(emit);
    sendOn();
  };
}

function openTimed(
  step: OpenStep,
  store: MemoryStore<unknown>,
  work: {
    record(record: Record, emit: Push): Verdict;
    due(key: string, row: unknown, emit: Push): void;
  },
): void {
  const emitting = openEmitting(step, (record, emit) => work.record(record, emit));
  step.fireDue = (nowMs) => {
    for (;;) {
      const key = store.takeDue(nowMs);
      if (key === undefined) return;
      emitting((emit) => work.due(key, store.get(key), emit));
    }
  };
}

function openStep(of: ChainOf, plan: StepPlan, host: ChainHost): OpenStep {
  const step = new OpenStep(plan, host);
  const context = contextOf(of, step, host);
  const { spec } = plan;
  if (spec.kind === 'each') openEach(step, spec.open(plan.config, context as never));
  else if (spec.kind === 'expand') openEmitting(step, spec.open(plan.config, context as never));
  else if (spec.kind === 'timed') {
    if (step.store === null) throw new Error(`timed step ${plan.name} has no store`);
    openTimed(step, step.store, spec.open(plan.config, context as never));
  }
  return step;
}

/**
 * Fuses steps into one operator: a batch in, a batch out; due rows come before the batch's records.
 */
function fuse(steps: readonly OpenStep[]): OperatorFunction<Batch, Batch> {
  return (source) =>
    new Observable<Batch>((subscriber) => {
      let out: Record[] = [];
      const collect: Push = (record) => {
        out.push(record);
      };
      for (let i = 0; i < steps.length; i++) {
        const following = steps[i + 1];
        steps[i]!.next = following === undefined ? collect : (record) => following.accept(record);
      }
      const head = steps[0]!;
      return source.subscribe({
        next(batch) {
          try {
            out = [];
            for (const step of steps) step.fireDue(batch.clockMs);
            for (const record of batch.records) head.accept(record);
            subscriber.next({ records: out, clockMs: batch.clockMs });
          } catch (error) {
            // A throw out of `next` would be reported later and elsewhere; it ends the task
            // instead.
            subscriber.error(error);
          }
        },
        error: (error) => subscriber.error(error),
        complete: () => subscriber.complete(),
      });
    });
}

/**
 * A custom operator, counted from outside: what comes out and went in has passed, what went in and
 * does not come out was dropped as `not_emitted`, the rest is new.
 */
function counted(
  step: OpenStep,
  inner: OperatorFunction<Batch, Batch>,
): OperatorFunction<Batch, Batch> {
  return (source) =>
    new Observable<Batch>((subscriber) => {
      let pending = new Set<Record>();
      const entering = new Observable<Batch>((inside) =>
        source.subscribe({
          next(batch) {
            step.counts.in += batch.records.length;
            pending = new Set(batch.records);
            inside.next(batch);
            if (pending.size > 0) bump(step.counts.dropped, 'not_emitted', pending.size);
            pending.clear();
          },
          error: (error) => inside.error(error),
          complete: () => inside.complete(),
        }),
      );
      return entering.pipe(inner).subscribe({
        next(batch) {
          step.counts.out += batch.records.length;
          for (const record of batch.records) if (pending.delete(record)) step.counts.passed++;
          subscriber.next(batch);
        },
        error: (error) => subscriber.error(error),
        complete: () => subscriber.complete(),
      });
    });
}

export class StepChain {
  readonly steps: readonly OpenStep[];
  /** The whole stream as one operator; null when it has no steps. */
  readonly operator: OperatorFunction<Batch, Batch> | null;

  constructor(of: ChainOf, host: ChainHost) {
    this.steps = of.steps.map((plan) => openStep(of, plan, host));
    const operators: OperatorFunction<Batch, Batch>[] = [];
    let run: OpenStep[] = [];
    const flush = () => {
      if (run.length > 0) operators.push(fuse(run));
      run = [];
    };
    of.steps.forEach((plan, i) => {
      const step = this.steps[i]!;
      if (plan.spec.kind !== 'operator') {
        run.push(step);
        return;
      }
      flush();
      const inner = plan.spec.open(plan.config, contextOf(of, step, host) as never);
      operators.push(counted(step, inner));
    });
    flush();
    this.operator =
      operators.length === 0
        ? null
        : (source) => operators.reduce((piped, operator) => operator(piped), source);
  }

  /** Rows are back: sets timers, and how many records are held. */
  restored(): void {
    for (const { store, counts } of this.steps) {
      if (store === null) continue;
      store.restored();
      counts.restored = store.held;
      counts.held = store.held;
    }
  }

  nextDueMs(): number {
    let next = NEVER;
    for (const { store } of this.steps) {
      if (store !== null) next = Math.min(next, store.nextDueMs());
    }
    return next;
  }
}
