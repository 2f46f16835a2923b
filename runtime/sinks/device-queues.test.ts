import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DeviceQueues } from './device-queues.ts';

test('one of a device at a time, in order; devices do not wait for each other', () => {
  const queues = new DeviceQueues<number>();
  assert.equal(queues.begin('a', 1), true);
  assert.equal(queues.begin('a', 2), false);
  assert.equal(queues.begin('b', 3), true);
  assert.equal(queues.begin('a', 4), false);
  assert.equal(queues.next('a'), 2);
  assert.equal(queues.next('b'), undefined);
  assert.equal(queues.next('a'), 4);
  assert.equal(queues.next('a'), undefined);
  assert.equal(queues.begin('a', 5), true);
});

test('those that go along are waited for, and one that is given back comes first again', () => {
  const queues = new DeviceQueues<number>();
  for (const item of [1, 2, 3, 4, 5]) queues.begin('a', item);
  assert.equal(queues.peek('a'), 2);
  queues.follow('a');
  queues.follow('a');
  queues.follow('a');
  assert.equal(queues.peek('a'), 5);
  // 2 is told, 1 is held up, and with it 3 and 4.
  assert.equal(queues.next('a'), undefined);
  queues.giveBack('a', 4);
  queues.giveBack('a', 3);
  assert.equal(queues.peek('a'), 3);
  assert.equal(queues.next('a'), 3, '1 has ended');
  queues.follow('a');
  assert.equal(queues.next('a'), undefined);
  assert.equal(queues.next('a'), 5);
  assert.equal(queues.peek('a'), undefined);
  assert.equal(queues.peek('b'), undefined);
});

/** Batches of a device, of which the first so many are told and the next is held up for a while. */
const batch = fc.record({ along: fc.nat(5), told: fc.nat(5), arrive: fc.nat(6) });

test('whatever is told and held up: each goes once, in order', () => {
  fc.assert(
    fc.property(fc.array(batch, { maxLength: 40 }), (batches) => {
      const queues = new DeviceQueues<number>();
      const ended: number[] = [];
      let arrived = 0;
      let head: number | undefined;
      const arrive = () => {
        if (queues.begin('a', arrived)) head = arrived;
        arrived++;
      };
      const end = (item: number) => {
        ended.push(item);
        head = queues.next('a');
      };
      for (const { along, told, arrive: many } of batches) {
        for (let i = 0; i < many; i++) arrive();
        if (head === undefined) continue;
        const going = [head];
        for (let next = queues.peek('a'); next !== undefined && going.length <= along; ) {
          queues.follow('a');
          going.push(next);
          next = queues.peek('a');
        }
        const back = going.slice(told + 1).reverse();
        const held = going[told];
        for (const item of back) queues.giveBack('a', item);
        for (const item of going.slice(0, told)) end(item);
        if (held !== undefined) head = held;
      }
      while (head !== undefined) end(head);
      assert.deepEqual(
        ended,
        Array.from({ length: arrived }, (_, i) => i),
      );
    }),
  );
});
