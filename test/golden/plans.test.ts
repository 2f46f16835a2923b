/**
 * Pipelines of several kinds, each in words of its own: what is made of their topologies is what
 * stands in plans/ (`UPDATE=1` writes it anew), and the tests beside them hold.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { stringify } from 'yaml';
import { runTopologyTest } from '../../cli/drive/topology-test-run.ts';
import { compile } from '../../compiler/compile.ts';
import { describe } from '../../compiler/describe.ts';
import type { Plan } from '../../compiler/plan.ts';
import { render } from '../../compiler/render.ts';
import { parseTopologyTest } from '../../compiler/topology-test.ts';
import { readSchemaFolder } from '../../schemas/folder.ts';
import { BASE, tell } from '../mistakes/base.ts';
import { catalog } from './example.ts';

const OURS = new URL('../../schemas', import.meta.url).pathname;
const at = (path: string) => new URL(path, import.meta.url);
const read = (path: string) => readFileSync(at(path), 'utf8');

/** What is written by its name, and what no reader would look at. */
function shown(this: unknown, key: string, value: unknown): unknown {
  if (typeof value === 'function' || key === 'column') return undefined;
  if (value instanceof Map) return Object.fromEntries(value);
  if (value instanceof Set) return [...value];
  if (key === 'spec') return (value as { readonly type: string }).type;
  const isOfTarget = key === 'lane' && typeof value === 'object';
  return isOfTarget ? (value as { readonly name: string }).name : value;
}

function judge(name: string, plan: Plan): void {
  const said = `${stringify(JSON.parse(JSON.stringify(plan, shown)))}\n--- |\n${describe(plan)}`;
  const url = at(`plans/${name}.yaml`);
  if (process.env.UPDATE === '1') writeFileSync(url, said);
  assert.deepEqual(said.split('\n'), readFileSync(url, 'utf8').split('\n'));
}

const PROJECTS: readonly (readonly [name: string, folder: string, schemas: string])[] = [
  ['reno', '../../topology', ''],
  ...['airline', 'bank', 'flights', 'game', 'payments'].map(
    (name) => [name, `${name}/topology`, `${name}/schemas`] as const,
  ),
];

for (const [name, topology, own] of PROJECTS) {
  const planned = () => {
    const file = `${topology}/${name}.yaml`;
    const text = read(file);
    const folders = own === '' ? [OURS] : [OURS, at(own).pathname];
    const folder = readSchemaFolder(...folders);
    const { plan, diagnostics, schemas } = compile(text, {
      ...{ file, catalog, schemas: folder, env: {} },
    });
    assert.equal(render(diagnostics, new Map([[file, text]])), '');
    return { plan: plan!, schemas };
  };

  test(`the plan of ${name}`, () => judge(name, planned().plan));

  test(`the tests beside the topology of ${name} hold`, async () => {
    const { plan, schemas } = planned();
    const file = `${topology}/${name}.test.yaml`;
    const { test: parsed, diagnostics } = parseTopologyTest(read(file), file, plan);
    assert.deepEqual(diagnostics, []);
    for (const { it, differences } of await runTopologyTest(parsed!, plan, schemas)) {
      assert.deepEqual(
        differences.map(({ sign, what }) => `${sign} ${what}`),
        [],
        it,
      );
    }
  });
}

test('the plan of the base of mistakes', () => judge('base', tell(BASE).plan!));
