import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BatchBuilder } from '../../core/batch-builder.ts';
import { wholeBatch } from '../../core/record-batch.ts';
import { AskedRows } from './asked-rows.ts';

const MANY = 1_000;

/** Rows and their changelog. */
class Kept {
  rows = new AskedRows('t.asked');
  readonly #log: Buffer[] = [];

  commit(): void {
    const builder = new BatchBuilder('c', 0);
    if (this.rows.changedCount === 0) return;
    this.rows.writeChanged(builder, 1_000);
    this.#log.push(Buffer.from(builder.finish().bytes));
  }

  /** What was not committed is gone. */
  crash(): void {
    this.rows = new AskedRows('t.asked');
    for (const bytes of this.#log) this.rows.restore(wholeBatch('c', 0, bytes, 0));
    this.rows.restored();
  }

  ask(right: string, ...lefts: readonly string[]): void {
    for (const left of lefts) this.rows.put(right, left, { partition: 2, version: 7 });
  }

  told(right: string, most = MANY): string {
    const telling = this.rows.tell(right, 50);
    return telling === undefined ? 'nobody' : this.#names(this.rows.take(telling, most));
  }

  more(most = MANY): string {
    const { untold } = this.rows;
    return untold === undefined ? 'none' : this.#names(this.rows.take(untold, most));
  }

  #names(taken: ReturnType<AskedRows['take']>): string {
    for (const [, asked] of taken) assert.deepEqual(asked, { partition: 2, version: 7 });
    return taken.map(([left]) => left).join(' ');
  }
}

test('who has asked for a right row is told of its change, by left keys', () => {
  const kept = new Kept();
  kept.ask('r', 'c', 'a', 'b');
  kept.ask('s', 'x');
  assert.equal(kept.told('r'), 'a b c');
  assert.equal(kept.told('s'), 'x');
  assert.equal(kept.told('t'), 'nobody');
  kept.rows.delete('r', 'a');
  kept.rows.delete('r', 'nobody');
  assert.equal(kept.told('r'), 'b c');
  kept.rows.delete('r', 'c');
  kept.rows.delete('r', 'b');
  assert.equal(kept.told('r'), 'nobody');
  kept.ask('r', 'b');
  assert.equal(kept.told('r'), 'b');
  assert.equal(kept.more(), 'none');
});

test('keys that look alike are not taken for one another', () => {
  const kept = new Kept();
  kept.ask('1', '2:3');
  kept.ask('1:2', '3');
  kept.ask('>', 'x');
  kept.ask('', '>');
  assert.deepEqual(
    ['1', '1:2', '>', ''].map((right) => kept.told(right)),
    ['2:3', '3', 'x', '>'],
  );
});

for (const crashes of [false, true]) {
  const between = (kept: Kept) => {
    kept.commit();
    if (crashes) kept.crash();
  };
  const how = crashes ? 'over crashes' : 'in one go';

  test(`too many are told a slice at a time, each once, ${how}`, () => {
    const kept = new Kept();
    kept.ask('r', 'a', 'b', 'c', 'd', 'e');
    between(kept);
    assert.equal(kept.told('r', 2), 'a b');
    between(kept);
    assert.equal(kept.more(2), 'c d');
    between(kept);
    assert.equal(kept.more(2), 'e');
    between(kept);
    assert.equal(kept.more(2), 'none');
    assert.equal(kept.rows.size, 5);
  });

  test(`who asks meanwhile is told by that, and who leaves is not told, ${how}`, () => {
    const kept = new Kept();
    kept.ask('r', 'a', 'b', 'c', 'd', 'e');
    assert.equal(kept.told('r', 1), 'a');
    between(kept);
    kept.ask('r', 'b', 'f');
    kept.rows.delete('r', 'c');
    between(kept);
    assert.equal(kept.more(1), 'd');
    between(kept);
    assert.equal(kept.more(), 'e');
    between(kept);
    assert.equal(kept.more(), 'none');
    assert.equal(kept.told('r'), 'a b d e f');
  });

  test(`a change before the last one was told begins anew, ${how}`, () => {
    const kept = new Kept();
    kept.ask('r', 'a', 'b', 'c');
    kept.ask('s', 'x', 'y');
    assert.equal(kept.told('r', 1), 'a');
    assert.equal(kept.told('s', 1), 'x');
    between(kept);
    assert.equal(kept.told('r', 2), 'a b');
    between(kept);
    assert.equal(kept.more(), 'c');
    assert.equal(kept.more(), 'y');
    assert.equal(kept.more(), 'none');
  });

  test(`all leave while they are told, and come again, ${how}`, () => {
    const kept = new Kept();
    kept.ask('r', 'a', 'b');
    assert.equal(kept.told('r', 1), 'a');
    between(kept);
    kept.rows.delete('r', 'b');
    kept.rows.delete('r', 'a');
    between(kept);
    kept.ask('r', 'c', 'a');
    between(kept);
    assert.equal(kept.more(), '');
    assert.equal(kept.more(), 'none');
    assert.equal(kept.told('r'), 'a c');
  });
}

test('the last one to ask leaves, another one asks', () => {
  const kept = new Kept();
  kept.ask('r', 'a', 'b');
  kept.rows.delete('r', 'b');
  kept.ask('r', 'c');
  assert.equal(kept.told('r'), 'a c');
});

test('who asks after a crash is behind all that are to be told', () => {
  const kept = new Kept();
  kept.ask('r', 'a', 'b', 'c');
  assert.equal(kept.told('r', 1), 'a');
  kept.ask('r', 'd', 'e');
  assert.equal(kept.told('r', 1), 'a');
  kept.rows.delete('r', 'd');
  kept.rows.delete('r', 'e');
  kept.commit();
  kept.crash();
  kept.ask('r', 'f');
  assert.equal(kept.more(), 'b c');
});

test('what was done after the last commit is gone with a crash, and told again', () => {
  const kept = new Kept();
  kept.ask('r', 'a', 'b', 'c');
  assert.equal(kept.told('r', 1), 'a');
  kept.commit();
  assert.equal(kept.more(1), 'b');
  kept.crash();
  assert.equal(kept.more(), 'b c');
});

type Word =
  | { readonly do: 'ask'; readonly right: string; readonly left: string }
  | { readonly do: 'leave'; readonly right: string; readonly left: string }
  | { readonly do: 'tell'; readonly right: string }
  | { readonly do: 'more' }
  | { readonly do: 'commit' }
  | { readonly do: 'crash' };

const right = fc.constantFrom('r', 's');
const left = fc.constantFrom(...'abcdefgh');
const word: fc.Arbitrary<Word> = fc.oneof(
  fc.record({ do: fc.constantFrom('ask', 'ask', 'leave'), right, left }) as fc.Arbitrary<Word>,
  fc.record({ do: fc.constant('tell' as const), right }),
  fc.record({ do: fc.constantFrom('more', 'commit', 'crash') }) as fc.Arbitrary<Word>,
);

test('in the end each has the last change, whatever comes between', () => {
  fc.assert(
    fc.property(fc.array(word, { maxLength: 60, size: 'max' }), (words) => {
      const kept = new Kept();
      /** By `right/left` the change that it has; what is committed, and what is now. */
      let now = { asked: new Map<string, number>(), changes: new Map<string, number>() };
      let safe = structuredClone(now);
      const tell = (of: string, names: string) => {
        for (const name of names.split(' ').filter((one) => one !== '')) {
          const key = `${of}/${name}`;
          assert.ok(now.asked.has(key), `${key} has not asked`);
          assert.notEqual(now.asked.get(key), now.changes.get(of), `${key} is told twice`);
          now.asked.set(key, now.changes.get(of)!);
        }
      };
      const more = () => {
        const { untold } = kept.rows;
        if (untold !== undefined) tell(untold.right, kept.more(2));
        return untold !== undefined;
      };
      for (const one of words) {
        if (one.do === 'commit') {
          kept.commit();
          safe = structuredClone(now);
        } else if (one.do === 'crash') {
          kept.crash();
          now = structuredClone(safe);
        } else if (one.do === 'more') more();
        else if (one.do === 'tell') {
          now.changes.set(one.right, (now.changes.get(one.right) ?? 0) + 1);
          const told = kept.told(one.right, 2);
          if (told !== 'nobody') tell(one.right, told);
        } else if (one.do === 'ask') {
          kept.ask(one.right, one.left);
          now.asked.set(`${one.right}/${one.left}`, now.changes.get(one.right) ?? 0);
        } else {
          kept.rows.delete(one.right, one.left);
          now.asked.delete(`${one.right}/${one.left}`);
        }
      }
      while (more());
      for (const [key, has] of now.asked) {
        assert.equal(has, now.changes.get(key[0]!) ?? 0, `${key} lacks the last change`);
      }
      const asked = [...now.asked.keys()].map((key) => `1:${key.replace('/', '')}`);
      assert.deepEqual([...kept.rows.rows()].map(([key]) => key).sort(), asked.sort());
    }),
    { numRuns: 300, seed: 7 },
  );
});
