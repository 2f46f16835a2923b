/** Tables, `follow` and `read`. */
import assert from 'node:assert/strict';
import type { Record } from '../../core/record.ts';
import { batch, type Cases, numbered, openTasks, readAll, send, T0, values } from './log-case.ts';

export const READING_CASES: Cases = {
  async 'tables are read to their end before ready, then followed'({ log }, names) {
    await names.apply(log);
    await send(
      log,
      batch(names.table, 0, [
        { key: 'a', value: '1' },
        { key: 'b', value: '2' },
      ]),
      batch(names.table, 1, [{ key: 'c', value: '3' }]),
    );
    await send(log, numbered(names.input, 0, 0, 1));
    await send(log, batch(names.table, 0, [{ key: 'a', value: null }]));
    const { tasks, group } = await openTasks(log, names.full(), names);
    assert.deepEqual(tasks[0]!.tableRows, ['1', '2', null]);
    assert.deepEqual(tasks[1]!.tableRows, ['3']);
    assert.deepEqual(
      tasks.map((task) => task.tableRowsAtReady),
      [3, 1],
    );
    await send(log, batch(names.table, 0, [{ key: 'a', value: '4' }]));
    await names.until('the update', () => tasks[0]!.tableRows.length === 4);
    assert.equal(tasks[0]!.tableRows[3], '4');
    await group.close();
  },

  async 'a table that was read begins anew at each opening'({ log }, names) {
    await names.apply(log);
    await send(log, batch(names.table, 0, [{ key: 'a', value: '1' }]));
    for (let round = 0; round < 2; round++) {
      const { tasks, group } = await openTasks(log, names.full(), names);
      assert.deepEqual(tasks[0]!.tableRows, ['1']);
      await group.close();
    }
  },

  async 'follow hands over the whole topic, then its updates, until closed'({ log }, names) {
    await names.apply(log);
    await send(log, batch(names.table, 0, [{ key: 'a', value: '1' }]));
    await send(log, batch(names.table, 1, [{ key: 'b', value: '2' }]));
    const seen: (string | null)[] = [];
    const follower = await log.follow(names.table, (records) => seen.push(...values(records)));
    assert.deepEqual([...seen].sort(), ['1', '2']);
    await send(log, batch(names.table, 1, [{ key: 'b', value: '3' }]));
    await names.until('the update', () => seen.length === 3);
    assert.equal(seen[2], '3');
    await follower.close();
    await send(log, batch(names.table, 1, [{ key: 'b', value: '4' }]));
    await readAll(log, names.table);
    assert.equal(seen.length, 3);
  },

  async 'read begins at a time, and ends where the end was'({ log }, names) {
    await names.apply(log);
    for (let from = 0; from < 30; from += 10) await send(log, numbered(names.input, 0, from, 10));
    const from = T0 + 14;
    const late = await readAll(log, names.input, from);
    assert.deepEqual(
      values(late),
      Array.from({ length: 16 }, (_, i) => `v${14 + i}`),
    );
    assert.deepEqual(await readAll(log, names.input, T0 + 1_000_000), []);
  },

  async 'read follows until it is aborted'({ log }, names) {
    await names.apply(log);
    await send(log, numbered(names.input, 0, 0, 2));
    const abort = new AbortController();
    const seen: Record[] = [];
    const reading = (async () => {
      const { signal } = abort;
      for await (const records of log.read(names.input, { from: 'start', follow: true, signal })) {
        seen.push(...records);
      }
    })();
    await names.until('the first', () => seen.length === 2);
    await send(log, numbered(names.input, 1, 2, 2));
    await names.until('the second', () => seen.length === 4);
    abort.abort();
    await reading;
    assert.deepEqual(values(seen), ['v0', 'v1', 'v2', 'v3']);
  },
};
