import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CarillonError } from '../../core/error.ts';
import { askedFor, byKey, foundRow, type RowsAsked } from './asked-rows.ts';

const NUL = '\0';
const row = (key: string, keyParts: number | null, partition = 0) =>
  foundRow(partition, { key: Buffer.from(key), value: Buffer.alloc(0), timestamp: 0 }, keyParts);

const members = ['sm-1', 'sm-10', 'sm-2', ''].map((key) => row(key, 1));
const counts = ['n9', 'n10', 'n-1'].map((key) => row(key, 1));
const pairs = ['4:sm-14:st-1', '4:sm-14:st-2', '4:sm-24:st-1'].map((key) => row(key, 2));
const texts = ['m-1', 'm-2'].map((key) => row(key, null));

for (const [what, rows, asked, told] of [
  ['all', members, {}, ['sm-1', 'sm-10', 'sm-2', '']],
  ['one key, and none that begins like it', members, { key: ['m-1'] }, ['sm-1']],
  ['a key that is not there', members, { key: ['m'] }, []],
  ['more values than the key has', members, { key: ['m-1', 'x'] }, []],
  ['a key that is a text', texts, { key: ['m-2'] }, ['m-2']],
  ['a number', counts, { key: ['10'] }, ['n10']],
  ['the first of two values', pairs, { key: ['m-1'] }, ['4:sm-14:st-1', '4:sm-14:st-2']],
  ['both values', pairs, { key: ['m-1', 't-2'] }, ['4:sm-14:st-2']],
  ['a range, without its end', members, { range: 'm-1..m-2' }, ['sm-1', 'sm-10']],
  ['from there on', members, { range: 'm-10..' }, ['sm-10', 'sm-2']],
  ['up to there', texts, { range: '..m-2' }, ['m-1']],
  ['a range of numbers', counts, { range: '-1..10' }, ['n9', 'n-1']],
  [
    'a range within a key',
    pairs,
    { key: ['m-1'], range: 'm-1..' },
    ['4:sm-14:st-1', '4:sm-14:st-2'],
  ],
  ['a partition', [row('sa', 1, 0), row('sb', 1, 3)], { partition: 3 }, ['sb']],
] as const) {
  test(`rows that are meant: ${what}`, () => {
    const found = rows.filter(askedFor(asked as RowsAsked)).map(({ text }) => text);
    assert.deepEqual(found, told);
  });
}

for (const range of ['', '3', '..', 'a.b']) {
  test(`"${range}" is no range`, () => {
    const isUsage = (error: unknown) => error instanceof CarillonError && error.code === 'CAR900';
    assert.throws(() => askedFor({ range }), isUsage);
  });
}

test('in the order of values: numbers as numbers, parts of a key by their numbers', () => {
  const hex = (n: number) => n.toString(16).padStart(14, '0');
  const rows = ['sb', 'n10', `sa${NUL}${hex(300)}`, 'n9', `sa${NUL}${hex(16)}`, 'sa'];
  const sorted = rows.map((key) => row(key, 1)).sort(byKey);
  assert.deepEqual(
    sorted.map(({ parts }) => [parts!.parts[0], parts!.n].join(' ').trim()),
    ['9', '10', 'a', 'a 16', 'a 300', 'b'],
  );
});
