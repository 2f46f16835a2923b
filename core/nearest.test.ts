import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearest } from './nearest.ts';

const KNOWN = ['viewing-activity', 'plan-change', 'profile-change', 'my-list-update'];
const rows: readonly [string, string | undefined][] = [
  ['viewing-activty', 'viewing-activity'],
  ['Plan-Change', 'plan-change'],
  ['plan_change', 'plan-change'],
  ['profil-changed', 'profile-change'],
  ['heartbeat', undefined],
  ['', undefined],
  ['x'.repeat(100_000), undefined],
];
for (const [written, expected] of rows) {
  test(`nearest to ${JSON.stringify(written.slice(0, 20))}`, () => {
    assert.equal(nearest(written, KNOWN), expected);
  });
}
