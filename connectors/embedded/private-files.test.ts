import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../../core/clock.ts';
import { openEmbeddedLog } from './log.ts';

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

function folder(t: TestContext): string {
  const root = mkdtempSync(join(tmpdir(), 'carillon-private-'));
  t.after(() => rmSync(root, { recursive: true }));
  return join(root, 'a', 'data');
}

async function openAndWrite(dir: string): Promise<void> {
  const log = openEmbeddedLog({ dir, clock: systemClock });
  await log.applyTopics([{ name: 'events.x', partitions: 1, cleanup: 'delete' }]);
  for (const file of readdirSync(dir)) {
    assert.equal(modeOf(join(dir, file)), '600', file);
  }
  assert.ok(readdirSync(dir).some((file) => file.endsWith('-wal')));
  await log.close();
}

test('folder, file and WAL are for their owner alone, whatever the umask', async (t) => {
  const dir = folder(t);
  const before = process.umask(0);
  try {
    await openAndWrite(dir);
  } finally {
    process.umask(before);
  }
  assert.equal(modeOf(dir), '700');
});

test('a data folder of before is made private when it is opened', async (t) => {
  const dir = folder(t);
  await openAndWrite(dir);
  chmodSync(dir, 0o755);
  for (const file of readdirSync(dir)) chmodSync(join(dir, file), 0o644);
  await openAndWrite(dir);
  assert.equal(modeOf(dir), '700');
});

test('a folder that was there for something else keeps its mode', async (t) => {
  const dir = folder(t);
  mkdirSync(dir, { recursive: true });
  chmodSync(dir, 0o755);
  await openAndWrite(dir);
  assert.equal(modeOf(dir), '755');
});
