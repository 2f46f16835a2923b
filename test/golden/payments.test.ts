/** A project of its own, with windows of three kinds: right, strictly, and its own tests hold. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { ROOT } from '../rings.ts';

test('the tests beside the topology of payments hold', () => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(ROOT, 'cli/carillon.ts'), 'test'],
    { cwd: join(ROOT, 'test/golden/payments'), encoding: 'utf8' },
  );
  assert.equal(status, 0, stdout + stderr);
  assert.match(stdout, /3 passed/);
});
