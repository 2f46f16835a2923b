import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AGGREGATES, AggregateCall, type AggregateName } from '../core/aggregate-call.ts';
import { type Fold, type FoldNotes, foldOf, SumTooLargeError } from './folds.ts';

const fold = (name: AggregateName, { isWhole = true, n = 3 } = {}): Fold =>
  foldOf(new AggregateCall(name, name, null, n, isWhole));

type Arg = readonly [value: unknown, atMs: number];

function stateOf(of: Fold, args: readonly Arg[], notes: FoldNotes = { leftOut: 0 }): unknown {
  return args.reduce((state, [value, atMs]) => of.add(state, value, atMs, notes), of.empty);
}

const ARGS: readonly Arg[] = [
  [4, 50],
  [-1, 40],
  [4, 60],
  [9, 60],
  [2, 40],
];

const RESULTS: { readonly [N in AggregateName]: readonly [none: unknown, some: unknown] } = {
  count: [0, 5],
  sum: [null, 18],
  min: [null, -1],
  max: [null, 9],
  avg: [null, 3.6],
  first: [null, -1],
  last: [null, 9],
  collect: [[], [4, -1, 4]],
  distinct: [[], [4, -1, 9]],
};

for (const name of Object.keys(AGGREGATES) as AggregateName[]) {
  test(`${name}: of none, of some, and of parts in any cut`, () => {
    const of = fold(name);
    const notes = { leftOut: 0 };
    const [none, some] = RESULTS[name];
    assert.deepEqual(of.result(of.empty), none);
    assert.deepEqual(of.result(stateOf(of, ARGS)), some);
    for (let cut = 0; cut <= ARGS.length; cut++) {
      const [one, other] = [ARGS.slice(0, cut), ARGS.slice(cut)].map((args) => stateOf(of, args));
      assert.deepEqual(of.result(of.merge(one, other, notes)), some, `cut at ${cut}`);
    }
  });

  test(`${name}: what was kept before stays as it was`, () => {
    const of = fold(name);
    const before = stateOf(of, ARGS.slice(0, 2));
    const copy = structuredClone(before);
    of.add(before, 7, 99, { leftOut: 0 });
    of.merge(before, before, { leftOut: 0 });
    assert.deepEqual(before, copy);
  });
}

test('lists count what they have no room for', () => {
  const notes = { leftOut: 0 };
  stateOf(fold('collect'), ARGS, notes);
  assert.equal(notes.leftOut, 2);
  stateOf(fold('distinct'), ARGS, notes);
  assert.equal(notes.leftOut, 3);
});

const MAX = 2n ** 63n - 1n;

for (const [what, args, sum] of [
  ['beyond 2^53 and back', [2 ** 53 - 1, 5, -6], 2 ** 53 - 2],
  ['to the end of 64 bits', [MAX - 1n, 1], MAX],
  ['to the other end', [-MAX, -1], -MAX - 1n],
  ['one too many', [MAX, 1], SumTooLargeError],
  ['one too few', [-MAX, -2], SumTooLargeError],
] as const) {
  test(`sum of whole numbers: ${what}`, () => {
    const of = fold('sum');
    const add = () =>
      stateOf(
        of,
        (args as readonly unknown[]).map((x) => [x, 0]),
      );
    if (typeof sum === 'function') assert.throws(add, sum);
    else assert.equal(add(), sum);
  });
}

test('avg of whole numbers is of their exact sum, however large', () => {
  const of = fold('avg');
  const args: readonly Arg[] = [
    [MAX, 0],
    [MAX, 0],
    [-MAX, 0],
    [-MAX, 0],
    [8, 0],
  ];
  assert.equal(of.result(stateOf(of, args)), 1.6);
});

test('doubles are added as doubles; NaN is not hidden', () => {
  const of = (name: AggregateName, ...args: readonly unknown[]) => {
    const one = fold(name, { isWhole: false });
    return one.result(
      stateOf(
        one,
        args.map((x) => [x, 0]),
      ),
    );
  };
  assert.equal(of('sum', 0.5, 2n), 2.5);
  for (const name of ['sum', 'avg', 'min', 'max'] as const) {
    assert.equal(of(name, 1, Number.NaN, 2), Number.NaN, name);
    assert.equal(of(name, Number.NaN, 1), Number.NaN, name);
  }
});

test('min and max of texts, and of numbers of both kinds', () => {
  const of = (name: AggregateName, ...args: readonly unknown[]) =>
    stateOf(
      fold(name),
      args.map((x) => [x, 0]),
    );
  assert.deepEqual([of('min', 'b', 'a', 'c'), of('max', 'b', 'a', 'c')], ['a', 'c']);
  assert.deepEqual([of('min', MAX, 3), of('max', 3, MAX)], [3, MAX]);
});

test('what is no number is told as such', () => {
  for (const name of ['sum', 'avg', 'min', 'max'] as const) {
    assert.throws(() => stateOf(fold(name), [[{}, 0]]), TypeError, name);
  }
});
