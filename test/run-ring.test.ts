import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chosenRings, RINGS } from './rings.ts';
import { judged, type Sums, sumsIn } from './run-ring.ts';

const NODE =
  'ℹ tests 9\nℹ pass 5\nℹ fail 1\nℹ cancelled 1\nℹ skipped 1\nℹ todo 1\nℹ duration_ms 7\n';
const sums = (passed: number, failed: number, skipped: number): Sums => ({
  passed,
  failed,
  skipped,
});

const outputs: readonly [string, string, Sums | undefined][] = [
  ['the summary of the test runner', NODE, sums(5, 2, 2)],
  ['two summaries', NODE + NODE, sums(10, 4, 4)],
  ['sums of our own', 'x\n12 passed, 0 failed, 1 skipped\n', sums(12, 0, 1)],
  ['without skipped', '12 passed, 3 failed\n', sums(12, 3, 0)],
  ['a cluster ring without servers', 'CLUSTER RING SKIPPED: 4 test file(s)', sums(0, 0, 4)],
  ['the same on CI', 'CLUSTER RING FAILED: 4 test file(s)', sums(0, 4, 0)],
  ['none', 'all is well\nit passed, 3 failed\n', undefined],
];
for (const [name, output, expected] of outputs) {
  test(`sums of an output: ${name}`, () => assert.deepEqual(sumsIn(output), expected));
}

const results: readonly [string, 'tests' | 'check' | 'own', string, number, Sums][] = [
  ['a check that holds', 'check', 'whatever', 0, sums(1, 0, 0)],
  ['a check that does not', 'check', '', 2, sums(0, 1, 0)],
  ['tests that failed', 'tests', NODE, 1, sums(5, 2, 2)],
  ['a runner that died after its tests', 'own', '12 passed, 0 failed', 1, sums(12, 1, 0)],
  ['a runner that died before', 'tests', 'SyntaxError', 1, sums(0, 1, 0)],
  ['a command that says no sums', 'own', 'ok', 0, sums(1, 0, 0)],
];
for (const [name, counts, output, code, expected] of results) {
  test(`what it amounts to: ${name}`, () =>
    assert.deepEqual(judged(counts, output, code), expected));
}

test('rings are chosen by name, in their own order', () => {
  const names = (args: readonly string[]) => chosenRings(args)?.map((ring) => ring.name);
  const all = RINGS.map((ring) => ring.name);
  assert.deepEqual(names([]), all);
  assert.deepEqual(names(['all']), all);
  assert.deepEqual(
    names(['check']),
    all.filter((name) => name !== 'cluster' && name !== 'command'),
  );
  assert.deepEqual(names(['part', 'types']), ['types', 'part']);
  assert.equal(names(['part', 'parts']), undefined);
});
