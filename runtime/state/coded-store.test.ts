import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BatchBuilder } from '../../core/batch-builder.ts';
import { ByteWriter } from '../../core/bytes.ts';
import { CarillonError } from '../../core/error.ts';
import type { LogBatch } from '../../core/log.ts';
import { readBatch, wholeBatch } from '../../core/record-batch.ts';
import type { RowCodec } from '../../core/store.ts';
import { CodedStore } from './coded-store.ts';

interface Row {
  readonly text: string;
}

const codec: RowCodec<Row> = {
  encode: ({ text }) => Buffer.from(`1${text}`, 'utf8'),
  decode(bytes) {
    if (bytes[0] !== 0x31) throw new RangeError('a row of another version');
    return { text: bytes.toString('utf8', 1) };
  },
};

const KEYS = ['', 'a', 'b', 'ключ', 'x'.repeat(100)];
const text = fc.oneof(fc.string({ unit: 'binary' }), fc.constant('y'.repeat(5_000)));
const act = fc.tuple(
  fc.constantFrom('put', 'put', 'put', 'delete', 'commit', 'reopen'),
  fc.constantFrom(...KEYS),
  text,
);

function commit(store: CodedStore<Row>): LogBatch {
  const builder = new BatchBuilder('changelog', 0);
  store.writeChanged(builder, 7);
  return wholeBatch('changelog', 0, builder.finish().bytes, 0);
}

/** The value that version 0.1.0 wrote. */
function oldValue(firstPut: number, row: string): string {
  return new ByteWriter()
    .int(firstPut)
    .int(-1)
    .blob(codec.encode({ text: row }))
    .done()
    .toString('hex');
}

test('a store is a Map, and its changelog that of version 0.1.0', () => {
  fc.assert(
    fc.property(fc.array(act, { maxLength: 60 }), (acts) => {
      let store = new CodedStore('s', codec);
      const model = new Map<string, { text: string; readonly firstPut: number }>();
      const changed = new Set<string>();
      const log: LogBatch[] = [];
      let puts = 0;
      for (const [what, key, row] of acts) {
        if (what === 'put') {
          store.put(key, { text: row });
          const before = model.get(key);
          if (before === undefined) model.set(key, { text: row, firstPut: puts++ });
          else before.text = row;
          changed.add(key);
        } else if (what === 'delete') {
          const isThere = model.delete(key);
          assert.equal(store.delete(key), isThere);
          if (isThere) changed.add(key);
        } else {
          assert.equal(store.changedCount, changed.size);
          const batch = commit(store);
          log.push(batch);
          const records = readBatch(batch);
          assert.deepEqual(
            records.map((record) => [record.key, record.valueBytes?.toString('hex') ?? null]),
            [...changed].map((of) => {
              const row = model.get(of);
              return [of, row === undefined ? null : oldValue(row.firstPut, row.text)];
            }),
          );
          changed.clear();
          if (what === 'reopen') {
            store = new CodedStore('s', codec);
            for (const one of log) store.restore(one);
            store.restored();
            puts = Math.max(-1, ...[...model.values()].map(({ firstPut }) => firstPut)) + 1;
          }
        }
        assert.equal(store.size, model.size);
        for (const one of KEYS) assert.equal(store.get(one)?.text, model.get(one)?.text);
        assert.deepEqual(
          [...store.rows()].map(([of, { text: shown }]) => [of, shown]),
          [...model].map(([of, { text: shown }]) => [of, shown]),
        );
      }
    }),
    { numRuns: 200 },
  );
});

test('a row that the codec cannot read is CAR802', () => {
  const builder = new BatchBuilder('changelog', 0);
  const row = new ByteWriter().int(0).int(-1).blob(Buffer.from('2x')).done();
  builder.append(1, 'a', row);
  const batch = wholeBatch('changelog', 0, builder.finish().bytes, 0);
  const store = new CodedStore('s', codec);
  store.restore(batch);
  assert.equal(store.size, 0);
  assert.throws(
    () => store.restored(),
    (error) => error instanceof CarillonError && error.code === 'CAR802' && error.where.at === 's',
  );
  const gone = new BatchBuilder('changelog', 0);
  gone.append(2, 'a', null);
  store.restore(wholeBatch('changelog', 0, gone.finish().bytes, 1));
  store.restored();
});

test('memory does not grow with rows that are put again and again', () => {
  const store = new CodedStore('s', codec);
  for (let n = 0; n < 200; n++) {
    for (let key = 0; key < 50; key++) store.put(`k-${key}`, { text: 'z'.repeat(1_000) });
    commit(store);
  }
  assert.ok(store.bytes < 1024 * 1024, `${store.bytes} bytes`);
  assert.equal(store.get('k-7')!.text, 'z'.repeat(1_000));
});
