/**
 * What is made from the code and committed, so that editors and readers have it without a build.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { compile } from '../compiler/compile.ts';
import { jsonSchema } from '../compiler/json-schema.ts';
import { referenceDocs } from '../compiler/reference-docs.ts';
import { providersPage } from '../connectors/provider-tables.ts';
import type { ErrorEntry } from '../core/error-entry.ts';
import { ERROR_TABLE } from '../core/error-table.ts';
import { asyncApiOf } from '../gateway/api/asyncapi.ts';
import { openApiOf } from '../gateway/api/openapi.ts';
import { OPERATIONS } from '../gateway/api/operations.ts';
import { readSchemaFolder } from '../schemas/folder.ts';
import { CLIENT_FRAME_SCHEMAS, SERVER_FRAME_SCHEMAS } from '../schemas/frame-schemas.ts';
import { catalog } from './catalog.ts';
import { deploymentPage, deploymentSchema } from './deployment-docs.ts';
import { describePlan } from './describe/description.ts';
import { picture } from './describe/picture.ts';
import { alertRules, dashboard, metricsPage } from './monitoring/pages.ts';
import { packageFolder, version } from './version.ts';

export interface Generated {
  /** From the package's folder. */
  readonly path: string;
  readonly text: string;
}

export function generatedFiles(): Generated[] {
  return [
    {
      path: 'topology/topology.schema.json',
      text: `${JSON.stringify(jsonSchema(catalog), null, 2)}\n`,
    },
    { path: 'docs/reference/steps-and-sinks.md', text: referenceDocs(catalog) },
    { path: 'docs/reference/errors.md', text: errorIndex() },
    {
      path: 'docs/reference/openapi.json',
      text: `${JSON.stringify(openApiOf(OPERATIONS, version()), null, 1)}\n`,
    },
    {
      path: 'docs/reference/asyncapi.json',
      text: `${JSON.stringify(asyncApiOf(version()), null, 1)}\n`,
    },
    { path: 'docs/reference/server-frame.avsc', text: unionOf(SERVER_FRAME_SCHEMAS) },
    { path: 'docs/reference/client-frame.avsc', text: unionOf(CLIENT_FRAME_SCHEMAS) },
    { path: 'docs/reference/providers.md', text: providersPage() },
    { path: 'docs/reference/metrics.md', text: metricsPage() },
    { path: 'docs/reference/deployment.md', text: deploymentPage() },
    { path: 'docker/carillon.schema.json', text: deploymentSchema() },
    { path: 'docker/grafana-dashboard.json', text: dashboard() },
    { path: 'docker/prometheus-alerts.yaml', text: alertRules() },
    ...pictures(),
  ];
}

/** One line a record, so that a change is seen. */
const unionOf = (schemas: { readonly [type: string]: unknown }): string =>
  `[\n${Object.values(schemas)
    .map((one) => `  ${JSON.stringify(one)}`)
    .join(',\n')}\n]\n`;

/** Each topology that is shipped, as the README and the guides show it. */
function pictures(): Generated[] {
  const folder = join(packageFolder, 'topology');
  const schemas = readSchemaFolder(join(packageFolder, 'schemas'));
  const files = readdirSync(folder).filter((name) => /^[^.]+\.yaml$/.test(name));
  return files.sort().flatMap((name) => {
    const file = `topology/${name}`;
    const text = readFileSync(join(folder, name), 'utf8');
    const { plan } = compile(text, { file, catalog, schemas, env: {} });
    if (plan === undefined) return [];
    const path = `docs/pictures/${name.replace(/\.yaml$/, '.svg')}`;
    return [{ path, text: picture(describePlan(plan)) }];
  });
}

/** Paths of those that are missing or say something else. */
export function staleFiles(files: readonly Generated[], folder = packageFolder): string[] {
  return files
    .filter(({ path, text }) => readOr(join(folder, path)) !== text)
    .map(({ path }) => path);
}

export function writeFiles(files: readonly Generated[], folder = packageFolder): void {
  for (const { path, text } of files) {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
}

function readOr(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

const PARTS: { readonly [digit: string]: string } = {
  1: 'Text',
  2: 'Graph',
  3: 'Options',
  4: 'Schemas',
  5: 'Records',
  6: 'Connectors',
  7: 'Gateway',
  8: 'State',
  9: 'Commands and deployment',
};

function errorIndex(): string {
  const codes: [string, ErrorEntry][] = Object.entries(ERROR_TABLE).sort(([a], [b]) =>
    a < b ? -1 : 1,
  );
  const lines = [
    '# Error codes',
    '',
    'Generated from the error table by `npm run generate`; do not edit. Each has a page of its own,',
    'which `carillon explain <code>` prints.',
  ];
  let part = '';
  for (const [code, { slug, what }] of codes) {
    const digit = code.charAt(3);
    if (digit !== part) {
      part = digit;
      lines.push('', `## ${PARTS[digit]}`, '', '| code | what it means |', '|---|---|');
    }
    lines.push(`| [${code} ${slug}](../errors/${code}-${slug}.md) | ${what} |`);
  }
  return `${lines.join('\n')}\n`;
}
