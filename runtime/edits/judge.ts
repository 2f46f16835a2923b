/**
 * What an edit would lose, asked by looking alone: before anything of the topology is made, a topic
 * or a schema.
 */
import type { Plan } from '../../compiler/plan.ts';
import type { Clock } from '../../core/clock.ts';
import { CarillonError, CarillonErrors } from '../../core/error.ts';
import type { EditableLog } from '../../core/log.ts';
import { type Applied, appliedOf, isSameApplied } from './applied.ts';
import { type Comparison, compareWithStored, readApplied } from './comparison.ts';
import { readDropping } from './dropping.ts';
import { refuseOtherWords } from './other-words.ts';
import { refuseRenamed } from './renamed.ts';
import type { Loss } from './stakes.ts';

/** What becomes of what an edit would lose. */
export type Losing = 'refuse' | 'drain' | 'drop';

export interface JudgedParts {
  readonly log: EditableLog;
  readonly plan: Plan;
  /** The topology's file as it is written. */
  readonly text: string;
  readonly clock: Clock;
  readonly losing: Losing;
}

/** True: it is applied already. Rejects as `applyTopology` does. */
export async function judgeTopology(parts: JudgedParts): Promise<boolean> {
  const { log, plan, text, clock, losing } = parts;
  const is = appliedOf(plan, text);
  if (await isApplied(log, is)) return true;
  const found = await compareWithStored(log, plan, is, clock.now());
  refuseOtherWords(found.was, is);
  refuse(losing, found);
  if (found.was === null && losing !== 'drop') await refuseRenamed(log, is);
  return false;
}

export async function isApplied(log: EditableLog, is: Applied): Promise<boolean> {
  const { topology } = is;
  if (!isSameApplied(await readApplied(log, topology), is)) return false;
  return (await readDropping(log, topology)).length === 0;
}

export function refuse(losing: Losing, found: Comparison): void {
  if (losing === 'refuse') refuseLosses(found);
}

/** Throws a code for each thing that the edit would lose. */
export function refuseLosses({ stakes: { losses }, was }: Comparison): void {
  if (losses.length > 0 && was !== null) throw new CarillonErrors(losses.map(errorOf));
}

export function errorOf({ code, what, of, step }: Loss): CarillonError {
  return new CarillonError(code, what, { where: { at: `${of}/${step}` } });
}
