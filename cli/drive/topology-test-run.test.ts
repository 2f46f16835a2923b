/** What a failed case of a topology's own tests shows. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compile } from '../../compiler/compile.ts';
import { parseTopologyTest } from '../../compiler/topology-test.ts';
import { readSchemaFolder } from '../../schemas/folder.ts';
import { lanesWith, planChanges } from '../../test/kit/drive.ts';
import { catalog } from '../catalog.ts';
import { runTopologyTest } from './topology-test-run.ts';

const schemas = readSchemaFolder(new URL('../../schemas', import.meta.url).pathname);
const { plan } = compile(lanesWith(planChanges({})), { file: 't', catalog, schemas, env: {} });

/** The differences of a case that feeds a record without a value. */
async function differencesOf(expect: string): Promise<string[]> {
  const text = `topology: ${plan!.topology}
tests:
  - it: a record without a value
    feed:
      - { at: 1s, topic: events.plan-change, key: m-1, value: null }
    expect: ${expect}
`;
  const parsed = parseTopologyTest(text, 't.test.yaml', plan!);
  assert.deepEqual(parsed.diagnostics, []);
  const [result] = await runTopologyTest(parsed.test!, plan!, schemas);
  return result!.differences.map(({ sign, what }) => `${sign} ${what}`);
}

const LETTER = 'at: 1s, topic: dead-letters, key: m-1';
const SEEN = `+ { ${LETTER}, code: CAR509, value: null }   the value is null`;
const rows: readonly [expected: string, differences: readonly string[]][] = [
  ['[]', [SEEN]],
  [`[{ ${LETTER} }]`, []],
  [`[{ ${LETTER}, code: CAR509 }]`, []],
  [`[{ ${LETTER}, code: CAR508 }]`, [`- { ${LETTER}, code: CAR508 }`, SEEN]],
];
for (const [expected, differences] of rows) {
  test(`a dead letter says its code, with ${expected} expected`, async () => {
    assert.deepEqual(await differencesOf(expected), differences);
  });
}
