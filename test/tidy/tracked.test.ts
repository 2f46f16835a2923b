import assert from 'node:assert/strict';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { assertNone, files, ROOT, read } from './tree.ts';

/** Text that someone wrote; pictures and archives are not read. */
const TEXT =
  /\.(?:ts|js|mjs|json|md|ya?ml|avsc|sh|txt|toml|conf|cfg|properties|html|css|py)$|(?:^|\/)[^.]+$|(?:^|\/)\.[^.]+$/;

/**
 * Paths of one machine, and hosts of package registries: a clone must work anywhere. The words are
 * written in parts, so that this file holds none of them.
 */
function machineWords(): readonly RegExp[] {
  const hosts = ['npmjs', 'yarnpkg', 'npmmirror'].map((name) => `registry\\.${name}\\.`);
  const products = [
    ['arti', 'factory'],
    ['jf', 'rog'],
    ['verd', 'accio'],
  ].map((part) => part.join(''));
  // A folder as general as `/app` says nothing of the machine.
  const own = [ROOT, join(homedir(), '/')].filter((path) => path.split('/').length > 2);
  return [
    ...own.map((path) => new RegExp(`${path.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}`)),
    /(?<![\w.-])\/(?:home|Users)\/[a-z][\w.-]*\//,
    ...[...hosts, ...products].map((word) => new RegExp(word, 'i')),
  ];
}

test("no file names this machine's folders or a package registry's host", () => {
  const words = machineWords();
  const faults: string[] = [];
  for (const file of files.filter((name) => TEXT.test(name))) {
    for (const [at, line] of read(file).split('\n').entries()) {
      const word = words.map((pattern) => pattern.exec(line)?.[0]).find(Boolean);
      if (word !== undefined) faults.push(`${file}:${at + 1}: ${word}`);
    }
  }
  assertNone(faults);
});

test('package-lock.json has no addresses: a clone takes them from its own registry', () => {
  assert.doesNotMatch(read('package-lock.json'), /"resolved":/);
  assert.match(read('.npmrc'), /^omit-lockfile-registry-resolved=true$/m);
});

test('names are kebab-case, and none is a drawer', () => {
  const drawers = /(?:^|[/-])(?:utils?|helpers?|common|managers?|misc|shared-utils)(?:[./-]|$)/;
  const kebab = /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z]+)*\.ts$/;
  const faults: string[] = [];
  for (const file of files) {
    const name = file.split('/').at(-1)!;
    if (drawers.test(file)) faults.push(`${file}: say what it is about.`);
    if (name.endsWith('.ts') && !kebab.test(name)) faults.push(`${file}: not kebab-case.`);
  }
  assertNone(faults);
});
