// biome-ignore-start lint/suspicious/noTemplateCurlyInString: deployment texts have variables.
/**
 * Every setting of the table, written wrongly in each way: one error, in its own line, with a code
 * and a mend that fits. The rows are made from the table, so that none is forgotten.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Diagnostic } from '../core/error.ts';
import { parseDeployment } from './deployment.ts';
import {
  DEPLOYMENT_SECTIONS,
  type DeploymentSection,
  type DeploymentSetting,
} from './deployment-table.ts';
import { FileErrors } from './show-error.ts';

const PLACE = { file: 'carillon.yaml', folder: '/srv' };
const ENV = { S: 'a-secret-of-thirty-two-characters-', T: 'b-secret-of-thirty-two-characters-' };

type Tree = { [key: string]: Tree | string };

/**
 * What each kind of value is, as it is written; the wrong ones, each with the codes it may have.
 */
const KINDS: {
  readonly [kind: string]: { readonly right: string; readonly wrong: readonly string[] };
} = {
  text: { right: 'a', wrong: ['7', 'true', '[a]', '{ a: b }', '', '" "'] },
  path: { right: 'a', wrong: ['7', 'true', '[a]', '{ a: b }', '', '" "'] },
  paths: { right: '[a]', wrong: ['7', '{ a: b }', '[]', '[7]', '[[a]]', ''] },
  texts: { right: '["http://a:1"]', wrong: ['7', '{ a: b }', '[]', '[7]', '[[a]]', ''] },
  count: { right: '2', wrong: ['x', '1.5', '-7', 'true', '[1]', '{ a: 1 }', ''] },
  flag: { right: 'true', wrong: ['1', '"yes"', 'on', '[true]', '{ a: true }', ''] },
  duration: { right: '5s', wrong: ['5', 'soon', '5x', '-5s', '[5s]', '{ a: 5s }', ''] },
  bytes: { right: '5MiB', wrong: ['many', '5x', '[5]', '{ a: 5 }', ''] },
  url: { right: '"http://a:1"', wrong: ['7', 'a', '"ftp://a"', '[a]', '{ a: b }', ''] },
  secret: { right: '"${S}"', wrong: ['plain-text', '7', '[a]', '{ a: b }'] },
  origin: { right: '"https://a"', wrong: ['7', 'a', '"http://a"', '"https://a/b"', '[a]', ''] },
  pem: { right: 'a.pem', wrong: ['7', '[a]', '{ a: b }', ''] },
  account: { right: 'a.json', wrong: ['7', '[a]', ''] },
  ranges: { right: '[10.0.0.0/8]', wrong: ['7', '{ a: b }', '[]', '[7]', ''] },
  tls: { right: '{ cert: a, key: b }', wrong: ['7', 'true', '[a]', '{ cert: 7, key: b }', ''] },
  ssl: { right: 'true', wrong: ['7', 'yes', '[a]', '{ ca: 7 }', '{ verify: 7 }', ''] },
};
/** Of a choice. */
const CHOICE_WRONG = ['none-of-them', '7', '[a]', '{ a: b }', ''];

/** What has to stand beside a setting for it to be right. */
const BESIDE: { readonly [path: string]: Tree } = {
  'log kafka': { log: { kind: 'kafka', brokers: '["a:1"]' } },
  'log.sasl': {
    log: {
      kind: 'kafka',
      brokers: '["a:1"]',
      sasl: { username: 'u', password: '"${S}"' },
    },
  },
  registry: {
    log: { kind: 'kafka', brokers: '["a:1"]' },
    registry: { url: '"https://r:1"', username: 'u', password: '"${S}"' },
  },
  'inbox cassandra': {
    inbox: { kind: 'cassandra', contact_points: '[a]', local_data_center: 'dc' },
  },
  state: { log: { kind: 'kafka', brokers: '["a:1"]' } },
  auth: { http: { origins: '["https://a"]' }, auth: { internal_token: '"${T}"' } },
};
/** A deployment on Kafka is whole with these. */
const WHOLE: Tree = {
  registry: { url: '"http://r:1"' },
  inbox: { kind: 'cassandra', contact_points: '[a]', local_data_center: 'dc' },
};

interface Row {
  readonly section: DeploymentSection;
  readonly of: string | undefined;
  readonly key: string;
  readonly setting: DeploymentSetting;
}

const rows: readonly Row[] = DEPLOYMENT_SECTIONS.flatMap((section) =>
  Object.entries(section.settings).map(([key, setting]) => {
    const kinds = section.settings.kind?.kind;
    const first = Array.isArray(kinds) ? (kinds as readonly string[])[0] : undefined;
    return { section, of: setting.of ?? first, key, setting };
  }),
);

function merged(a: Tree, b: Tree): Tree {
  const sum = { ...a };
  for (const [key, value] of Object.entries(b)) {
    const before = sum[key];
    const isBoth = typeof before === 'object' && typeof value === 'object';
    sum[key] = isBoth ? merged(before, value) : value;
  }
  return sum;
}

function textOf(tree: Tree, indent = ''): string {
  return Object.entries(tree)
    .map(([key, value]) =>
      typeof value === 'string'
        ? `${indent}${key}: ${value}\n`
        : `${indent}${key}:\n${textOf(value, `${indent}  `)}`,
    )
    .join('');
}

/** The config with this one setting written so, under this name, and the line where it stands. */
function written({ section, of, key }: Row, value: string, name = key) {
  const { path } = section;
  const steps = path === '' ? [] : path.split('.');
  const at = BESIDE[`${path} ${of}`] ?? BESIDE[path] ?? {};
  const kind: Tree = of !== undefined && key !== 'kind' ? { kind: of } : {};
  const wrap = (inner: Tree) => steps.reduceRight<Tree>((sum, step) => ({ [step]: sum }), inner);
  const isKafka = ['log.sasl', 'registry', 'state'].includes(path) || of === 'kafka';
  let tree = merged(isKafka ? WHOLE : {}, merged(at, wrap(kind)));
  if (of === 'cassandra' && key !== 'kind') tree = merged(tree, wrap({ kind: 'cassandra' }));
  const own = steps.reduce<Tree>((sum, step) => sum[step] as Tree, tree);
  if (name !== key) delete own[key];
  own[name] = value;
  const text = textOf(tree);
  const indent = '  '.repeat(steps.length);
  const head = `${indent}${name}: ${value}`;
  const lines = text.split('\n');
  const from =
    steps.length === 0
      ? 0
      : lines.indexOf(`${steps.at(-1) === steps[0] ? '' : '  '}${steps.at(-1)}:`);
  return { text, line: lines.indexOf(head, from) + 1 };
}

function told(text: string): readonly Diagnostic[] {
  try {
    parseDeployment(text, { ...PLACE, env: ENV });
    return [];
  } catch (error) {
    assert.ok(error instanceof FileErrors, String(error));
    return error.diagnostics;
  }
}

const kindOf = ({ kind }: DeploymentSetting) => (typeof kind === 'string' ? kind : 'choice');
const rightOf = ({ key, setting: { kind } }: Row) => {
  if (key === 'brokers') return '["a:1"]';
  return typeof kind === 'string' ? KINDS[kind]!.right : kind[0]!;
};
const wrongOf = ({ kind }: DeploymentSetting) =>
  typeof kind === 'string' ? KINDS[kind]!.wrong : CHOICE_WRONG;
const nameOf = ({ section, key, of }: Row) =>
  [section.path, key].filter((part) => part !== '').join('.') +
  (of === undefined ? '' : ` (${of})`);

for (const row of rows) {
  const { key, setting } = row;

  test(`${nameOf(row)}: as it should be written it is taken`, () => {
    const { text } = written(row, rightOf(row));
    assert.deepEqual(told(text), [], text);
  });

  for (const value of wrongOf(setting)) {
    test(`${nameOf(row)}: ${JSON.stringify(value)} is no ${kindOf(setting)}`, () => {
      const { text, line } = written(row, value);
      const diagnostics = told(text);
      const shown = JSON.stringify(diagnostics, null, 1);
      assert.equal(diagnostics.length, 1, `${text}\n${shown}`);
      const [{ code, where, what, mend }] = diagnostics as [Diagnostic];
      assert.match(code, /^CAR(?:10[359]|30[34579]|90[34]|310)$/, shown);
      assert.equal(where.line, line, `${text}\n${shown}`);
      assert.ok(what.includes(key), `${text}\n${shown}`);
      assert.ok((mend ?? '').length > 0, shown);
    });
  }

  test(`${nameOf(row)}: a name like it is told, with the one that was meant`, () => {
    const { text, line } = written(row, rightOf(row), `${key}x`);
    const found = told(text).filter(({ code }) => code === 'CAR104');
    const shown = `${text}\n${JSON.stringify(told(text), null, 1)}`;
    assert.equal(found.length, 1, shown);
    assert.equal(found[0]!.where.line, line, shown);
    assert.ok(found[0]!.mend?.includes(`"${key}"`), shown);
  });

  test(`${nameOf(row)}: a variable that is not set is told by its name`, () => {
    const { text, line } = written(row, '"${NO_SUCH}"');
    const diagnostics = told(text);
    const shown = `${text}\n${JSON.stringify(diagnostics, null, 1)}`;
    assert.deepEqual(
      diagnostics.map(({ code, where }) => [code, where.line]),
      [['CAR106', line]],
      shown,
    );
    assert.match(`${diagnostics[0]!.what}${diagnostics[0]!.mend}`, /NO_SUCH/);
  });
}
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: as above.
