import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { BatchBuilder } from '../../core/batch-builder.ts';
import { HandClock } from '../../core/clock.ts';
import type { CommitUnit, EncodedBatch, GroupSpec, LogBatch, TaskPort } from '../../core/log.ts';
import type { Record } from '../../core/record.ts';
import { readBatch } from '../../core/record-batch.ts';
import { type EmbeddedLog, type EmbeddedLogOptions, openEmbeddedLog } from './log.ts';
import type { DroppedUnread } from './retention.ts';

const T0 = 1_767_225_600_000;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

function open(t: TestContext, over: Partial<EmbeddedLogOptions> = {}) {
  const dir = over.dir ?? mkdtempSync(join(tmpdir(), 'carillon-embedded-'));
  const clock = new HandClock(T0);
  const log = openEmbeddedLog({ dir, clock, ...over });
  t.after(async () => {
    await log.close();
    rmSync(dir, { recursive: true, force: true });
  });
  return { dir, clock, log };
}

function batch(topic: string, rows: readonly (readonly [string | null, string | null])[]) {
  const builder = new BatchBuilder(topic, 0);
  for (const [key, value] of rows) {
    builder.append(T0, key, value === null ? null : Buffer.from(value));
  }
  return builder.finish();
}

async function send(log: EmbeddedLog, ...batches: EncodedBatch[]) {
  return (await log.producer()).send(batches);
}

async function all(log: EmbeddedLog, topic: string): Promise<string[]> {
  const seen: string[] = [];
  for await (const records of log.read(topic, { from: 'start', follow: false })) {
    for (const record of records) seen.push(`${record.offset}:${record.key}=${text(record)}`);
  }
  return seen;
}

const text = (record: Record) => record.valueBytes?.toString('utf8') ?? null;

const topic = (name: string, cleanup: 'delete' | 'compact' | 'compact,delete' = 'delete') => ({
  name,
  partitions: 1,
  cleanup,
});

function spec(over: Partial<GroupSpec> = {}): GroupSpec {
  const stores = [{ store: 's', changelog: 'c' }];
  return {
    group: 'g',
    partitions: 1,
    inputs: ['in'],
    tables: [],
    stores,
    transactional: true,
    topologyHash: '',
    ...over,
  };
}

/** A task that tells of what happens to it, and takes what there is unless it is told not to. */
function recorder(onTaken?: (port: TaskPort, batch: LogBatch) => void, input = 'in') {
  const told: string[] = [];
  const ports: TaskPort[] = [];
  const take = (port: TaskPort) => {
    for (;;) {
      const batch = port.take(input);
      if (batch === undefined) return;
      told.push(`take ${batch.from}-${batch.nextOffset}`);
      onTaken?.(port, batch);
    }
  };
  const control = { isPulling: true };
  const open = (port: TaskPort) => {
    ports.push(port);
    return {
      restore(_: string, batch: LogBatch) {
        for (const record of readBatch(batch)) told.push(`restore ${record.key}=${text(record)}`);
      },
      table() {},
      ready: () => void told.push('ready'),
      wake() {
        if (control.isPulling) take(port);
      },
      close: async (why: string) => void told.push(`close ${why}`),
    };
  };
  return { host: { open }, told, ports, control, take };
}

async function until(what: string, condition: () => boolean): Promise<void> {
  for (let waitedMs = 0; !condition(); waitedMs++) {
    assert.ok(waitedMs < 10_000, `not within 10 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

const unit = (offset: number, ...batches: EncodedBatch[]): CommitUnit => ({
  parts: [{ partition: 0, batches, offsets: [{ topic: 'in', offset, metadata: '' }] }],
});

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

test('retention by time takes old batches, and the offsets go on', async (t) => {
  const { log, clock, dir } = open(t, { retentionMs: DAY });
  await log.applyTopics([
    topic('in'),
    { ...topic('short'), retentionMs: HOUR },
    topic('keep', 'compact'),
  ]);
  for (const name of ['in', 'short', 'keep']) await send(log, batch(name, [['k', 'old']]));
  clock.moveTo(T0 + 2 * HOUR);
  log.sweep();
  assert.deepEqual(await all(log, 'short'), []);
  assert.deepEqual(await all(log, 'in'), ['0:k=old']);
  clock.moveTo(T0 + 2 * DAY);
  log.sweep();
  assert.deepEqual(await all(log, 'in'), []);
  assert.deepEqual(await all(log, 'keep'), ['0:k=old']);
  await log.close();
  const again = open(t, { dir });
  assert.deepEqual(await send(again.log, batch('in', [['k', 'new']])), [1]);
  assert.deepEqual(await all(again.log, 'in'), ['1:k=new']);
});

/** A log of 1.7 MB in all, with a group `g` that reads `in`, and batches of 400 KB. */
async function small(t: TestContext) {
  const dropped: DroppedUnread[] = [];
  const opened = open(t, { bytesMax: 1_700_000, onDroppedUnread: (of) => dropped.push(of) });
  const { log, clock } = opened;
  await log.applyTopics([topic('in'), topic('out'), topic('c', 'compact')]);
  const seen = recorder();
  seen.control.isPulling = false;
  await log.openGroup(spec(), seen.host);
  let number = 0;
  const add = async (name: string) => {
    clock.moveTo(T0 + number);
    await send(log, batch(name, [[`k${number++}`, 'x'.repeat(400_000)]]));
    log.sweep();
  };
  const keys = async (name: string) =>
    (await all(log, name)).map((line) => line.slice(0, line.indexOf('=')));
  return { ...opened, ...seen, add, keys, dropped };
}

test('retention by bytes takes the oldest that every group has read', async (t) => {
  const { log, ports, add, keys, dropped } = await small(t);
  for (let n = 0; n < 3; n++) await add('in');
  for (let n = 0; n < 6; n++) await add('out');
  // Nobody reads `out`, and what `g` has yet to read stays.
  assert.deepEqual(await keys('in'), ['0:k0', '1:k1', '2:k2']);
  assert.deepEqual(await keys('out'), ['5:k8']);
  ports[0]!.unit.commit(unit(2));
  await add('out');
  assert.deepEqual(await keys('in'), ['1:k1', '2:k2']);
  assert.deepEqual(await keys('out'), ['5:k8', '6:k9']);
  assert.equal(log.counts.skippedRecords, 0);
  assert.deepEqual(dropped, []);
});

test('CAR612: when all that is left is yet to be read, what is new is refused for a while', async (t) => {
  const { log, ports, add, keys, control, take } = await small(t);
  for (let n = 0; n < 5; n++) await add('in');
  await assert.rejects(add('in'), { code: 'CAR612', retryable: true });
  await assert.rejects(add('out'), { code: 'CAR612', retryable: true });
  // Its group goes on, and may write as well.
  control.isPulling = true;
  take(ports[0]!);
  ports[0]!.unit.commit(unit(3, batch('out', [['k', 'v']])));
  log.sweep();
  await add('in');
  assert.deepEqual(await keys('in'), ['2:k2', '3:k3', '4:k4', '5:k7']);
});

test('a group that is gone for ten minutes holds nothing back', async (t) => {
  const { log, clock, add, ports } = await small(t);
  ports[0]!.unit.commit(unit(0));
  for (let n = 0; n < 5; n++) await add('in');
  await assert.rejects(add('out'), { code: 'CAR612' });
  await log.close();
  const again = open(t, { dir: log.dir, bytesMax: 1_700_000 });
  again.clock.moveTo(clock.now());
  again.log.sweep();
  await assert.rejects(send(again.log, batch('out', [['k', 'v']])), { code: 'CAR612' });
  again.clock.moveTo(clock.now() + 11 * 60_000);
  again.log.sweep();
  await send(again.log, batch('out', [['k', 'v']]));
  assert.equal((await all(again.log, 'in')).length, 4);
});

test('what retention by time takes unread is counted and named', async (t) => {
  const { log, clock, ports, add, dropped } = await small(t);
  for (let n = 0; n < 3; n++) await add('in');
  ports[0]!.unit.commit(unit(1));
  await log.committed();
  clock.moveTo(T0 + 8 * DAY);
  log.sweep();
  assert.deepEqual(dropped, [
    { topic: 'in', partition: 0, first: 1, last: 1 },
    { topic: 'in', partition: 0, first: 2, last: 2 },
  ]);
  assert.equal(log.counts.skippedRecords, 2);
  assert.equal(ports[0]!.take('in')?.bytes.length, 0);
  assert.equal(ports[0]!.take('in'), undefined);
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
