import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { generatedFiles, staleFiles, writeFiles } from './generate.ts';
import { showError } from './show-error.ts';
import { nodeIsTooOld, packageFolder } from './version.ts';

const folder = mkdtempSync(join(tmpdir(), 'carillon-cli-'));
after(() => rmSync(folder, { recursive: true }));
writeFileSync(join(folder, 'kafka.yaml'), 'log: { kind: kafka }');
const SECRET = { CARILLON_SECRET: 's'.repeat(32) };
// biome-ignore lint/suspicious/noTemplateCurlyInString: it is how a variable is written.
writeFileSync(join(folder, 'secret.yaml'), 'auth: { secret: "${CARILLON_SECRET}" }');
writeFileSync(
  join(folder, 'open.yaml'),
  'log: { kind: kafka, brokers: ["127.0.0.1:1"] }\nregistry: { url: "http://127.0.0.1:1" }\n' +
    'inbox: { kind: cassandra, contact_points: [a], local_data_center: dc1 }\n',
);
writeFileSync(join(folder, 'bad.jsonl'), '{"eventId":"e1"}\n');
writeFileSync(join(folder, 'taken'), '');
cpSync(join(packageFolder, 'topology'), join(folder, 'topology'), { recursive: true });

const PROGRAM = join(packageFolder, 'cli/carillon.ts');
const env = { PATH: process.env.PATH, ...SECRET };

function carillon(...words: string[]): { code: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [PROGRAM, ...words], {
    cwd: folder,
    encoding: 'utf8',
    env,
    timeout: 30_000,
  });
  return { code: status, out: stdout, err: stderr };
}

const failures: readonly [words: string, exit: number, code: string, says: RegExp][] = [
  ['chekc', 2, 'CAR900', /did you mean "check"/],
  ['check --formt json', 2, 'CAR900', /did you mean "--format"/],
  ['topics pln', 2, 'CAR900', /did you mean "plan"/],
  ['produce none.jsonl', 1, 'CAR902', /none.jsonl[\s\S]*no such file/],
  ['produce --rate fast', 2, 'CAR900', /whole number/],
  ['token', 2, 'CAR900', /--device <id>/],
  ['token --device a --events plan-change', 2, 'CAR900', /--scope producer --events/],
  ['token --scope producer --events plan-change,', 2, 'CAR900', /acme.orders/],
  ['device --id a --class fridge', 2, 'CAR900', /set-top/],
  ['check none.yaml', 1, 'CAR902', /no such file/],
  ['check --deployment kafka.yaml', 1, 'CAR904', /brokers/],
  ['token --device a --deployment open.yaml', 1, 'CAR906', /auth.secret/],
  ['device --id a --pull --url http://127.0.0.1:1', 1, 'CAR907', /no gateway answers/],
  ['produce bad.jsonl', 1, 'CAR909', /bad.jsonl:1/],
  ['tail outcomes --from yesterday', 2, 'CAR910', /10m/],
  ['tail outcomes', 1, 'CAR911', /no log/],
  ['init MyPipeline', 1, 'CAR920', /write my-pipeline/],
  ['init a/my_pipeline', 1, 'CAR920', /write my-pipeline/],
  ['init 2nd', 1, 'CAR920', /write nd/],
  ['init', 2, 'CAR900', /missing required/],
  [`init ${'a'.repeat(65)}`, 1, 'CAR920', /64 characters/],
  ['init topology', 1, 'CAR921', /reno\.test\.yaml already/],
  ['init taken', 1, 'CAR921', /it is a file/],
  ['init taken/below', 1, 'CAR921', /cannot be written: ENOTDIR/],
  ['explain dedupe', 1, 'CAR912', /did you mean "dedup"/],
  ['topics acls topology/reno.yaml --role analys', 1, 'CAR942', /did you mean "analyst"/],
  ['run --workers 2', 1, 'CAR728', /one SQLite file/],
  ['console --ttl soon', 2, 'CAR900', /--ttl 8h/],
];
for (const [words, exit, code, says] of failures) {
  test(`carillon ${words}: ${code}, exit ${exit}, no stack`, () => {
    const { code: exited, err } = carillon(...words.split(' '));
    assert.match(err, new RegExp(` error ${code} `));
    assert.match(err, says);
    assert.ok(!/^\s+at .*\.ts:\d+/m.test(err), err);
    assert.equal(exited, exit);
  });
}

test('init from a clone: the package is to be packed into the folder, which nothing then ties', () => {
  const { code, out } = carillon('init', 'from-clone');
  assert.equal(code, 0);
  assert.match(
    out,
    /^ {2}mkdir vendor && npm pack \S+ --pack-destination vendor\n {2}npm install$/m,
  );
  const made = JSON.parse(readFileSync(join(folder, 'from-clone/package.json'), 'utf8'));
  assert.match(made.dependencies.carillon, /^file:vendor\/carillon-[\d.]+\.tgz$/);
});

test('dev --once: what is wrong is told as by check, and what is right is tried', () => {
  writeFileSync(join(folder, 'wrong.yaml'), 'topology: wrong\nstreams: {}\n');
  const wrong = carillon('dev', 'wrong.yaml', '--once');
  assert.match(wrong.out, / error CAR216 /);
  assert.deepEqual([wrong.code, wrong.err], [1, '']);
  const right = carillon('dev', '--once', '--events', '50');
  assert.match(right.out, /13 passed, 0 failed[\s\S]*50 sample events[\s\S]*told by /);
  assert.equal(right.code, 0);
});

test('who names no command is shown which there are', () => {
  for (const [words, shows] of [
    [[], /Commands:\n {2}init /],
    [['topics'], /Commands:\n {2}plan /],
  ] as const) {
    const { code, out, err } = carillon(...words);
    assert.match(err, shows);
    assert.deepEqual([code, out], [2, '']);
  }
});

test('a Node that is too old is told one sentence (CAR901)', () => {
  assert.equal(nodeIsTooOld('22.18.0'), undefined);
  assert.equal(nodeIsTooOld('24.0.0'), undefined);
  for (const old of ['20.20.2', '22.17.9']) assert.match(nodeIsTooOld(old)!, /CAR901[\s\S]*Mend:/);
});

test('what nobody foresaw is CAR914, its stack only when asked for', () => {
  const error = new Error('out of luck\nand more');
  assert.match(showError(error).text, /error CAR914 carillon-failed\n {2}out of luck\n/);
  assert.ok(!showError(error).text.includes('main.command.test.ts'));
  assert.ok(showError(error, { trace: true }).text.includes('main.command.test.ts'));
});

test('a topology that is wrong is shown with its lines', () => {
  writeFileSync(join(folder, 'wrong.yaml'), 'topology: t\nstreams: { a: { stesp: [] } }\n');
  const { code, err } = carillon('check', 'wrong.yaml');
  assert.equal(code, 1);
  assert.match(err, /wrong.yaml:2:17 {2}error CAR104 unknown-key/);
  assert.match(err, /\^\^\^\^\^/);
  const json = carillon('check', 'wrong.yaml', '--format', 'json');
  assert.equal(json.code, 1);
  assert.equal(JSON.parse(json.out)[0].line, 2);
});

test('--strict takes a warning as an error', () => {
  const text = readFileSync(join(folder, 'topology/reno.yaml'), 'utf8');
  writeFileSync(join(folder, 'warned.yaml'), text.replace('max_age: 24h', 'max_age: 24h, ttl: 1m'));
  const loose = carillon('check', 'warned.yaml');
  assert.match(loose.err, /warning CAR247 always-lost/);
  assert.match(loose.out, /warned.yaml +ok/);
  assert.equal(loose.code, 0);
  const strict = carillon('check', '--strict', 'warned.yaml');
  assert.match(strict.err, /error CAR247 always-lost[\s\S]*\n1 error in 1 file/);
  assert.deepEqual([strict.out, strict.code], ['', 1]);
  const json = carillon('check', '--strict', '--format', 'json', 'warned.yaml');
  assert.deepEqual([JSON.parse(json.out)[0].level, json.code], ['error', 1]);
  assert.equal(carillon('check', '--strict', 'topology').code, 0);
});

test('what is shipped is right', () => {
  const { code, out, err } = carillon('check', 'topology');
  assert.deepEqual([code, err], [0, '']);
  assert.match(out, /reno.yaml +ok +reno: \d+ use cases, 4 sinks/);
  assert.match(out, /reno.test.yaml +ok/);
});

test('a test that fails shows of an event what the line that was meant names', () => {
  cpSync(join(packageFolder, 'topology/reno.yaml'), join(folder, 'other/reno.yaml'));
  const feed =
    '- { at: 0s, stream: plan-change, key: m-1, value: { eventId: e1, memberId: m-1, planTo: basic } }';
  writeFileSync(
    join(folder, 'other/reno.test.yaml'),
    'topology: reno\ndevices:\n  - { deviceId: web-1, memberId: m-1, class: web, transport: inbox }\n' +
      `tests:\n  - it: tells\n    feed:\n      ${feed}\n    expect:\n` +
      '      - { at: 1s, sink: inbox, key: web-1, value: { planTo: basic } }\n',
  );
  const { code, out } = carillon('test', 'other');
  assert.deepEqual(out.split('\n').slice(1), [
    '  ✖ tells',
    '      - { at: 1s, sink: inbox, key: web-1, value: {"planTo":"basic"} }   (other/reno.test.yaml:9)',
    '      + { at: 0s, sink: inbox, priority: critical, key: web-1, value: {"planTo":"basic", …} }' +
      '   (other/reno.test.yaml:5)',
    '',
    '0 passed, 1 failed',
    '',
  ]);
  assert.equal(code, 1);
});

test('explain knows codes by number and by name, steps with hyphens, and the lists', () => {
  const page = carillon('explain', 'CAR204').out;
  assert.match(page, /^# CAR204 unknown-step\n/);
  assert.equal(carillon('explain', '204').out, page);
  assert.equal(carillon('explain', 'unknown-step').out, page);
  assert.match(carillon('explain', 'fan-out').out, /^# fan_out\n/);
  assert.match(carillon('explain', 'sinks').out, /^apns .*\n/);
  assert.match(carillon('explain', 'no_devices').out, /^no_devices {2}fan_out {2}\S/);
  assert.match(carillon('explain', 'reasons').out, /^duplicate {2}dedup +\S/m);
});

test('a stale generated file is found and mended (CAR905)', () => {
  const files = generatedFiles();
  assert.equal(staleFiles(files, folder).length > 0, true);
  writeFiles(files, folder);
  assert.deepEqual(staleFiles(files, folder), []);
  writeFileSync(join(folder, files[0]!.path), 'edited');
  assert.deepEqual(staleFiles(files, folder), [files[0]!.path]);
});

test('an answer that is not of a gateway is CAR908', async () => {
  const server = createServer((_, response) => response.writeHead(502).end('<html>'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const child: ChildProcess = spawn(
    process.execPath,
    [PROGRAM, 'device', '--id', 'a', '--pull', '--url', url, '--deployment', 'secret.yaml'],
    { cwd: folder, env, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let err = '';
  child.stderr!.on('data', (text) => {
    err += text;
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  server.close();
  assert.match(err, /CAR908[\s\S]*it answered 502/);
  assert.equal(code, 1);
});
