/**
 * `carillon explain`: the page of an error code, the reference of a step or sink, why records are
 * dropped, the lists of them, or what the push providers' answers mean.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { referenceDocs } from '../../compiler/reference-docs.ts';
import { providersText } from '../../connectors/provider-tables.ts';
import { CarillonError } from '../../core/error.ts';
import type { ErrorEntry } from '../../core/error-entry.ts';
import { ERROR_TABLE } from '../../core/error-table.ts';
import { nearest } from '../../core/nearest.ts';
import type { Catalog } from '../../core/spec.ts';
import { readDeployment } from '../deployment.ts';
import { catalogWith } from '../modules/load-modules.ts';
import { EXIT_OK } from '../show-error.ts';
import { packageFolder } from '../version.ts';

const CODES: { readonly [code: string]: ErrorEntry } = ERROR_TABLE;
const LISTS: { readonly [name: string]: (catalog: Catalog) => string } = {
  codes: () =>
    table(
      Object.keys(CODES)
        .sort()
        .map((code) => [`${code} ${CODES[code]!.slug}`, CODES[code]!.what]),
    ),
  reasons: (catalog) => reasonTable(reasonsIn(catalog)),
  steps: (catalog) => table(summaries(catalog.steps)),
  sinks: (catalog) => table(summaries(catalog.sinks)),
  providers: providersText,
};

export interface ExplainOptions {
  readonly deployment?: string;
  readonly processors?: readonly string[];
}

/** Throws CAR912 with the nearest name. */
export async function explain(name: string, options: ExplainOptions = {}): Promise<number> {
  const isCode = codeOf(name) !== undefined;
  const catalog = await catalogWith(isCode ? [] : modulesOf(options), process.cwd());
  process.stdout.write(explained(name, catalog));
  return EXIT_OK;
}

/** Whoever has a deployment that cannot be read asks what is wrong with it. */
function modulesOf({ deployment: file, processors }: ExplainOptions): readonly string[] {
  const folder = process.cwd();
  try {
    return readDeployment({ file, folder, env: process.env, processors }).processors;
  } catch {
    return (processors ?? []).map((path) => resolve(folder, path));
  }
}

function explained(name: string, catalog: Catalog): string {
  if (Object.hasOwn(LISTS, name)) return LISTS[name]!(catalog);
  const code = codeOf(name);
  if (code !== undefined) return errorPage(code);
  const type = name.replaceAll('-', '_');
  if (catalog.steps.has(type) || catalog.sinks.has(type)) return referenceOf(type, catalog);
  const reasons = reasonsIn(catalog);
  const meant = reasons.filter(({ reason }) => reason === type);
  if (meant.length > 0) return reasonTable(meant);
  const slugs = Object.values(CODES).map(({ slug }) => slug);
  const known = [...catalog.steps.keys(), ...catalog.sinks.keys(), ...Object.keys(LISTS), ...slugs];
  for (const { reason } of reasons) known.push(reason);
  const near = nearest(name, [...known, ...Object.keys(CODES)]);
  throw new CarillonError('CAR912', `"${name}" is no code, step, sink or drop reason.`, {
    where: { at: 'carillon explain' },
    ...(near === undefined ? {} : { mend: `did you mean "${near}"?` }),
  });
}

interface Reason {
  readonly reason: string;
  /** The step that drops for it. */
  readonly of: string;
  readonly why: string;
}

const reasonTable = (reasons: readonly Reason[]) =>
  table(reasons.map(({ reason, of, why }) => [`${reason}  ${of}`, why]));

function reasonsIn({ steps }: Catalog): readonly Reason[] {
  return [...steps.values()]
    .flatMap(({ type, drops }) =>
      Object.entries(drops ?? {}).map(([reason, why]) => ({ reason, of: type, why })),
    )
    .sort((a, b) => (a.reason < b.reason ? -1 : a.reason > b.reason ? 1 : 0));
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
function referenceOf(type: string, catalog: Catalog): string {
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
