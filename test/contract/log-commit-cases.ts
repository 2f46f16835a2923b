/** Sending, committing, and what is there after a close or a crash. */
import assert from 'node:assert/strict';
import type { LogUnderTest } from './log.ts';
import {
  batch,
  type Cases,
  commit,
  type Names,
  numbered,
  offsetOf,
  openTasks,
  PARTITIONS,
  position,
  readAll,
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
    await names.until('ten taken', () => task.taken.length === 10);
    const metadata = 'm'.repeat(4096);
    await commit(task, [], position(names.input, 0, 4, metadata));
    await first.group.close();
    assert.deepEqual(task.closedAs, ['stopped']);
    const log = await under.reopen();
    const { tasks, group } = await openTasks(log, names.group(), names);
    assert.equal(tasks[0]!.port.committedMetadata(names.input), metadata);
    await names.until('the rest taken', () => tasks[0]!.taken.length === 6);
    assert.deepEqual(values(tasks[0]!.taken), ['v4', 'v5', 'v6', 'v7', 'v8', 'v9']);
    assert.equal(tasks[0]!.next, 10);
    await group.close();
  },

  async 'offsets are of a partition: committing one leaves the other'(under, names) {
    await names.apply(under.log);
    await send(under.log, numbered(names.input, 0, 0, 6), numbered(names.input, 1, 0, 6));
    const first = await openTasks(under.log, names.group(), names);
    await names.until('all taken', () => first.tasks.every((task) => task.taken.length === 6));
    await commit(first.tasks[0]!, [], position(names.input, 0, 2), position(names.input, 1, 5));
    await commit(first.tasks[1]!, [], position(names.input, 0, 4));
    await first.group.close();
    const log = await under.reopen();
    const { tasks, group } = await openTasks(log, names.group(), names);
    await names.until('the rest taken', () => tasks.every((task) => task.next === 6));
    assert.deepEqual(
      tasks.map((task) => values(task.taken)),
      [['v4', 'v5'], ['v5']],
    );
    await group.close();
  },

  async 'stores are restored from their changelogs, deletes too'(under, names) {
    await names.apply(under.log);
    await send(under.log, numbered(names.input, 0, 0, 2));
    const first = await openTasks(under.log, names.full(), names);
    const rows = (lines: readonly (readonly [string, string | null])[]) =>
      batch(
        names.changelog,
        0,
        lines.map(([key, value]) => ({ key, value })),
      );
    const one = rows([
      ['a', '1'],
      ['b', '2'],
      ['a', '3'],
      ['c', '4'],
    ]);
    const two = rows([
      ['b', null],
      ['', 'empty key'],
      ['d', ''],
    ]);
    await commit(first.tasks[0]!, [one], position(names.input, 0, 1));
    await commit(first.tasks[0]!, [two], position(names.input, 0, 2));
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

  async 'what is restored equals what was committed, after many changes'(under, names) {
    await names.apply(under.log);
    let { log } = under;
    const models = [new Map<string, string>(), new Map<string, string>()];
    let number = 0;
    for (const again of [() => under.reopen(), () => under.crash()]) {
      const { tasks, group } = await openTasks(log, names.full(), names);
      for (let round = 0; round < 40; round++) {
        for (const [partition, model] of models.entries()) {
          const rows = Array.from({ length: 5 }, () => {
            // A fixed walk over 23 keys that meets each of them again and again.
            const key = `k${(number * 7 + partition) % 23}`;
            const value = number % 4 === 3 ? null : `v${number}`;
            number++;
            if (value === null) model.delete(key);
            else model.set(key, value);
            return { key, value };
          });
          const changed = batch(names.changelog, partition, rows);
          // Rows are of what was read: they have a position beside them.
          await commit(tasks[partition]!, [changed], position(names.input, partition, 0));
        }
      }
      // Closing waits until all of it is durable: a crash must take nothing then.
      await group.close();
      log = await again();
      const after = await openTasks(log, names.full(), names);
      after.tasks.forEach((task, partition) => {
        assert.deepEqual([...task.store].sort(), [...models[partition]!].sort());
      });
      await after.group.close();
    }
  },

  async 'what was not committed is gone after a crash'(under, names) {
    await names.apply(under.log);
    await send(under.log, numbered(names.input, 0, 0, 5));
    const { tasks } = await openTasks(under.log, names.full(), names);
    await names.until('five taken', () => tasks[0]!.taken.length === 5);
    const log = await under.crash();
    const after = await openTasks(log, names.full(), names);
    await names.until('taken again', () => after.tasks[0]!.taken.length === 5);
    assert.deepEqual(await readAll(log, names.output), []);
    assert.equal(after.tasks[0]!.store.size, 0);
    await after.group.close();
  },

  async 'a unit of several tasks is all or nothing: outputs, changelogs, offsets'(under, names) {
    const [first, second] = await committedOverACrash(under, names);
    assert.equal(first, second);
  },

  async 'each part of a unit is all or nothing: outputs, changelog, offsets'(under, names) {
    await committedOverACrash(under, names);
  },

  async 'a commit that is refused fences all tasks, and nothing of it is there'({ log }, names) {
    await names.apply(log);
    await send(log, numbered(names.input, 0, 0, 4));
    const { tasks, group } = await openTasks(log, names.full(), names);
    await names.until('taken', () => tasks[0]!.taken.length === 4);
    await commit(tasks[0]!, [numbered(names.output, 0, 0, 1)], position(names.input, 0, 1));
    const wrong = numbered(names.output, 99, 1, 1);
    await assert.rejects(
      commit(tasks[0]!, [numbered(names.output, 0, 1, 1), wrong], position(names.input, 0, 2)),
    );
    await names.until('both fenced', () =>
      tasks.every((task) => task.closedAs.length === 1 && task.closedAs[0] === 'fenced'),
    );
    await assert.rejects(commit(tasks[1]!, [], position(names.input, 0, 3)));
    await group.close();
    const after = await openTasks(log, names.full(), names);
    await names.until('taken again', () => after.tasks[0]!.taken.length === 3);
    assert.deepEqual(values(after.tasks[0]!.taken), ['v1', 'v2', 'v3']);
    assert.deepEqual(values(await readAll(log, names.output)), ['v0']);
    await after.group.close();
  },
};

/**
 * Dies while a unit of both tasks is on its way; gives how many units each of them has committed,
 * after it was seen that no part of one is there without the rest.
 */
async function committedOverACrash(under: LogUnderTest, names: Names): Promise<readonly number[]> {
  await names.apply(under.log);
  await send(under.log, numbered(names.input, 0, 0, 20), numbered(names.input, 1, 0, 20));
  const { tasks } = await openTasks(under.log, names.full(), names);
  const { unit } = tasks[0]!.port;
  assert.equal(unit, tasks[1]!.port.unit);
  const write = (n: number) =>
    unit.commit({
      parts: [0, 1].map((partition) => ({
        partition,
        batches: [
          numbered(names.output, partition, n, 1),
          batch(names.changelog, partition, [
            { key: 'count', value: String(n + 1) },
            { key: `n${n}`, value: 'x' },
          ]),
        ],
        offsets: [offsetOf(position(names.input, partition, n + 1))],
      })),
    });
  for (let n = 0; n < 4; n++) await write(n);
  const outputs = async () => (await readAll(under.log, names.output)).length;
  await names.until('four commits visible', async () => (await outputs()) === 8);
  // The last one is on its way when the log dies: it must be there as a whole, or not at all.
  Promise.resolve(write(4)).catch(() => {});
  const log = await under.crash();
  const after = await openTasks(log, names.full(), names);
  await names.until('taken to the end', () => after.tasks.every((task) => task.next === 20));
  const done = after.tasks.map((task) => Number(task.store.get('count') ?? '0'));
  after.tasks.forEach((task, p) => {
    assert.ok(done[p] === 4 || done[p] === 5, `${done[p]} commits`);
    assert.equal(task.taken[0]!.offset, done[p]);
    assert.equal(task.store.size, done[p]! + 1);
  });
  assert.equal((await readAll(log, names.output)).length, done[0]! + done[1]!);
  await after.group.close();
  return done;
}
