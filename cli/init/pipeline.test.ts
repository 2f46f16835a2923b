/** A pipeline of one's own, whatever it is called: complete, and itself tested. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { parse } from 'yaml';
import { compile } from '../../compiler/compile.ts';
import { parseTopologyTest } from '../../compiler/topology-test.ts';
import { readSchemaFolder } from '../../schemas/folder.ts';
import { catalog } from '../catalog.ts';
import { readDeployment } from '../deployment.ts';
import { runTopologyTest } from '../drive/topology-test-run.ts';
import { packageFolder } from '../version.ts';
import { pipelineFiles } from './pipeline.ts';

const folder = mkdtempSync(join(tmpdir(), 'carillon-init-'));
after(() => rmSync(folder, { recursive: true }));

const OWN = join(packageFolder, 'schemas');
const names = ['my-pipeline', 'air', 'a', 'bank-2', 'my', 'pipeline', 'z'.repeat(64)];

for (const name of names) {
  test(`${name}: its topology compiles, and its tests pass`, async () => {
    const home = join(folder, name);
    const files = pipelineFiles(name, '^1.0.0');
    for (const { path, text } of files) {
      mkdirSync(dirname(join(home, path)), { recursive: true });
      writeFileSync(join(home, path), text);
    }
    const read = (path: string) => readFileSync(join(home, path), 'utf8');
    const schemas = readSchemaFolder(OWN, join(home, 'schemas'));
    const file = `topology/${name}.yaml`;
    const { plan, diagnostics } = compile(read(file), { file, catalog, schemas, env: {} });
    assert.deepEqual(diagnostics, []);
    assert.equal(plan!.topology, name);
    const beside = `topology/${name}.test.yaml`;
    const parsed = parseTopologyTest(read(beside), beside, plan);
    assert.deepEqual(parsed.diagnostics, []);
    const results = await runTopologyTest(parsed.test!, plan!, schemas);
    assert.deepEqual(
      results.flatMap(({ differences }) => differences),
      [],
    );
    for (const deployment of ['carillon.yaml', 'carillon.cluster.yaml']) {
      const { topology, schemas: folders } = readDeployment({
        file: deployment,
        folder: home,
        env: {},
      });
      assert.deepEqual([topology, folders], [join(home, file), [OWN, join(home, 'schemas')]]);
    }
    assert.equal(parse(read('compose.yaml')).name, name);
    assert.equal(JSON.parse(read('package.json')).dependencies.carillon, '^1.0.0');
    assert.match(read('.gitignore'), /^\.carillon\/$/m);
  });
}

test('the tests at every push need no file that init does not make', () => {
  const files = new Map(pipelineFiles('air', '^1.0.0').map(({ path, text }) => [path, text]));
  assert.equal(files.has('package-lock.json'), false);
  const { steps } = parse(files.get('.github/workflows/check.yaml')!).jobs.check;
  // `npm ci` and the cache of setup-node both ask for a lock file.
  assert.deepEqual(steps.slice(1), [
    { uses: 'actions/setup-node@v4', with: { 'node-version': 24 } },
    { run: 'npm install' },
    { run: 'npm test' },
  ]);
});

test('what is made names nothing of the clone, nor the name of the template', () => {
  for (const { path, text } of pipelineFiles('air', '^1.0.0')) {
    assert.doesNotMatch(`${path}\n${text}`, /my.pipeline|\.\.\/|docker\/|reno\.yaml/, path);
  }
});
