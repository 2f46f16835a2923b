/** Why a module of one's own cannot be imported, and where in it. */
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CarillonError, type Place } from '../../core/error.ts';

/** What Node says, and what is to be done about it. */
const MENDS: readonly (readonly [said: RegExp, mend: string])[] = [
  [
    /TYPESCRIPT_SYNTAX/,
    'Node strips types and compiles nothing: no enum, namespace or parameter property.',
  ],
  [
    /NODE_MODULES_TYPE_STRIPPING/,
    'Node strips no types below node_modules: give it JavaScript there.',
  ],
  [/Cannot find module .*\.{1,2}\//, 'Write the path with its ending: import … from "./rows.ts".'],
  [/Cannot find (?:module|package)/, 'Check the path with its ending, or npm install the package.'],
  [/does not provide an export named/, 'Check the name; a type is imported with `import type`.'],
  [/require is not defined/, 'Write import in place of require: modules are ES modules.'],
];

export function importFailure(error: unknown, file: string, shown: string): CarillonError {
  const message = error instanceof Error ? error.message : String(error);
  const { code = '' } = (error ?? {}) as { readonly code?: string };
  const said = `${code} ${message}`;
  const mend = MENDS.find(([pattern]) => pattern.test(said))?.[1];
  const what = `it cannot be imported: ${withoutTags(message.trim().split('\n')[0] ?? '')}`;
  return new CarillonError('CAR945', /[.?!]$/.test(what) ? what : `${what}.`, {
    where: placeOf(error, file, shown),
    cause: error,
    ...(mend === undefined ? {} : { mend }),
  });
}

/** The version in a path is ours, and says nothing to its reader. */
const withoutTags = (text: string) => text.replace(/\?carillon=\w+/g, '');

/** The first line of the stack that lies in the module's own folder. */
function placeOf(error: unknown, file: string, shown: string): Place {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const folder = pathToFileURL(`${dirname(file)}/`).href;
  for (const [, url = '', line, column] of stack.matchAll(
    /(file:\/\/[^\s?)]+?)(?:\?carillon=\w+)?:(\d+)(?::(\d+))?/g,
  )) {
    if (!url.startsWith(folder) || url.includes('/node_modules/')) continue;
    const path = decodeURIComponent(url.slice(folder.length));
    return {
      file: join(dirname(shown), path),
      line: Number(line),
      ...(column === undefined ? {} : { column: Number(column) }),
    };
  }
  return { file: shown };
}
