import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BatchBuilder } from '../../core/batch-builder.ts';
import { ByteWriter } from '../../core/bytes.ts';
import type { LogBatch } from '../../core/log.ts';
import { Record } from '../../core/record.ts';
import { readBatch, wholeBatch } from '../../core/record-batch.ts';
import { Slice } from '../../core/slice.ts';
import { columns, NEVER } from '../../core/store.ts';
import {
  factsOf,
  type HeldFacts,
  heldFacts,
  oldHeld,
  recordOf,
} from '../../test/kit/held-facts.ts';
import { RowStore } from './row-store.ts';

const holding = columns({ firstMs: 'double', newest: 'record', n: 'int' });

/** Keys of which one is before another in UTF-8 but behind it in UTF-16, and one is empty. */
const KEYS = ['', 'a', 'b', 'ab', '🔔', '\uffee', 'ключ', 'x'.repeat(80)];

interface ModelRow {
  readonly key: string;
  firstPut: number;
  dueMs: number;
  n: number;
  held: HeldFacts;
}

/** The store as one would write it without a thought for speed. */
class Model {
  rows: ModelRow[] = [];
  puts = 0;
  readonly changed = new Set<string>();

  find(key: string): ModelRow | undefined {
    return this.rows.find((row) => row.key === key);
  }

  put(key: string, n: number, held: HeldFacts): void {
    this.changed.add(key);
    const row = this.find(key);
    if (row !== undefined) Object.assign(row, { n, held });
    else this.rows.push({ key, firstPut: this.puts++, dueMs: NEVER, n, held });
  }

  delete(key: string): void {
    this.changed.add(key);
    this.rows = this.rows.filter((row) => row.key !== key);
  }

  renew(key: string): void {
    const row = this.find(key)!;
    this.delete(key);
    this.rows.push(row);
    row.firstPut = this.puts++;
  }

  next(): number {
    return Math.min(NEVER, ...this.rows.map((row) => row.dueMs));
  }

  takeDue(nowMs: number): string | undefined {
    const next = this.next();
    if (next > nowMs) return undefined;
    const row = this.rows
      .filter(({ dueMs }) => dueMs === next)
      .reduce((a, b) => (a.key < b.key ? a : b));
    row.dueMs = NEVER;
    this.changed.add(row.key);
    return row.key;
  }

  /** Key to value, as the form of version 0.1.0 has them; null: a tombstone. */
  write(): Map<string, string | null> {
    const written = new Map<string, string | null>();
    for (const key of this.changed) {
      const row = this.find(key);
      written.set(key, row === undefined ? null : this.#encode(row));
    }
    this.changed.clear();
    return written;
  }

  #encode({ firstPut, dueMs, n, held }: ModelRow): string {
    const row = new ByteWriter().double(n / 3);
    oldHeld(held, row);
    const value = new ByteWriter().int(firstPut).int(dueMs === NEVER ? -1 : dueMs);
    return value.blob(row.int(n).done()).done().toString('hex');
  }
}

function written(batch: LogBatch): Map<string, string | null> {
  const records = readBatch(batch);
  const rows = new Map(
    records.map((record) => [record.key!, record.valueBytes?.toString('hex') ?? null]),
  );
  assert.equal(rows.size, records.length, 'a key is written once');
  return rows;
}

function commit(store: RowStore<never>): LogBatch {
  const builder = new BatchBuilder('changelog', 3);
  store.writeChanged(builder, 1_767_225_600_000);
  assert.equal(store.changedCount, 0);
  return wholeBatch('changelog', 3, builder.finish().bytes, 100);
}

type Act = readonly [string, string, number, HeldFacts];
const act = (what: string) =>
  fc.tuple(fc.constant(what), fc.constantFrom(...KEYS), fc.integer(), heldFacts);
const acts = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: act('put') },
    ...['due', 'delete', 'renew', 'take', 'commit', 'reopen', 'compact'].map(act),
  ),
  { maxLength: 80 },
);

class Pair {
  store = new RowStore('s', holding);
  readonly model = new Model();
  readonly log: LogBatch[] = [];
  readonly out = new Slice(1, 4);

  do([what, key, n, facts]: Act): void {
    const { store, model } = this;
    const at = store.key(key);
    if (what === 'put') {
      const row = store.put(at);
      row.firstMs = n / 3;
      row.n = n;
      row.newest.hold(recordOf(facts));
      model.put(key, n, facts);
    } else if (what === 'take') this.#take(Math.abs(n % 100));
    else if (what === 'commit') this.#commit();
    else if (what === 'reopen') this.#reopen(false);
    else if (what === 'compact') this.#reopen(true);
    else if (store.get(at) !== undefined) {
      if (what === 'due') {
        store.setDue(Math.abs(n % 100));
        model.find(key)!.dueMs = Math.abs(n % 100);
        model.changed.add(key);
      } else if (what === 'delete') {
        store.delete();
        model.delete(key);
      } else {
        store.renew();
        model.renew(key);
      }
    }
  }

  check(): void {
    const { store, model } = this;
    assert.equal(store.size, model.rows.length);
    assert.equal(store.held, model.rows.length);
    assert.equal(store.changedCount, model.changed.size);
    assert.equal(store.nextDueMs(), model.next());
    assert.equal(store.oldest()?.n, model.rows[0]?.n);
    for (const key of KEYS) this.#checkRow(key);
    assert.deepEqual(
      [...store.rows()].map(([key]) => key),
      model.rows.map(({ key }) => key),
    );
  }

  #checkRow(key: string): void {
    const { store, model, out } = this;
    const row = store.get(store.key(key));
    const expected = model.find(key);
    assert.equal(row === undefined, expected === undefined);
    if (row === undefined || expected === undefined) return;
    const { held } = expected;
    assert.ok(store.isAt(store.key(key)));
    assert.deepEqual(
      [row.firstMs, row.n, row.newest.offset, row.newest.timestamp, row.newest.count],
      [expected.n / 3, expected.n, held.offset, held.timestamp, held.count],
    );
    out.resetOwn(store.heldTopic(), store.heldPartition());
    store.appendHeld(out);
    assert.equal(store.appendHeld(out), 1);
    assert.deepEqual([out.n, out.selected, out.selection[1]], [2, 2, 1]);
    for (const i of [0, 1]) {
      assert.deepEqual(factsOf(new Record(out, i)), factsOf(recordOf(held)));
    }
  }

  #take(nowMs: number): void {
    const { store, model } = this;
    const key = model.takeDue(nowMs);
    assert.equal(store.takeDue(nowMs), key !== undefined);
    if (key !== undefined) assert.ok(store.isAt(store.key(key)), `due is ${key}`);
  }

  #commit(): void {
    const batch = commit(this.store as never);
    assert.deepEqual(written(batch), this.model.write());
    this.log.push(batch);
  }

  /** Opens it again from its changelog; `isCompacted`: of which the last of each key is left. */
  #reopen(isCompacted: boolean): void {
    this.#commit();
    const rows = new Map(this.log.flatMap((batch) => [...written(batch)]));
    if (isCompacted) {
      const builder = new BatchBuilder('changelog', 3);
      // A changelog gives rows in any order.
      for (const [key, value] of [...rows].reverse()) {
        builder.append(1, key, value === null ? null : Buffer.from(value, 'hex'));
      }
      this.log.splice(0, this.log.length, wholeBatch('changelog', 3, builder.finish().bytes, 0));
    }
    this.store = new RowStore('s', holding);
    for (const batch of this.log) this.store.restore(batch);
    this.store.restored();
    const { model } = this;
    model.puts = (model.rows.at(-1)?.firstPut ?? -1) + 1;
  }
}

test('a store is a plain list of rows, and its changelog that of version 0.1.0', () => {
  fc.assert(
    fc.property(acts, (program) => {
      const pair = new Pair();
      for (const one of program) {
        pair.do(one);
        pair.check();
      }
    }),
    { numRuns: 150 },
  );
});

test('a due time of the step that was taken off comes back when the step throws', () => {
  const store = new RowStore('t', columns({ newest: 'record', n: 'int' }, 'step'));
  for (const [key, dueMs] of [
    ['a', 5],
    ['b', 7],
  ] as const) {
    store.put(store.key(key)).n = dueMs;
    store.setDue(dueMs);
  }
  store.begin();
  assert.equal(store.takeDueBy(6)?.n, 5);
  store.setDue(9);
  assert.equal(store.takeDueBy(9)?.n, 7);
  store.delete();
  store.undo();
  assert.equal(store.firstDueMs(), 5);
  assert.equal(store.takeDueBy(5)?.n, 5);
  assert.equal(store.takeDueBy(7)?.n, 7);
  assert.equal(store.firstDueMs(), NEVER);
});
