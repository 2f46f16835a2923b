import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BatchBuilder } from '../../../core/batch-builder.ts';
import { readBatch } from '../../../core/record-batch.ts';
import { mergeBatches } from './merge.ts';

const T0 = 1_790_000_000_000;

/** `count` records, `value-size` bytes each, a minute apart from `fromMs` on. */
function batch(partition: number, name: string, count: number, fromMs: number, size = 5) {
  const builder = new BatchBuilder('t', partition);
  for (let i = 0; i < count; i++) {
    const headers = i % 2 === 0 ? null : [{ key: 'h', value: Buffer.from(name) }];
    const value = i % 3 === 2 ? null : Buffer.alloc(size, name);
    builder.append(fromMs + i * 60_000, i % 4 === 3 ? null : `${name}${i}`, value, headers);
  }
  return builder.finish();
}

function read(batches: readonly { topic: string; partition: number; bytes: Buffer }[]) {
  return batches.flatMap(({ topic, partition, bytes }) => {
    const nextOffset = 1_000_000;
    return readBatch({ topic, partition, bytes, baseOffset: 0, from: 0, nextOffset }).map((r) => [
      r.partition,
      r.timestamp,
      r.key,
      r.valueBytes?.toString() ?? null,
      (r.headers ?? []).map((h) => [h.key, h.value.toString()]),
    ]);
  });
}

interface MergeCase {
  readonly name: string;
  readonly bytesMax: number;
  /** Batches after. */
  readonly left: number;
  /** Partition, records and time of the first, of each batch before. */
  readonly of: readonly (readonly [number, number, number])[];
}

const CASES: readonly MergeCase[] = [
  { name: 'one stays itself', bytesMax: 1e6, left: 1, of: [[0, 3, T0]] },
  {
    name: 'two partitions stay two',
    bytesMax: 1e6,
    left: 2,
    of: [
      [0, 3, T0],
      [1, 2, T0],
    ],
  },
  {
    name: 'later times',
    bytesMax: 1e6,
    left: 1,
    of: [
      [0, 200, T0],
      [0, 90, T0 + 1e9],
    ],
  },
  {
    name: 'earlier times',
    bytesMax: 1e6,
    left: 1,
    of: [
      [0, 9, T0],
      [0, 70, T0 - 1e9],
    ],
  },
  {
    name: 'three of one, one of another',
    bytesMax: 1e6,
    left: 2,
    of: [
      [0, 1, T0],
      [1, 8, T0],
      [0, 70, T0 + 3],
      [0, 5, T0],
    ],
  },
  {
    name: 'up to a size',
    bytesMax: 500,
    left: 3,
    of: [
      [0, 9, T0],
      [0, 9, T0],
      [0, 9, T0],
      [0, 9, T0],
      [0, 30, T0],
    ],
  },
];

describe('batches of one partition become one', () => {
  for (const { name, bytesMax, left, of } of CASES) {
    test(name, () => {
      const batches = of.map(([partition, count, at], i) => batch(partition, `b${i}-`, count, at));
      const before = read(batches.toSorted((a, b) => a.partition - b.partition));
      const merged = mergeBatches(batches, bytesMax);
      assert.equal(merged.length, left);
      assert.deepEqual(read(merged.toSorted((a, b) => a.partition - b.partition)), before);
      for (const { bytes } of merged) {
        assert.equal(bytes.readInt32BE(8), bytes.length - 12);
        const last = Number(bytes.readBigInt64BE(35));
        const times = read([{ topic: 't', partition: 0, bytes }]).map((row) => row[1] as number);
        assert.equal(last, Math.max(...times));
        assert.equal(bytes.readInt32BE(23), bytes.readInt32BE(57) - 1);
      }
    });
  }
});
