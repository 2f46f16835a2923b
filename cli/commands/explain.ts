/**
 * `carillon explain`: the page of an error code, the reference of a step or sink, the lists of
 * them, or what the push providers' answers mean.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { referenceDocs } from '../../compiler/reference-docs.ts';
import { providersText } from '../../connectors/provider-tables.ts';
import { CarillonError } from '../../core/error.ts';
import type { ErrorEntry } from '../../core/error-entry.ts';
import { ERROR_TABLE } from '../../core/error-table.ts';
import { nearest } from '../../core/nearest.ts';
import { catalog } from '../catalog.ts';
import { EXIT_OK } from '../show-error.ts';
import { packageFolder } from '../version.ts';

const CODES: { readonly [code: string]: ErrorEntry } = ERROR_TABLE;
const LISTS: { readonly [name: string]: () => string } = {
  codes: () =>
    table(
      Object.keys(CODES)
        .sort()
        .map((code) => [`${code} ${CODES[code]!.slug}`, CODES[code]!.what]),
    ),
  steps: () => table(summaries(catalog.steps)),
  sinks: () => table(summaries(catalog.sinks)),
  providers: providersText,
};

/** Throws CAR912 with the nearest name. */
export async function explain(name: string): Promise<number> {
  process.stdout.write(explained(name));
  return EXIT_OK;
}

function explained(name: string): string {
  if (Object.hasOwn(LISTS, name)) return LISTS[name]!();
  const code = codeOf(name);
  if (code !== undefined) return errorPage(code);
  const type = name.replaceAll('-', '_');
  if (catalog.steps.has(type) || catalog.sinks.has(type)) return referenceOf(type);
  const slugs = Object.values(CODES).map(({ slug }) => slug);
  const known = [...catalog.steps.keys(), ...catalog.sinks.keys(), ...Object.keys(LISTS), ...slugs];
  const near = nearest(name, [...known, ...Object.keys(CODES)]);
  throw new CarillonError('CAR912', `"${name}" is no code, step or sink.`, {
    where: { at: 'carillon explain' },
    ...(near === undefined ? {} : { mend: `did you mean "${near}"?` }),
  });
}

/** `CAR204`, `car204`, `204` and `unknown-step` are the same. */
function codeOf(name: string): string | undefined {
  const code = /^\d{3}$/.test(name) ? `CAR${name}` : name.toUpperCase();
  if (Object.hasOwn(CODES, code)) return code;
  return Object.keys(CODES).find((known) => CODES[known]!.slug === name);
}

function errorPage(code: string): string {
  const folder = join(packageFolder, 'docs/errors');
  let page: string | undefined;
  try {
    page = readdirSync(folder).find((file) => file.startsWith(`${code}-`));
  } catch {
    // A package without its docs still has the table.
  }
  if (page !== undefined) return readFileSync(join(folder, page), 'utf8');
  const { slug, what, mend } = CODES[code]!;
  return `# ${code} ${slug}\n\n${what}\n\n## Mend\n\n${mend}\n`;
}

/** The part of the reference that is about one type. */
function referenceOf(type: string): string {
  const [, ...parts] = referenceDocs(catalog).split(/^(?=### )/m);
  const part = parts.find((text) => text.startsWith(`### ${type}\n`)) ?? '';
  return `${part.replace(/^## [\s\S]*$/m, '').trimEnd()}\n`.replace(/^###/, '#');
}

function summaries(
  specs: ReadonlyMap<string, { readonly type: string; readonly summary: string }>,
): [string, string][] {
  return [...specs.values()]
    .map(({ type, summary }): [string, string] => [type, summary])
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

function table(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, what]) => `${name.padEnd(width)}  ${what}\n`).join('');
}
