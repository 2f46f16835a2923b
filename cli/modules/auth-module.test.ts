/**
 * A module that knows tokens, and each way in which it can be wrong: its thread holds up nobody.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { HandClock } from '../../core/clock.ts';
import { AuthModule, type AuthModuleLimits } from './auth-module.ts';

const folder = mkdtempSync(join(tmpdir(), 'carillon-auth-'));
after(() => rmSync(folder, { recursive: true }));
let files = 0;

async function open(text: string, limits: Partial<AuthModuleLimits> = {}) {
  const name = `auth-${++files}.ts`;
  const file = join(folder, name);
  writeFileSync(file, text);
  const clock = new HandClock(1_000);
  const said: string[] = [];
  const say = (sentence: string) => said.push(sentence);
  const module = await AuthModule.open({ file, shown: name, clock, say, limits });
  return { module, clock, said };
}

/** What it does is named by the token. */
const ALL = `
import { setTimeout as pause } from 'node:timers/promises';
import type { Authenticate } from 'carillon';
export default (async (token) => {
  if (token === 'slow') await pause(60_000);
  if (token === 'throws') throw new Error('no such table');
  if (token === 'throws a text') throw 'no such table';
  if (token === 'function') return (() => 7) as never;
  if (token === 'loop') for (;;);
  if (token === 'exit') process.exit(0);
  if (token === 'memory') for (const kept: unknown[] = []; ; ) kept.push(new Array(1e6).fill(token));
  if (token === 'late throw') setImmediate(() => { throw new Error('nobody listens'); });
  if (token === 'late throw') await pause(60_000);
  if (token === 'unknown') return undefined;
  return { subject: token, expiresAt: 7 };
}) satisfies Authenticate;
`;

/** What it is asked: with what it ends; whether its thread is another one afterwards. */
const rows: readonly [token: string, why: RegExp, isEnded: boolean][] = [
  ['throws', /^no such table$/, false],
  ['throws a text', /^no such table$/, false],
  ['function', /could not be cloned/, false],
  ['slow', /not answered within 200 ms/, false],
  ['loop', /not answered within 200 ms/, true],
  ['exit', /its thread has ended/, true],
  ['memory', /its thread has ended|not answered/, true],
  ['late throw', /its thread has ended|not answered/, true],
];
for (const [token, why, isEnded] of rows) {
  test(`asked for what ${token}: refused; it goes on`, async () => {
    const limits = { answerMs: 200, silentMs: 200, pauseMs: 100, heapMb: 32 };
    const { module, clock } = await open(ALL, limits);
    // A busy machine may be late with the first answer.
    await until(async () => (await module.ask('tv-1')) !== undefined);
    await assert.rejects(module.ask(token), { message: why });
    if (isEnded) {
      await until(() =>
        module.ask('tv-2').then(
          () => false,
          ({ message }) => /has ended/.test(message),
        ),
      );
      await assert.rejects(module.ask('tv-2'), { message: 'its thread has ended' });
      clock.moveTo(1_100);
    }
    await until(async () => (await module.ask('tv-2')) !== undefined);
    assert.deepEqual(await module.ask('tv-2'), { subject: 'tv-2', expiresAt: 7 });
    assert.equal(await module.ask('unknown'), undefined);
    await module.close();
  });
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    if (await holds().catch(() => false)) return;
  }
  assert.fail('it never came');
}

test('one slow answer holds up no other', async () => {
  const { module } = await open(ALL);
  const slow = module.ask('slow').catch(({ message }) => message);
  assert.deepEqual(await module.ask('tv-1'), { subject: 'tv-1', expiresAt: 7 });
  await module.close();
  assert.equal(await slow, 'its thread has ended');
  await assert.rejects(module.ask('tv-1'), { message: 'its thread has ended' });
});

test('who is beyond the bound is refused at once', async () => {
  const { module } = await open(ALL, { askedMax: 1 });
  const slow = module.ask('slow').catch(({ message }) => message);
  await assert.rejects(module.ask('tv-1'), { message: 'it is asked too much at once' });
  await module.close();
  await slow;
});

const unusable: readonly [it: string, text: string, code: string, what: RegExp][] = [
  ['exports nothing', 'export const a = 1;', 'CAR774', /^it has no default export\.$/],
  ['exports an object', 'export default {};', 'CAR774', /^it exports no function\.$/],
  ['throws', "throw new Error('no key');", 'CAR945', /^it cannot be imported: no key\.$/],
  ['is no TypeScript', 'const a: = 1;', 'CAR945', /^it cannot be imported: /],
  [
    'never loads',
    'await new Promise(() => setInterval(() => {}, 1000));',
    'CAR774',
    /is not loaded after 0\.5 s/,
  ],
  ['loops', 'for (;;);', 'CAR774', /is not loaded after 0\.5 s/],
  ['ends its process', 'process.exit(0);', 'CAR774', /its thread has ended while it was loaded/],
];
for (const [it, text, code, what] of unusable) {
  test(`${code}: a module that ${it}`, async () => {
    const opened = open(text, { importMs: it === 'never loads' || it === 'loops' ? 500 : 10_000 });
    await assert.rejects(
      opened,
      (error: { code: string; what: string; where: { file?: string } }) => {
        assert.match(error.what, what);
        return error.code === code && /^auth-\d+\.ts$/.test(error.where.file ?? '');
      },
    );
  });
}

test('CAR902: no such file', async () => {
  const parts = { file: join(folder, 'none.ts'), shown: 'none.ts' };
  const opened = AuthModule.open({ ...parts, clock: new HandClock(0), say: () => undefined });
  await assert.rejects(opened, { code: 'CAR902' });
});
