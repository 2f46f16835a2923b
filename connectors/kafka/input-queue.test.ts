import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BatchBuilder } from '../../core/batch-builder.ts';
import { wholeBatch } from '../../core/record-batch.ts';
import { emptyBatch } from './fetched.ts';
import { InputQueue, QUEUE_BATCHES_MAX, QUEUE_BYTES_MAX } from './input-queue.ts';

function batch(offset: number, bytes: number) {
  const builder = new BatchBuilder('t', 0);
  builder.append(1, null, Buffer.alloc(bytes));
  return wholeBatch('t', 0, builder.finish().bytes, offset);
}

describe('a queue of fetched batches', () => {
  test('gives them in order, and says when somebody is to be woken', () => {
    const queue = new InputQueue();
    assert.equal(queue.take(), undefined);
    assert.deepEqual([queue.push(batch(0, 1)), queue.push(batch(1, 1))], [true, false]);
    assert.deepEqual([queue.take()?.baseOffset, queue.push(batch(2, 1))], [0, false]);
    assert.deepEqual([queue.take()?.baseOffset, queue.take()?.baseOffset], [1, 2]);
    assert.deepEqual([queue.take(), queue.size, queue.push(batch(3, 1))], [undefined, 0, true]);
  });

  test('a position that moves on joins the batch before it, while that is here', () => {
    const queue = new InputQueue();
    queue.push(batch(0, 1));
    assert.equal(queue.push(emptyBatch('t', 0, 1, 9)), false);
    assert.equal(queue.size, 1);
    assert.deepEqual(queue.take()?.nextOffset, 9);
    assert.equal(queue.push(emptyBatch('t', 0, 9, 11)), true);
    assert.deepEqual([queue.take()?.nextOffset, queue.size], [11, 0]);
  });

  const bounds: readonly [what: string, bytes: number, count: number][] = [
    ['bytes', QUEUE_BYTES_MAX / 4, 4],
    ['batches', 1, QUEUE_BATCHES_MAX],
  ];
  for (const [what, bytes, count] of bounds) {
    test(`is full at its bound of ${what}, until half is taken`, () => {
      const queue = new InputQueue();
      for (let i = 0; i < count; i++) {
        assert.equal(queue.isFull, false, `${i}`);
        queue.push(batch(i, bytes));
      }
      assert.equal(queue.isFull, true);
      let taken = 0;
      while (queue.isFull) {
        queue.take();
        taken++;
      }
      assert.ok(taken >= count / 2 && taken <= count / 2 + 1, `${taken} of ${count}`);
    });
  }

  test('cleared it is as new', () => {
    const queue = new InputQueue();
    queue.push(batch(0, QUEUE_BYTES_MAX));
    queue.clear();
    assert.deepEqual([queue.isFull, queue.size, queue.take()], [false, 0, undefined]);
  });
});
