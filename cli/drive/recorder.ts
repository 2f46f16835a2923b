/**
 * A sink that delivers everything and tells what it was given: what a driver has in place of a
 * sink.
 */
import type { SinkPlan } from '../../compiler/plan.ts';
import { type Delivery, delivered } from '../../core/outcome.ts';
import { type Priority, priorityName } from '../../core/priority.ts';
import type { Sink } from '../../core/spec.ts';

export interface Recorded {
  readonly sink: string;
  readonly priority: string;
  readonly atMs: number;
  readonly delivery: Delivery;
}

export function recorder(
  plan: SinkPlan,
  priority: Priority,
  nowMs: () => number,
  onDelivery: (recorded: Recorded) => void,
): Sink {
  return {
    probe: async () => {},
    close: async () => {},
    deliver: async (batch) =>
      batch.map((delivery) => {
        onDelivery({
          sink: plan.name,
          priority: priorityName(priority),
          atMs: nowMs(),
          delivery,
        });
        return delivered();
      }),
  };
}
