/** Operators over batches: what they leave out, what they may not do, and what is left of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concatMap, delay, filter, map, mergeMap, type OperatorFunction, take, tap } from 'rxjs';
import { Record } from '../../core/record.ts';
import { Slice } from '../../core/slice.ts';
import { defineOperator } from '../../core/spec.ts';
import { base, nameOf, opened } from '../../test/kit/operators.ts';
import { type Row, sliceOf } from '../../test/kit/slices.ts';

type Operator = OperatorFunction<Slice, Slice>;

const custom = (operator: () => Operator) =>
  defineOperator({ ...base, type: 'custom', version: '1', config: {}, open: operator });
const rowsOf = (...names: readonly string[]): Row[] => names.map((n) => ({ key: n, value: { n } }));
const each = (work: (record: Record) => void): Operator =>
  map((slice) => {
    for (const i of slice.selection.slice(0, slice.selected)) work(new Record(slice, i));
    return slice;
  });
const keep = (isKept: (name: string) => boolean): Operator =>
  map((slice) => {
    let kept = 0;
    for (const i of slice.selection.slice(0, slice.selected)) {
      if (isKept(nameOf(new Record(slice, i)))) slice.selection[kept++] = i;
    }
    slice.selected = kept;
    return slice;
  });

interface Case {
  readonly it: string;
  readonly operator: Operator;
  /** Names that came out of `a b c d`, slice by slice. */
  readonly out: readonly (readonly string[])[];
  /** Of each record at fault: its offset, code and why. */
  readonly letters?: readonly string[];
  readonly dropped?: readonly number[];
}

const all = (why: string) => [0, 1, 2, 3].map((n) => `CAR675 s/custom @${n} ${why}`);

const cases: readonly Case[] = [
  { it: 'lets all through', operator: map((slice) => slice), out: [['a', 'b', 'c', 'd']] },
  {
    it: 'leaves two out',
    operator: keep((name) => name === 'b' || name === 'd'),
    out: [['b', 'd']],
    dropped: [0, 2],
  },
  { it: 'sends nothing', operator: filter(() => false), out: [], dropped: [0, 1, 2, 3] },
  {
    it: 'throws on one, after it changed those before',
    operator: each((record) => {
      if (nameOf(record) === 'c') throw new Error('broken');
      record.value = { n: `${nameOf(record)}!` };
    }),
    out: [['a!'], ['b!'], ['d!']],
    letters: ['CAR506 s/custom @2 broken'],
  },
  {
    it: 'throws when the slice has gone on already: nothing has gone on',
    operator: (source) =>
      source.pipe(
        mergeMap((slice) => [slice, 'rubbish' as never]),
        tap((slice) => {
          if (!(slice instanceof Slice)) throw new Error('no slice');
        }),
      ),
    out: [],
    letters: [0, 1, 2, 3].map((n) => `CAR506 s/custom @${n} no slice`),
  },
  {
    it: 'sends another slice',
    operator: map(() => new Slice(0, 1)),
    out: [],
    letters: all('the operator sent on what it was not given'),
  },
  {
    it: 'sends no slice at all',
    operator: map(() => null as never),
    out: [],
    letters: all('the operator sent on what it was not given'),
  },
  {
    it: 'sends a slice twice',
    operator: concatMap((slice) => [slice, slice]),
    out: [],
    letters: all('the operator sent a slice on twice'),
  },
  {
    it: 'selects a record twice',
    operator: tap((slice) => {
      slice.selection[1] = slice.selection[0]!;
      slice.selected = 2;
    }),
    out: [],
    letters: all('the operator selects records that it was not given'),
  },
  {
    it: 'completes',
    operator: take(1),
    out: [],
    letters: all('the operator has completed: it would send no more'),
  },
  {
    it: 'does not return from one record',
    operator: each((record) => {
      while (nameOf(record) === 'b');
    }),
    out: [['a'], ['c'], ['d']],
    letters: ['CAR676 s/custom @1 the step has not returned within 200 ms'],
  },
];

for (const { it, operator, out, letters = [], dropped = [] } of cases) {
  test(`an operator that ${it}`, () => {
    const opening = opened(custom(() => operator));
    const feed = () => opening.feed(sliceOf(rowsOf('a', 'b', 'c', 'd')));
    const drops = dropped.map((n) => `s/custom not_emitted events/0@${n} ×1`);
    const passed = out.flat().length;
    // The second slice finds it as the first one did.
    for (let times = 1; times <= 2; times++) {
      assert.deepEqual(feed(), out);
      assert.deepEqual(opening.told.splice(0), [...drops, ...letters]);
      assert.deepEqual(
        opening.counts(),
        [4, passed, dropped.length, letters.length, 0, passed].map((n) => n * times),
      );
    }
    assert.equal(opening.ended, '');
    opening.input.complete();
    assert.equal(opening.ended, 'complete');
  });
}

test('an operator learns nothing of an empty slice, and the next step does', () => {
  const opening = opened(custom(() => filter(() => false)));
  assert.deepEqual(opening.tick(500), [[]]);
  assert.deepEqual(opening.places, ['tick/9 500']);
});

test('CAR678: an operator that sends a slice on later ends the stream', async () => {
  const opening = opened(custom(() => delay(1)));
  assert.deepEqual(opening.feed(sliceOf(rowsOf('a'))), []);
  while (opening.ended === '') await new Promise((resolve) => setImmediate(resolve));
  assert.match(
    opening.ended,
    /^error CAR678 operator-too-late: its operator sent a slice on after/,
  );
});
