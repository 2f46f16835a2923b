import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { type ChildSpec, ServerChild } from './child.ts';

const skip = process.platform === 'win32' && 'servers need a POSIX shell';

function spec(script: string): ChildSpec {
  const dir = mkdtempSync(join(tmpdir(), 'carillon-child-'));
  return { name: 'fake', command: '/bin/sh', args: ['-c', script], dir, ownsDir: true };
}

const alive = (pid: number) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

async function until(what: string, condition: () => boolean): Promise<void> {
  for (let n = 0; n < 200 && !condition(); n += 1) await wait(25);
  assert.ok(condition(), what);
}

test('ready by a line of its log, then killed; its folder stays for a restart', {
  skip,
}, async () => {
  const made = spec('echo starting; echo ready now; exec sleep 60');
  const child = new ServerChild(made);
  await child.waitForLog('ready now', 10_000);
  // The server may speak before the shell between has written its pid.
  await until('its pid is known', () => child.pid !== undefined && alive(child.pid));
  const pid = child.pid!;
  await child.kill();
  await child.kill();
  assert.equal(alive(pid), false);
  assert.equal(child.running, false);
  assert.ok(existsSync(made.dir));
  rmSync(made.dir, { recursive: true });
});

test('paused it says nothing more; resumed it goes on', { skip }, async () => {
  const made = spec('while true; do echo tick; sleep 0.01; done');
  const child = new ServerChild(made);
  await child.waitForLog('tick', 10_000);
  await until('its pid is known', () => child.pid !== undefined && alive(child.pid));
  await child.pause();
  const said = readFileSync(child.logFile, 'utf8').length;
  await wait(100);
  assert.equal(readFileSync(child.logFile, 'utf8').length, said);
  child.signal('SIGCONT');
  await until('it goes on', () => readFileSync(child.logFile, 'utf8').length > said);
  await child.kill();
  rmSync(made.dir, { recursive: true });
});

test('a server that ends before it is ready: the error has its last words', { skip }, async () => {
  const made = spec('echo port 9092 is taken; exit 3');
  const child = new ServerChild(made);
  await assert.rejects(
    child.waitForLog('ready', 10_000),
    /fake: ended before .*port 9092 is taken/s,
  );
  rmSync(made.dir, { recursive: true });
});

test('a server that never gets ready: the wait is bounded', { skip }, async () => {
  const made = spec('echo still starting; exec sleep 60');
  const child = new ServerChild(made);
  await assert.rejects(child.waitForLog('ready', 300), /waited 300 ms .*still starting/s);
  await child.kill();
  rmSync(made.dir, { recursive: true });
});

test('kill -9 of the test process: the server dies, its folder goes', { skip }, async () => {
  const made = spec('exec sleep 60');
  const parent = spawn(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `const { ServerChild } = await import(${JSON.stringify(new URL('child.ts', import.meta.url))});
       new ServerChild(${JSON.stringify(made)});
       setInterval(() => {}, 1000);`,
    ],
    { stdio: 'ignore' },
  );
  const pidFile = join(made.dir, 'server.pid');
  await until('it has started', () => existsSync(pidFile));
  const pid = await readPid(pidFile);
  assert.ok(alive(pid));
  parent.kill('SIGKILL');
  await once(parent, 'exit');
  await until('it has died', () => !alive(pid));
  await until('its folder is gone', () => !existsSync(made.dir));
});

async function readPid(path: string): Promise<number> {
  await until('the pid is written', () => readFileSync(path, 'utf8').trim() !== '');
  return Number(readFileSync(path, 'utf8'));
}
