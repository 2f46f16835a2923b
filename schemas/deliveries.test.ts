import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  DELIVER_OUTCOMES,
  DELIVERIES_MAX,
  decodeDeliveries,
  decodeOutcomes,
  encodeDeliveries,
  encodeOutcomes,
} from './deliveries.ts';

const items = [
  { connectionId: 'c-1', value: Buffer.from('one') },
  { connectionId: 'c-2', value: Buffer.alloc(0) },
  { connectionId: 'c'.repeat(255), value: Buffer.alloc(70_000, 7) },
];

test('deliveries and outcomes come back as they went', () => {
  assert.deepEqual(decodeDeliveries(encodeDeliveries(items)), items);
  assert.deepEqual(decodeDeliveries(Buffer.alloc(0)), []);
  const outcomes = [...DELIVER_OUTCOMES];
  assert.deepEqual(decodeOutcomes(encodeOutcomes(outcomes), outcomes.length), outcomes);
});

const whole = encodeDeliveries(items);
const many = Array.from({ length: DELIVERIES_MAX + 1 }, () => items[1]!);
const bad: readonly [string, Buffer][] = [
  ['cut in the value', whole.subarray(0, whole.length - 1)],
  ['cut in a length', whole.subarray(0, 6)],
  ['cut in an id', whole.subarray(0, 2)],
  ['too many', encodeDeliveries(many)],
];
for (const [name, bytes] of bad) {
  test(`not deliveries: ${name}`, () => assert.equal(decodeDeliveries(bytes), undefined));
}

test('not outcomes: too few, unknown', () => {
  assert.equal(decodeOutcomes(Buffer.from([0]), 2), undefined);
  assert.equal(decodeOutcomes(Buffer.from([99]), 1), undefined);
});
