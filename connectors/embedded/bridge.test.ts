import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { MessageChannel } from 'node:worker_threads';
import { BatchBuilder } from '../../core/batch-builder.ts';
import { systemClock } from '../../core/clock.ts';
import type { TaskPort } from '../../core/log.ts';
import { readBatch } from '../../core/record-batch.ts';
import { BridgedLog, serveLog } from './bridge.ts';
import type { ToMain } from './bridge-messages.ts';
import { openEmbeddedLog } from './log.ts';

/** Both halves in one thread, so that what goes over can be counted. */
async function bridged(t: TestContext) {
  const dir = mkdtempSync(join(tmpdir(), 'carillon-bridge-'));
  const served = openEmbeddedLog({ dir, clock: systemClock });
  const { port1, port2 } = new MessageChannel();
  serveLog(port2, served);
  const log = new BridgedLog(port1);
  let batches = 0;
  port1.on('message', (message: ToMain) => {
    if (message.kind === 'batch' && message.role === 'input') batches++;
  });
  t.after(async () => {
    await log.close();
    await served.close();
    rmSync(dir, { recursive: true });
  });
  await log.applyTopics([{ name: 'in', partitions: 1, cleanup: 'delete' }]);
  return { log, served, given: () => batches };
}

async function send(log: BridgedLog, count: number, valueBytes: number): Promise<void> {
  const producer = await log.producer();
  for (let n = 0; n < count; n++) {
    const builder = new BatchBuilder('in', 0);
    builder.append(0, `k${n}`, Buffer.alloc(valueBytes));
    await producer.send([builder.finish()]);
  }
}

async function until(what: string, condition: () => boolean): Promise<void> {
  for (let waitedMs = 0; !condition(); waitedMs++) {
    assert.ok(waitedMs < 10_000, `not within 10 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

const specOf = (group: string) => ({
  group,
  partitions: 1,
  inputs: ['in'],
  tables: [],
  stores: [],
  transactional: false,
  topologyHash: '',
});

const windows: readonly (readonly [string, number, number, number])[] = [
  ['batches', 200, 10, 64],
  ['bytes', 12, 100 * 1024, 3],
];
for (const [what, count, valueBytes, most] of windows) {
  test(`the worker sends ahead within one window of ${what}`, async (t) => {
    const { log, given } = await bridged(t);
    await send(log, count, valueBytes);
    let port: TaskPort | undefined;
    await log.openGroup(specOf('g'), {
      open: (opened) => {
        port = opened;
        return { restore() {}, table() {}, ready() {}, wake() {}, async close() {} };
      },
    });
    // An answer comes after whatever was sent before it.
    await until('the window is full', () => given() >= most);
    await log.probe();
    assert.equal(given(), most);
    const keys: (string | null)[] = [];
    await until('all taken', () => {
      const batch = port!.take('in');
      if (batch !== undefined) keys.push(...readBatch(batch).map(({ key }) => key));
      assert.ok(given() <= keys.length + most, 'more was sent ahead than the window has');
      return keys.length === count;
    });
    assert.deepEqual(
      keys,
      Array.from({ length: count }, (_, n) => `k${n}`),
    );
  });
}

test('a reader that is slow holds the worker back', async (t) => {
  const { log, given } = await bridged(t);
  await send(log, 200, 10);
  let seen = 0;
  for await (const records of log.read('in', { from: 'start', follow: false })) {
    seen += records.length;
    await log.probe();
    assert.ok(given() <= seen + 64, `${given()} were sent for ${seen}`);
  }
  assert.equal(seen, 200);
});

test('a service or method that is not served is an error of its caller', async (t) => {
  const { log } = await bridged(t);
  await assert.rejects(log.registry().fetch(1), /serves no registry\.fetch/);
});

test('a host that throws when it is opened loses its member, and the group is left', async (t) => {
  const { log } = await bridged(t);
  const spec = {
    group: 'g',
    partitions: 1,
    inputs: ['in'],
    tables: [],
    stores: [],
    transactional: false,
    topologyHash: '',
  };
  const open = () => {
    throw new Error('no');
  };
  const group = await log.openGroup(spec, { open });
  await until('left', () => group.tasks.length === 0);
});

test('what retention took unread of a bridged group is told over there', async (t) => {
  const { log, served } = await bridged(t);
  let offsets = 3;
  const openGroup = served.openGroup.bind(served);
  t.mock.method(served, 'openGroup', async (...args: Parameters<typeof openGroup>) => {
    const group = await openGroup(...args);
    const missed = () => (offsets === 0 ? [] : [{ topic: 'in', partition: 0, offsets }]);
    return Object.assign(group, { missed });
  });
  const group = await log.openGroup(specOf('g'), {
    open: () => ({ restore() {}, table() {}, ready() {}, wake() {}, async close() {} }),
  });
  assert.deepEqual(group.missed(), [{ topic: 'in', partition: 0, offsets: 3 }]);
  offsets = 8;
  assert.deepEqual(await group.lag(), [{ topic: 'in', partition: 0, lag: 0 }]);
  assert.deepEqual(group.missed(), [{ topic: 'in', partition: 0, offsets: 8 }]);
  offsets = 0;
  await group.lag();
  assert.deepEqual(group.missed(), []);
});
