/** No topology of the project's own is left out of the ring that checks them strictly. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { OWN_TOPOLOGIES, ROOT } from '../rings.ts';

test('every folder with a topology is checked strictly', () => {
  // The template has schemas of its own: cli/init/pipeline.test.ts wants no word about it either.
  const exclude = ['**/node_modules/**', 'cli/init/template/**'];
  const files = globSync('**/*.yaml', { cwd: ROOT, exclude });
  const topologies = files.filter((file) =>
    /^streams:/m.test(readFileSync(join(ROOT, file), 'utf8')),
  );
  assert.ok(topologies.length >= 4, topologies.join(' '));
  const folders = new Set(topologies.map((file) => dirname(file)));
  assert.deepEqual([...folders].sort(), [...OWN_TOPOLOGIES].sort());
});
