/** No topology of the project's own is left out of what checks them strictly. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { OWN_TOPOLOGIES, ROOT } from '../rings.ts';

const folders = new Set(
  globSync('**/*.yaml', { cwd: ROOT, exclude: ['**/node_modules/**'] })
    .filter((file) => /^streams:/m.test(readFileSync(join(ROOT, file), 'utf8')))
    .map((file) => dirname(file)),
);
/**
 * A folder with a deployment of its own has schemas of its own too, so it is checked from there.
 */
const projects = [...folders]
  .map((folder) => dirname(folder))
  .filter((folder) => folder !== '.' && existsSync(join(ROOT, folder, 'carillon.yaml')));

test('every folder with a topology is checked strictly', () => {
  assert.ok(folders.size >= 3, [...folders].join(' '));
  const here = [...folders].filter((folder) => !projects.includes(dirname(folder)));
  assert.deepEqual(here.sort(), [...OWN_TOPOLOGIES].sort());
});

for (const project of projects) {
  test(`the topology of ${project} is right, strictly`, () => {
    const { status, stderr } = spawnSync(
      process.execPath,
      [join(ROOT, 'cli/carillon.ts'), 'check', '--strict'],
      { cwd: join(ROOT, project), encoding: 'utf8' },
    );
    assert.deepEqual([status, stderr], [0, '']);
  });
}
