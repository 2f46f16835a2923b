/**
 * A record's fate is a value. At every commit, for every step:
 * `in + restored = passed + dropped + deadLettered + held` (the law of conservation); what a step
 * sends out is counted apart.
 */
export type Verdict<Reason extends string = string, Code extends string = string> =
  | Passed
  | Held
  | Dropped<Reason>
  | DeadLettered<Code>;

export interface Passed {
  readonly kind: 'passed';
  readonly reason: '';
}

/** In a window or buffer; the step settles it later. */
export interface Held {
  readonly kind: 'held';
  readonly reason: '';
}

export interface Dropped<Reason extends string> {
  readonly kind: 'dropped';
  /** One that the step's spec declares: another does not compile. */
  readonly reason: Reason;
}

export interface DeadLettered<Code extends string> {
  readonly kind: 'dead-lettered';
  /** As for drops. */
  readonly reason: Code;
}

export const PASSED: Passed = { kind: 'passed', reason: '' };
export const HELD: Held = { kind: 'held', reason: '' };

export function dropped<Reason extends string>(reason: Reason): Dropped<Reason> {
  return { kind: 'dropped', reason };
}

/** `code`: one that the spec declares; of the package's own steps one of the table (CAR5xx). */
export function deadLettered<Code extends string>(code: Code): DeadLettered<Code> {
  return { kind: 'dead-lettered', reason: code };
}

/** The counts of one step in one task since it was opened. */
export interface StepCounts {
  in: number;
  /** Records that were held when the task was opened. */
  restored: number;
  passed: number;
  readonly dropped: Map<string, number>;
  readonly deadLettered: Map<string, number>;
  held: number;
  /** Records sent on to the next step; a fan-out makes many of one. */
  out: number;
  /** Other things a step counts, by the names that its spec declares. */
  readonly counted: Map<string, number>;
}

export function newStepCounts(): StepCounts {
  return {
    in: 0,
    restored: 0,
    passed: 0,
    dropped: new Map(),
    deadLettered: new Map(),
    held: 0,
    out: 0,
    counted: new Map(),
  };
}

function sum(counts: ReadonlyMap<string, number>): number {
  let total = 0;
  for (const n of counts.values()) total += n;
  return total;
}

/** 0 when the law holds; otherwise how many records are missing (positive) or too many. */
export function conservationGap(counts: StepCounts): number {
  return (
    counts.in +
    counts.restored -
    counts.passed -
    sum(counts.dropped) -
    sum(counts.deadLettered) -
    counts.held
  );
}
