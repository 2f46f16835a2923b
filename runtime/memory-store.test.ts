import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { RowCodec } from '../core/store.ts';
import { MemoryStore } from './memory-store.ts';

const codec: RowCodec<string> = {
  encode: (row) => Buffer.from(row),
  decode: (bytes) => bytes.toString(),
};

type Act = ['put', string, number | null] | ['delete', string] | ['reopen'] | ['due', number];

const act: fc.Arbitrary<Act> = fc.oneof(
  fc.tuple(fc.constant('put' as const), fc.constantFrom('a', 'b', 'c', 'd'), fc.option(fc.nat(20))),
  fc.tuple(fc.constant('delete' as const), fc.constantFrom('a', 'b', 'c', 'd')),
  fc.tuple(fc.constant('reopen' as const)),
  fc.tuple(fc.constant('due' as const), fc.nat(20)),
);

/** The store as one would write it without a thought for speed. */
class Model {
  rows: { key: string; dueMs: number }[] = [];

  put(key: string, dueMs: number): void {
    const row = this.rows.find((one) => one.key === key);
    if (row === undefined) this.rows.push({ key, dueMs });
    else row.dueMs = dueMs;
  }

  takeDue(nowMs: number): string | undefined {
    const due = this.rows
      .filter((row) => row.dueMs <= nowMs)
      .sort((a, b) => a.dueMs - b.dueMs || (a.key < b.key ? -1 : 1))[0];
    if (due !== undefined) due.dueMs = Number.POSITIVE_INFINITY;
    return due?.key;
  }
}

test('order, timers and rows are those of a plain list, also after it was read back', () => {
  fc.assert(
    fc.property(fc.array(act, { maxLength: 60 }), (acts) => {
      const model = new Model();
      let store = new MemoryStore<string>('s', codec);
      const written = new Map<string, Buffer>();
      const commit = () => {
        for (const { key, value } of store.takeChanged()) {
          if (value === null) written.delete(key.toString());
          else written.set(key.toString(), value);
        }
      };
      for (const [what, a, b] of acts) {
        if (what === 'put') {
          const dueMs = b ?? Number.POSITIVE_INFINITY;
          model.put(a, dueMs);
          store.put(a, `row-${a}`, dueMs);
        } else if (what === 'delete') {
          assert.equal(
            store.delete(a),
            model.rows.some((row) => row.key === a),
          );
          model.rows = model.rows.filter((row) => row.key !== a);
        } else if (what === 'due') {
          assert.equal(store.takeDue(a), model.takeDue(a));
        } else {
          commit();
          store = new MemoryStore<string>('s', codec);
          // A changelog gives rows in any order.
          for (const [key, value] of [...written].reverse()) store.restore(Buffer.from(key), value);
          store.restored();
        }
        assert.equal(store.size, model.rows.length);
        assert.equal(store.oldest(), model.rows[0]?.key);
        const next = Math.min(...model.rows.map((row) => row.dueMs));
        assert.equal(store.nextDueMs(), next);
      }
    }),
    { numRuns: 500 },
  );
});

test('a row that cannot be read is an error of its store', () => {
  const store = new MemoryStore<string>('reno.va.dedup', codec);
  assert.throws(() => store.restore(Buffer.from('k'), Buffer.from([0x80])), {
    code: 'CAR802',
    where: { at: 'reno.va.dedup' },
  });
});
