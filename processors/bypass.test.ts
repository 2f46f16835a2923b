import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Priorities, prioritiesNamed, RENO_PRIORITIES } from '../core/priority.ts';
import { Record } from '../core/record.ts';
import { Slice } from '../core/slice.ts';
import { bypasses } from './bypass.ts';

const OWN = prioritiesNamed('flash', 'soon', 'later');
const rows: readonly [readonly string[] | null, readonly number[], Priorities?][] = [
  [null, []],
  [[], []],
  [['critical'], [0]],
  [
    ['low', 'high'],
    [1, 3],
  ],
  [RENO_PRIORITIES.names, [0, 1, 2, 3]],
  [['later', 'flash'], [0, 2], OWN],
];

for (const [names, passing, of = RENO_PRIORITIES] of rows) {
  test(`bypass ${names?.join(' ') ?? 'left out'}`, () => {
    const isLetThrough = bypasses(names, of);
    const slice = new Slice(0, 1);
    const record = new Record(slice, 0);
    const seen = [-1, 0, 1, 2, 3].filter((priority) => {
      slice.priority = priority;
      return isLetThrough(record);
    });
    assert.deepEqual(seen, passing);
  });
}
