/** A snapshot of a store, read back, is that store: its rows, their order and their timers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BatchBuilder } from '../../core/batch-builder.ts';
import type { LogBatch } from '../../core/log.ts';
import { readBatch, wholeBatch } from '../../core/record-batch.ts';
import { columns } from '../../core/store.ts';
import { Collector } from '../collector.ts';
import { TaskStores } from '../streams/task-stores.ts';
import { AskedRows } from '../tables/asked-rows.ts';
import { CodedStore } from './coded-store.ts';
import { AS_BYTES } from './joined-table.ts';
import { MemoryBudget, MemoryPart } from './memory-budget.ts';
import { RowStore } from './row-store.ts';
import type { TaskStore } from './task-store.ts';

const ROWS = 4_500;
const NOW_MS = 1_000;
const timed = columns({ n: 'int', of: 'name', window: 'value' });

function filled(store: RowStore<(typeof timed)['columns']>): void {
  for (let n = 0; n < ROWS; n++) {
    const row = store.put(store.key(`k${n}`));
    row.n = n;
    row.of = `t${n % 3}`;
    row.window = `w${n}`;
    if (n % 2 === 0) store.setDue(10_000 - n);
  }
  store.get(store.key('k7'));
  store.renew();
  store.get(store.key('k8'));
  store.delete();
}

const KINDS: readonly {
  readonly it: string;
  readonly open: () => TaskStore;
  readonly fill: (of: never) => void;
}[] = [
  { it: 'columns', open: () => new RowStore('s', timed), fill: filled as never },
  {
    it: 'bytes',
    open: () => new CodedStore('s', AS_BYTES),
    fill: (store: CodedStore<Buffer>) => {
      for (let n = 0; n < ROWS; n++) store.put(`k${n}`, Buffer.from(`row ${n}`));
      store.delete('k8');
    },
  },
  {
    it: 'who has asked, half of them told',
    open: () => new AskedRows('s'),
    fill: (rows: AskedRows) => {
      for (let n = 0; n < ROWS; n++)
        rows.put(`r${n % 4}`, `l${n}`, { partition: n % 5, version: n });
      rows.take(rows.tell('r2', 77)!, 500);
    },
  },
  { it: 'nothing', open: () => new RowStore('s', timed), fill: () => {} },
];

/** All that a store would write, in its order. */
function allOf(store: TaskStore): unknown[] {
  for (let from = store.touch(null, 100); from !== null; ) from = store.touch(from, 100);
  if (store.changedCount === 0) return [];
  const builder = new BatchBuilder('c', 0);
  store.writeChanged(builder, NOW_MS);
  return readBatch(wholeBatch('c', 0, builder.finish().bytes, 0)).map(({ key, valueBytes }) => {
    return [key, valueBytes?.toString('hex')];
  });
}

for (const { it, open, fill } of KINDS) {
  test(`a snapshot of ${it} is the store`, () => {
    const store = open();
    fill(store as never);
    const stores = new TaskStores(
      [{ store: 's', changelog: 'c' }],
      new MemoryPart(new MemoryBudget()),
    );
    stores.add(store);
    stores.writeChanged(new Collector(1), 0, NOW_MS);
    const back = open();
    const batches: LogBatch[] = [];
    for (const { store: name, bytes } of stores.snapshot(NOW_MS)) {
      assert.equal(name, 's');
      const batch = wholeBatch('c', 0, Buffer.from(bytes), 0);
      assert.ok(readBatch(batch).length <= 2_000, 'batches are bounded');
      batches.push(batch);
      back.restore(batch);
    }
    assert.equal(stores.hasChanges, false);
    back.restored();
    assert.deepEqual(allOf(back), allOf(store));
    assert.deepEqual([...back.rows()], [...store.rows()]);
    // Read over rows that are there already, as the end of a changelog is over a checkpoint.
    for (const batch of batches) back.restore(batch);
    back.restored();
    assert.deepEqual(allOf(back), allOf(store));
  });
}
