/**
 * What a file imports: static, type-only and dynamic imports, re-exports, and files named for
 * workers.
 */
import { existsSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { CODE, lineAt, type Source } from './source.ts';
import { ROOT } from './tree.ts';

export interface Import {
  /** As written: `../core/record.ts`, `node:fs`, `@scope/name/part`. */
  readonly specifier: string;
  /** The path from the root when it is ours, else null. */
  readonly file: string | null;
  /** The package's name when it is one from npm, else null. */
  readonly npm: string | null;
  /** Erased before anything runs. */
  readonly isType: boolean;
  readonly line: number;
}

/** The keyword must stand in code; the quotes are a literal by then. */
const STATIC = /\b(?:import|export)\b([^'"`;]*?)\bfrom\s*(['"])([^'"\n]+)\2/g;
const BARE = /\bimport\s*(['"])([^'"\n]+)\1/g;
const DYNAMIC = /\b(?:import|require)\s*\(\s*(['"`])([^'"`\n]+)\1/g;

export function importsOf(source: Source): readonly Import[] {
  const found: Import[] = [];
  const add = (index: number, specifier: string, isType: boolean) => {
    if (source.kinds[index] !== CODE) return;
    const file = specifier.startsWith('.')
      ? normalize(join(dirname(source.path), specifier))
      : null;
    const isNpm = file === null && !specifier.startsWith('node:');
    const npm = isNpm ? packageOf(specifier) : null;
    found.push({ specifier, file, npm, isType, line: lineAt(source.text, index) });
  };
  for (const match of source.text.matchAll(STATIC)) {
    add(match.index, match[3]!, isTypeOnly(match[1]!));
  }
  for (const match of source.text.matchAll(BARE)) add(match.index, match[2]!, false);
  for (const match of source.text.matchAll(DYNAMIC)) {
    const before = source.code.slice(0, match.index).trimEnd();
    // `x: import('y').T` and `typeof import('y')` are types.
    add(match.index, match[2]!, /(?::|\btypeof|[<|&])$/.test(before) && !before.endsWith('=>'));
  }
  return found;
}

function isTypeOnly(clause: string): boolean {
  if (/^\s*type\b/.test(clause)) return true;
  const names = /^\s*\{([^}]*)\}\s*$/.exec(clause)?.[1];
  if (names === undefined) return false;
  const parts = names.split(',').filter((name) => name.trim() !== '');
  return parts.length > 0 && parts.every((name) => /^\s*type\s/.test(name));
}

function packageOf(specifier: string): string {
  const parts = specifier.split('/');
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : parts[0]!;
}

/** Files that are named in a literal: workers, child processes, readers of a sibling. */
export function filesNamedIn(source: Source): readonly string[] {
  const named: string[] = [];
  const workers = [...source.text.matchAll(/\bworkerUrl\('([\w-]+)',/g)].map(([, n]) => `${n}.ts`);
  const literals = [...source.text.matchAll(/['"`]([\w./-]+\.ts)['"`]/g)].map(([, n]) => n!);
  for (const specifier of [...workers, ...literals]) {
    for (const base of [dirname(source.path), '.']) {
      const file = normalize(join(base, specifier));
      if (existsSync(join(ROOT, file))) named.push(file);
    }
  }
  return named;
}
