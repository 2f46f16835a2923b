import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { sortSlots } from './slot-order.ts';

const number = fc.oneof(fc.nat(5), fc.nat(5_000), fc.maxSafeNat());

test('slots stand in the order of their numbers, equal ones as they were', () => {
  fc.assert(
    fc.property(fc.array(number), (numbers) => {
      const slots = Int32Array.from(numbers, (_, i) => i * 3);
      const expected = [...slots].sort((a, b) => numbers[a / 3]! - numbers[b / 3]!);
      const sorted = sortSlots(slots, Float64Array.from(numbers), numbers.length);
      assert.deepEqual([...sorted], expected);
    }),
    { numRuns: 300 },
  );
});
