/** What a store does beside its rows: the forms of dedup and coalesce, faults, many keys. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BatchBuilder } from '../../core/batch-builder.ts';
import { ByteWriter } from '../../core/bytes.ts';
import { CarillonError } from '../../core/error.ts';
import type { LogBatch } from '../../core/log.ts';
import type { Record } from '../../core/record.ts';
import { readBatch, wholeBatch } from '../../core/record-batch.ts';
import { Slice } from '../../core/slice.ts';
import { type ColumnKinds, columns } from '../../core/store.ts';
import { type HeldFacts, oldHeld, recordOf } from '../../test/kit/held-facts.ts';
import { RowStore } from './row-store.ts';

const seen = columns({ atMs: 'double', offset: 'int', partition: 'int', topic: 'name' });
const burst = columns({ firstMs: 'double', lastMs: 'double', newest: 'record' });
const AT_MS = 1_767_225_600_000;

const facts: HeldFacts = {
  topic: 'events.viewing-activity',
  partition: 3,
  offset: 8_589_934_592,
  timestamp: AT_MS,
  key: 'm-1',
  value: { bytes: Buffer.from([0, 0, 0, 0, 7, 1, 2]) },
  headers: [{ key: 'trace', value: Buffer.from('abc') }],
  eventId: 'v1',
  priority: 2,
  deadlineMs: AT_MS + 60_000,
  count: 2,
  output: 0,
  classMask: 63,
  transports: -1,
  except: 'ph-1',
  device: null,
  isGiven: false,
};

function commit(store: { writeChanged(to: BatchBuilder, nowMs: number): void }): LogBatch {
  const builder = new BatchBuilder('changelog', 0);
  store.writeChanged(builder, AT_MS + 5);
  return wholeBatch('changelog', 0, builder.finish().bytes, 40);
}

function batchOf(rows: readonly (readonly [string | null, Buffer | null])[], from = 0): LogBatch {
  const builder = new BatchBuilder('changelog', 0);
  for (const [key, value] of rows) builder.append(AT_MS, key, value);
  return { ...wholeBatch('changelog', 0, builder.finish().bytes, 0), from };
}

const seenRow = (firstPut: number, offset: number, topic = 't') =>
  new ByteWriter()
    .int(firstPut)
    .int(-1)
    .blob(new ByteWriter().double(AT_MS).int(offset).int(3).text(topic).done())
    .done();

function hexOf(store: RowStore<never>): string[] {
  return readBatch(commit(store)).map((record) => record.valueBytes!.toString('hex'));
}

test("dedup's row: written as ever, and shown in the order of its columns", () => {
  const store = new RowStore('dedup', seen);
  const row = store.put(store.key('sv1'));
  Object.assign(row, { atMs: AT_MS, offset: 42, partition: 3, topic: 'ü' });
  const shown = '{"atMs":1767225600000,"offset":42,"partition":3,"topic":"ü"}';
  assert.deepEqual(
    [...store.rows()].map(([key, value]) => [key, JSON.stringify(value)]),
    [['sv1', shown]],
  );
  const [written] = readBatch(commit(store));
  assert.deepEqual(
    [written!.key, written!.timestamp, written!.valueBytes!.toString('hex')],
    ['sv1', AT_MS + 5, seenRow(0, 42, 'ü').toString('hex')],
  );
});

test("coalesce's row: written as ever, and shown with what it holds first", () => {
  const store = new RowStore('coalesce', burst);
  const row = store.put(store.key('sm-1'));
  Object.assign(row, { firstMs: AT_MS, lastMs: AT_MS + 1_000 });
  row.newest.hold(recordOf(facts));
  store.setDue(AT_MS + 3_000);
  const [[, shown]] = [...store.rows()] as unknown as [[string, { newest: Record }]];
  assert.deepEqual(Object.keys(shown), ['newest', 'firstMs', 'lastMs']);
  const { topic, partition, offset, timestamp, key, count, eventId } = shown.newest;
  assert.deepEqual(
    { topic, partition, offset, timestamp, key, count, eventId },
    {
      topic: facts.topic,
      partition: 3,
      offset: facts.offset,
      timestamp: AT_MS,
      key: 'm-1',
      count: 2,
      eventId: 'v1',
    },
  );
  const old = new ByteWriter().double(AT_MS).double(AT_MS + 1_000);
  oldHeld(facts, old);
  const value = new ByteWriter()
    .int(0)
    .int(AT_MS + 3_000)
    .blob(old.done())
    .done();
  assert.deepEqual(hexOf(store as never), [value.toString('hex')]);
});

test('what it holds may be asked for its topic, partition and schema', () => {
  const store = new RowStore('coalesce', burst);
  for (const [key, value] of [
    ['a', { bytes: Buffer.from([0, 0, 0, 0, 7, 9]) }],
    ['b', { bytes: Buffer.from([0, 0, 0, 1, 0]) }],
    ['c', { bytes: Buffer.from([0, 0, 0, 0, 7, 8]) }],
    ['d', { bytes: Buffer.from('no id') }],
    ['e', { given: 'x' }],
    ['f', null],
  ] as const) {
    store.put(store.key(key)).newest.hold(recordOf({ ...facts, value }));
  }
  assert.deepEqual([...store.heldSchemaIds()], [7, 256]);
  assert.deepEqual([store.heldTopic(), store.heldPartition()], [facts.topic, 3]);
  assert.equal(store.held, 6);
  store.delete();
  assert.equal(store.held, 5);
});

const bad: readonly (readonly [string, Buffer])[] = [
  ['nothing', Buffer.alloc(0)],
  ['a row that ends too early', seenRow(0, 42).subarray(0, -1)],
  ['bytes behind the row', Buffer.concat([seenRow(0, 42), Buffer.from([0])])],
  ['a row of fewer columns', new ByteWriter().int(0).int(-1).blob(Buffer.alloc(9)).done()],
  ['a row of more columns', new ByteWriter().int(0).int(-1).blob(Buffer.alloc(30)).done()],
  ['no row', new ByteWriter().int(0).int(-1).blob(null).done()],
];
for (const [name, value] of bad) {
  test(`a row that cannot be read is CAR802: ${name}`, () => {
    const store = new RowStore('viewing/dedup', seen);
    store.restore(batchOf([['k', value]]));
    assert.throws(
      () => store.restored(),
      (error) =>
        error instanceof CarillonError &&
        error.code === 'CAR802' &&
        error.where.at === 'viewing/dedup',
    );
  });
}

test('rows of a former step that were deleted, or written anew, are no matter', () => {
  for (const [name, value] of bad) {
    const store = new RowStore('viewing/dedup', seen);
    store.restore(
      batchOf([
        ['a', seenRow(0, 1)],
        ['b', value],
        ['c', value],
        ['d', seenRow(1, 2)],
        ['d', value],
      ]),
    );
    assert.throws(() => store.restored(), { code: 'CAR802' });
    store.restore(
      batchOf([
        ['b', null],
        ['c', seenRow(2, 3)],
        ['d', null],
      ]),
    );
    store.restored();
    assert.deepEqual(
      [...store.rows()].map(([key]) => key),
      ['a', 'c'],
      name,
    );
  }
});

test('of held records, one that cannot be read leaves nothing behind', () => {
  const of = new RowStore('coalesce', burst);
  of.put(of.key('a')).newest.hold(recordOf(facts));
  const whole = Buffer.from(hexOf(of as never)[0]!, 'hex');
  const store = new RowStore('coalesce', burst);
  store.restore(batchOf([['a', whole]]));
  assert.equal(store.held, 1);
  store.restore(batchOf([['a', whole.subarray(0, -1)]]));
  assert.deepEqual([store.held, store.size], [0, 0]);
  store.restore(batchOf([['a', whole]]));
  store.restored();
  assert.deepEqual([store.held, store.size], [1, 1]);
});

test('a changelog is read from where it was read to; records without a key are no rows', () => {
  const store = new RowStore('dedup', seen);
  store.restore(
    batchOf(
      [
        ['a', seenRow(0, 1)],
        [null, seenRow(5, 5)],
        ['b', seenRow(1, 2)],
      ],
      1,
    ),
  );
  store.restore(wholeBatch('changelog', 0, Buffer.alloc(0), 3));
  store.restored();
  assert.deepEqual(
    [...store.rows()].map(([key]) => key),
    ['b'],
  );
});

test('a torn batch is no fault of a row', () => {
  const batch = batchOf([['a', seenRow(0, 1)]]);
  const torn = { ...batch, bytes: batch.bytes.subarray(0, -3) };
  assert.throws(() => new RowStore('dedup', seen).restore(torn), RangeError);
});

test('faults of a step are told: no current row, no held record, two of them', () => {
  const store = new RowStore('coalesce', burst);
  for (const call of ['changed', 'delete', 'renew', 'heldTopic'] as const) {
    assert.throws(() => store[call](), /no current row/);
  }
  store.put(store.key('a'));
  assert.throws(() => store.appendHeld(new Slice()), /holds no record/);
  assert.throws(() => store.heldTopic(), /holds no record/);
  const plain = new RowStore('dedup', seen);
  plain.put(plain.key('a'));
  assert.throws(() => plain.heldTopic(), /hold no records/);
  const twice = columns({ a: 'record', b: 'record' });
  assert.throws(() => new RowStore('twice', twice), /at most one record/);
});

test('the rows of two tasks are one kind of object, so that a step reads them in one way', () => {
  const [a, b] = [new RowStore('a', seen), new RowStore('b', seen)];
  const rowOf = (store: typeof a) => store.put(store.key('k'));
  assert.equal(Object.getPrototypeOf(rowOf(a)), Object.getPrototypeOf(rowOf(b)));
  rowOf(a).offset = 1;
  assert.equal(rowOf(b).offset, 0);
  const other = new RowStore('c', columns({ offset: 'int' } satisfies ColumnKinds));
  const row = other.put(other.key('k'));
  assert.notEqual(Object.getPrototypeOf(row), Object.getPrototypeOf(rowOf(b)));
});

test('many keys come and go, and what is left is right; memory stays', () => {
  const store = new RowStore('dedup', seen);
  const kept = new Map<string, number>();
  const order: string[] = [];
  const log: LogBatch[] = [];
  let gone = 0;
  let most = 0;
  for (let n = 0; n < 60_000; n++) {
    const key = `sv-${(n * 7_919) % 15_013}-${'x'.repeat(n % 40)}`;
    const row = store.put(store.key(key));
    row.offset = n;
    if (!kept.has(key)) order.push(key);
    kept.set(key, n);
    if (n % 3 !== 0 && kept.size > 10_000) {
      const oldest = order[gone++]!;
      store.get(store.key(oldest));
      store.delete();
      kept.delete(oldest);
    }
    if (n % 1_000 === 999) log.push(commit(store));
    if (n === 30_000) most = store.bytes;
  }
  log.push(commit(store));
  assert.equal(store.size, kept.size);
  const again = new RowStore('dedup', seen);
  for (const batch of log) again.restore(batch);
  again.restored();
  for (const one of [store, again]) {
    for (const [key, offset] of kept) assert.equal(one.get(one.key(key))?.offset, offset);
    assert.deepEqual(
      [...one.rows()].map(([key]) => key),
      [...kept.keys()],
    );
  }
  assert.ok(store.bytes < most * 3, `${store.bytes} bytes, ${most} half-way`);
});
