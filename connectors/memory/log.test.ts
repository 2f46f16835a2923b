import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BatchBuilder } from '../../core/batch-builder.ts';
import type { CommitUnit, EncodedBatch, GroupSpec, LogBatch, TaskPort } from '../../core/log.ts';
import { readBatch } from '../../core/record-batch.ts';
import { MemoryLog } from './log.ts';

const topic = (name: string, cleanup: 'delete' | 'compact' = 'delete') => ({
  name,
  partitions: 2,
  cleanup,
});

function batch(name: string, rows: readonly (readonly [string, string | null])[]): EncodedBatch {
  const builder = new BatchBuilder(name, 0);
  for (const [key, value] of rows) {
    builder.append(0, key, value === null ? null : Buffer.from(value));
  }
  return builder.finish();
}

const spec = (over: Partial<GroupSpec> = {}): GroupSpec => ({
  group: 'g',
  partitions: 2,
  inputs: ['in'],
  tables: [],
  stores: [{ store: 's', changelog: 'c' }],
  transactional: true,
  topologyHash: '',
  ...over,
});

/** Tells what happens to the tasks of a group. */
function recorder() {
  const told: string[] = [];
  const ports: TaskPort[] = [];
  const open = (port: TaskPort) => {
    const { partition: p } = port;
    ports[p] = port;
    return {
      restore(_: string, { bytes, ...at }: LogBatch) {
        const rows = readBatch({ ...at, bytes }).map(
          ({ key, valueBytes }) => `${key}=${valueBytes}`,
        );
        told.push(`${p} restore ${rows}`);
      },
      table() {},
      ready: () => void told.push(`${p} ready`),
      wake: () => void told.push(`${p} wake`),
      close: async (why: string) => void told.push(`${p} close ${why}`),
    };
  };
  return { host: { open }, told, ports };
}

async function opened(...specs: GroupSpec[]) {
  const log = new MemoryLog();
  await log.applyTopics([topic('in'), topic('out'), topic('c', 'compact')]);
  const seen = recorder();
  for (const each of specs) await log.openGroup(each, seen.host);
  const producer = await log.producer();
  return { log, producer, ...seen };
}

/** A unit of task 0; `offset`: of its input. */
function unitOf(batches: readonly EncodedBatch[], offset?: number): CommitUnit {
  const offsets = offset === undefined ? [] : [{ topic: 'in', offset, metadata: '' }];
  return { parts: [{ partition: 0, batches, offsets }] };
}

const wrong: readonly [string, string, number][] = [
  ['a topic that is not there', 'nowhere', 0],
  ['a partition that is not there', 't', 7],
];
for (const [name, where, partition] of wrong) {
  test(`${name} is CAR691`, async () => {
    const log = new MemoryLog();
    await log.applyTopics([topic('t')]);
    const builder = new BatchBuilder(where, partition);
    builder.append(0, 'k', null);
    const producer = await log.producer();
    await assert.rejects(producer.send([builder.finish()]), { code: 'CAR691' });
  });
}

test('a commit is told at once, as a whole, and never within another call', async () => {
  const { log, ports, told } = await opened(spec());
  log.onAppended = (encoded, base) => told.push(`appended ${encoded.topic} ${base}`);
  told.length = 0;
  const batches = [batch('in', [['k', '1']]), batch('out', [['k', '2']])];
  assert.equal(ports[0]!.unit.commit(unitOf(batches)), undefined);
  assert.deepEqual(told, ['appended in 0', 'appended out 0', '0 wake']);
});

test('a crash drops the tasks, and opens them again from what was committed', async () => {
  const { log, producer, ports, told } = await opened(spec());
  await producer.send([batch('in', [['k', '1']]), batch('in', [['k', '2']])]);
  const { unit } = ports[0]!;
  ports[0]!.take('in');
  unit.commit(unitOf([batch('c', [['a', '1']])], 1));
  ports[0]!.take('in');
  told.length = 0;
  await log.crash();
  assert.deepEqual(told, [
    '0 close fenced',
    '1 close fenced',
    '0 restore a=1',
    '0 ready',
    '0 wake',
    '1 ready',
  ]);
  assert.throws(() => unit.commit({ parts: [] }), { code: 'CAR607' });
  assert.equal(ports[0]!.take('in')!.from, 1);
  assert.equal(ports[0]!.take('in'), undefined);
});

test('a task that fails takes its member with it; the others may still commit', async () => {
  const { log, ports, told, producer } = await opened(spec());
  const failures: string[] = [];
  log.onFailure = (error) => failures.push(error.message);
  told.length = 0;
  ports[1]!.fail(new Error('broken'));
  ports[1]!.fail(new Error('broken again'));
  ports[0]!.unit.commit(unitOf([batch('out', [['k', 'v']])]));
  await new Promise((resolve) => setImmediate(resolve));
  await producer.send([batch('in', [['k', '1']])]);
  assert.deepEqual(told, ['1 close fenced', '0 close stopped']);
  assert.deepEqual(failures, ['broken']);
});

test('a group is opened once; when it is closed it can be opened again', async () => {
  const { log, host } = await opened(spec());
  await assert.rejects(log.openGroup(spec(), host), { code: 'CAR608' });
});

test('a changelog of any length needs room for two records a key, and restores the same', async () => {
  const { log, ports, told } = await opened(spec());
  // Not a multiple of when it is compacted: the last batch is there as it was written.
  const rounds = 2_001;
  let last = '';
  for (let n = 0; n < rounds; n++) {
    const rows = Array.from({ length: 20 }, (_, i) => {
      const value = i === 7 ? null : String(n);
      return [`k${i}`, value] as const;
    });
    last = rows.map(([key, value]) => `${key}=${value}`).join();
    ports[0]!.unit.commit(unitOf([batch('c', rows)]));
  }
  let kept = 0;
  for await (const records of log.read('c', { from: 'start', follow: false })) {
    kept += records.length;
    assert.ok(records.every(({ offset }) => offset < rounds * 20));
  }
  assert.ok(kept < 10_000, `${kept} records are kept`);
  told.length = 0;
  await log.crash();
  assert.equal(told.filter((line) => line.startsWith('0 restore')).at(-1), `0 restore ${last}`);
});

test('what compaction took away is passed by, up to the end', async () => {
  const { log, producer, host, ports } = await opened();
  const rows = Array.from({ length: 9_999 }, () => ['k', '1'] as const);
  await producer.send([batch('c', rows)]);
  await producer.send([batch('c', [['k', null]])]);
  await log.openGroup(spec({ inputs: ['c'], stores: [] }), host);
  assert.deepEqual(ports[0]!.take('c'), {
    topic: 'c',
    partition: 0,
    bytes: Buffer.alloc(0),
    baseOffset: 0,
    from: 0,
    nextOffset: 10_000,
  });
  assert.equal(ports[0]!.take('c'), undefined);
});
