import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CLOSE_CODES, mayReconnect } from './close-codes.ts';

test('docs/close-codes.md lists the same codes', () => {
  const page = readFileSync(join(import.meta.dirname, '../docs/close-codes.md'), 'utf8');
  const listed = page.matchAll(/^\| (3\d{3}) \| ([a-z-]+) \| (yes|no) \| (.*) \|$/gm);
  assert.deepEqual(
    [...listed].map(([, code, reason, again, what]) => [Number(code), reason, again, what]),
    Object.values(CLOSE_CODES).map(({ code, reason, what }) => [
      code,
      reason,
      mayReconnect(code) ? 'yes' : 'no',
      what,
    ]),
  );
});

const rows: readonly [number, boolean][] = [
  [1000, false],
  [1001, true],
  [1006, true],
  [1008, false],
  [1009, false],
  [1012, true],
  [3000, true],
  [3499, true],
  [3500, false],
  [3999, false],
  [4000, true],
  [4499, true],
  [4500, false],
];
for (const [code, again] of rows) {
  test(`${code}: ${again ? 'come back' : 'stay away'}`, () =>
    assert.equal(mayReconnect(code), again));
}
