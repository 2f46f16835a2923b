import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PRIORITIES, type PriorityName } from '../core/priority.ts';
import { Record } from '../core/record.ts';
import { Slice } from '../core/slice.ts';
import { bypasses } from './bypass.ts';

const rows: readonly [readonly PriorityName[] | null, readonly number[]][] = [
  [null, []],
  [[], []],
  [['critical'], [0]],
  [
    ['low', 'high'],
    [1, 3],
  ],
  [PRIORITIES, [0, 1, 2, 3]],
];

for (const [names, passing] of rows) {
  test(`bypass ${names?.join(' ') ?? 'left out'}`, () => {
    const isLetThrough = bypasses(names);
    const slice = new Slice(0, 1);
    const record = new Record(slice, 0);
    const seen = [-1, 0, 1, 2, 3].filter((priority) => {
      slice.priority = priority;
      return isLetThrough(record);
    });
    assert.deepEqual(seen, passing);
  });
}
