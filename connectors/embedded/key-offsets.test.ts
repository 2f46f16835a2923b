import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeyOffsets } from './key-offsets.ts';

test('the last offset of each key, like a map, whatever the keys are', () => {
  const keys = new KeyOffsets(4);
  const model = new Map<string, number>();
  const of = (n: number) => {
    // Empty, short, long, and such that differ in their last byte or their length only.
    if (n % 5 === 0) return Buffer.alloc(n % 97);
    if (n % 5 === 1) return Buffer.from(`member-${n % 3_000}`);
    if (n % 5 === 2) return Buffer.from([n & 0xff, (n >> 8) & 0xff]);
    if (n % 5 === 3) return Buffer.alloc(60, n % 200);
    return Buffer.from(`a long common beginning of many keys ${n % 4_000}`);
  };
  for (let n = 0; n < 40_000; n++) {
    const key = of((n * 7_919) % 20_000);
    const padded = Buffer.concat([Buffer.from('..'), key, Buffer.from('..')]);
    keys.set(padded, 2, 2 + key.length, n * 2 ** 21);
    model.set(key.toString('latin1'), n * 2 ** 21);
  }
  assert.equal(keys.size, model.size);
  for (const [text, offset] of model) {
    const key = Buffer.from(text, 'latin1');
    assert.equal(keys.get(key, 0, key.length), offset);
  }
  const unknown = Buffer.from('nobody');
  assert.equal(keys.get(unknown, 0, unknown.length), -1);
});
