/**
 * A topology whose streams cut, branch and merge: what is printed of it, and its tests beside it.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ROOT } from '../rings.ts';
import { tell } from './example.ts';

const PROJECT = join(ROOT, 'test/golden/flights');

function carillon(...args: string[]): string {
  const cli = join(ROOT, 'cli/carillon.ts');
  const ran = spawnSync(process.execPath, [cli, ...args], { cwd: PROJECT, encoding: 'utf8' });
  assert.deepEqual([ran.status, ran.stderr], [0, ''], ran.stdout);
  return ran.stdout;
}

for (const [format, file] of [
  ['text', 'describe.txt'],
  ['mermaid', 'mermaid.txt'],
] as const) {
  test(`the flights as ${format}`, () => {
    const path = join(PROJECT, file);
    const printed = carillon('describe', '--format', format);
    if (process.env.UPDATE === '1') writeFileSync(path, printed);
    assert.equal(printed, readFileSync(path, 'utf8'));
  });
}

test('its own tests hold', () => assert.match(carillon('test'), /3 passed/));

test('the graph of the guide is right', () => {
  const guide = readFileSync(join(ROOT, 'docs/guides/data-engineers.md'), 'utf8');
  const section = guide.slice(guide.indexOf('## Another key, branches, merges'));
  const [, example] = /^```yaml\n([\s\S]*?)^```$/m.exec(section)!;
  assert.equal(tell(example!, 'part').rendered, '');
});
