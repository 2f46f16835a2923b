import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { filesNamedIn, importsOf } from './imports.ts';
import { assertNone, isTest, ROOT, read, sources } from './tree.ts';

/** What a command or a test runner starts, and what the published package begins with. */
function entryPoints(): ReadonlySet<string> {
  const { scripts } = JSON.parse(read('package.json'));
  const { files: published } = JSON.parse(read('tsconfig.package.json'));
  const named = [...Object.values<string>(scripts), ...published];
  return new Set(named.flatMap((text) => text.match(/[\w./-]+\.ts\b/g) ?? []));
}

/** A file that only its own test knows is dead: nobody would miss it but the test. */
function isOwnTest(user: string, file: string): boolean {
  return user === file.replace(/\.ts$/, '.test.ts') && !file.startsWith('test/');
}

const isWired = existsSync(join(ROOT, 'cli/carillon.ts'));

test('every file is used by another, or is an entry point', {
  skip: isWired ? false : 'the cli, which wires everything, is not there yet',
}, () => {
  const users = new Map<string, string[]>();
  for (const source of sources) {
    const used = importsOf(source).map((of) => of.file);
    for (const file of [...used, ...filesNamedIn(source)]) {
      if (file !== null && file !== source.path) {
        users.set(file, [...(users.get(file) ?? []), source.path]);
      }
    }
  }
  const entries = entryPoints();
  assertNone(
    sources
      .map((source) => source.path)
      .filter((path) => !isTest(path) && !entries.has(path))
      .filter((path) => !users.get(path)?.some((user) => !isOwnTest(user, path)))
      .map((path) => `${path}: nothing but its own test uses it. Mend: wire it in, or remove it.`),
  );
});
