/** No topology of the project's own is left out of the ring that checks them strictly. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { OWN_TOPOLOGIES, ROOT } from '../rings.ts';

test('every folder with a topology is checked strictly', () => {
  const files = globSync('**/*.yaml', { cwd: ROOT, exclude: ['**/node_modules/**'] });
  const topologies = files.filter((file) =>
    /^streams:/m.test(readFileSync(join(ROOT, file), 'utf8')),
  );
  assert.ok(topologies.length >= 4, topologies.join(' '));
  const folders = new Set(topologies.map((file) => dirname(file)));
  assert.deepEqual([...folders].sort(), [...OWN_TOPOLOGIES].sort());
});
