/** Rows that have a value, and timers on a time of the step's own. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BatchBuilder } from '../../core/batch-builder.ts';
import { wholeBatch } from '../../core/record-batch.ts';
import { columns, NEVER } from '../../core/store.ts';
import { RowStore } from './row-store.ts';

const KINDS = columns({ n: 'int', of: 'value', atMs: 'double' }, 'step');
const store = () => new RowStore('s', KINDS);

/** What another task has after it has read all that was committed. */
function restored(...committed: readonly Buffer[]): ReturnType<typeof store> {
  const to = store();
  for (const bytes of committed) to.restore(wholeBatch('c', 0, bytes, 0), 1_000);
  to.restored();
  return to;
}

/** A clock far ahead of the one that reads the rows again. */
const WRITTEN_MS = 9e12;

function commit(from: ReturnType<typeof store>): Buffer {
  const builder = new BatchBuilder('c', 0);
  from.writeChanged(builder, WRITTEN_MS);
  return Buffer.from(builder.finish().bytes);
}

const VALUES = [
  null,
  [],
  { a: [1, 2n ** 70n, -0, Number.NaN, 'ü'], b: { c: Buffer.from('x') } },
  'x'.repeat(100_000),
];

test('values come back as they were, with what stands beside them', () => {
  const one = store();
  for (const [n, of] of VALUES.entries()) {
    const row = one.put(one.key(`k${n}`));
    row.n = n;
    row.of = of;
    row.atMs = n + 0.5;
  }
  const other = restored(commit(one));
  for (const [n, of] of VALUES.entries()) {
    const row = other.get(other.key(`k${n}`))!;
    assert.deepEqual([row.n, row.of, row.atMs], [n, of, n + 0.5]);
  }
  assert.deepEqual([...other.rows()], [...one.rows()]);
  assert.deepEqual([other.held, other.changedCount], [0, 0]);
});

test('a row that is made anew under a key has no value of the former one', () => {
  const one = store();
  one.put(one.key('k')).of = 'former';
  const first = commit(one);
  one.get(one.key('k'));
  one.delete();
  assert.equal(one.put(one.key('k')).of, undefined);
  assert.equal(restored(first, commit(one)).get(one.key('k'))!.of, undefined);
  one.get(one.key('k'));
  one.delete();
  assert.equal(restored(first, commit(one)).size, 0);
});

test('the clock lets nothing go, and does not move what is due by another time', () => {
  const one = store();
  for (const [key, dueMs] of [
    ['b', 7],
    ['a', 7],
    ['c', 5],
    ['never', NEVER],
  ] as const) {
    one.put(one.key(key)).of = key;
    one.setDue(dueMs);
  }
  for (const rows of [restored(commit(one)), one]) {
    assert.deepEqual([rows.nextDueMs(), rows.takeDue(9e15)], [NEVER, false]);
    assert.equal(rows.firstDueMs(), 5);
    const taken: unknown[] = [];
    for (;;) {
      const row = rows.takeDueBy(7);
      if (row === undefined) break;
      taken.push(row.of);
    }
    assert.deepEqual(taken, ['c', 'a', 'b']);
    assert.equal(rows.firstDueMs(), NEVER);
  }
});

test('when all is let go, the clock takes what would be due at some time, and nothing else', () => {
  const one = store();
  one.put(one.key('sum')).n = 1;
  one.put(one.key('open')).of = 'open';
  one.setDue(9e15);
  one.dueAt(1_000);
  assert.equal(one.nextDueMs(), 1_000);
  assert.equal(one.takeDue(1_000), true);
  assert.equal(one.row().of, 'open');
  assert.equal(one.takeDue(9e15), false);
});

test('a row has one record or one value', () => {
  const both = columns({ record: 'record', value: 'value' });
  assert.throws(() => new RowStore('s', both), /at most one record, or one value/);
});
