/** What a start does to the log for an edit, before a group is joined; nothing is drained. */
import assert from 'node:assert/strict';
import type { Plan } from '../../compiler/plan.ts';
import { systemClock } from '../../core/clock.ts';
import type { EditableLog } from '../../core/log.ts';
import { applyTopology } from '../../runtime/edits/apply.ts';
import type { Losing } from '../../runtime/edits/judge.ts';
import { topicSpecs } from '../../runtime/engine.ts';

export async function startOfEdit(
  log: EditableLog,
  plan: Plan,
  text: string,
  losing: Losing = 'refuse',
): Promise<void> {
  await log.applyTopics(topicSpecs(plan, 1));
  await applyTopology({
    log,
    plan,
    text,
    partitions: 1,
    clock: systemClock,
    losing,
    former: async () => assert.fail('nothing is drained'),
    say: () => {},
  });
}
