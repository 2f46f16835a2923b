/** What a stream writes to topics: bytes as they came, or values that a step gave, encoded. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { partitionOfText } from '../../core/partition.ts';
import { Record } from '../../core/record.ts';
import { Driven, lanesWith, planChange, planChanges, START_MS } from '../../test/kit/drive.ts';
import { type Origin, type Row, sliceOf } from '../../test/kit/slices.ts';
import { partsOf } from '../../test/kit/task-parts.ts';
import { TopicWriter } from './topic-writer.ts';

async function opened(partitions = 1) {
  const driven = await Driven.open(lanesWith(planChanges({})));
  const { parts, told, written } = partsOf(driven, partitions);
  const topics = [{ topic: 'out', schema: 'PlanChange' }, { topic: 'more' }];
  const to = { kind: 'topic' as const, topics };
  const writer = new TopicWriter('s', to, parts.collector, parts.schemas, parts);
  const encoder = driven.schemas.encoder('PlanChange');
  const write = (rows: readonly Row[], prepare: (of: Record) => void = () => {}, of?: Origin) => {
    const slice = sliceOf(rows, of);
    for (let i = 0; i < slice.n; i++) prepare(new Record(slice, i));
    writer.write(slice);
    return written();
  };
  return { write, told, writer, encoder };
}

const value = planChange('e', 'm');
const headers = [
  { key: 'a', value: Buffer.from('1') },
  { key: 'é', value: Buffer.alloc(0) },
];

test('bytes go on as they came, with key, time and headers', async () => {
  const { write, encoder, writer } = await opened();
  const bytes = encoder.toBuffer(value);
  const rows = [
    { key: 'k-é', value: bytes, timestamp: START_MS + 4, headers },
    { key: 'k', value: Buffer.from([1, 2]) },
    { key: 'k', value: null, headers },
    { key: 'k', value: null },
  ];
  assert.deepEqual(write(rows), [
    { place: 'out/0', key: 'k-é', timestamp: START_MS + 4, value, headers: 'a=1,é=' },
    { place: 'out/0', key: 'k', timestamp: START_MS, value: '0102', headers: '' },
    { place: 'out/0', key: 'k', timestamp: START_MS, value: null, headers: 'a=1,é=' },
    { place: 'out/0', key: 'k', timestamp: START_MS, value: null, headers: '' },
  ]);
  const { counts } = writer.node;
  assert.deepEqual([counts.in, counts.passed, counts.out, writer.node.gap()], [4, 4, 4, 0]);
});

test('a value that a step gave is encoded by the topic’s schema, with key, time and headers', async () => {
  const { write } = await opened();
  const given = planChange('given', 'm');
  const made = write(
    [
      { key: 'k', headers },
      { key: 'k', headers },
    ],
    (record) => {
      record.value = given;
      record.key = 'other';
      record.timestamp = START_MS + record.offset;
    },
  );
  const one = { place: 'out/0', key: 'other', value: given, headers: 'a=1,é=' };
  assert.deepEqual(made, [
    { ...one, timestamp: START_MS },
    { ...one, timestamp: START_MS + 1 },
  ]);
});

test('a value that does not fit is refused, and what was written is whole', async () => {
  const { write, told, writer } = await opened();
  const rows = ['a', 'b', 'c'].map((key) => ({ key, headers }));
  const made = write(rows, (record) => {
    record.value = record.key === 'b' ? { eventId: 7 } : value;
  });
  assert.deepEqual(
    made.map(({ key }) => key),
    ['a', 'c'],
  );
  assert.equal(told.length, 1);
  assert.match(told[0]!, /^CAR511 s\/to @1 ./);
  const { counts } = writer.node;
  assert.deepEqual([counts.in, counts.passed, counts.out, writer.node.gap()], [3, 2, 2, 0]);
});

test('the step says to which topic', async () => {
  const { write } = await opened();
  const made = write([{ key: 'a' }, { key: 'b' }, { key: 'c' }], (record) => {
    record.output = record.key === 'b' ? 1 : 0;
  });
  assert.deepEqual(
    made.map(({ place, key }) => `${place} ${key}`),
    ['out/0 a', 'out/0 c', 'more/0 b'],
  );
  await assert.rejects(
    async () => write([{}], (record) => void Object.assign(record, { output: 2 })),
    {
      message: 'no output 2',
    },
  );
});

test('a record is on the partition of its key, without one on that of where it came from', async () => {
  const { write } = await opened(3);
  const keys = ['a', 'b', 'c', 'd', 'é'];
  const made = write(
    keys.map((key) => ({ key })),
    undefined,
    { partition: 2 },
  );
  for (const { place, key } of made) assert.equal(place, `out/${partitionOfText(key!, 3)}`);
  assert.equal(made.length, keys.length);
  for (const [partition, place] of [
    [2, 'out/2'],
    [4, 'out/1'],
  ] as const) {
    assert.equal(write([{ key: null }], undefined, { partition })[0]!.place, place);
  }
});

test('only what is selected is written', async () => {
  const { write } = await opened();
  const made = write([{ key: 'a' }, { key: 'b' }, { key: 'c' }], ({ slice }) => {
    slice.selection[0] = 2;
    slice.selected = 1;
  });
  assert.deepEqual(
    made.map(({ key }) => key),
    ['c'],
  );
});
