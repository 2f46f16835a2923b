import assert from 'node:assert/strict';
import { test } from 'node:test';
import { columns } from '../core/store.ts';
import { RowStore } from '../runtime/state/row-store.ts';
import { KeyCount } from './key-count.ts';

const opened = () => {
  const store = new RowStore('t', columns({ n: 'int' }));
  return { store, count: new KeyCount(store) };
};

test('counts up and down', () => {
  const { count } = opened();
  assert.equal(count.keys, 0);
  count.add(1);
  count.add(1);
  count.add(-1);
  assert.equal(count.keys, 1);
});

test('its own row is never the oldest', () => {
  const { store, count } = opened();
  assert.equal(count.oldest(), false);
  count.add(1);
  assert.equal(count.oldest(), false, 'it stands there alone');
  store.put(store.part(store.key('a'), 0));
  store.put(store.part(store.key('b'), 0));
  for (let n = 0; n < 2; n++) {
    assert.equal(count.oldest(), true);
    assert.equal(count.isHere, false);
    assert.ok(store.isAt(store.part(store.key('a'), 0)), 'the first that was put');
  }
});
