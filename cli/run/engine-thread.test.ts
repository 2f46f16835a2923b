import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readDeployment } from '../deployment.ts';
import { EngineThread } from './engine-thread.ts';

const root = new URL('../..', import.meta.url).pathname;

test('a worker that ends by itself is CAR943, told to whoever runs it', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'carillon-thread-'));
  try {
    const base = readDeployment({ file: undefined, folder: root, env: {} });
    const deployment = { ...base, dataFolder: dir };
    const thread = await EngineThread.start(deployment, { folder: root, say: () => {} });
    await thread.kill();
    await assert.rejects(thread.ended, { code: 'CAR943' });
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
