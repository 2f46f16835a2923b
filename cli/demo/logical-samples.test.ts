import assert from 'node:assert/strict';
import { test } from 'node:test';
import { logicalSample } from './logical-samples.ts';
import { SeededRandom } from './random.ts';

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5);
const SEED = 7;

const all = (type: { readonly [key: string]: unknown }) => {
  const random = new SeededRandom(SEED);
  return Array.from({ length: 300 }, () => logicalSample(type, NOW, random));
};
const bytesOf = (value: unknown) => Buffer.from(String(value), 'base64');
/** A signed number, big-endian. */
const numberOf = (bytes: Buffer) =>
  BigInt.asIntN(bytes.length * 8, BigInt(`0x${bytes.toString('hex')}`));

for (const [what, type, bytes, most] of [
  ['of one digit', { type: 'bytes', logicalType: 'decimal', precision: 1 }, 4, 9n],
  ['of six', { type: 'bytes', logicalType: 'decimal', precision: 6, scale: 2 }, 4, 999_999n],
  ['of many', { type: 'bytes', logicalType: 'decimal', precision: 30, scale: 9 }, 4, 999_999n],
  ['in two bytes', { type: 'fixed', size: 2, logicalType: 'decimal', precision: 4 }, 2, 9_999n],
  ['in sixteen', { type: 'fixed', size: 16, logicalType: 'decimal', precision: 38 }, 16, 999_999n],
] as const) {
  test(`decimals ${what} are within their precision`, () => {
    const numbers = all(type).map((value) => {
      assert.equal(bytesOf(value).length, bytes);
      return numberOf(bytesOf(value));
    });
    assert.ok(numbers.every((n) => n >= 0n && n <= most));
    assert.ok(new Set(numbers).size > 5);
  });
}

test('identities, durations and times are what they are called', () => {
  const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
  const uuids = all({ type: 'string', logicalType: 'uuid' });
  assert.ok(uuids.every((one) => uuid.test(String(one))));
  assert.equal(new Set(uuids).size, uuids.length);
  for (const value of all({ type: 'fixed', size: 12, logicalType: 'duration' })) {
    const bytes = bytesOf(value);
    assert.equal(bytes.length, 12);
    assert.ok(bytes.readUInt32LE(0) < 12 && bytes.readUInt32LE(4) < 28);
    assert.ok(bytes.readUInt32LE(8) < 86_400_000);
  }
  assert.equal(all({ type: 'int', logicalType: 'date' })[0], 20_455);
  assert.equal(all({ type: 'int', logicalType: 'time-millis' })[0], 11_045_000);
  assert.equal(all({ type: 'long', logicalType: 'timestamp-micros' })[0], NOW * 1_000);
});

test('what is no logical type of its kind is left to what it is made of', () => {
  for (const type of [
    { type: 'string' },
    { type: 'string', logicalType: 'iban' },
    { type: 'string', logicalType: 'toString' },
    { type: 'string', logicalType: 'decimal', precision: 4 },
    { type: 'fixed', size: 16, logicalType: 'uuid' },
    { type: 'fixed', size: 8, logicalType: 'duration' },
  ]) {
    assert.equal(all(type)[0], undefined, JSON.stringify(type));
  }
});
