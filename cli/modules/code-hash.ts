/**
 * What stands for the code of a module in a topology's hash: the module and all that it imports by
 * a relative path. What comes from node_modules is the lockfile's matter.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';

/** `import … from './x.ts'`, `export … from`, `import './x.ts'`, `import('./x.ts')`. */
const RELATIVE = /\b(?:from|import)\s*\(?\s*(["'])(\.{1,2}\/[^"'\n]+)\1/g;
const HASH_CHARS = 16;

/** The same on every machine: paths are from the module's folder. */
export function codeHash(file: string): string {
  const hash = createHash('sha256');
  for (const path of [...filesOf(file)].sort()) {
    const shown = relative(dirname(file), path).replaceAll('\\', '/');
    hash.update(`${shown}\0`).update(readFileSync(path)).update('\0');
  }
  return hash.digest('hex').slice(0, HASH_CHARS);
}

/** The module's own files; one that is not there is told by the import. */
export function filesOf(file: string, found = new Set<string>()): ReadonlySet<string> {
  if (found.has(file) || !existsSync(file)) return found;
  found.add(file);
  for (const [, , path] of readFileSync(file, 'utf8').matchAll(RELATIVE)) {
    filesOf(resolve(dirname(file), path!), found);
  }
  return found;
}
