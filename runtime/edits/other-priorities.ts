/**
 * Priorities that are others than those that ran: the rows of inboxes and the cursors of devices
 * have their numbers, so a number stays with its name for good.
 */
import { CarillonError } from '../../core/error.ts';
import { RENO_PRIORITIES } from '../../core/priority.ts';
import type { Applied } from './applied.ts';

/**
 * Throws CAR950 when those that were are not the first of those that are. What was added behind
 * them, and weights, are free; a topology without lanes had none.
 */
export function refuseOtherPriorities(was: Applied | null, is: Applied): void {
  if (was === null || was.lanes.length === 0 || is.lanes.length === 0) return;
  const before = namesOf(was);
  const now = namesOf(is);
  const at = before.findIndex((name, i) => now[i] !== name);
  if (at < 0) return;
  const what =
    `The priorities were ${before.join(', ')}, and are ${now.join(', ')}: ${changeOf(before, now, at)}, ` +
    'and what inboxes hold, and devices have seen, goes by this order.';
  throw new CarillonError('CAR950', what, { where: { at: 'priorities' } });
}

const namesOf = ({ priorities }: Applied): readonly string[] => priorities ?? RENO_PRIORITIES.names;

function changeOf(before: readonly string[], now: readonly string[], at: number): string {
  const [old, other] = [before[at]!, now[at]];
  if (now.includes(old)) return `"${old}" has another place`;
  if (other === undefined || before.includes(other)) return `"${old}" is gone`;
  return `"${old}" is called "${other}"`;
}
