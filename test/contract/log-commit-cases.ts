/** Sending, committing, and what is there after a close or a crash. */
import assert from 'node:assert/strict';
import type { StateRow } from '../../core/log.ts';
import {
  batch,
  type Cases,
  numbered,
  openTasks,
  PARTITIONS,
  readAll,
  row,
  send,
  T0,
  values,
  valueText,
} from './log-case.ts';

export const COMMIT_CASES: Cases = {
  async 'topics are created once, and a mismatch is refused'({ log }, names) {
    assert.equal(await log.partitionsOf(names.input), undefined);
    await names.apply(log);
    await names.apply(log);
    assert.equal(await log.partitionsOf(names.input), PARTITIONS);
    const other = { name: names.input, partitions: PARTITIONS + 1, cleanup: 'delete' } as const;
    await assert.rejects(log.applyTopics([other]), { name: 'CarillonError', code: /^CAR6\d\d$/ });
    await log.probe();
  },

  async 'what is sent is read back in order: nulls, empties, headers, times'({ log }, names) {
    await names.apply(log);
    const headers = [{ key: 'trace', value: Buffer.from('abc') }];
    const offsets = await send(
      log,
      batch(names.input, 0, [
        { key: 'a', value: 'one', at: T0 },
        { key: null, value: '', at: T0 + 7, headers },
      ]),
      batch(names.input, 1, [{ key: 'b', value: 'other', at: T0 }]),
    );
    assert.deepEqual(offsets, [0, 0]);
    assert.deepEqual(
      await send(log, batch(names.input, 0, [{ key: 'c', value: null, at: T0 + 3 }])),
      [2],
    );
    const records = await readAll(log, names.input);
    const seen = records.map((r) => [
      r.topic,
      r.partition,
      r.offset,
      r.timestamp,
      r.key,
      valueText(r),
      (r.headers ?? []).map((h) => [h.key, h.value.toString()]),
    ]);
    const of = (partition: number) => seen.filter((line) => line[1] === partition);
    assert.deepEqual(of(0), [
      [names.input, 0, 0, T0, 'a', 'one', []],
      [names.input, 0, 1, T0 + 7, null, '', [['trace', 'abc']]],
      [names.input, 0, 2, T0 + 3, 'c', null, []],
    ]);
    assert.deepEqual(of(1), [[names.input, 1, 0, T0, 'b', 'other', []]]);
  },

  async 'a group goes on from its committed offset after a reopen'(under, names) {
    await names.apply(under.log);
    await send(under.log, numbered(names.input, 0, 0, 10));
    const first = await openTasks(under.log, names.group(), names);
    const task = first.tasks[0]!;
    assert.equal(task.port.committedMetadata(names.input), '');
    await names.until('ten offered', () => task.offered.length === 10);
    const metadata = 'm'.repeat(4096);
    const offsets = [{ topic: names.input, offset: 4, metadata }];
    await task.port.commit({ batches: [], rows: [], offsets });
    await first.group.close();
    assert.deepEqual(task.closedAs, ['stopped']);
    const log = await under.reopen();
    const { tasks, group } = await openTasks(log, names.group(), names);
    assert.equal(tasks[0]!.port.committedMetadata(names.input), metadata);
    await names.until('the rest offered', () => tasks[0]!.offered.length === 6);
    assert.deepEqual(values(tasks[0]!.offered), ['v4', 'v5', 'v6', 'v7', 'v8', 'v9']);
    assert.equal(tasks[0]!.next, 10);
    await group.close();
  },

  async 'stores are restored, deletes too'(under, names) {
    await names.apply(under.log);
    await send(under.log, numbered(names.input, 0, 0, 2));
    const first = await openTasks(under.log, names.full(), names);
    const { port } = first.tasks[0]!;
    const commit = (rows: readonly StateRow[], offset: number) =>
      port.commit({ batches: [], rows, offsets: [{ topic: names.input, offset, metadata: '' }] });
    await commit([row('a', '1'), row('b', '2'), row('a', '3'), row('c', '4')], 1);
    await commit([row('b', null), row('', 'empty key'), row('d', '')], 2);
    await first.group.close();
    const log = await under.reopen();
    const { tasks, group } = await openTasks(log, names.full(), names);
    assert.deepEqual([...tasks[0]!.store].sort(), [
      ['', 'empty key'],
      ['a', '3'],
      ['c', '4'],
      ['d', ''],
    ]);
    assert.equal(tasks[1]!.store.size, 0);
    await group.close();
  },

  async 'what was not committed is gone after a crash'(under, names) {
    await names.apply(under.log);
    await send(under.log, numbered(names.input, 0, 0, 5));
    const { tasks } = await openTasks(under.log, names.full(), names);
    await names.until('five offered', () => tasks[0]!.offered.length === 5);
    const log = await under.crash();
    const after = await openTasks(log, names.full(), names);
    await names.until('offered again', () => after.tasks[0]!.offered.length === 5);
    assert.deepEqual(await readAll(log, names.output), []);
    assert.equal(after.tasks[0]!.store.size, 0);
    await after.group.close();
  },

  async 'a commit is all or nothing: outputs, rows, offsets'(under, names) {
    await names.apply(under.log);
    await send(under.log, numbered(names.input, 0, 0, 20));
    const { tasks } = await openTasks(under.log, names.full(), names);
    const { port } = tasks[0]!;
    const commit = (n: number) =>
      port.commit({
        batches: [numbered(names.output, 0, n, 1), numbered(names.output, 1, n, 1)],
        rows: [row('count', String(n + 1)), row(`n${n}`, 'x')],
        offsets: [{ topic: names.input, offset: n + 1, metadata: '' }],
      });
    for (let n = 0; n < 4; n++) await commit(n);
    const outputs = async () => (await readAll(under.log, names.output)).length;
    await names.until('four commits visible', async () => (await outputs()) === 8);
    // The last one is on its way when the log dies: it must be there as a whole, or not at all.
    Promise.resolve(commit(4)).catch(() => {});
    const log = await under.crash();
    const after = await openTasks(log, names.full(), names);
    const task = after.tasks[0]!;
    await names.until('offered to the end', () => task.next === 20);
    const done = Number(task.store.get('count') ?? '0');
    assert.ok(done === 4 || done === 5, `${done} commits`);
    assert.equal(task.offered[0]!.offset, done);
    assert.equal(task.store.size, done + 1);
    assert.equal((await readAll(log, names.output)).length, 2 * done);
    await after.group.close();
  },
};
