import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { crc32c } from '@node-rs/crc32';
import { BatchBuilder } from '../../core/batch-builder.ts';
import { readBatch } from '../../core/record-batch.ts';
import type { FetchedPartition } from './wire/fetcher.ts';
import { seal } from './wire/produce-request.ts';
import { logBatches } from './wire-batches.ts';

const PRODUCER = { producerId: 7, epoch: 0, sequence: 0, compression: 'none' } as const;
const CONTROL = 0x20;

/** A sealed batch of `count` records at an offset. */
function batchAt(offset: number, count: number, over: { aborted?: boolean } = {}): Buffer {
  const builder = new BatchBuilder('t', 1);
  for (let i = 0; i < count; i++) builder.append(1, `k${offset + i}`, Buffer.alloc(50));
  const bytes = seal(builder.finish().bytes, { ...PRODUCER, transactional: over.aborted === true });
  bytes.writeBigInt64BE(BigInt(offset), 0);
  return bytes;
}

/** An end marker: version 0, type 0 (abort). */
function abortAt(offset: number): Buffer {
  const builder = new BatchBuilder('t', 1);
  builder.append(1, Buffer.alloc(4), Buffer.alloc(6));
  const bytes = seal(builder.finish().bytes, { ...PRODUCER, transactional: true });
  bytes.writeInt16BE(bytes.readInt16BE(21) | CONTROL, 21);
  bytes.writeUInt32BE(crc32c(bytes.subarray(21)) >>> 0, 17);
  bytes.writeBigInt64BE(BigInt(offset), 0);
  return bytes;
}

function fetched(offset: number, bytes: Buffer, aborted: FetchedPartition['aborted'] = []) {
  const wanted = { topic: 't', partition: 1, offset, topicId: 'id' };
  const told = { code: 0, highWatermark: 99, lastStableOffset: 99, logStartOffset: 0 };
  return { wanted, bytes, aborted, ...told };
}

const shown = (batches: ReturnType<typeof logBatches>) =>
  batches.map((batch) => ({
    from: batch.from,
    next: batch.nextOffset,
    records: readBatch(batch).map((record) => record.offset),
  }));

describe('what was fetched as batches of the engine', () => {
  test('one after the other, each from where the last one ended', () => {
    const run = Buffer.concat([batchAt(10, 3), batchAt(13, 2)]);
    assert.deepEqual(shown(logBatches(fetched(11, run))), [
      { from: 11, next: 13, records: [11, 12] },
      { from: 13, next: 15, records: [13, 14] },
    ]);
  });

  test('what is passed over moves the position with the last batch, or alone', () => {
    const aborted = [{ producerId: 7, firstOffset: 12 }];
    const tail = [batchAt(12, 2, { aborted: true }), abortAt(14)];
    const run = Buffer.concat([batchAt(10, 2), ...tail]);
    assert.deepEqual(shown(logBatches(fetched(10, run, aborted))), [
      { from: 10, next: 15, records: [10, 11] },
    ]);
    assert.deepEqual(shown(logBatches(fetched(12, Buffer.concat(tail), aborted))), [
      { from: 12, next: 15, records: [] },
    ]);
  });

  test('half a batch is none', () => {
    assert.deepEqual(logBatches(fetched(10, batchAt(10, 3).subarray(0, 100))), []);
  });

  test('a damaged batch is CAR647, after what stands before it', () => {
    const damaged = batchAt(12, 1);
    damaged[70]! ^= 1;
    const run = Buffer.concat([batchAt(10, 2), damaged]);
    assert.deepEqual(shown(logBatches(fetched(10, run))), [
      { from: 10, next: 12, records: [10, 11] },
    ]);
    assert.throws(() => logBatches(fetched(12, damaged)), { code: 'CAR647' });
  });

  test('bytes are views on the answer, but for a small part of a large one', () => {
    const bytes = batchAt(10, 20);
    for (const [times, isView] of [
      [2, true],
      [3, true],
      [5, false],
      [100, false],
    ] as const) {
      const answer = Buffer.allocUnsafeSlow(bytes.length * times);
      bytes.copy(answer, 7);
      const view = answer.subarray(7, 7 + bytes.length);
      const [batch] = logBatches(fetched(10, view));
      assert.equal(batch!.bytes.buffer === answer.buffer, isView, `1 in ${times}`);
      assert.deepEqual(batch!.bytes, bytes);
    }
  });
});
