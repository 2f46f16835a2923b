// biome-ignore-start lint/suspicious/noTemplateCurlyInString: deployment texts have variables.
/** The table of settings is what the readers of a deployment take: no key more, no key less. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { parseDeployment } from './deployment.ts';
import { deploymentPage, deploymentSchema } from './deployment-docs.ts';
import { DEPLOYMENT_SECTIONS, type DeploymentSection } from './deployment-table.ts';
import { FileErrors } from './show-error.ts';
import { packageFolder } from './version.ts';

const PLACE = { file: 'carillon.yaml', folder: '/srv' };

/** The keys that a section says it knows, when it is given one that it does not. */
function takenAt({ path }: DeploymentSection, kind: string | undefined): string[] {
  const steps = path === '' ? [] : path.split('.');
  const head = kind === undefined ? '' : `kind: ${kind}, `;
  const text = steps.reduceRight((inner, key) => {
    const beside = key === 'log' && steps.length > 1 ? 'kind: kafka, ' : '';
    return `${key}: { ${beside}${inner} }`;
  }, `${head}qqqqqqqqqqqq: 1`);
  try {
    parseDeployment(`${text}\n`, { ...PLACE, env: {} });
  } catch (error) {
    assert.ok(error instanceof FileErrors);
    const told = error.diagnostics.find(({ code }) => code === 'CAR104');
    assert.ok(told, `${text}: no key is unknown`);
    return told.mend!.replace(/^Keys here: |\.$/g, '').split(', ');
  }
  return assert.fail(`${text} was taken`);
}

/** Sections and mappings below, which have rows of their own. */
const below = (path: string) => {
  const prefix = path === '' ? '' : `${path}.`;
  return DEPLOYMENT_SECTIONS.map((one) => one.path)
    .filter((one) => one !== path && one.startsWith(prefix))
    .map((one) => one.slice(prefix.length).split('.')[0]!);
};

for (const section of DEPLOYMENT_SECTIONS) {
  const { path, settings } = section;
  const kinds = 'kind' in settings ? settings.kind!.kind : [undefined];
  for (const kind of kinds as readonly (string | undefined)[]) {
    test(`settings ${path === '' ? 'at the top' : `of ${path}`} ${kind ?? ''}`, () => {
      const own = Object.entries(settings).filter(([, { of }]) => of === undefined || of === kind);
      const isKafka = path !== 'log' || kind === 'kafka';
      const known = [...own.map(([key]) => key), ...(isKafka ? below(path) : [])];
      if (path === 'connectors.fcm' || path === 'connectors.apns') known.push('apps');
      assert.deepEqual(takenAt(section, kind).sort(), [...new Set(known)].sort());
    });
  }
}

test('each setting has a row, and each section its heading', () => {
  const page = deploymentPage();
  for (const { path, settings } of DEPLOYMENT_SECTIONS) {
    assert.ok(path === '' || page.includes(`\n## ${path}\n`), path);
    for (const key of Object.keys(settings)) assert.ok(page.includes(`\n| \`${key}\` |`), key);
  }
});

const isValid = new Ajv({ strict: false }).compile(JSON.parse(deploymentSchema()));

for (const file of [
  'docker/carillon.yaml',
  'docker/carillon.cluster.yaml',
  'cli/init/template/carillon.yaml',
]) {
  test(`editors find nothing wrong in ${file}`, () => {
    isValid(parse(readFileSync(join(packageFolder, file), 'utf8')));
    assert.deepEqual(isValid.errors ?? [], []);
  });
}

for (const [what, text, isRight] of [
  [
    'all of Kafka',
    'log: { kind: kafka, brokers: [a:1], ssl: { ca: x }, sasl: { username: u } }',
    true,
  ],
  ['a secret from the environment', 'auth: { secret: "${S}" }', true],
  ['settings of one’s own sink', 'connectors: { siren: { host: x } }', true],
  ['apps', 'connectors: { fcm: { apps: { kids: { credentials: a.json } } } }', true],
  ['a flag by a variable', 'http: { proxy_protocol: "${P:-true}" }', true],
  ['a secret in the file', 'auth: { secret: abc }', false],
  ['an unknown key', 'http: { prt: 1 }', false],
  ['an unknown setting of an app', 'connectors: { fcm: { apps: { kids: { cred: a } } } }', false],
  ['a port beyond all', 'http: { port: 70000 }', false],
  ['a kind that is none', 'log: { kind: kafca }', false],
  ['a duration without a unit', 'log: { retention: "7" }', false],
] as const) {
  test(`editors find ${what} ${isRight ? 'right' : 'wrong'}`, () => {
    assert.equal(isValid(parse(text)), isRight, JSON.stringify(isValid.errors));
  });
}
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: as above.
