/** An airline's pipeline in words of its own, without TypeScript: right, strictly, and tested. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { ROOT } from '../rings.ts';

const PROJECT = join(ROOT, 'test/golden/airline');

function carillon(args: readonly string[]) {
  const options = { cwd: PROJECT, encoding: 'utf8' } as const;
  return spawnSync(process.execPath, [join(ROOT, 'cli/carillon.ts'), ...args], options);
}

test('the tests beside the topology of the airline hold', () => {
  const { status, stdout, stderr } = carillon(['test']);
  assert.equal(status, 0, stdout + stderr);
  assert.match(stdout, /7 passed/);
});
