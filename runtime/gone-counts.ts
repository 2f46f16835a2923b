/**
 * The counts of tasks that are closed: a process that loses a task has still done its work, and its
 * counters must not go back.
 */
import { newStepCounts, type StepCounts } from '../core/verdict.ts';
import type { StepFlow } from './streams/streams-task.ts';

function addCounts(to: Map<string, number>, from: ReadonlyMap<string, number>): void {
  for (const [name, n] of from) to.set(name, (to.get(name) ?? 0) + n);
}

export class GoneCounts {
  readonly #flows = new Map<string, StepFlow>();

  /**
   * What a task held is counted by whoever has it now: it was restored there. Here it is taken off
   * what was restored, so that the law of conservation holds for the process.
   */
  add(flows: readonly StepFlow[]): void {
    for (const { stream, priority, step, counts } of flows) {
      const key = `${stream}/${priority}/${step}`;
      const gone = this.#flows.get(key) ?? { stream, priority, step, counts: newStepCounts() };
      this.#flows.set(key, gone);
      const to: StepCounts = gone.counts;
      to.in += counts.in;
      to.restored += counts.restored - counts.held;
      to.passed += counts.passed;
      to.out += counts.out;
      addCounts(to.dropped, counts.dropped);
      addCounts(to.deadLettered, counts.deadLettered);
      addCounts(to.counted, counts.counted);
    }
  }

  flows(): Iterable<StepFlow> {
    return this.#flows.values();
  }
}
