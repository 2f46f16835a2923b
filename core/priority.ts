/**
 * RENO's priorities, most urgent first. The number is what a record carries in its slot, the name
 * is what topics, metrics and files say.
 */
export const PRIORITIES = ['critical', 'high', 'normal', 'low'] as const;

export type PriorityName = (typeof PRIORITIES)[number];

/** 0 is `critical`, 3 is `low`. */
export type Priority = 0 | 1 | 2 | 3;

/**
 * How many slices each priority gets in one round when one process serves all of them. Chosen so
 * that `low` is slowed by a backlog above it, but never starved.
 */
export const PRIORITY_WEIGHTS: readonly number[] = [8, 4, 2, 1];

export function priorityName(priority: number): PriorityName {
  const name = PRIORITIES[priority];
  if (name === undefined) throw new RangeError(`priority ${priority} is not one of 0..3`);
  return name;
}

export function priorityOf(name: string): Priority | undefined {
  const index = PRIORITIES.indexOf(name as PriorityName);
  return index < 0 ? undefined : (index as Priority);
}
