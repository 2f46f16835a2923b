/**
 * The first hour: `npm pack` gives a tarball that, installed into an empty folder, makes a pipeline
 * of one's own there, which passes its test and starts with one command each. Nothing of the clone
 * is needed for it, and nothing is fetched.
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { inFolder, install, pack } from '../kit/packed.ts';

const ROOT = join(import.meta.dirname, '../..');
/** What a user waits for; 400 KB when it was made (2026-11). */
const TARBALL_BYTES_MAX = 600_000;
/** It takes half a minute when nobody else is at work. */
const PATIENCE_MS = 180_000;

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

  test('is small, and holds what is used and no sources', () => {
    const { out } = inFolder(folder, 'tar', 'tzf', tarball);
    const odd = out
      .split('\n')
      .filter((path) => /\.ts$|\.map$|^package\/(?:test|bench|docs\/guides)\//.test(path));
    assert.deepEqual(odd.sort(), [
      'package/dist/cli/exports.d.ts',
      'package/dist/client/client.d.ts',
      'package/dist/client/options.d.ts',
      'package/dist/core/priority.d.ts',
      'package/dist/schemas/frames.d.ts',
    ]);
    assert.ok(statSync(tarball).size < TARBALL_BYTES_MAX, `${statSync(tarball).size} bytes`);
  });

  test('init makes a pipeline that passes its test with one command', () => {
    const made = inFolder(home, 'npx', '--no', 'carillon', 'init', 'my-pipeline');
    assert.equal(made.code, 0, made.said);
    const tested = inFolder(mine, 'npm', 'test');
    assert.equal(tested.code, 0, tested.said);
    assert.match(tested.out, /2 passed, 0 failed/);
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
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    const types = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2024'];
    const own = ['--typeRoots', join(ROOT, 'node_modules/@types'), '--types', 'node'];
    const checked = inFolder(mine, process.execPath, tsc, ...types, ...own, 'mine.ts');
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
});
