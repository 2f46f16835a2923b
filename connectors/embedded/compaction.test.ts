import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { BatchBuilder } from '../../core/batch-builder.ts';
import { RecordScan } from '../../core/record-scan.ts';
import { Compaction } from './compaction.ts';
import { openDatabase } from './database.ts';
import type { Partition } from './partition.ts';
import { Settling } from './settling.ts';
import { Storage } from './storage.ts';

const HOUR = 3_600_000;

/** The same numbers at each run. */
function chance(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function opened(t: TestContext, lagMs: number) {
  const dir = mkdtempSync(join(tmpdir(), 'carillon-compaction-'));
  const file = openDatabase({ dir, synchronous: 'normal', fileBytesMax: undefined });
  t.after(() => {
    file.close(true);
    rmSync(dir, { recursive: true });
  });
  let storage = new Storage(file.db);
  const write = (nowMs: number, body: () => void) => {
    file.db.exec('BEGIN');
    body();
    storage.write(nowMs);
    file.db.exec('COMMIT');
    storage.committed();
  };
  write(0, () => storage.topics.add([{ name: 'c', partitions: 2, cleanup: 'compact' }]));
  const model = new Map<string, string>();
  let settling = new Settling(storage.topics);
  const compactions = () => storage.topics.all.map((partition) => new Compaction(partition));
  let compacting = compactions();
  return {
    model,
    get partition() {
      const partition = storage.topics.partition('c', 1);
      partition.isChangelog = lagMs === 0;
      return partition;
    },
    append(nowMs: number, rows: readonly (readonly [string, string | null])[]) {
      const builder = new BatchBuilder('c', 1);
      for (const [key, value] of rows) {
        builder.append(nowMs, key, value === null ? null : Buffer.from(value));
        if (value === null) model.delete(key);
        else model.set(key, value);
      }
      const batches = [builder.finish()];
      write(nowMs, () => storage.append(batches, storage.check(batches)));
    },
    /** One piece of all that is due, committed. False: nothing is. */
    step(nowMs: number, bytes: number): boolean {
      const isSettling = settling.isDue(nowMs);
      const due = compacting.filter((compaction) => compaction.isDue(nowMs));
      if (!isSettling && due.length === 0) return false;
      write(nowMs, () => {
        if (isSettling) settling.step();
        for (const compaction of due) compaction.step({ nowMs, lagMs }, bytes);
      });
      return true;
    },
    /** The file as the next process finds it. */
    reopen() {
      storage = new Storage(file.db);
      settling = new Settling(storage.topics);
      compacting = compactions();
    },
    read: () => readAll(storage.topics.partition('c', 1)),
  };
}

/** All of it, from the start: the records in order. */
function readAll(partition: Partition): (readonly [number, string, string | null])[] {
  const cursor = { block: 0 };
  const rows: (readonly [number, string, string | null])[] = [];
  let at = 0;
  while (at < partition.nextOffset) {
    for (const batch of partition.read(at, partition.nextOffset, cursor)) {
      const scan = new RecordScan().open(batch.bytes, batch.baseOffset);
      while (scan.next()) {
        if (scan.offset < at) continue;
        const { bytes, end, isTombstone } = scan;
        // The value is the last thing of a record without headers, but their number.
        const value = isTombstone ? null : bytes.toString('utf8', end - 7, end - 1);
        rows.push([scan.offset, scan.key!, value]);
      }
      assert.ok(batch.nextOffset > at);
      at = batch.nextOffset;
    }
  }
  return rows;
}

function folded(rows: readonly (readonly [number, string, string | null])[]) {
  const state = new Map<string, string>();
  let before = -1;
  for (const [offset, key, value] of rows) {
    assert.ok(offset > before, 'records keep their order');
    before = offset;
    if (value === null) state.delete(key);
    else state.set(key, value);
  }
  return [...state].sort();
}

for (const seed of [1, 2, 3]) {
  test(`whoever reads a changelog from its start gets the same at each step (seed ${seed})`, (t) => {
    const log = opened(t, 0);
    const next = chance(seed);
    let nowMs = 0;
    let number = 100_000;
    let steps = 0;
    for (let round = 0; round < 12; round++) {
      for (let batches = 0; batches < 8; batches++) {
        const rows = Array.from({ length: 1 + next(40) }, () => {
          const key = `key-${next(60)}`;
          return [key, next(5) === 0 ? null : String(number++)] as const;
        });
        log.append(nowMs, rows);
      }
      nowMs += 2 * HOUR;
      assert.equal(log.partition.isChangelog, true);
      // Now and then the process dies in the middle of it.
      for (let left = next(6) === 0 ? 3 : 1_000; left > 0 && log.step(nowMs, 1); left--) {
        steps++;
        assert.deepEqual(folded(log.read()), [...log.model].sort());
      }
      log.reopen();
      assert.deepEqual(folded(log.read()), [...log.model].sort());
    }
    nowMs += 2 * HOUR;
    for (let left = 1_000; log.step(nowMs, 1_000) && left > 0; left--);
    assert.ok(steps > 50, `${steps} steps`);
    assert.ok(log.read().length < 3 * 60, `${log.read().length} records for 60 keys`);
  });
}

test('a table keeps what is younger than its lag, and deletions for twice as long', (t) => {
  const log = opened(t, 10 * HOUR);
  const keys = () => log.read().map(([offset, key]) => `${offset}:${key}`);
  const work = (nowMs: number) => {
    for (let left = 1_000; log.step(nowMs, 1_000) && left > 0; left--);
  };
  log.append(0, [
    ['a', '000001'],
    ['gone', '000001'],
  ]);
  log.append(HOUR, [
    ['a', '000002'],
    ['gone', null],
  ]);
  log.append(8 * HOUR, [['a', '000003']]);
  work(9.5 * HOUR);
  assert.deepEqual(keys(), ['0:a', '1:gone', '2:a', '3:gone', '4:a']);
  work(12 * HOUR);
  assert.deepEqual(keys(), ['2:a', '3:gone', '4:a']);
  work(19 * HOUR);
  assert.deepEqual(keys(), ['3:gone', '4:a']);
  log.append(19 * HOUR, [['b', '000001']]);
  work(22 * HOUR);
  log.reopen();
  assert.equal(log.partition.nextOffset, 6);
  work(40 * HOUR);
  assert.deepEqual(keys(), ['4:a', '5:b']);
});

test('compaction waits while a task reads its changelog', (t) => {
  const log = opened(t, 0);
  log.append(0, [['a', '000001']]);
  log.append(0, [['a', null]]);
  log.partition.restoring++;
  for (let left = 100; log.step(2 * HOUR, 1_000) && left > 0; left--);
  assert.equal(log.partition.settledOffset, 2);
  assert.ok(log.read().length > 0);
  log.partition.restoring--;
  for (let left = 100; log.step(2 * HOUR, 1_000) && left > 0; left--);
  assert.deepEqual(log.read(), []);
  log.reopen();
  assert.equal(log.partition.nextOffset, 2);
});
