/** An option of steps that hold records up: the priorities that they let through at once. */
import { optionalPriorities } from '../core/more-options.ts';
import type { Priorities } from '../core/priority.ts';
import type { Record } from '../core/record.ts';

export const bypassOption = optionalPriorities(
  'Priorities that pass at once, and do not count; none when it is left out.',
);

/** Whether a record passes by its priority; never in a topology without lanes. */
export function bypasses(
  names: readonly string[] | null,
  priorities: Priorities,
): (record: Record) => boolean {
  const numbers = new Set(names?.map((name) => priorities.numberOf(name)));
  return numbers.size === 0 ? () => false : (record) => numbers.has(record.priority);
}
