import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PRIORITY_NAME, prioritiesNamed, RENO_PRIORITIES } from './priority.ts';

const rows: readonly [
  names: readonly string[],
  weights: readonly number[],
  urgent: readonly string[],
][] = [
  [['only'], [1], ['only']],
  [['a', 'b'], [2, 1], ['a']],
  [
    ['a', 'b', 'c'],
    [4, 2, 1],
    ['a', 'b'],
  ],
  [RENO_PRIORITIES.names, [8, 4, 2, 1], ['critical', 'high']],
  [[...'abcdefgh'], [128, 64, 32, 16, 8, 4, 2, 1], [...'abcd']],
];
for (const [names, weights, urgent] of rows) {
  test(`weights and urgency of ${names.join(' ')}`, () => {
    const of = prioritiesNamed(...names);
    assert.equal(of.count, names.length);
    assert.deepEqual(
      names.map((_, number) => of.weightOf(number)),
      weights,
    );
    assert.deepEqual(
      names.filter((name) => of.isUrgent(name)),
      urgent,
    );
    for (const [number, name] of names.entries()) {
      assert.deepEqual([of.nameOf(number), of.numberOf(name)], [name, number]);
    }
  });
}

test('what a set does not have', () => {
  const of = prioritiesNamed('flash', 'soon');
  assert.equal(of.find('critical'), undefined);
  assert.equal(of.isUrgent('critical'), false);
  assert.throws(() => of.numberOf('critical'), /"critical" is none of flash, soon/);
  for (const number of [-1, 2]) {
    assert.throws(() => of.nameOf(number), RangeError);
    assert.throws(() => of.weightOf(number), RangeError);
  }
});

test("a set is told by its names and their order, RENO's by 0", () => {
  assert.equal(RENO_PRIORITIES.mark, 0);
  assert.equal(prioritiesNamed('critical', 'high', 'normal', 'low').mark, 0);
  const marks = [['a', 'b'], ['b', 'a'], ['a'], ['ab'], ['critical', 'high', 'normal', 'low', 'a']];
  const of = marks.map((names) => prioritiesNamed(...names).mark);
  assert.equal(new Set([0, ...of]).size, marks.length + 1);
  const grown = prioritiesNamed('critical', 'high', 'normal', 'low', 'bulk');
  assert.deepEqual([grown.markOf(4), grown.markOf(5)], [0, grown.mark]);
});

const names: readonly [name: string, is: boolean][] = [
  ['a', true],
  ['flash9', true],
  ['a'.repeat(32), true],
  ['a'.repeat(33), false],
  ['9a', false],
  ['Flash', false],
  ['a-b', false],
  ['a_b', false],
  ['', false],
];
for (const [name, is] of names) {
  test(`"${name}" ${is ? 'can' : 'cannot'} be the name of a priority`, () => {
    assert.equal(PRIORITY_NAME.test(name), is);
  });
}
