/** What `carillon new` makes: types hold, the test fails, and passes once the thing is written. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { pipelineFiles } from '../init/pipeline.ts';

const ROOT = join(import.meta.dirname, '../..');
const root = mkdtempSync(join(tmpdir(), 'carillon-new-'));
after(() => rmSync(root, { recursive: true }));

const put = (file: string, text: string) => {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
};

/** The package as a link, so that the sources are what is tried. */
const linked = join(root, 'linked');
put(
  join(linked, 'package.json'),
  JSON.stringify({ name: 'carillon', type: 'module', exports: './index.ts' }),
);
put(join(linked, 'index.ts'), `export * from '${join(ROOT, 'cli/exports.ts')}';\n`);

let pipelines = 0;
/** A pipeline as `carillon init` makes it. */
function pipeline(): string {
  const folder = join(root, `p-${++pipelines}`);
  for (const { path, text } of pipelineFiles('mine', '*')) put(join(folder, path), text);
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(linked, join(folder, 'node_modules/carillon'));
  return folder;
}

function run(folder: string, ...words: readonly string[]) {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const ended = spawnSync(process.execPath, words, { cwd: folder, env, encoding: 'utf8' });
  return { code: ended.status, said: ended.stdout + ended.stderr };
}
const carillon = (folder: string, ...words: readonly string[]) =>
  run(folder, join(ROOT, 'cli/carillon.ts'), ...words);

function edit(file: string, from: string, to: string): void {
  const text = readFileSync(file, 'utf8');
  assert.ok(text.includes(from), `${file}: ${from}`);
  writeFileSync(file, text.replace(from, to));
}

interface Case {
  readonly kind: string;
  readonly made: readonly string[];
  readonly test: string;
  /** How the test fails at first. */
  readonly fails: RegExp;
  /** What somebody then writes. */
  readonly mend: readonly [file: string, from: string, to: string];
}

const cases: readonly Case[] = [
  {
    kind: 'processor',
    made: ['processors/gate-city.ts', 'processors/gate-city.test.ts'],
    test: 'processors/gate-city.test.ts',
    fails: /\+ {3}'unwanted'/,
    mend: ['processors/gate-city.ts', 'value === undefined', "value !== 'wanted'"],
  },
  {
    kind: 'connector',
    made: ['connectors/gate-city.ts', 'connectors/gate-city.test.ts'],
    test: 'connectors/gate-city.test.ts',
    fails: /not_posted/,
    mend: [
      'connectors/gate-city.ts',
      'return { kind',
      `const answer = await fetch(_url, { method: 'POST', body: _body });
  if (answer.ok) return { kind: 'delivered' };
  if (answer.status >= 500) return { kind: 'retry', why: 'away', scope: 'lane' };
  return { kind`,
    ],
  },
  {
    kind: 'use-case',
    made: ['schemas/events/gate-city.avsc', 'topology/gate-city.test.ts', 'topology/mine.yaml'],
    test: 'topology/gate-city.test.ts',
    fails: /\+ {3}'tv-1'/,
    mend: [
      'topology/mine.yaml',
      '- fan_out: { table: devices',
      '- dedup: { by: [value.eventId], within: 1h, keys_max: 1_000 }\n      - fan_out: { table: devices',
    ],
  },
];

for (const { kind, made, test: testFile, fails, mend } of cases) {
  test(`new ${kind}: a test that fails, until it is written`, () => {
    const folder = pipeline();
    const { code, said } = carillon(folder, 'new', kind, 'gate-city');
    assert.equal(code, 0, said);
    for (const path of made) assert.match(said, new RegExp(`^ {2}${path}$`, 'm'));
    const before = run(folder, '--test', testFile);
    assert.equal(before.code, 1, before.said);
    assert.match(before.said, fails);
    const [file, from, to] = mend;
    edit(join(folder, file), from, to);
    const after = run(folder, '--test', testFile);
    assert.equal(after.code, 0, after.said);
    // What is there is not written over.
    const again = carillon(folder, 'new', kind, 'gate-city');
    assert.equal(again.code, 1);
    assert.match(again.said, /CAR949 not-made\n.*already\./);
    const checked = carillon(folder, 'check');
    assert.equal(checked.code, 0, checked.said);
  });
}

test('new use-case in words of one’s own: its member, and a class that it has', () => {
  const folder = pipeline();
  const topology = join(folder, 'topology/mine.yaml');
  edit(
    topology,
    'on_error:',
    'device_classes: [phone, kiosk]\nfields: { member: customerId, device: terminalId }\non_error:',
  );
  for (const file of [topology, join(folder, 'schemas/events/parcel-update.avsc')]) {
    writeFileSync(file, readFileSync(file, 'utf8').replaceAll('memberId', 'customerId'));
  }
  edit(topology, 'schema: MemberDevices, key: customerId', 'schema: MemberDevices, key: memberId');
  rmSync(join(folder, 'topology/mine.test.yaml'));
  const { code, said } = carillon(folder, 'new', 'use-case', 'gate-city');
  assert.equal(code, 0, said);
  const before = run(folder, '--test', 'topology/gate-city.test.ts');
  assert.match(before.said, /\+ {3}'phone-1'/);
  edit(
    topology,
    '- fan_out: { table: devices',
    '- dedup: { by: [value.eventId], within: 1h, keys_max: 1_000 }\n      - fan_out: { table: devices',
  );
  const done = run(folder, '--test', 'topology/gate-city.test.ts');
  assert.equal(done.code, 0, done.said);
  assert.doesNotMatch(readFileSync(topology, 'utf8'), /value\.memberId/);
});

for (const [words, code, what] of [
  [['processor', 'Gate City'], 'CAR949', /"Gate City" cannot be the name[\s\S]*write gate-city/],
  [['processor', 'gate-online'], 'CAR949', /there is a step "gate_online" already/],
  [['connector', 'fcm'], 'CAR949', /there is a sink "fcm" already/],
  [['use-case', 'parcel-update'], 'CAR949', /there is a use case "pu" already|is there already/],
  [['window', 'a'], 'CAR900', /"window" is none of processor, connector, use-case/],
] as const) {
  test(`new ${words.join(' ')}: ${code}, and nothing is written`, () => {
    const folder = pipeline();
    const { code: exit, said } = carillon(folder, 'new', ...words);
    assert.notEqual(exit, 0);
    assert.match(said, new RegExp(code));
    assert.match(said, what);
  });
}
