/**
 * The functions of an aggregate as folds: what is kept of the records so far is a value that is
 * never changed in place, so that a window can be made of another one, and a record that fails
 * leaves nothing behind. An argument that is null is skipped by all of them.
 */
import type { AggregateCall, AggregateName } from '../core/aggregate-call.ts';

/** A sum of whole numbers that 64 bits do not hold. */
export class SumTooLargeError extends Error {}

/** What is counted on the way. */
export interface FoldNotes {
  /** Elements that a list had no room for. */
  leftOut: number;
}

export interface Fold {
  /** Of no record. */
  readonly empty: unknown;
  /** With one more; `arg` is not null. Throws a SumTooLargeError. */
  add(state: unknown, arg: unknown, atMs: number, notes: FoldNotes): unknown;
  /** Of two sessions that become one, the earlier first. Throws a SumTooLargeError. */
  merge(earlier: unknown, later: unknown, notes: FoldNotes): unknown;
  /** What is told; null where there was no argument but null. */
  result(state: unknown): unknown;
}

type Whole = number | bigint;

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

/** Exact, of any size; a number as long as one holds it. */
function addWhole(a: Whole, b: Whole): Whole {
  if (typeof a === 'number' && typeof b === 'number') {
    const sum = a + b;
    if (Number.isSafeInteger(sum)) return sum;
  }
  const sum = BigInt(a) + BigInt(b);
  const number = Number(sum);
  return Number.isSafeInteger(number) ? number : sum;
}

function addLong(a: Whole, b: Whole): Whole {
  const sum = addWhole(a, b);
  if (typeof sum === 'bigint' && (sum < INT64_MIN || sum > INT64_MAX)) {
    throw new SumTooLargeError('the sum has more than 64 bits');
  }
  return sum;
}

/** The schema promises a number; where it cannot, the record is at fault. */
function numberOf(arg: unknown): Whole {
  if (typeof arg === 'number' || typeof arg === 'bigint') return arg;
  throw new TypeError(`a ${typeof arg} is no number`);
}

const addDouble = (a: Whole, b: Whole) => Number(a) + Number(b);

function sumFold(isWhole: boolean): Fold {
  const plus = isWhole ? addLong : addDouble;
  const add = (state: unknown, arg: unknown) => {
    const number = numberOf(arg);
    return plus((state as Whole | null) ?? 0, number);
  };
  return {
    empty: null,
    add,
    merge: (a, b) => (a === null ? b : b === null ? a : plus(a as Whole, b as Whole)),
    result: (state) => state,
  };
}

type Mean = readonly [sum: Whole, n: number];

/** The sum has no bound: it is no result, and is divided as one number. */
function meanFold(isWhole: boolean): Fold {
  const plus = isWhole ? addWhole : addDouble;
  return {
    empty: null,
    add(state, arg): Mean {
      const [sum, n] = (state as Mean | null) ?? [0, 0];
      return [plus(sum, numberOf(arg)), n + 1];
    },
    merge(a, b) {
      if (a === null || b === null) return a ?? b;
      const [one, other] = [a as Mean, b as Mean];
      return [plus(one[0], other[0]), one[1] + other[1]];
    },
    result(state) {
      if (state === null) return null;
      const [sum, n] = state as Mean;
      return Number(sum) / n;
    },
  };
}

type Comparable = number | bigint | string;

/** NaN wins, as in Java's Math.min: what is not known is not hidden. */
function extremeFold(wins: (a: Comparable, b: Comparable) => boolean): Fold {
  const better = (a: unknown, b: unknown) => {
    if (a === null || Number.isNaN(b)) return b;
    if (Number.isNaN(a)) return a;
    return wins(b as Comparable, a as Comparable) ? b : a;
  };
  return {
    empty: null,
    add(state, arg) {
      if (typeof arg !== 'string') numberOf(arg);
      return better(state, arg);
    },
    merge: (a, b) => (b === null ? a : better(a, b)),
    result: (state) => state,
  };
}

type Timed = readonly [value: unknown, atMs: number];

function endFold(replaces: (atMs: number, of: number) => boolean): Fold {
  return {
    empty: null,
    add(state, arg, atMs): Timed {
      const known = state as Timed | null;
      return known === null || replaces(atMs, known[1]) ? [arg, atMs] : known;
    },
    merge(a, b) {
      if (a === null || b === null) return a ?? b;
      return replaces((b as Timed)[1], (a as Timed)[1]) ? b : a;
    },
    result: (state) => (state === null ? null : (state as Timed)[0]),
  };
}

function listFold(elementsMax: number, isDistinct: boolean): Fold {
  const add = (list: readonly unknown[], element: unknown, notes: FoldNotes) => {
    if (isDistinct && list.includes(element)) return list;
    if (list.length < elementsMax) return [...list, element];
    notes.leftOut++;
    return list;
  };
  return {
    empty: [],
    add: (state, arg, _atMs, notes) => add(state as readonly unknown[], arg, notes),
    merge(a, b, notes) {
      let list = a as readonly unknown[];
      for (const element of b as readonly unknown[]) list = add(list, element, notes);
      return list;
    },
    result: (state) => state,
  };
}

const COUNT: Fold = {
  empty: 0,
  add: (state) => (state as number) + 1,
  merge: (a, b) => (a as number) + (b as number),
  result: (state) => state,
};

const FOLDS: { readonly [N in AggregateName]: (call: AggregateCall) => Fold } = {
  count: () => COUNT,
  sum: ({ isWhole }) => sumFold(isWhole),
  min: () => extremeFold((a, b) => a < b),
  max: () => extremeFold((a, b) => a > b),
  avg: ({ isWhole }) => meanFold(isWhole),
  first: () => endFold((atMs, of) => atMs < of),
  last: () => endFold((atMs, of) => atMs >= of),
  collect: ({ elementsMax }) => listFold(elementsMax, false),
  distinct: ({ elementsMax }) => listFold(elementsMax, true),
};

export function foldOf(call: AggregateCall): Fold {
  return FOLDS[call.name](call);
}
