/** Parts of keys, and rows that hold no record. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BatchBuilder } from '../../core/batch-builder.ts';
import { wholeBatch } from '../../core/record-batch.ts';
import { columns } from '../../core/store.ts';
import { heldFacts, recordOf } from '../../test/kit/held-facts.ts';
import { RowStore } from './row-store.ts';

const rows = columns({ n: 'int', held: 'record' });
const open = () => new RowStore('t', rows);
const textOf = ({ bytes, start, end }: { bytes: Buffer; start: number; end: number }) =>
  bytes.toString('latin1', start, end);

/** What stays after a commit and a restore. */
function again(store: ReturnType<typeof open>): ReturnType<typeof open> {
  const changelog = new BatchBuilder('changelog', 0);
  store.writeChanged(changelog, 0);
  const restored = open();
  restored.restore(wholeBatch('changelog', 0, Buffer.from(changelog.finish().bytes), 0));
  restored.restored();
  return restored;
}

test('no two keys share a part', () => {
  const key = fc.oneof(
    fc.string({ maxLength: 20 }),
    fc.constantFrom('', 'a', `a\0${'0'.repeat(14)}`),
  );
  const number = fc.oneof(fc.nat(20), fc.maxSafeNat());
  fc.assert(
    fc.property(key, number, key, number, (a, n, b, m) => {
      const store = open();
      const one = textOf(store.part(store.key(a), n));
      const other = textOf(store.part(store.key(b), m));
      assert.equal(one === other, a === b && n === m);
    }),
    { seed: 7 },
  );
});

test('parts are ordered by their numbers, beyond 32 bits too', () => {
  const store = open();
  const numbers = [0, 1, 9, 10, 255, 256, 2 ** 32, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER];
  const parts = numbers.map((n) => textOf(store.part(store.key('k'), n)));
  assert.deepEqual([...parts].sort(), parts);
  // As they lie in changelogs that were written long ago.
  const written = numbers.map((n) => `k\0${n.toString(16).padStart(14, '0')}`);
  assert.deepEqual(parts, written);
});

for (const key of ['', 'a', 'ключ', 'x'.repeat(5000)]) {
  test(`the whole key of a part of "${key.slice(0, 5)}" is that key, and may be asked for on`, () => {
    const store = open();
    store.put(store.part(store.key(key), 3)).n = 3;
    const whole = store.wholeKey();
    assert.equal(store.row().n, 3);
    assert.equal(whole.bytes.toString('utf8', whole.start, whole.end), key);
    assert.equal(store.get(store.part(whole, 4)), undefined);
    assert.equal(store.get(store.part(whole, 3))?.n, 3);
  });
}

test('a row that is no part has no whole key, and without a row there is none', () => {
  const store = open();
  store.put(store.key('short'));
  assert.throws(() => store.wholeKey(), /no part/);
  store.delete();
  assert.throws(() => store.row(), /no current row/);
});

test('rows with and without a record come back as they were', () => {
  fc.assert(
    fc.property(fc.array(fc.option(heldFacts), { maxLength: 6 }), (all) => {
      const store = open();
      for (const [n, facts] of all.entries()) {
        const row = store.put(store.part(store.key('k'), n));
        row.n = n + 1;
        if (facts !== null) row.held.hold(recordOf(facts));
      }
      const restored = again(store);
      assert.equal(restored.held, all.filter((facts) => facts !== null).length);
      assert.equal(store.held, restored.held);
      for (const [n, facts] of all.entries()) {
        assert.equal(restored.get(restored.part(restored.key('k'), n))?.n, n + 1);
        assert.equal(restored.holdsRecord, facts !== null);
      }
      assert.deepEqual(
        [...restored.rows()].map(([key]) => key),
        [...store.rows()].map(([key]) => key),
      );
      assert.doesNotThrow(() => restored.heldSchemaIds());
    }),
    { seed: 7 },
  );
});

test('a record that was let go leaves a row without one, after a restore too', () => {
  const store = open();
  const [facts] = fc.sample(heldFacts, { numRuns: 1, seed: 7 });
  store.put(store.key('k')).held.hold(recordOf(facts!));
  store.delete();
  store.put(store.key('k')).n = 5;
  const restored = again(store);
  assert.deepEqual([...restored.rows()], [['k', { held: null, n: 5 }]]);
  assert.equal(restored.held, 0);
});

test('a restore over a row that held a record lets it go', () => {
  const store = open();
  const [facts] = fc.sample(heldFacts, { numRuns: 1, seed: 7 });
  store.put(store.key('k')).held.hold(recordOf(facts!));
  const changelog = new BatchBuilder('changelog', 0);
  store.writeChanged(changelog, 0);
  const first = Buffer.from(changelog.finish().bytes);
  store.get(store.key('k'));
  store.delete();
  store.put(store.key('k'));
  store.writeChanged(changelog, 0);
  const second = Buffer.from(changelog.finish().bytes);
  const restored = open();
  for (const bytes of [first, second]) restored.restore(wholeBatch('changelog', 0, bytes, 0));
  restored.restored();
  assert.equal(restored.held, 0);
});
