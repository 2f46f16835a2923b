import assert from 'node:assert/strict';
import { test } from 'node:test';
import { workerUrl } from './worker-url.ts';

const cases: readonly [starter: string, url: string][] = [
  ['file:///p/cli/run/starter.ts', 'file:///p/cli/run/own-worker.ts'],
  ['file:///p/dist/cli/run/starter.js', 'file:///p/dist/cli/run/own-worker.js'],
  ['file:///a%20b/x.ts/starter.js', 'file:///a%20b/x.ts/own-worker.js'],
];
for (const [starter, url] of cases) {
  test(`beside ${starter}`, () => {
    assert.equal(workerUrl('own-worker', starter).href, url);
  });
}
