import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Record } from '../../core/record.ts';
import { SLICE_RECORDS_MAX, Slice } from '../../core/slice.ts';
import { OtherStream } from './other-stream.ts';

test('a step is handed copies, in slices, with the mark of their way', () => {
  const from = new Slice(0, SLICE_RECORDS_MAX + 3);
  from.resetOwn('t', 2);
  for (let n = 0; n < from.capacity; n++) {
    from.clearSlots(n);
    from.offset[n] = n;
    from.headersAt[n] = -1;
    from.n++;
    new Record(from, n).eventId = `e${n}`;
  }
  const given: string[][] = [];
  const other = new OtherStream((slice) => {
    assert.deepEqual([slice.topic, slice.partition], ['t', 2]);
    const ids = [...slice.selection.subarray(0, slice.selected)].map((i) => {
      return new Record(slice, i).eventId;
    });
    given.push(ids);
  });
  const picked = Array.from({ length: from.n }, (_, n) => n).filter((n) => n !== 1);
  other.take(from, picked, '@way');
  assert.deepEqual(
    given.map((ids) => ids.length),
    [SLICE_RECORDS_MAX, 2],
  );
  assert.deepEqual(given[0]!.slice(0, 2), ['e0@way', 'e2@way']);
  assert.equal(new Record(from, 0).eventId, 'e0', 'that of the others stays');
  other.take(from, [1], '');
  assert.deepEqual(given.at(-1), ['e1']);
});
