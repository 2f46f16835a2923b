/** A function over the records of a group or window, as a file has it: `sum(value.amount)`. */
import type { Expression } from './spec.ts';

/** All of them, each with what it gives. */
export const AGGREGATES = {
  count: 'How many records there are; with an argument, how many where it is not null.',
  sum: 'The sum. Whole numbers are added exactly, within 64 bits.',
  min: 'The least.',
  max: 'The greatest.',
  avg: 'The mean, as a double; the sum under it is exact where the argument is a whole number.',
  first: 'That of the earliest record by event time, of two with one time the earlier in the log.',
  last: 'That of the latest record by event time, of two with one time the later in the log.',
  collect: 'A list of the first n, in the order in which they came.',
  distinct: 'A list of the first n different ones, in the order in which they came.',
} as const;

export type AggregateName = keyof typeof AGGREGATES;

/** Elements of `distinct(x)` where no n is given. */
export const DISTINCT_DEFAULT = 1_000;
/** The largest n: a list is a part of each result. */
export const LIST_MAX = 1_000;

export class AggregateCall {
  /** As it is written. */
  readonly source: string;
  readonly name: AggregateName;
  /** Null: `count()`. */
  readonly of: Expression<unknown> | null;
  /** Elements of a list; 0 for functions that make none. */
  readonly elementsMax: number;
  /** True: the argument is a whole number by the schema, so sums of it are exact. */
  readonly isWhole: boolean;

  constructor(
    source: string,
    name: AggregateName,
    of: Expression<unknown> | null,
    elementsMax = 0,
    isWhole = false,
  ) {
    this.source = source;
    this.name = name;
    this.of = of;
    this.elementsMax = elementsMax;
    this.isWhole = isWhole;
  }

  /** What the hash of a plan, and the meaning of a row, have of it: with the type, as it counts. */
  toJSON(): string {
    return this.isWhole ? `${this.source}:whole` : this.source;
  }
}
