/**
 * Which outcomes a use case writes (`outcomes:` of its lane): at full volume the ledger outweighs
 * the notifications. What went wrong is always written.
 */
import type { OutcomeLevel, Plan } from '../../compiler/plan.ts';
import type { DeliveryOutcome } from '../../core/outcome.ts';

export type OutcomeLevels = ReadonlyMap<string, OutcomeLevel>;

/** All is well, so nobody looks for it. */
const WELL: ReadonlySet<DeliveryOutcome['outcome']> = new Set([
  'delivered',
  'acknowledged',
  'handed_on',
  'stored',
]);
const SAMPLED_OF = 100;

export function outcomeLevelsOf(plan: Plan): OutcomeLevels {
  const levels = new Map<string, OutcomeLevel>();
  for (const { useCase, to } of plan.subTopologies.flatMap(({ streams }) => streams)) {
    if (to.kind === 'lane') levels.set(useCase, to.outcomes);
  }
  return levels;
}

/** A use case that the plan does not have any more is told as most are. */
export function isWritten(
  level: OutcomeLevel = 'told',
  outcome: DeliveryOutcome['outcome'],
  notificationId: string,
): boolean {
  if (!WELL.has(outcome)) return true;
  if (level === 'all') return true;
  if (level === 'told') return outcome !== 'stored';
  return level === 'sampled' && isSampled(notificationId);
}

/** One in a hundred, by the id, so that a notification has all its milestones or none. */
function isSampled(notificationId: string): boolean {
  return Number.parseInt(notificationId.slice(0, 8), 16) % SAMPLED_OF === 0;
}
