import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import {
  all,
  batch,
  DAY,
  HOUR,
  open,
  recorder,
  send,
  spec,
  T0,
  topic,
  unit,
} from '../../test/kit/embedded-tasks.ts';
import type { DroppedUnread } from './retention.ts';

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

test('of what was committed together only what is yet to be read stays', async (t) => {
  const { log, ports, keys, dropped } = await small(t);
  const of = (name: string) => batch(name, [['k', randomBytes(300_000).toString('base64')]]);
  for (let n = 0; n < 3; n++) await send(log, of('in'), of('out'));
  log.sweep();
  assert.deepEqual(await keys('in'), ['0:k', '1:k', '2:k']);
  assert.deepEqual(await keys('out'), ['2:k']);
  ports[0]!.unit.commit(unit(1));
  await log.committed();
  await log.close();
  const again = open(t, { dir: log.dir, bytesMax: 1_700_000 });
  const read = async (name: string) => (await all(again.log, name)).map((line) => line.slice(0, 2));
  assert.deepEqual(await read('in'), ['0:', '1:', '2:']);
  assert.deepEqual(await read('out'), ['2:']);
  assert.deepEqual(await send(again.log, of('out')), [3]);
  again.log.sweep();
  assert.deepEqual(await read('in'), ['1:', '2:']);
  assert.deepEqual(dropped, []);
});

test('CAR612: when all that is left is yet to be read, what is new is refused for a while', async (t) => {
  const { log, ports, add, keys, control, take } = await small(t);
  for (let n = 0; n < 5; n++) await add('in');
  await assert.rejects(add('in'), { code: 'CAR612', retryable: true });
  await assert.rejects(add('out'), { code: 'CAR612', retryable: true });
  assert.deepEqual(
    log.troubles().map(({ code }) => code),
    ['CAR612'],
  );
  // Its group goes on, and may write as well.
  control.isPulling = true;
  take(ports[0]!);
  ports[0]!.unit.commit(unit(3, batch('out', [['k', 'v']])));
  log.sweep();
  assert.deepEqual(log.troubles(), []);
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
