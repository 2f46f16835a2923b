/**
 * What is generated is what is committed; the ring `generated` says the same, and what is stale.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { generatedFiles } from './generate.ts';
import { packageFolder } from './version.ts';

test('what is generated is what is committed', () => {
  for (const { path, text } of generatedFiles()) {
    const lines = readFileSync(join(packageFolder, path), 'utf8').split('\n');
    assert.deepEqual(text.split('\n'), lines, `${path} is stale. Mend: npm run generate`);
  }
});
