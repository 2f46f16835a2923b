import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { FileLock } from './file-lock.ts';

function inFolder(body: (folder: string) => void | Promise<void>) {
  return async () => {
    const folder = mkdtempSync(join(tmpdir(), 'carillon-lock-'));
    try {
      await body(folder);
    } finally {
      rmSync(folder, { recursive: true });
    }
  };
}

test(
  'one at a time; free again once released; nothing is left behind',
  inFolder((folder) => {
    const path = join(folder, 'lock');
    const first = FileLock.tryTake(path);
    assert.ok(first !== undefined);
    assert.equal(FileLock.tryTake(path), undefined);
    first.release();
    const second = FileLock.tryTake(path);
    assert.ok(second !== undefined);
    second.release();
    assert.deepEqual(readdirSync(folder), []);
  }),
);

test(
  'the lock of a process that has died is free',
  inFolder((folder) => {
    const path = join(folder, 'lock');
    const { pid } = spawnSync(process.execPath, ['-e', '']);
    writeFileSync(path, String(pid));
    const lock = FileLock.tryTake(path);
    assert.ok(lock !== undefined);
    lock.release();
  }),
);

test(
  'waiting is bounded, and the error names the file',
  inFolder(async (folder) => {
    const path = join(folder, 'lock');
    FileLock.tryTake(path);
    await assert.rejects(FileLock.take(path, 10), /waited 10 ms for the lock .*lock/);
  }),
);
