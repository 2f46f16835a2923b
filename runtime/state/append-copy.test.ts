import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Record } from '../../core/record.ts';
import { FIELD_NUMBER, FIELD_UNKNOWN, Slice } from '../../core/slice.ts';
import { factsOf, type HeldFacts, heldFacts, recordOf } from '../../test/kit/held-facts.ts';
import { appendCopy } from './append-copy.ts';

/** Overwrites what a record was read from: a copy must not notice. */
function spoil({ slice }: Record): void {
  slice.bytes.fill(0xaa);
  slice.offset.fill(-1);
  slice.devices?.clear();
  slice.clear();
}

const own = (capacity: number) => {
  const slice = new Slice(1, capacity);
  slice.resetOwn('t', 1);
  return slice;
};

test('a copy says what the record said, also when that is gone', () => {
  fc.assert(
    fc.property(fc.array(heldFacts, { minLength: 1, maxLength: 6 }), (all) => {
      // A slice has one topic, partition and priority.
      const { topic, partition, priority } = all[0]!;
      const facts: HeldFacts[] = all.map((one) => ({ ...one, topic, partition, priority }));
      const out = own(facts.length);
      out.resetOwn(topic, partition);
      for (const round of [1, 2]) {
        facts.forEach((one, j) => {
          const record = recordOf(one);
          assert.equal(appendCopy(record.slice, record.i, out), j);
          spoil(record);
        });
        assert.deepEqual(
          [...out.selection.subarray(0, out.selected)],
          facts.map((_, j) => j),
        );
        facts.forEach((one, j) => {
          const said = factsOf(new Record(out, j));
          assert.deepEqual(said, factsOf(recordOf(one)), `round ${round}`);
        });
        out.resetOwn(topic, partition);
      }
    }),
    { numRuns: 200 },
  );
});

const plain: HeldFacts = {
  topic: 't',
  partition: 1,
  offset: 5,
  timestamp: 7,
  key: 'member',
  value: { bytes: Buffer.from('a value with a field') },
  headers: null,
  eventId: null,
  priority: 1,
  deadlineMs: 0,
  count: 1,
  output: 0,
  classMask: -1,
  transports: -1,
  except: null,
  device: null,
  isGiven: false,
};

test('located fields come along where they lie in the key or in the value', () => {
  const record = recordOf(plain);
  const { slice } = record;
  const out = own(4);
  const field = (start: number, end: number) => {
    slice.fieldStart[0]![0] = start;
    slice.fieldEnd[0]![0] = end;
    const j = appendCopy(slice, 0, out);
    const at = out.fieldStart[0]![j]!;
    return at < 0 ? at : out.bytes.toString('utf8', at, out.fieldEnd[0]![j]!);
  };
  const value = slice.valueStart[0]!;
  assert.equal(field(value + 2, value + 7), 'value');
  assert.equal(field(slice.keyStart[0]!, slice.keyEnd[0]! - 1), 'membe');
  assert.equal(field(1, 3), FIELD_UNKNOWN, 'it lies elsewhere');
  slice.fieldNumber[0]![0] = 1.5;
  assert.equal(field(FIELD_NUMBER, 0), FIELD_NUMBER);
  assert.equal(out.fieldNumber[0]![3], 1.5);
});

test('what was decoded or joined is good for the copy too, and goes when the slice is emptied', () => {
  const record = recordOf(plain);
  record.slice.decode = () => ({ a: 1 });
  record.joined = { online: true };
  const value = record.value;
  const out = own(4);
  const copy = new Record(out, appendCopy(record.slice, 0, out));
  assert.equal(copy.value, value);
  assert.deepEqual(copy.joined, { online: true });
  out.resetOwn('t', 1);
  assert.deepEqual([out.values.length, out.joined.length], [0, 0]);
});
