/**
 * The sums of a driver's run, over restarts and crashes: `in = passed + dropped + dead letters +
 * held` for the records that the sources have read, those of repartition topics too, and that a
 * step was given of another stream. A step that makes many of one, or one of many, ends the count:
 * from there on there are other records, which are counted as out.
 */
import type { StreamPlan } from '../../compiler/plan.ts';
import { makesOthers } from '../../core/step-facts.ts';
import type { StepCounts } from '../../core/verdict.ts';
import type { StreamsTask } from '../streams/streams-task.ts';

export interface DriverTotals {
  in: number;
  passed: number;
  dropped: { [reason: string]: number };
  dead_letters: number;
  held: number;
  /** Records that became visible, by topic. */
  out: { [topic: string]: number };
}

function zero(): DriverTotals {
  return { in: 0, passed: 0, dropped: {}, dead_letters: 0, held: 0, out: {} };
}

/** The steps whose records are still the source's own: up to the first that makes other ones. */
function ownSteps(stream: StreamPlan): number {
  const at = stream.steps.findIndex(({ spec }) => makesOthers(spec));
  return at < 0 ? stream.steps.length + 1 : at + 1;
}

function add(to: DriverTotals, from: DriverTotals): void {
  to.in += from.in;
  to.passed += from.passed;
  to.dead_letters += from.dead_letters;
  to.held += from.held;
  for (const [reason, n] of Object.entries(from.dropped)) {
    to.dropped[reason] = (to.dropped[reason] ?? 0) + n;
  }
}

export class TotalsLedger {
  /** Of tasks that are gone; what they held is counted by those that came after. */
  readonly #gone = zero();
  /** As of the last commit: what a crash leaves. */
  #atCommit = new Map<StreamsTask, DriverTotals>();
  readonly #out: { [topic: string]: number } = {};

  out(topic: string, count: number): void {
    this.#out[topic] = (this.#out[topic] ?? 0) + count;
  }

  committed(tasks: readonly StreamsTask[]): void {
    this.#atCommit = new Map(tasks.map((task) => [task, this.#ofTask(task)]));
  }

  /** These tasks have been dropped: their sums stay as of the last commit. */
  dropped(tasks: Iterable<StreamsTask>): void {
    for (const task of tasks) add(this.#gone, { ...(this.#atCommit.get(task) ?? zero()), held: 0 });
  }

  now(tasks: readonly StreamsTask[]): DriverTotals {
    const sum = this.#sum(tasks);
    const reasons = Object.entries(sum.dropped).sort(([a], [b]) => (a < b ? -1 : 1));
    const topics = Object.entries(this.#out).sort(([a], [b]) => (a < b ? -1 : 1));
    return { ...sum, dropped: Object.fromEntries(reasons), out: Object.fromEntries(topics) };
  }

  #sum(tasks: readonly StreamsTask[]): DriverTotals {
    const total = zero();
    add(total, this.#gone);
    for (const task of tasks) add(total, this.#ofTask(task));
    return total;
  }

  #ofTask(task: StreamsTask): DriverTotals {
    const total = zero();
    for (const { plan, counts } of task.streamCounts()) add(total, this.#ofStream(plan, counts));
    return total;
  }

  #ofStream(plan: StreamPlan, counts: readonly StepCounts[]): DriverTotals {
    const total = zero();
    const [source, ...steps] = counts;
    const own = steps.slice(0, ownSteps(plan));
    const elsewhere = source!.dropped.get('other_priority') ?? 0;
    total.in = source!.in - elsewhere;
    total.passed = (own.at(-1) ?? source!).passed;
    // What comes of another stream has passed there, and is a record of this one from here on.
    for (const [i, step] of own.entries()) {
      if (plan.steps[i]?.other !== undefined) total.in += step.in - (own[i - 1] ?? source!).out;
    }
    for (const step of [source!, ...own]) {
      for (const [reason, n] of step.dropped) {
        if (reason !== 'other_priority') total.dropped[reason] = (total.dropped[reason] ?? 0) + n;
      }
      for (const n of step.deadLettered.values()) total.dead_letters += n;
      total.held += step.held;
    }
    return total;
  }
}

/** 0 when the sums agree. */
export function totalsGap(totals: DriverTotals): number {
  const dropped = Object.values(totals.dropped).reduce((a, b) => a + b, 0);
  return totals.in - totals.passed - dropped - totals.dead_letters - totals.held;
}
