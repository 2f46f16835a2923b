import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { HandClock } from '../../core/clock.ts';
import type { CarillonError } from '../../core/error.ts';
import {
  all,
  batch,
  HOUR,
  open,
  recorder,
  send,
  spec,
  T0,
  topic,
  unit,
  until,
} from '../../test/kit/embedded-tasks.ts';
import { openEmbeddedLog } from './log.ts';

test('a transactional group works on what is not committed, others wait for COMMIT', async (t) => {
  const { log } = open(t, { commitMinMs: 50, commitMaxMs: 60 });
  await log.applyTopics([topic('in'), topic('out'), topic('c', 'compact')]);
  await log.committed();
  const first = recorder((port, { nextOffset }) => {
    const result = port.unit.commit(unit(nextOffset, batch('out', [['k', 'v']])));
    assert.equal(result, undefined);
  });
  const commits: number[] = [];
  const second = recorder(() => commits.push(log.counts.commits), 'out');
  const third = recorder(() => commits.push(log.counts.commits), 'out');
  await log.openGroup(spec(), first.host);
  await log.openGroup(spec({ group: 'inside', inputs: ['out'] }), second.host);
  await log.openGroup(spec({ group: 'push', inputs: ['out'], transactional: false }), third.host);
  const before = log.counts.commits;
  await send(log, batch('in', [['k', '1']]));
  await until('both taken', () => commits.length === 2);
  assert.deepEqual(commits, [before, before + 1]);
});

test('a transaction that cannot be committed is undone, and the tasks begin anew', async (t) => {
  const { log } = open(t, { fileBytesMax: 400_000 });
  await log.applyTopics([topic('in'), topic('out'), topic('c', 'compact')]);
  const { host, told, ports } = recorder();
  await log.openGroup(spec(), host);
  await send(log, batch('in', [['k', '1']]));
  await until('taken', () => told.length === 2);
  ports[0]!.unit.commit(unit(0, batch('c', [['a', '1']])));
  await log.committed();
  // Compression makes nothing of it.
  const big = batch('out', [['k', randomBytes(400_000).toString('base64')]]);
  assert.equal(ports[0]!.unit.commit(unit(1, batch('c', [['a', '2']]))), undefined);
  await assert.rejects(send(log, big), { code: 'CAR606', retryable: true });
  await assert.rejects(log.probe(), { code: 'CAR606' });
  await until('opened again', () => told.length === 6);
  const again = ['restore a=1', 'ready', 'take 0-1'];
  assert.deepEqual(told, ['ready', 'take 0-1', 'close fenced', ...again]);
  assert.throws(() => ports[0]!.unit.commit(unit(1)), { code: 'CAR607' });
  assert.deepEqual(await all(log, 'out'), []);
  await send(log, batch('out', [['k', 'small']]));
  await log.probe();
  assert.deepEqual(await all(log, 'out'), ['0:k=small']);
  assert.equal(log.counts.failures, 1);
});

test('topics that cannot be written are not there, and can be applied again', async (t) => {
  const { log } = open(t, { fileBytesMax: 150_000 });
  await log.applyTopics([topic('in')]);
  const many = { ...topic('many'), partitions: 8_000 };
  const error = await log.applyTopics([many]).then(
    () => undefined,
    (thrown: CarillonError) => thrown,
  );
  assert.equal(error?.code, 'CAR613');
  assert.equal(await log.partitionsOf('many'), undefined);
  await assert.rejects(send(log, batch('many', [['k', 'v']])), { code: 'CAR605' });
  await log.applyTopics([{ ...many, partitions: 3 }]);
  assert.deepEqual(await send(log, batch('many', [['k', 'v']])), [0]);
  assert.deepEqual(await send(log, batch('in', [['k', 'v']])), [0]);
});

test('CAR603: a file that is removed under the log takes no more, and its health says so', async (t) => {
  const { log, dir } = open(t);
  await log.applyTopics([topic('events')]);
  const one = batch('events', [['k', 'v']]);
  assert.deepEqual(await send(log, one), [0]);
  log.sweep();
  assert.deepEqual(await send(log, one), [1]);
  rmSync(dir, { recursive: true });
  log.sweep();
  await assert.rejects(log.probe(), { code: 'CAR603' });
  for (let tries = 0; tries < 2; tries++) {
    await assert.rejects(send(log, one), { code: 'CAR603' });
    await assert.rejects(log.probe(), { code: 'CAR603' });
  }
});

test('a commit that is refused loses the member, and its group is left', async (t) => {
  const { log } = open(t);
  await log.applyTopics([topic('in'), topic('c', 'compact')]);
  const { host, told, ports } = recorder();
  const group = await log.openGroup(spec(), host);
  const wrong = unit(1, batch('nowhere', [['k', 'v']]));
  assert.throws(() => ports[0]!.unit.commit(wrong), { code: 'CAR605' });
  await until('closed', () => told.includes('close fenced'));
  assert.deepEqual(group.tasks, []);
});

test('a task that fails is fenced, and the others of its member stop in order', async (t) => {
  const { log } = open(t);
  const two = (name: string, cleanup: 'delete' | 'compact' = 'delete') => ({
    ...topic(name, cleanup),
    partitions: 2,
  });
  await log.applyTopics([two('in'), two('c', 'compact'), topic('out')]);
  const { host, told, ports } = recorder();
  const group = await log.openGroup(spec({ partitions: 2 }), host);
  told.length = 0;
  ports[1]!.fail(new Error('broken'));
  ports[1]!.fail(new Error('broken again'));
  ports[0]!.unit.commit(unit(0, batch('out', [['k', 'v']])));
  await until('both closed', () => told.length === 2);
  assert.deepEqual(told, ['close fenced', 'close stopped']);
  await group.close();
  assert.deepEqual(group.tasks, []);
  assert.deepEqual(await all(log, 'out'), ['0:k=v']);
});

test('each wrong use has its code', async (t) => {
  const { log, dir } = open(t);
  await log.applyTopics([topic('in'), topic('table', 'compact'), topic('c', 'compact')]);
  assert.throws(() => openEmbeddedLog({ dir, clock: new HandClock(T0) }), {
    code: 'CAR602',
    message: new RegExp(`process ${process.pid}`),
  });
  const many = { name: 'many', partitions: 8_192, cleanup: 'delete' } as const;
  const other = { name: 'in', partitions: 2, cleanup: 'delete' } as const;
  const empty = { ...batch('in', [['k', 'v']]), count: 0 };
  await log.openGroup(spec({ group: 'once' }), recorder().host);
  const rows: readonly (readonly [string, () => Promise<unknown>])[] = [
    ['CAR604', () => log.applyTopics([other])],
    ['CAR604', () => log.openGroup(spec({ partitions: 3 }), recorder().host)],
    ['CAR605', () => send(log, batch('nowhere', [['k', 'v']]))],
    ['CAR605', () => all(log, 'nowhere')],
    ['CAR608', () => log.openGroup(spec({ group: 'once' }), recorder().host)],
    ['CAR609', () => send(log, empty)],
    ['CAR609', () => send(log, batch('table', [[null, 'v']]))],
    ['CAR611', () => log.applyTopics([many])],
  ];
  for (const [code, run] of rows) await assert.rejects(run(), { code });
  await log.close();
  await assert.rejects(send(log, batch('in', [['k', 'v']])), { code: 'CAR607' });
});

test('a folder or file that cannot be used is told with its path', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'carillon-embedded-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const clock = new HandClock(T0);
  writeFileSync(join(dir, 'file'), '');
  const under = join(dir, 'file', 'data');
  assert.throws(() => openEmbeddedLog({ dir: under, clock }), {
    code: 'CAR601',
    where: { at: under },
  });
  writeFileSync(join(dir, 'carillon.db'), 'this is no database, but long enough to be looked at');
  assert.throws(() => openEmbeddedLog({ dir, clock }), { code: 'CAR603' });
  rmSync(join(dir, 'carillon.db'));
  const foreign = new DatabaseSync(join(dir, 'carillon.db'));
  foreign.exec('CREATE TABLE mine(x)');
  foreign.close();
  assert.throws(() => openEmbeddedLog({ dir, clock }), {
    code: 'CAR603',
    message: /another program/,
  });
  // A refusal gives the lock back.
  rmSync(join(dir, 'carillon.db'));
  openEmbeddedLog({ dir, clock }).abandon();
  assert.ok(existsSync(join(dir, 'carillon.db')));
});

test('compaction keeps the last record of each key, and everything younger than the lag', async (t) => {
  const { log, clock } = open(t, { compactionLagMs: HOUR });
  await log.applyTopics([topic('table', 'compact')]);
  await send(
    log,
    batch('table', [
      ['a', '1'],
      ['b', '1'],
      ['gone', '1'],
    ]),
  );
  await send(
    log,
    batch('table', [
      ['a', '2'],
      ['gone', null],
    ]),
  );
  await send(log, batch('table', [['a', '3']]));
  clock.moveTo(T0 + 30 * 60_000);
  log.sweep();
  assert.equal((await all(log, 'table')).length, 6);
  // The young one does not push the old one out before its time.
  const { log: second, clock: later } = open(t, { compactionLagMs: HOUR });
  await second.applyTopics([topic('table', 'compact')]);
  await send(
    second,
    batch('table', [
      ['a', '1'],
      ['b', '1'],
      ['gone', '1'],
    ]),
  );
  await send(
    second,
    batch('table', [
      ['a', '2'],
      ['gone', null],
    ]),
  );
  later.moveTo(T0 + 90 * 60_000);
  await send(second, batch('table', [['a', '3']]));
  second.sweep();
  assert.deepEqual(await all(second, 'table'), ['1:b=1', '3:a=2', '4:gone=null', '5:a=3']);
});

test('compaction takes deletions that are older than twice the lag', async (t) => {
  const { log, clock, dir } = open(t, { compactionLagMs: HOUR });
  await log.applyTopics([topic('table', 'compact')]);
  await send(log, batch('table', [['gone', '1']]));
  await send(log, batch('table', [['gone', null]]));
  clock.moveTo(T0 + 3 * HOUR);
  log.sweep();
  assert.deepEqual(await all(log, 'table'), []);
  await log.close();
  const again = open(t, { dir });
  assert.deepEqual(await send(again.log, batch('table', [['b', '1']])), [2]);
});
