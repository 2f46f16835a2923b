/** What the engine does around a step: selection, keys, counts, faults, what is sent on. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeviceLines } from '../../core/device-lines.ts';
import { Record } from '../../core/record.ts';
import { defineEach, defineExpand } from '../../core/spec.ts';
import { deadLettered, dropped, PASSED, type Verdict } from '../../core/verdict.ts';
import { START_MS } from '../../test/kit/drive.ts';
import { BY, base, nameOf, opened } from '../../test/kit/operators.ts';
import { BROKEN, type Row, rowsOf, sliceOf } from '../../test/kit/slices.ts';

const each = (of: (record: Record) => Verdict<'why', 'CAR520'>) =>
  defineEach({
    ...base,
    type: 'each',
    config: {},
    drops: { why: 'For a test.' },
    deadLetters: { CAR520: 'For a test.' },
    open: () => of,
  });

test('a stream without steps sends on what comes', () => {
  const all = opened();
  const slice = sliceOf(rowsOf(1, 2));
  assert.deepEqual(all.feed(slice), [['1', '2']]);
});

test('each: what passes stays selected, in order; the others settle once', () => {
  const verdicts: { readonly [n: string]: Verdict<'why', 'CAR520'> } = {
    a: PASSED,
    b: dropped('why'),
    c: deadLettered('CAR520'),
    d: { kind: 'passed', reason: '' },
    e: PASSED,
  };
  const all = opened(each((record) => verdicts[nameOf(record)]!));
  const slice = sliceOf(rowsOf('x', 'a', 'b', 'c', 'e', 'y'), { baseOffset: 10 });
  slice.selection.set([1, 2, 3, 4]);
  slice.selected = 4;
  assert.deepEqual(all.feed(slice), [['a', 'e']]);
  assert.deepEqual([...slice.selection.subarray(0, slice.selected)], [1, 4]);
  assert.deepEqual(all.told, [
    's/each why events/0@12 ×1',
    'CAR520 s/each @13 refused by the step',
  ]);
  assert.deepEqual(all.counts(), [4, 2, 1, 1, 0, 2]);
  assert.deepEqual(all.feed(sliceOf(rowsOf('b'))), [[]], 'the next step has its timers');
});

test('each: a step that throws has that record refused, and no other', () => {
  const thrown: { readonly [n: string]: unknown } = { b: new Error('broken'), d: 'a text' };
  const all = opened(
    each((record) => {
      const error = thrown[nameOf(record)];
      if (error !== undefined) throw error;
      return PASSED;
    }),
  );
  const rows = [...rowsOf('a', 'b', 'c', 'd'), { value: BROKEN }, ...rowsOf('e')];
  assert.deepEqual(all.feed(sliceOf(rows)), [['a', 'c', 'e']]);
  assert.deepEqual(all.told, [
    'CAR506 s/each @1 broken',
    'CAR506 s/each @3 a text',
    'CAR503 s/each @4 it is broken',
  ]);
  assert.deepEqual(all.counts(), [6, 3, 0, 3, 0, 3]);
});

/** Emits `value.times` copies, named `n.0`, `n.1` …; throws before the one `value.throwsAt`. */
const many = defineExpand({
  ...base,
  type: 'many',
  config: {},
  drops: { none: 'It was to be copied no times.' },
  open: () => (record, emit) => {
    const { n, times, throwsAt, keeps } = record.value;
    for (let copy = 0; copy < times; copy++) {
      if (copy === throwsAt) throw new Error('half-way');
      const out = emit(record);
      if (keeps !== true) out.value = { n: `${n}.${copy}` };
    }
    return times === 0 ? dropped('none') : PASSED;
  },
});
const manyOf = (...of: readonly { readonly [field: string]: unknown }[]): Row[] =>
  of.map((value) => ({ value }));

test('expand: the verdict is the input’s, what goes on is what was emitted', () => {
  const all = opened(many);
  const rows = manyOf({ n: 'a', times: 2 }, { n: 'b', times: 0 }, { n: 'c', times: 1 });
  const slice = sliceOf([...rows, { value: { n: 'd', times: 1 } }]);
  slice.selected = 3;
  assert.deepEqual(all.feed(slice), [['a.0', 'a.1', 'c.0']]);
  assert.deepEqual(all.told, ['s/many none events/0@1 ×1']);
  assert.deepEqual(all.counts(), [3, 2, 1, 0, 0, 3]);
  assert.deepEqual(all.feed(sliceOf(manyOf({ n: 'e', times: 1 }))), [['e.0']], 'none comes again');
});

test('expand: a step that throws in the middle sends nothing of that record', () => {
  const all = opened(many);
  const rows = manyOf(
    { n: 'a', times: 2 },
    { n: 'b', times: 5, throwsAt: 3 },
    { n: 'c', times: 1, keeps: true },
    { n: 'd', times: 2 },
  );
  assert.deepEqual(all.feed(sliceOf(rows)), [['a.0', 'a.1', 'c', 'd.0', 'd.1']]);
  assert.deepEqual(all.told, ['CAR506 s/many @1 half-way']);
  assert.deepEqual(all.counts(), [4, 3, 0, 1, 0, 5]);
});

test('expand: nothing of an emission that was taken back stays with the next one', () => {
  // It asks nothing of the records, so that they have nothing of their own in the way.
  const step = defineExpand({
    ...base,
    type: 'step',
    config: {},
    open: () => (record, emit) => {
      const out = emit(record);
      if (record.offset > 0) return PASSED;
      out.value = { n: 'taken back' };
      throw new Error('broken');
    },
  });
  assert.deepEqual(opened(step).feed(sliceOf(rowsOf('a', 'b'))), [['b']]);
});

test('expand: what is sent on at once has a bound, a record is not torn apart', () => {
  const all = opened(many);
  const rows = manyOf(
    { n: 'a', times: 1_000 },
    { n: 'b', times: 536 },
    { n: 'c', times: 1 },
    { n: 'd', times: 9_000 },
    { n: 'e', times: 2 },
  );
  const places = new Set<string>();
  all.onSlice((slice) => {
    for (let j = 0; j < slice.selected; j++) {
      const { topic, partition, offset, key, value } = new Record(slice, slice.selection[j]!);
      places.add(`${topic}/${partition}@${offset} ${key} ${value.n[0]}`);
    }
  });
  const sent = all.feed(sliceOf(rows, { topic: 't', partition: 1 }), 8);
  assert.deepEqual(
    [...places],
    [0, 1, 2, 3, 4].map((n) => `t/1@${n} null ${'abcde'[n]}`),
  );
  assert.deepEqual(all.places, ['t/1 8', 't/1 8', 't/1 8']);
  assert.deepEqual(
    sent.map((names) => [names.length, names[0], names.at(-1)]),
    [
      [1_537, 'a.0', 'c.0'],
      [9_000, 'd.0', 'd.8999'],
      [2, 'e.0', 'e.1'],
    ],
  );
  assert.equal(new Set(sent.flat()).size, 10_539);
  assert.deepEqual(all.counts(), [5, 5, 0, 0, 0, 10_539]);
});

test('expand: a record that throws after much was made leaves the others whole', () => {
  const all = opened(many);
  const rows = manyOf({ n: 'a', times: 3 }, { n: 'b', times: 5_000, throwsAt: 4_999 });
  assert.deepEqual(all.feed(sliceOf([...rows, ...manyOf({ n: 'c', times: 1 })])), [
    ['a.0', 'a.1', 'a.2', 'c.0'],
  ]);
});

test('expand: copies keep what the record is, and where it is from', () => {
  const lines = new DeviceLines();
  for (const deviceId of ['d-0', 'd-1']) {
    lines.add({ deviceId, epoch: 1, class: 'tv', transports: ['inbox'], updatedAt: 0 });
  }
  const devices = defineExpand({
    ...base,
    type: 'devices',
    config: {},
    open: () => (record, emit) => {
      for (const line of [1, 0]) emit(record).setDevice(lines, line);
      return PASSED;
    },
  });
  const all = opened(devices);
  const seen: unknown[] = [];
  all.onSlice((slice) => {
    for (let j = 0; j < slice.selected; j++) {
      const { topic, partition, offset, key, device, timestamp } = new Record(slice, j);
      seen.push([topic, partition, offset, key, device?.deviceId, timestamp - START_MS]);
    }
  });
  const row = { key: 'k', value: { n: 1 }, timestamp: START_MS + 5 };
  all.feed(sliceOf([row], { topic: 't', partition: 2, baseOffset: 7 }), 30);
  assert.deepEqual(seen, [
    ['t', 2, 7, 'k', 'd-1', 5],
    ['t', 2, 7, 'k', 'd-0', 5],
  ]);
  assert.deepEqual(all.places, ['t/2 30']);
});

const keyed = defineEach({
  ...base,
  type: 'keyed',
  config: BY,
  drops: {} as { readonly [key: string]: string },
  keyedBy: 'by',
  open: () => (record, key) => {
    const text = key === null ? null : key.bytes.toString('utf8', key.start, key.end);
    return dropped<string>(`${nameOf(record)}=${text}`);
  },
});
const keysTold: readonly [what: string, rows: readonly Row[], told: readonly string[]][] = [
  [
    'each record has its own',
    manyOf({ n: 1, k: 'a' }, { n: 2, k: 'bc' }),
    ['s/keyed 1=sa events/0@0 ×1', 's/keyed 2=sbc events/0@1 ×1'],
  ],
  [
    'null when a part is null or absent',
    manyOf({ n: 1, k: null }, { n: 2 }, { n: 3, k: 7 }),
    ['s/keyed 1=null events/0@0 ×1', 's/keyed 2=null events/0@1 ×1', 's/keyed 3=n7 events/0@2 ×1'],
  ],
  [
    'one that cannot be made is refused, the others keep theirs',
    [
      ...manyOf({ n: 1, k: 'a' }),
      { value: BROKEN },
      ...manyOf({ n: 3, k: 'c' }),
      { value: BROKEN },
    ],
    [
      'CAR503 s/keyed @1 it is broken',
      'CAR503 s/keyed @3 it is broken',
      's/keyed 1=sa events/0@0 ×1',
      's/keyed 3=sc events/0@2 ×1',
    ],
  ],
  [
    'none can be made',
    [{ value: BROKEN }, { value: BROKEN }],
    ['CAR503 s/keyed @0 it is broken', 'CAR503 s/keyed @1 it is broken'],
  ],
  ['there is none', [], []],
];
for (const [what, rows, told] of keysTold) {
  test(`keys of a slice: ${what}`, () => {
    const all = opened(keyed);
    assert.deepEqual(all.feed(sliceOf(rows)), [[]]);
    assert.deepEqual(all.told, told);
    assert.equal(all.counts()[0], rows.length);
  });
}
