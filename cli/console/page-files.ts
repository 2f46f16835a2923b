/**
 * The files of the console's page. Its modules are TypeScript beside the sources, and JavaScript in
 * the package: here they lose their types as Node's own loader would take them, so that there is no
 * build.
 */
import { existsSync, readFileSync } from 'node:fs';
import * as nodeModule from 'node:module';
import { extname, join } from 'node:path';
import type { ConsoleFile } from '../../gateway/console.ts';
import { PICTURE_STYLE } from '../describe/svg-text.ts';
import { packageFolder } from '../version.ts';

const TYPES: { readonly [extension: string]: string } = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml; charset=utf-8',
  '.ts': 'text/javascript; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
};

/** Not in the page's folder: what the picture of a topology looks like is said once. */
const PICTURE_FILE = 'picture.css';
/** Compiled in the package, sources in the project. */
const MODULES = join(import.meta.dirname, '../../console');
const ASSETS = join(packageFolder, 'console');
const EXTENSION = extname(import.meta.filename);
/** No folders, and nothing that is no part of the page, as its tests. */
const NAME = /^[a-z][a-z-]*\.(?:html|css|svg|ts|js)$/;

/** Read when it is asked for: nothing is kept for a page that nobody opens. */
export function pageFile(name: string): ConsoleFile | undefined {
  if (!NAME.test(name)) return undefined;
  const extension = extname(name);
  const type = TYPES[extension]!;
  if (name === PICTURE_FILE) return { type, text: `.picture {${PICTURE_STYLE}\n}\n` };
  const isModule = extension === '.ts' || extension === '.js';
  if (isModule && extension !== EXTENSION) return undefined;
  const file = join(isModule ? MODULES : ASSETS, name);
  if (!existsSync(file)) return undefined;
  const text = readFileSync(file, 'utf8');
  if (extension === '.ts') return { type, text: withoutTypes(text) };
  return { type, text: name === 'index.html' ? text.replaceAll('.ts"', `${EXTENSION}"`) : text };
}

/**
 * Node says at the first call that this is experimental, which the loader no longer is; who looks
 * at a page could do nothing about it.
 */
function withoutTypes(text: string): string {
  const { emitWarning } = process;
  process.emitWarning = () => undefined;
  try {
    return nodeModule.stripTypeScriptTypes(text);
  } finally {
    process.emitWarning = emitWarning;
  }
}
