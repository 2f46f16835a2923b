import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BytePool } from './byte-pool.ts';

const KIB = 1024;

for (const { size, gives } of [
  { size: 0, gives: 4 * KIB },
  { size: 1, gives: 4 * KIB },
  { size: 4 * KIB, gives: 4 * KIB },
  { size: 4 * KIB + 1, gives: 8 * KIB },
  { size: 1024 * KIB, gives: 1024 * KIB },
  { size: 1024 * KIB + 1, gives: 1024 * KIB + 1 },
]) {
  test(`${size} bytes are taken from ${gives}`, () => {
    assert.equal(new BytePool().take(size).length, gives);
  });
}

test('what was given comes again, to the size that it has', () => {
  const pool = new BytePool();
  const bytes = pool.take(5_000);
  bytes[7] = 42;
  pool.give(bytes.subarray(3, 9));
  assert.equal(pool.keptBytes, 8 * KIB);
  assert.equal(
    pool.take(4_000)[7] === 42 && pool.keptBytes === 0,
    false,
    'a smaller one is another',
  );
  const again = pool.take(8_000);
  assert.equal(again[7], 42);
  assert.equal(pool.keptBytes, 0);
  assert.notEqual(pool.take(8_000).buffer, again.buffer, 'given once, taken once');
});

test('what it has not cut itself, and what would be too much, is let go', () => {
  const pool = new BytePool(12 * KIB);
  pool.give(Buffer.allocUnsafeSlow(5_000));
  pool.give(Buffer.allocUnsafeSlow(2 * KIB));
  pool.give(pool.take(2_000 * KIB));
  assert.equal(pool.keptBytes, 0);
  const [a, b] = [pool.take(8 * KIB), pool.take(8 * KIB)];
  pool.give(a);
  pool.give(b);
  assert.equal(pool.keptBytes, 8 * KIB);
});
