/**
 * Lets the sinks of a former topology deliver what their lanes still hold, before nobody reads them
 * any more.
 */
import type { Plan, SinkPlan } from '../../compiler/plan.ts';
import type { EditableLog } from '../../core/log.ts';
import type { Priority } from '../../core/priority.ts';
import type { Sink } from '../../core/spec.ts';
import type { Former } from './drain.ts';
import { unreadOf } from './lane-edits.ts';
import { moving } from './moving.ts';
import type { LaneRest } from './stakes.ts';

/** Opens a sink of a former topology. */
export type OpenFormerSink = (plan: SinkPlan) => Promise<Sink>;

/** Rejects with CAR816 when nothing moves any more, as where a provider is away. */
export async function drainLanes(
  log: EditableLog,
  former: Former,
  rests: readonly LaneRest[],
): Promise<void> {
  const engine = former.open(() => 0);
  try {
    for (const { edit } of rests) {
      const { sink, priority } = ofLane(former.plan, edit.sink, edit.priority);
      await engine.startSink(sink, priority, await former.openSink(sink));
    }
    await moving(engine, async () => {
      for (const { edit } of rests) {
        if ((await unreadOf(log.positions, edit.group, edit.left)) > 0) return false;
      }
      return true;
    });
  } finally {
    await engine.close();
  }
}

function ofLane(plan: Plan, name: string, of: string): { sink: SinkPlan; priority: Priority } {
  const sink = plan.sinks.find((one) => one.name === name);
  const priority = plan.priorities.find(of);
  if (sink !== undefined && priority !== undefined) return { sink, priority };
  throw new Error(`the former topology has no sink ${name} of priority ${of}`);
}
