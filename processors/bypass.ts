/** An option of steps that hold records up: the priorities that they let through at once. */

import { optionalSomeOf } from '../core/more-options.ts';
import { type PriorityName, priorityOf } from '../core/priority.ts';
import type { Record } from '../core/record.ts';

const CHOICES = {
  critical: 'What must not wait.',
  high: 'What should not wait.',
  normal: 'What can wait.',
  low: 'What nobody waits for.',
} as const satisfies { readonly [K in PriorityName]: string };

export const bypassOption = optionalSomeOf(
  'Priorities that pass at once, and do not count; none when it is left out.',
  CHOICES,
);

/** Whether a record passes by its priority; never in a topology without lanes. */
export function bypasses(names: readonly PriorityName[] | null): (record: Record) => boolean {
  const numbers = new Set<number>(names?.map((name) => priorityOf(name)!));
  return numbers.size === 0 ? () => false : (record) => numbers.has(record.priority);
}
