/** The files of the project as they would be committed: what git tracks, and what is new. */
import { execFileSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readSource, type Source } from './source.ts';

export const ROOT = join(import.meta.dirname, '../..');

function listed(): string[] {
  try {
    const args = ['ls-files', '--cached', '--others', '--exclude-standard', '-z'];
    const out = execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', stdio: 'pipe' });
    return out.split('\0').filter((file) => file !== '');
  } catch {
    // An unpacked archive has no git; what it holds is what was tracked, and the packages beside
    // it.
    return globSync('**/*.*', { cwd: ROOT }).filter((file) => !file.includes('node_modules/'));
  }
}

/** Paths from the root, with slashes, in order. Without what is deleted but still tracked. */
export const files: readonly string[] = listed()
  .filter((file) => existsSync(join(ROOT, file)))
  .sort();

export function read(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8');
}

/** All TypeScript, read once for each test file. */
export const sources: readonly Source[] = files
  .filter((file) => file.endsWith('.ts'))
  .map((file) => readSource(file, read(file)));

export const isTest = (path: string) => path.endsWith('.test.ts');

/** Fails with one line per fault, so that all are read at once. */
export function assertNone(faults: readonly string[]): void {
  if (faults.length === 0) return;
  const error = new Error(`${faults.length} fault(s)\n  ${[...faults].sort().join('\n  ')}`);
  error.stack = error.message;
  throw error;
}
