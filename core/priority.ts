/**
 * The priorities of a topology, most urgent first. A record carries the number (its place in this
 * order) in its slot; topics, groups, metrics and files say the name. What a topology does not say
 * is RENO's set.
 */
import { murmur2 } from './partition.ts';

/** The place in the order: 0 is the most urgent. */
export type Priority = number;

export const PRIORITIES_MAX = 8;
const RENO_NAMES = 'critical high normal low';
/** One word, so that it is a part of topics and groups, and a symbol of an Avro enum, as it is. */
export const PRIORITY_NAME = /^[a-z][a-z0-9]{0,31}$/;

export interface PriorityLevel {
  readonly name: string;
  /** Slices that it gets in one round when one process serves all priorities. */
  readonly weight: number;
  /** Providers are asked to wake a sleeping device for it. */
  readonly urgent: boolean;
}

export class Priorities {
  readonly levels: readonly PriorityLevel[];
  readonly names: readonly string[];
  /**
   * What stands for the set in cursors, whose marks have the order of these priorities: 31 bits of
   * the names; 0 is RENO's set.
   */
  readonly mark: number;
  readonly #numbers: ReadonlyMap<string, Priority>;

  constructor(levels: readonly PriorityLevel[]) {
    this.levels = levels;
    this.names = levels.map(({ name }) => name);
    this.#numbers = new Map(this.names.map((name, number) => [name, number]));
    this.mark = this.markOf(levels.length);
  }

  /**
   * The mark of the set that has only the first `count` of these: what was given before others
   * were added behind them.
   */
  markOf(count: number): number {
    const all = this.names.slice(0, count).join(' ');
    return all === RENO_NAMES ? 0 : murmur2(Buffer.from(all, 'utf8')) & 0x7fffffff || 1;
  }

  get count(): number {
    return this.levels.length;
  }

  nameOf(priority: Priority): string {
    return this.#level(priority).name;
  }

  weightOf(priority: Priority): number {
    return this.#level(priority).weight;
  }

  /** Undefined for a name that the topology does not have. */
  find(name: string): Priority | undefined {
    return this.#numbers.get(name);
  }

  /** Throws a RangeError for a name of another set: nothing of one gets to where this is asked. */
  numberOf(name: string): Priority {
    const number = this.#numbers.get(name);
    if (number === undefined) throw new RangeError(`"${name}" is none of ${this.names.join(', ')}`);
    return number;
  }

  /** False also of a name that the topology does not have. */
  isUrgent(name: string): boolean {
    const number = this.find(name);
    return number !== undefined && this.#level(number).urgent;
  }

  #level(priority: Priority): PriorityLevel {
    const level = this.levels[priority];
    if (level === undefined) throw new RangeError(`priority ${priority} of ${this.count}`);
    return level;
  }
}

/**
 * The weight of one that a topology does not weigh: half of that above it, so that the last is
 * slowed by a backlog above it, but never starved.
 */
export function weightAt(priority: Priority, count: number): number {
  return 2 ** (count - 1 - priority);
}

/** Whether one counts as urgent that a topology does not say it of: the upper half. */
export function isUrgentAt(priority: Priority, count: number): boolean {
  return priority < count / 2;
}

/** A set by its names alone. */
export function prioritiesNamed(...names: readonly string[]): Priorities {
  return new Priorities(
    names.map((name, i) => {
      const { length } = names;
      return { name, weight: weightAt(i, length), urgent: isUrgentAt(i, length) };
    }),
  );
}

/** RENO's (Netflix TechBlog, February 2022), with weights 8, 4, 2, 1. */
export const RENO_PRIORITIES: Priorities = prioritiesNamed(...RENO_NAMES.split(' '));
