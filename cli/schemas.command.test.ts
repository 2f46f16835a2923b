/** `carillon schemas check`: what a producer is about to write with, beside RENO's topology. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { packageFolder } from './version.ts';

const folder = mkdtempSync(join(tmpdir(), 'carillon-schemas-'));
after(() => rmSync(folder, { recursive: true }));
const PLAN_CHANGE = readFileSync(join(packageFolder, 'schemas/events/plan-change.avsc'), 'utf8');
const field = (name: string) => new RegExp(`.*"name": "${name}".*\\n`);
const without = (name: string) => PLAN_CHANGE.replace(field(name), '');
const typed = (name: string, type: string) =>
  PLAN_CHANGE.replace(
    new RegExp(`"name": "${name}", "type": "string"`),
    `"name": "${name}", ${type}`,
  );

function check(...words: string[]) {
  const program = join(packageFolder, 'cli/carillon.ts');
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [program, 'schemas', 'check', ...words],
    { cwd: packageFolder, encoding: 'utf8', timeout: 30_000 },
  );
  return { status, out: stdout, err: stderr };
}

const OK = /ok {2}can be read from events\.plan-change\n$/;
const NONE = /^$/;
const rows: readonly [what: string, schema: string, status: number, out: RegExp, err: RegExp][] = [
  ['as it is', PLAN_CHANGE, 0, OK, NONE],
  [
    'one version ahead: a field more',
    PLAN_CHANGE.replace('"fields": [', '"fields": [ { "name": "region", "type": "string" },'),
    0,
    OK,
    NONE,
  ],
  ['one behind: a field less, that has a default', without('streamsMax'), 0, OK, NONE],
  ['without what steps read', without('memberId'), 1, NONE, /CAR422[\s\S]*field "memberId"/],
  [
    'another type of what steps read',
    typed('eventId', '"type": "long"'),
    1,
    NONE,
    /error CAR422[\s\S]*field "eventId"/,
  ],
  [
    'another type of what nothing reads',
    typed('planTo', '"type": "long"'),
    0,
    OK,
    /warning CAR423[\s\S]*field "planTo"/,
  ],
  ['no JSON', '{', 1, NONE, /error CAR421/],
  ['no Avro', '{ "type": "recrod", "name": "A" }', 1, NONE, /error CAR421/],
  [
    'a record that nobody reads',
    '{ "type": "record", "name": "Other", "fields": [] }',
    2,
    NONE,
    /CAR900[\s\S]*--topic <topic>[\s\S]*events\.plan-change \(PlanChange\)/,
  ],
];
for (const [what, schema, status, out, err] of rows) {
  test(`${what}: ${status}`, () => {
    const file = join(folder, 'mine.avsc');
    writeFileSync(file, schema);
    const told = check(file);
    assert.deepEqual(
      [told.status, out.test(told.out), err.test(told.err)],
      [status, true, true],
      told.out + told.err,
    );
  });
}

test('what is only warned of is an error to who asks strictly, and for another topic', () => {
  const file = join(folder, 'strict.avsc');
  writeFileSync(file, typed('planTo', '"type": "long"'));
  assert.equal(check(file, '--strict').status, 1);
  const other = check(file, '--topic', 'events.viewing-activity');
  assert.equal(other.status, 1);
  assert.match(other.err, /CAR422[\s\S]*their names differ/);
  assert.match(check(file, '--topic', 'events.none').err, /CAR900[\s\S]*no topic "events\.none"/);
});

test('without files, where there is no registry: what to write', () => {
  const { status, err } = check();
  assert.deepEqual([status, /CAR900[\s\S]*schemas check order\.avsc/.test(err)], [2, true], err);
});
