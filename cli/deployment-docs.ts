/** The reference of deployment configs, and their JSON Schema (draft 7) for editors. */
import {
  closed,
  countOf,
  durationOf,
  type Json,
  listOf,
  orVariable,
  SIZE,
  text,
} from '../compiler/json-forms.ts';
import { CONNECTOR_SETTINGS } from '../connectors/setting-tables.ts';
import {
  DEPLOYMENT_SECTIONS,
  type DeploymentKind,
  type DeploymentSection,
  type DeploymentSetting,
} from './deployment-table.ts';

const KIND_DOCS: { readonly [K in DeploymentKind]: string } = {
  text: 'text',
  duration: 'duration',
  count: 'whole number',
  flag: 'true or false',
  bytes: 'size',
  origin: 'https address without a path',
  url: 'http or https address',
  pem: 'PEM, or the path of it',
  account: 'path, or a mapping',
  ranges: 'list of addresses or ranges',
  path: 'path',
  paths: 'list of paths',
  texts: 'list of texts',
  secret: 'secret',
  tls: 'mapping of paths: `cert`, `key`, `ca`',
  ssl: 'true, or `{ ca: path, verify: true or false }`',
};

export function deploymentPage(): string {
  return [
    '# Deployment',
    '',
    'Generated from the table of settings by `npm run generate`; do not edit. `carillon.yaml` of the folder, or the file that',
    '`--deployment` or `CARILLON_DEPLOYMENT` names, says where a topology runs. Everything may be left out: then it is one process on one',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the form of variables.
    'SQLite file. `${VAR}` and `${VAR:-default}` come from the environment. An editor that reads `docker/carillon.schema.json`',
    'completes and checks it; `carillon init` puts it beside the file.',
    '',
    ...DEPLOYMENT_SECTIONS.flatMap(sectionDocs),
    'Sinks of your own have their settings under `connectors`, by their type.',
    '',
  ].join('\n');
}

function sectionDocs({ path, doc, settings }: DeploymentSection): string[] {
  return [
    path === '' ? '## At the top' : `## ${path}`,
    '',
    doc,
    '',
    '| setting | value | by default | what |',
    '|---|---|---|---|',
    ...Object.entries(settings).map(([key, setting]) => settingRow(key, setting)),
    '',
  ];
}

function settingRow(
  key: string,
  { kind, doc, fallback, needed, of, max }: DeploymentSetting,
): string {
  const value =
    typeof kind === 'string' ? KIND_DOCS[kind] : kind.map((one) => `\`${one}\``).join(', ');
  const bound = max === undefined ? '' : `, at most ${max.toLocaleString('en')}`;
  const otherwise = needed === undefined ? (fallback ?? '') : `needed ${needed}`;
  const what = of === undefined ? doc : `${doc} (${of})`;
  return `| \`${key}\` | ${value}${bound} | ${otherwise} | ${what} |`;
}

const listOrText = (doc: string): Json => ({
  description: doc,
  anyOf: [{ type: 'string' }, { ...listOf(doc, { type: 'string' }), minItems: 1 }],
});
const orWritten = (doc: string, of: Json): Json => ({
  description: doc,
  anyOf: [of, { type: 'string', pattern: orVariable('^$') }],
});

const FORMS: { readonly [K in DeploymentKind]: (doc: string, max?: number) => Json } = {
  text,
  duration: (doc) => durationOf(doc),
  count: (doc, max) =>
    countOf(doc, { minimum: -1, ...(max === undefined ? {} : { maximum: max }) }),
  flag: (doc) => orWritten(doc, { type: 'boolean' }),
  bytes: (doc) => ({ type: 'string', pattern: orVariable(SIZE), description: doc }),
  origin: text,
  url: text,
  pem: text,
  account: (doc) => ({ description: doc, type: ['string', 'object'] }),
  ranges: listOrText,
  path: text,
  paths: listOrText,
  texts: listOrText,
  secret: (doc) => ({ ...text(doc), pattern: '^\\$\\{[^}]*\\}$' }),
  tls: (doc) =>
    closed(doc, { cert: text('PEM.'), key: text('PEM.'), ca: text('PEM.') }, ['cert', 'key']),
  ssl: (doc) => ({
    description: doc,
    anyOf: [{ type: 'boolean' }, closed(doc, { ca: text('PEM.'), verify: { type: 'boolean' } })],
  }),
};

function formOf({ kind, doc, max }: DeploymentSetting): Json {
  if (typeof kind === 'string') return FORMS[kind](doc, max);
  return {
    description: doc,
    anyOf: [{ enum: kind }, { type: 'string', pattern: '^\\$\\{[^}]*\\}$' }],
  };
}

/** Of a section and of those below it. */
function schemaOf({ path, doc, settings }: DeploymentSection): Json {
  const properties: { [key: string]: unknown } = {};
  for (const [key, setting] of Object.entries(settings)) properties[key] = formOf(setting);
  for (const below of DEPLOYMENT_SECTIONS) {
    const [key, ...deeper] = below.path.slice(path === '' ? 0 : path.length + 1).split('.');
    if (below.path === path || !below.path.startsWith(path === '' ? '' : `${path}.`)) continue;
    if (deeper.length === 0) properties[key!] = schemaOf(below);
  }
  if (path === '') properties.connectors = connectorsSchema();
  return closed(doc, properties);
}

/** Beside ours those of sinks of one's own, of which nothing is known. */
function connectorsSchema(): Json {
  const properties: { [connector: string]: Json } = {};
  for (const section of DEPLOYMENT_SECTIONS) {
    const [top, connector] = section.path.split('.');
    if (top !== 'connectors' || connector === undefined) continue;
    const own = schemaOf(section);
    const byApp = CONNECTOR_SETTINGS[connector]!.byApp;
    const apps = { type: 'object', additionalProperties: own, description: 'By app.' };
    const all = { ...(own.properties as Json), ...(byApp ? { apps } : {}) };
    properties[connector] = { ...own, properties: all };
  }
  return { type: 'object', description: 'Settings of sinks, by their type.', properties };
}

export function deploymentSchema(): string {
  const [top] = DEPLOYMENT_SECTIONS;
  const schema = {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Carillon deployment',
    ...schemaOf(top!),
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}
