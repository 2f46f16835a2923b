/**
 * What is told of a test file whose topology is broken, is not there, or is named instead of it.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { packageFolder } from './version.ts';

const folder = mkdtempSync(join(tmpdir(), 'carillon-test-files-'));
after(() => rmSync(folder, { recursive: true }));

const TOPOLOGY = `topology: small
streams:
  plans:
    id: pl
    from: { topic: events.plan-change, schema: PlanChange }
    steps: [{ dedup: { by: [value.eventId], within: 10m } }]
    to: { topic: out, schema: PlanChange }
`;
const BROKEN = TOPOLOGY.replace('dedup:', 'dedupe:');
const TEST = `topology: small
tests:
  - { it: tells nothing, feed: [], expect: [] }
`;
const files: { readonly [name: string]: string } = {
  'good/t.yaml': TOPOLOGY.replace('value.eventId', 'key'),
  'good/t.test.yaml': TEST,
  'short/t.yml': TOPOLOGY.replace('value.eventId', 'key'),
  'short/t.test.yml': TEST,
  'bad/t.yaml': BROKEN,
  'bad/t.test.yaml': TEST,
  'both/t.yaml': BROKEN,
  'both/t.test.yaml': TEST.replace('expect: []', 'expect: {}'),
  'alone/t.test.yaml': TEST,
  'broken/carillon.yaml': 'schemas: [avsc]\ntopology: t.yaml\n',
  'broken/avsc/broken.avsc': '{ "type": "recrod" }',
  'broken/t.yaml': TOPOLOGY.replace('10m', '10min').replace(
    'schema: PlanChange }\n    st',
    'schema: Broken }\n    st',
  ),
};
for (const [name, text] of Object.entries(files)) {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), text);
}

/** What is told: `file code` of errors, and the lines of standard output. */
const rows: readonly [words: string, exit: number, told: readonly string[], out: RegExp][] = [
  ['check good', 0, [], /^good\/t\.test\.yaml {2}ok {2}1 test\ngood\/t\.yaml {2}ok /],
  ['check good/t.test.yaml', 0, [], /^good\/t\.test\.yaml {2}ok {2}1 test\n$/],
  [
    'check bad/t.test.yaml',
    1,
    ['bad/t.yaml CAR204', 'bad/t.yaml CAR315'],
    /^bad\/t\.test\.yaml {2}waits for bad\/t\.yaml\n$/,
  ],
  [
    'check bad',
    1,
    ['bad/t.yaml CAR204', 'bad/t.yaml CAR315'],
    /^bad\/t\.test\.yaml {2}waits for bad\/t\.yaml\n$/,
  ],
  [
    'check both/t.test.yaml',
    1,
    ['both/t.test.yaml CAR103', 'both/t.yaml CAR204', 'both/t.yaml CAR315'],
    /^$/,
  ],
  ['check alone/t.test.yaml', 1, ['alone/t.yaml CAR902'], /^$/],
  [
    'check --deployment broken/carillon.yaml broken/t.yaml',
    1,
    ['broken/avsc/broken.avsc CAR421', 'broken/t.yaml CAR304'],
    /^$/,
  ],
  ['test good', 0, [], /^good\/t\.test\.yaml\n {2}✔ tells nothing\n\n1 passed, 0 failed\n$/],
  ['test good/t.yaml', 0, [], /^good\/t\.test\.yaml\n {2}✔ tells nothing\n/],
  ['test short', 0, [], /^short\/t\.test\.yml\n {2}✔ tells nothing\n/],
  ['test bad', 1, ['bad/t.yaml CAR204', 'bad/t.yaml CAR315'], /^$/],
  ['test bad/t.yaml', 1, ['bad/t.yaml CAR204', 'bad/t.yaml CAR315'], /^$/],
  ['test alone/t.yaml', 1, ['alone/t.yaml CAR902'], /^$/],
];
for (const [words, exit, told, out] of rows) {
  test(`carillon ${words}: exit ${exit}, ${told.join(', ') || 'nothing is told'}`, () => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [join(packageFolder, 'cli/carillon.ts'), ...words.split(' ')],
      { cwd: folder, encoding: 'utf8', timeout: 30_000 },
    );
    const found = stderr.matchAll(/^(\S+?)(?::\d+:\d+)? {2}(?:error|warning) (CAR\d+)/gm);
    assert.deepEqual(
      [...found].map(([, file, code]) => `${file} ${code}`),
      told,
    );
    assert.match(stdout, out);
    assert.equal(status, exit);
  });
}
