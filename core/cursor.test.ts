import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  add,
  CURSOR_RANGES_MAX,
  CURSOR_TEXT_CHARS_MAX,
  type Cursor,
  copyCursor,
  coveredTo,
  covers,
  deviceMark,
  emptyCursor,
  formatCursor,
  highest,
  keepCovered,
  merge,
  mergedText,
  ofSet,
  parseCursor,
  parseCursorOf,
  uncover,
} from './cursor.ts';
import { type Priorities, prioritiesNamed, RENO_PRIORITIES } from './priority.ts';

const SEED = Number(process.env.SEED ?? 20_260_101);
console.log(`cursor properties: seed ${SEED} (SEED=… runs another)`);

const built = (sequences: readonly number[], priority = 1): Cursor => {
  const cursor = emptyCursor(3);
  for (const sequence of sequences) add(cursor, priority, sequence);
  return cursor;
};

const rows: readonly [string, readonly number[], number, readonly number[]][] = [
  ['nothing', [], 0, []],
  ['in order', [1, 2, 3], 3, []],
  ['a gap', [1, 3], 1, [3, 3]],
  ['the gap fills', [1, 3, 2], 3, []],
  ['ranges grow at both ends', [5, 6, 4], 0, [4, 6]],
  ['two ranges become one', [3, 5, 4], 0, [3, 5]],
  ['the mark takes several ranges', [2, 4, 6, 3, 5, 1], 6, []],
  ['between two ranges, touching none', [3, 9, 6], 0, [3, 3, 6, 6, 9, 9]],
];

for (const [name, sequences, mark, ranges] of rows) {
  test(`D5 add: ${name}`, () => {
    const cursor = built(sequences);
    assert.deepEqual(cursor.marks, [0, mark, 0, 0]);
    assert.deepEqual(cursor.ranges[1], ranges);
    assert.deepEqual(parseCursor(formatCursor(cursor)), cursor);
  });
}

test('D5 beyond 32 ranges the highest are forgotten', () => {
  const odd = Array.from({ length: 40 }, (_, i) => 3 + 2 * i);
  for (const order of [odd, odd.toReversed()]) {
    const cursor = built(order);
    assert.equal(cursor.ranges[1]!.length, 2 * CURSOR_RANGES_MAX);
    assert.deepEqual(cursor.ranges[1]!.slice(-2), [65, 65]);
    assert.equal(covers(cursor, 1, 67), false);
  }
});

test('coveredTo gives the end of the run, so that a reader can jump', () => {
  const cursor = built([1, 2, 5, 6, 7]);
  assert.deepEqual(
    [1, 2, 3, 5, 7, 8].map((sequence) => coveredTo(cursor, 1, sequence)),
    [2, 2, 0, 7, 7, 0],
  );
});

test('cursors of two epochs do not mix', () => {
  const cursor = emptyCursor(2);
  assert.equal(merge(cursor, built([1, 2])), false);
  assert.deepEqual(cursor, emptyCursor(2));
});

const wrong: readonly [string, string][] = [
  ['empty', ''],
  ['not base64url', 'a+b/'],
  ['random', 'AAAA'],
  ['cut off', formatCursor(built([1, 3])).slice(0, -3)],
  ['with more behind it', `${formatCursor(built([1, 3]))}AAAA`],
  ['too long', 'A'.repeat(CURSOR_TEXT_CHARS_MAX + 1)],
];
for (const [name, text] of wrong) {
  test(`a text that is no cursor: ${name}`, () => assert.equal(parseCursor(text), undefined));
}

const sequences = fc.array(fc.tuple(fc.nat(3), fc.integer({ min: 1, max: 60 })), {
  maxLength: 200,
});

test('D5 property: a cursor covers what was added, nothing else, whatever the order', () => {
  fc.assert(
    fc.property(sequences, (added) => {
      const cursor = emptyCursor(1);
      const model = new Set<string>();
      for (const [priority, sequence] of added) {
        assert.equal(add(cursor, priority, sequence), !model.has(`${priority}/${sequence}`));
        model.add(`${priority}/${sequence}`);
      }
      for (let priority = 0; priority < 4; priority++) {
        for (let sequence = 1; sequence <= 61; sequence++) {
          assert.equal(covers(cursor, priority, sequence), model.has(`${priority}/${sequence}`));
        }
      }
      assert.deepEqual(parseCursor(formatCursor(cursor)), cursor);
    }),
    { seed: SEED, numRuns: 300 },
  );
});

test('D5 property: with any number of gaps it stays bounded and claims nothing that was not added', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 2 ** 31 - 1 }), { maxLength: 400 }), (added) => {
      const cursor = built(added, 0);
      assert.ok(cursor.ranges[0]!.length <= 2 * CURSOR_RANGES_MAX);
      assert.ok(formatCursor(cursor).length <= CURSOR_TEXT_CHARS_MAX);
      const model = new Set(added);
      for (let i = 0; i < cursor.ranges[0]!.length; i += 2) {
        assert.ok(model.has(cursor.ranges[0]![i]!) && model.has(cursor.ranges[0]![i + 1]!));
      }
      assert.deepEqual(parseCursor(formatCursor(cursor)), cursor);
    }),
    { seed: SEED, numRuns: 100 },
  );
});

test('D5 property: merge is the union, as long as it fits', () => {
  fc.assert(
    fc.property(sequences, sequences, (left, right) => {
      const [a, b, both] = [emptyCursor(1), emptyCursor(1), emptyCursor(1)];
      for (const [priority, sequence] of left) add(a, priority, sequence);
      for (const [priority, sequence] of right) add(b, priority, sequence);
      for (const [priority, sequence] of [...left, ...right]) add(both, priority, sequence);
      const merged = copyCursor(a);
      assert.equal(merge(merged, b), true);
      assert.deepEqual(merged, both);
    }),
    { seed: SEED, numRuns: 300 },
  );
});

const asSet = (cursor: Cursor, most: number) =>
  Array.from({ length: most }, (_, i) => i + 1).filter((n) => covers(cursor, 1, n));

test('keepCovered, uncover and highest are what they are on sets', () => {
  const numbers = fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 30 });
  fc.assert(
    fc.property(numbers, numbers, fc.integer({ min: 1, max: 42 }), (mine, other, from) => {
      const cursor = built(mine);
      const before = asSet(cursor, 45);
      assert.equal(highest(cursor, 1), before.at(-1) ?? 0);
      const allowed = built(other);
      const taken = keepCovered(cursor, allowed);
      const kept = before.filter((n) => other.includes(n));
      assert.deepEqual(asSet(cursor, 45), kept);
      assert.equal(taken, kept.length < before.length);
      const rest = built(mine);
      uncover(rest, 1, from);
      assert.deepEqual(
        asSet(rest, 45),
        before.filter((n) => n < from),
      );
      for (const one of [cursor, rest]) assert.deepEqual(parseCursor(formatCursor(one)), one);
    }),
    { seed: SEED },
  );
});

test('a text names its device, and keeps it through copies', () => {
  const tv = emptyCursor(3, deviceMark('tv-1'));
  add(tv, 1, 1);
  assert.notEqual(deviceMark('tv-1'), deviceMark('tv-2'));
  assert.deepEqual(parseCursor(formatCursor(tv)), tv);
  assert.equal(copyCursor(tv).device, deviceMark('tv-1'));
  assert.equal(copyCursor(tv, 0).device, 0);
  assert.notEqual(formatCursor(tv), formatCursor(copyCursor(tv, deviceMark('tv-2'))));
});

const mergedRows: readonly [string, string | null, string, string][] = [
  ['nothing before', null, formatCursor(built([1])), formatCursor(built([1]))],
  [
    'one epoch',
    formatCursor(built([1, 4])),
    formatCursor(built([2])),
    formatCursor(built([1, 2, 4])),
  ],
  [
    'another epoch',
    formatCursor(emptyCursor(2)),
    formatCursor(built([2])),
    formatCursor(built([2])),
  ],
  [
    'of another set of priorities',
    formatCursor(emptyCursor(3, 0, prioritiesNamed('a', 'b'))),
    formatCursor(built([2])),
    formatCursor(built([2])),
  ],
  ['no cursor before', 'nonsense', formatCursor(built([2])), formatCursor(built([2]))],
  ['no cursor now', formatCursor(built([2])), 'nonsense', 'nonsense'],
];
for (const [name, before, text, merged] of mergedRows) {
  test(`mergedText: ${name}`, () => assert.equal(mergedText(before, text), merged));
}

const SETS = [1, 3, 8].map((count) => prioritiesNamed(...[...'abcdefgh'].slice(0, count)));
for (const of of SETS) {
  test(`a cursor of ${of.count} priorities of a topology's own`, () => {
    const cursor = emptyCursor(3, deviceMark('tv-1'), of);
    for (let n = 0; n <= CURSOR_RANGES_MAX; n++) {
      for (let priority = 0; priority < of.count; priority++) {
        add(cursor, priority, 2 ** 31 - 1 - 2 * n);
      }
    }
    const text = formatCursor(cursor);
    assert.ok(text.length <= CURSOR_TEXT_CHARS_MAX);
    assert.deepEqual(parseCursor(text), cursor);
    assert.deepEqual([cursor.set, cursor.marks.length], [of.mark, of.count]);
    assert.equal(merge(emptyCursor(3), cursor), false);
    const unbound = copyCursor(cursor, 0);
    assert.deepEqual(parseCursor(formatCursor(unbound)), unbound);
  });
}

test("the text of RENO's priorities is as it was", () => {
  assert.equal(formatCursor(built([1, 3])), 'AgYAAAICBAAAAAAA');
});

const reno = (): Cursor => built([1, 3]);
const grown = prioritiesNamed(...RENO_PRIORITIES.names, 'bulk');
const setRows: readonly [string, Cursor, Priorities, readonly number[] | undefined][] = [
  ['the same set', reno(), RENO_PRIORITIES, [0, 1, 0, 0]],
  ['one more behind them', reno(), grown, [0, 1, 0, 0, 0]],
  ['one less', emptyCursor(3, 0, grown), RENO_PRIORITIES, undefined],
  ['another order', reno(), prioritiesNamed('high', 'critical', 'normal', 'low'), undefined],
  ['one more before them', reno(), prioritiesNamed('x', ...RENO_PRIORITIES.names), undefined],
];
for (const [name, cursor, of, marks] of setRows) {
  test(`a cursor for ${name}`, () => {
    const own = ofSet(cursor, of);
    assert.deepEqual(own?.marks, marks);
    assert.deepEqual(parseCursorOf(formatCursor(cursor), of), own);
    if (own === undefined) return;
    assert.equal(own.ranges.length, of.count);
    assert.deepEqual(own.ranges[1], [3, 3]);
    assert.equal(own.set, of.mark);
    add(own, of.count - 1, 1);
    assert.deepEqual(parseCursor(formatCursor(own)), own);
  });
}
