import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { makeFolder } from './make-folder.ts';

const root = mkdtempSync(join(tmpdir(), 'carillon-folder-'));
after(() => rmSync(root, { recursive: true }));
writeFileSync(join(root, 'file'), '');

for (const path of ['', 'one', 'one/two/three', 'one/../four', 'five/']) {
  test(`a folder is there after it was made, and once more: "${path}"`, () => {
    makeFolder(join(root, path));
    makeFolder(join(root, path));
    assert.ok(statSync(join(root, path)).isDirectory());
  });
}

const cannot: [path: string, code: RegExp][] = [
  [join(root, 'file'), /EEXIST/],
  [join(root, 'file/below'), /ENOTDIR/],
  [join(root, 'file/far/below'), /ENOTDIR/],
  [join(root, 'a\0b'), /ERR_INVALID_ARG_VALUE/],
];
// Only Linux has it; there Node's own way hangs.
if (existsSync('/proc/self')) {
  cannot.push(['/proc/x', /ENOENT|EACCES|EPERM/], ['/proc/x/y/z', /ENOENT|EACCES|EPERM/]);
}
for (const [path, code] of cannot) {
  test(`what cannot be a folder is said: ${path.replace(root, '').replace('\0', '<NUL>')}`, () => {
    assert.throws(() => makeFolder(path), { code });
  });
}
