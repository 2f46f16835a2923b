/**
 * Sinks of a driver: one that delivers everything and tells what it was given, and one that tells
 * what a real sink was given and answered.
 */
import type { SinkPlan } from '../../compiler/plan.ts';
import { type Delivery, delivered, type Outcome } from '../../core/outcome.ts';
import type { Priority } from '../../core/priority.ts';
import type { Sink } from '../../core/spec.ts';

export interface Recorded {
  readonly sink: string;
  readonly priority: string;
  readonly atMs: number;
  readonly delivery: Delivery;
  readonly outcome: Outcome;
}

type Tell = (recorded: Recorded) => void;

/** What a driver has in place of a sink. */
export function recorder(
  plan: SinkPlan,
  priority: Priority,
  nowMs: () => number,
  tell: Tell,
): Sink {
  const everything: Sink = {
    probe: async () => {},
    close: async () => {},
    deliver: async (batch) => batch.map(() => delivered()),
  };
  return recording(everything, plan, priority, nowMs, tell);
}

/** The sink itself, with an ear: each delivery is told once it has been answered. */
export function recording(
  sink: Sink,
  plan: SinkPlan,
  priority: Priority,
  nowMs: () => number,
  tell: Tell,
): Sink {
  return {
    probe: () => sink.probe(),
    close: () => sink.close(),
    async deliver(batch) {
      const outcomes = await sink.deliver(batch);
      batch.forEach((delivery, i) => {
        const outcome = outcomes[i];
        if (outcome === undefined) return;
        const of = { sink: plan.name, priority: plan.lane.order.nameOf(priority), atMs: nowMs() };
        tell({ ...of, delivery, outcome });
      });
      return outcomes;
    },
  };
}
