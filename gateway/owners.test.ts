/** Deletions that were asked for here and are not in the table yet: how many are remembered. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DELETIONS_MAX, Owners } from './owners.ts';

test('of more than 10,000 deletions the one that was asked for first is forgotten', () => {
  const owners = new Owners();
  for (let n = 0; n < DELETIONS_MAX; n++) owners.deleting(`tv-${n}`, n + 1);
  assert.equal(DELETIONS_MAX, 10_000);
  const known = (...numbers: number[]) => numbers.map((n) => owners.deletedAt(`tv-${n}`));
  assert.deepEqual(known(0, 1, 9_999), [1, 2, 10_000], 'so many are kept');
  // Asked for once more it is the newest, and takes no place of another's.
  owners.deleting('tv-0', 20_000);
  assert.deepEqual(known(0, 1), [20_000, 2]);
  owners.deleting('tv-10000', 30_000);
  assert.deepEqual(known(0, 1, 2, 10_000), [20_000, 0, 3, 30_000]);
});
