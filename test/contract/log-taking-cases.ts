/** How a task takes: in order, when it can, woken when there is more; and what is left to take. */
import assert from 'node:assert/strict';
import { readBatch } from '../../core/record-batch.ts';
import {
  batch,
  type Cases,
  commit,
  numbered,
  openTasks,
  position,
  send,
  values,
} from './log-case.ts';

const numbers = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => `v${from + i}`);

export const TAKING_CASES: Cases = {
  async 'take gives undefined when there is nothing, and a wake follows'({ log }, names) {
    await names.apply(log);
    const { tasks, group } = await openTasks(log, names.group(), names);
    const [task, other] = [tasks[0]!, tasks[1]!];
    assert.equal(task.port.take(names.input), undefined);
    for (let n = 0; n < 3; n++) {
      const before = task.wakes;
      await send(log, numbered(names.input, 0, n, 1));
      await names.until('a wake', () => task.wakes > before && task.taken.length === n + 1);
      assert.equal(task.port.take(names.input), undefined);
    }
    assert.deepEqual(values(task.taken), numbers(0, 3));
    assert.equal(other.taken.length, 0);
    await group.close();
  },

  async 'an input says when nothing of it is left, and a wake follows'({ log }, names) {
    await names.apply(log);
    await send(log, numbered(names.input, 0, 0, 3));
    const inputs = [names.input, names.table];
    const spec = names.group({ inputs, inOrder: true });
    const { tasks, group } = await openTasks(log, spec, names, false);
    const { port } = tasks[0]!;
    let taken = 0;
    const take = (topic: string) => {
      const batch = port.take(topic);
      if (batch !== undefined) taken += readBatch(batch).length;
      return batch !== undefined;
    };
    await names.until('the end of the empty one', () => port.isAtEnd(names.table));
    await names.until('the first batch', () => !port.isAtEnd(names.input) && take(names.input));
    await names.until('the end', () => {
      while (take(names.input));
      return port.isAtEnd(names.input);
    });
    assert.equal(taken, 3);
    const before = tasks[0]!.wakes;
    await send(log, batch(names.table, 0, [{ key: 'a', value: 'row' }]));
    await names.until('a wake', () => tasks[0]!.wakes > before && !port.isAtEnd(names.table));
    await names.until('its end', () => {
      while (take(names.table));
      return port.isAtEnd(names.table);
    });
    assert.equal(taken, 4);
    await group.close();
  },

  async 'what waits when a task is ready wakes it'({ log }, names) {
    await names.apply(log);
    await send(log, numbered(names.input, 1, 0, 3));
    const { tasks, group } = await openTasks(log, names.full(), names, false);
    const task = tasks[1]!;
    assert.equal(task.taken.length, 0);
    // It is woken for its empty topics too, perhaps before: it takes at each wake, and only then.
    let wakes = 0;
    await names.until('what waits', () => {
      if (task.wakes === wakes) return false;
      wakes = task.wakes;
      task.pull();
      return task.taken.length > 0;
    });
    assert.deepEqual(values(task.taken), numbers(0, 3));
    await group.close();
  },

  async 'a position in the middle of a batch goes on there'({ log }, names) {
    await names.apply(log);
    await send(log, numbered(names.input, 0, 0, 10));
    const first = await openTasks(log, names.group(), names);
    await names.until('taken', () => first.tasks[0]!.next === 10);
    await commit(first.tasks[0]!, [], position(names.input, 0, 7));
    await first.group.close();
    const { tasks, group } = await openTasks(log, names.group(), names);
    await names.until('the rest', () => tasks[0]!.next === 10);
    assert.deepEqual(
      tasks[0]!.taken.map((record) => record.offset),
      [7, 8, 9],
    );
    assert.deepEqual(values(tasks[0]!.taken), numbers(7, 10));
    await group.close();
  },

  async 'a task that does not take is not hurried, and loses nothing'({ log }, names) {
    await names.apply(log);
    const { tasks, group } = await openTasks(log, names.full(), names, false);
    const task = tasks[0]!;
    for (let from = 0; from < 300; from += 3) await send(log, numbered(names.input, 0, from, 3));
    // A table does not wait for inputs: when its row has come, a wake would have come as well.
    await send(log, batch(names.table, 0, [{ key: 'a', value: 'mark' }]));
    await names.until('the mark', () => task.tableRows.length === 1);
    await names.until('a wake', () => task.wakes > 0);
    while (task.next < 150) {
      await names.until('the next batch', () => task.pullOne(names.input));
    }
    task.isPulling = true;
    task.pull();
    await names.until('the rest', () => task.taken.length === 300);
    assert.deepEqual(
      task.taken.map((record) => record.offset),
      Array.from({ length: 300 }, (_, i) => i),
    );
    await group.close();
  },

  async 'a task that takes one batch at each wake gets all'({ log }, names) {
    await names.apply(log);
    const { tasks, group } = await openTasks(log, names.group(), names, false);
    for (let from = 0; from < 200; from += 5) {
      const both = [0, 1].map((p) => numbered(names.input, p, from, 5));
      await send(log, ...both);
    }
    for (const task of tasks) {
      while (task.next < 200) {
        await names.until('the next batch', () => task.pullOne(names.input));
      }
      assert.deepEqual(values(task.taken), numbers(0, 200));
    }
    await group.close();
  },

  async 'two groups read the same records, each at its own offset'({ log }, names) {
    await names.apply(log);
    await send(log, numbered(names.input, 1, 0, 4));
    const first = await openTasks(log, names.group(), names);
    await names.until('taken', () => first.tasks[1]!.taken.length === 4);
    await commit(first.tasks[1]!, [], position(names.input, 1, 4));
    const other = names.group({ group: `${names.group().group}-2`, transactional: false });
    const second = await openTasks(log, other, names);
    await names.until('taken by both', () => second.tasks[1]!.taken.length === 4);
    await first.group.close();
    await second.group.close();
  },

  async 'lag is the end minus what is committed'({ log }, names) {
    await names.apply(log);
    await send(log, numbered(names.input, 0, 0, 8));
    const { tasks, group } = await openTasks(log, names.group(), names);
    const lag = async () => {
      const parts = [...(await group.lag())].sort((a, b) => a.partition - b.partition);
      assert.ok(parts.every((part) => part.topic === names.input));
      return parts.map((part) => part.lag);
    };
    assert.deepEqual(await lag(), [8, 0]);
    await names.until('taken', () => tasks[0]!.taken.length === 8);
    await commit(tasks[0]!, [], position(names.input, 0, 5));
    await names.until('the lag has come down', async () => (await lag())[0] === 3);
    await group.close();
  },

  async 'positions come to the end, whatever lies there that is no record'({ log }, names) {
    await names.apply(log);
    const writer = await openTasks(log, names.group(), names);
    const other = names.group({ group: `${names.group().group}-2`, inputs: [names.output] });
    const reader = await openTasks(log, other, names);
    for (let n = 0; n < 3; n++) {
      await commit(writer.tasks[0]!, [numbered(names.output, 0, n, 1)]);
    }
    const [task] = reader.tasks;
    await names.until('no lag', async () => {
      if (task!.next >= 0) await commit(task!, [], position(names.output, 0, task!.next));
      return task!.taken.length === 3 && (await reader.group.lag()).every(({ lag }) => lag === 0);
    });
    await writer.group.close();
    await reader.group.close();
  },

  async 'nobody is woken once its group is closed'({ log }, names) {
    await names.apply(log);
    const { tasks, group } = await openTasks(log, names.group(), names, false);
    await group.close();
    const { wakes } = tasks[0]!;
    await send(log, numbered(names.input, 0, 0, 2));
    assert.equal(tasks[0]!.wakes, wakes);
    assert.equal(tasks[0]!.port.take(names.input), undefined);
    await assert.rejects(commit(tasks[0]!, [], position(names.input, 0, 1)));
    await group.close();
  },
};
