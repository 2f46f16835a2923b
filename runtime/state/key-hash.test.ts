import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hashKey } from './key-hash.ts';

const bytes = Buffer.alloc(64);
const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
const hashOf = (text: string, at = 0): number => {
  const size = bytes.write(text, at, 'latin1');
  return hashKey(view, at, at + size);
};

test('a hash is of the bytes alone, wherever they lie', () => {
  for (const text of ['', 'a', 'ab', 'abc', 'abcd', 'abcde', 'x'.repeat(30)]) {
    const hash = hashOf(text);
    for (let at = 1; at < 9; at++) assert.equal(hashOf(text, at), hash);
    assert.equal(hash, hash | 0);
  }
});

test('zeros at the end count', () => {
  const hashes = ['', '\0', '\0\0', '\0\0\0', '\0\0\0\0', '\0\0\0\0\0'].map((of) => hashOf(of));
  assert.equal(new Set(hashes).size, hashes.length);
});

test('keys that follow each other are spread as by chance, in the low bits that the index takes', () => {
  const buckets = new Int32Array(1 << 16);
  for (let n = 0; n < buckets.length; n++) buckets[hashOf(`sva-${n}`) & (buckets.length - 1)]!++;
  const free = buckets.filter((count) => count === 0).length / buckets.length;
  // As many keys as buckets leave 1/e of them free; 65,536 keys are within a hundredth of that.
  assert.ok(Math.abs(free - 1 / Math.E) < 0.01, `${free} are free`);
  assert.ok(Math.max(...buckets) <= 12, `${Math.max(...buckets)} in one`);
});

test('of two keys that differ in a bit, half of the bits of the hash differ', () => {
  let differing = 0;
  const keys = 2_000;
  for (let n = 0; n < keys; n++) {
    const a = hashOf(`member-${n}`);
    bytes[n % 8]! ^= 1 << (n % 7);
    const b = hashKey(view, 0, `member-${n}`.length);
    for (let bits = a ^ b; bits !== 0; bits &= bits - 1) differing++;
  }
  assert.ok(Math.abs(differing / keys - 16) < 0.5, `${differing / keys} of 32`);
});
