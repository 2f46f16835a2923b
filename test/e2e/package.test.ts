/**
 * The first hour: `npm pack` gives a tarball that, installed into an empty folder, makes a pipeline
 * of one's own there, which passes its test and starts with one command each. Nothing of the clone
 * is needed for it, and nothing is fetched.
 */
import assert from 'node:assert/strict';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { inFolder, install, installAsked, pack } from '../kit/packed.ts';

const ROOT = join(import.meta.dirname, '../..');
/**
 * What a user waits for; 610 KB when the types of steps came into it, 820 with clocks (2026-11).
 */
const TARBALL_BYTES_MAX = 950_000;
/** It takes half a minute when nobody else is at work. */
const PATIENCE_MS = 500_000;

const PROGRAM = `
import { drive } from 'carillon';

const driven = await drive({ topology: 'topology/my-pipeline.yaml' });
const registered: string = 'events.device-registration';
const at = Date.UTC(2026, 0, 1);
const tv = { deviceId: 'tv-1', action: 'REGISTERED', memberId: 'm-1', class: 'tv', occurredAt: at };
const event = { eventId: 'e-1', memberId: 'm-1', parcelId: 'p-1', status: 'PACKED', occurredAt: at };
await driven.feed({ topic: registered, key: 'tv-1', value: tv });
const held = await driven.feed({ topic: 'events.parcel-update', key: 'm-1', value: event });
const told = await driven.feed({ advance: '2s' });
const sinks = told.flatMap((line) => ('sink' in line ? [line.sink + ' ' + line.value.status] : []));
const sums = await driven.end();
console.log(JSON.stringify([held.filter((line) => 'sink' in line), sinks, sums.in, sums.held]));
await drive({ topology: 'none.yaml' }).catch((error) => console.log(error.message));
`;

const CLIENT = `
import { type ClientState, DeviceClient } from 'carillon/client';

const states: ClientState[] = [];
const client: DeviceClient = new DeviceClient({
  url: 'http://127.0.0.1:1',
  deviceId: 'tv-1',
  token: () => 'a token',
  onNotification: ({ priority, sequence }) => console.log(priority, sequence),
  onState: (state) => {
    states.push(state);
    void client.stop();
  },
});
await client.start();
console.log(states.map((state) => state.is + (state.is === 'waiting' ? state.code : '')).join(' '));
`;

describe('the package', { timeout: PATIENCE_MS }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-package-'));
  const home = join(folder, 'home');
  const mine = join(home, 'my-pipeline');
  let tarball = '';

  before(
    () => {
      tarball = pack(folder);
      mkdirSync(home);
      install(tarball, home);
    },
    { timeout: PATIENCE_MS },
  );
  after(() => rmSync(folder, { recursive: true }));

  /** Checks types as somebody's own compiler does. */
  const typesOf = (...files: readonly string[]) => {
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    const types = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2024'];
    const own = ['--typeRoots', join(ROOT, 'node_modules/@types'), '--types', 'node'];
    return inFolder(mine, process.execPath, tsc, ...types, ...own, ...files);
  };

  test('is small, and holds what is used and no sources', () => {
    const { out } = inFolder(folder, 'tar', 'tzf', tarball);
    const odd = out
      .split('\n')
      .filter((path) => /\.ts$|\.map$|^package\/(?:test|bench|docs\/guides)\//.test(path));
    const types =
      /^package\/dist\/(?:cli\/exports|client\/(?:client|options)|core\/[\w-]+|schemas\/frames)\.d\.ts$/;
    assert.deepEqual(
      odd.filter((path) => !types.test(path)),
      [],
    );
    assert.ok(odd.includes('package/dist/cli/exports.d.ts'));
    for (const part of ['dist/console/page.js', 'console/index.html', 'console/console.css']) {
      assert.ok(out.includes(`package/${part}\n`), part);
    }
    assert.ok(statSync(tarball).size < TARBALL_BYTES_MAX, `${statSync(tarball).size} bytes`);
  });

  test('init makes a pipeline that passes its test with one command', () => {
    const made = inFolder(home, 'npx', '--no', 'carillon', 'init', 'my-pipeline');
    assert.equal(made.code, 0, made.said);
    const tested = inFolder(mine, 'npm', 'test');
    assert.equal(tested.code, 0, tested.said);
    assert.match(tested.out, /2 passed, 0 failed/);
  });

  test('which installs and passes wherever it is moved to', () => {
    const moved = join(folder, 'elsewhere/moved');
    cpSync(mine, moved, { recursive: true });
    installAsked(moved);
    assert.deepEqual(
      readFileSync(join(moved, 'package.json')),
      readFileSync(join(mine, 'package.json')),
    );
    const tested = inFolder(moved, 'npm', 'test');
    assert.equal(tested.code, 0, tested.said);
    assert.match(tested.out, /2 passed, 0 failed/);
    // What it ran is its own, not that of the folder that it was made in.
    assert.ok(existsSync(join(moved, 'node_modules/carillon/package.json')));
  });

  test('and starts with one: sample events of its own schema reach devices', () => {
    const started = inFolder(mine, 'npm', 'start', '--', '--seconds', '6', '--rate', '40');
    assert.equal(started.code, 0, started.said);
    assert.match(started.out, /parcel-update/);
    const [, pushed, pulled] = /saw (\d+) pushed and (\d+) pulled/.exec(started.out) ?? [];
    assert.ok(Number(pushed) > 0 && Number(pulled) > 0, started.said);
  });

  test('the commands that read files of the package find them', () => {
    for (const [words, says] of [
      ['explain CAR204', /unknown-step/],
      ['check --deployment carillon.cluster.yaml', /1 use case, 2 sinks/],
      ['describe', /Source: parcel-update\/source/],
      ['tail outcomes --count 1', /outcomes/],
    ] as const) {
      const { code, said } = inFolder(mine, 'npx', '--no', 'carillon', ...words.split(' '));
      assert.equal(code, 0, said);
      assert.match(said, says);
    }
  });

  test('the test of the guide passes, word for word', () => {
    const guide = readFileSync(join(ROOT, 'docs/guides/own-pipeline.md'), 'utf8');
    const [, code] = /^```js\n([\s\S]*?)^```/m.exec(guide) ?? [];
    writeFileSync(join(mine, 'my.test.mjs'), code!);
    const { code: exit, said } = inFolder(mine, process.execPath, '--test', 'my.test.mjs');
    assert.equal(exit, 0, said);
  });

  test('drive is there for any test runner, with types', () => {
    writeFileSync(join(mine, 'mine.ts'), PROGRAM);
    const checked = typesOf('mine.ts');
    assert.equal(checked.code, 0, checked.said);
    const { out, said } = inFolder(mine, process.execPath, 'mine.ts');
    const [seen, ...missing] = out.trim().split('\n');
    assert.deepEqual(JSON.parse(seen ?? said), [[], ['inbox PACKED'], 3, 0]);
    assert.match(missing.join('\n'), /none\.yaml {2}error CAR902[\s\S]*Mend:/);
  });

  test('the client of devices comes with types, and without anything else', () => {
    writeFileSync(join(mine, 'device.ts'), CLIENT);
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    const types = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2024'];
    const own = ['--lib', 'es2024,dom,dom.iterable', '--types', ''];
    const checked = inFolder(mine, process.execPath, tsc, ...types, ...own, 'device.ts');
    assert.equal(checked.code, 0, checked.said);
    const { out, said } = inFolder(mine, process.execPath, 'device.ts');
    assert.equal(out, 'waiting1006 stopped\n', said);
  });

  test('the step of the guide is checked, driven and run, word for word', () => {
    const guide = readFileSync(join(ROOT, 'docs/guides/own-steps.md'), 'utf8');
    const [step, program] = [...guide.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(
      ([, text]) => text!,
    );
    const [, setting] = /^```yaml\n([\s\S]*?)^```/m.exec(guide) ?? [];
    mkdirSync(join(mine, 'processors'));
    writeFileSync(join(mine, 'processors/only-status.ts'), step!);
    writeFileSync(join(mine, 'processors/only-status.test.ts'), program!);
    appendFileSync(join(mine, 'carillon.yaml'), setting!);
    const topology = join(mine, 'topology/my-pipeline.yaml');
    const text = readFileSync(topology, 'utf8');
    const used = text.replace(
      /^ *- coalesce:/m,
      (line) => `      - only_status: { is: AT_THE_DOOR }\n${line}`,
    );
    writeFileSync(topology, used);
    const checked = typesOf('processors/only-status.ts', 'processors/only-status.test.ts');
    assert.equal(checked.code, 0, checked.said);
    const tested = inFolder(mine, process.execPath, '--test', 'processors/only-status.test.ts');
    assert.equal(tested.code, 0, tested.said);
    const started = inFolder(mine, 'npm', 'start', '--', '--seconds', '5', '--rate', '40');
    assert.equal(started.code, 0, started.said);
    assert.match(started.out, /other_status/);
  });

  test('what a step does not declare does not compile', () => {
    const step = readFileSync(join(mine, 'processors/only-status.ts'), 'utf8');
    for (const [from, to, why] of [
      ["dropped('other_status')", "dropped('another')", /"another"/],
      ["count('seen')", "count('saw')", /"saw"/],
      ['of.read(record) === is ? PASSED : OTHER', 'HELD_', /HELD_/],
    ] as const) {
      writeFileSync(join(mine, 'processors/wrong.ts'), step.replace(from, to));
      const { code, out } = typesOf('processors/wrong.ts');
      assert.notEqual(code, 0, to);
      assert.match(out, why);
    }
  });

  test('what new makes has the types of the package', () => {
    const made = (['processor', 'connector', 'use-case'] as const).flatMap((kind) => {
      const { code, said } = inFolder(mine, 'npx', '--no', 'carillon', 'new', kind, 'gate-city');
      assert.equal(code, 0, said);
      return [...said.matchAll(/^ {2}(\S+\.ts)$/gm)].map(([, path]) => path!);
    });
    assert.equal(made.length, 5);
    const checked = typesOf('--allowImportingTsExtensions', ...made);
    assert.equal(checked.code, 0, checked.said);
  });
});
