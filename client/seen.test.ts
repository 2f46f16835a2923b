import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Seen } from './seen.ts';

const of = (sequence: number, id = `n-${sequence}`) => ({
  priority: 'high' as const,
  sequence,
  id,
});
const spans = (seen: Seen) =>
  (seen.form.spans.high ?? []).map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`));

const orders: readonly [string, readonly number[], string][] = [
  ['in order', [1, 2, 3], '1-3'],
  ['backwards', [3, 2, 1], '1-3'],
  ['a hole', [1, 3], '1 3'],
  ['a hole that is filled', [1, 3, 2], '1-3'],
  ['before all', [5, 1], '1 5'],
  ['between two', [1, 9, 5], '1 5 9'],
  ['at the end of a span between others', [1, 9, 4, 5], '1 4-5 9'],
  ['at the start of one', [1, 9, 5, 4], '1 4-5 9'],
  ['joins two of many', [1, 3, 4, 6, 7, 9, 5], '1 3-7 9'],
];
for (const [name, numbers, expected] of orders) {
  test(`numbers: ${name}`, () => {
    const seen = new Seen();
    for (const number of numbers) assert.equal(seen.add(of(number)), true);
    assert.equal(spans(seen).join(' '), expected);
    for (const number of numbers) assert.equal(seen.add(of(number)), false, `${number} again`);
    for (let number = 0; number <= 10; number++) {
      assert.equal(seen.has('high', number), numbers.includes(number), `has ${number}`);
    }
    assert.equal(seen.has('low', numbers[0]!), false);
  });
}

test('a number that comes under another id was given anew: the numbers from there on too', () => {
  const seen = new Seen();
  for (const number of [1, 2, 3, 4, 6]) seen.add(of(number));
  assert.equal(seen.add(of(3, 'another')), true);
  assert.deepEqual(spans(seen), ['1-3']);
  assert.equal(seen.add(of(4)), true);
  assert.equal(seen.add(of(3, 'another')), false);
});

test('an epoch begins with nothing; the same one goes on', () => {
  const seen = new Seen();
  seen.begin(3);
  seen.add(of(1));
  seen.begin(3);
  assert.equal(seen.has('high', 1), true);
  seen.begin(4);
  assert.deepEqual(seen.form, { epoch: 4, spans: {}, marks: {} });
});

test('it is bounded: of many holes the oldest are forgotten, and so are ids', () => {
  const seen = new Seen();
  for (let number = 1; number <= 600; number += 2) seen.add(of(number));
  assert.deepEqual([spans(seen).length, spans(seen)[0]], [256, '89']);
  assert.equal(seen.form.marks.high?.length, 64);
  assert.ok(JSON.stringify(seen.form).length < 8_000);
});

test('a form that was kept as text goes on', () => {
  const seen = new Seen();
  seen.begin(2);
  for (const number of [1, 2, 4]) seen.add(of(number));
  const again = new Seen(JSON.parse(JSON.stringify(seen.form)));
  assert.deepEqual([again.add(of(4)), again.add(of(3)), spans(again)], [false, true, ['1-4']]);
});
