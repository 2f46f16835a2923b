/** What a member does when its plane tells of generations, and of what cannot be read. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CarillonError } from '../../core/error.ts';
import { PLANE_SPEC, PlaneWorld } from '../../test/kit/kafka-plane.ts';
import { numberedBatch } from '../../test/kit/log-batches.ts';
import { KafkaGroup } from './group.ts';

async function memberOf(world: PlaneWorld, ...partitions: number[]) {
  const group = new KafkaGroup(world.parts, PLANE_SPEC, world.host);
  await group.start();
  world.join(partitions, 'm1');
  await world.rest();
  return group;
}

const unreadable = (code: 'CAR645' | 'CAR647') =>
  new CarillonError(code, 'It is damaged.', { where: { at: 'in/0' } });

describe('between generations', () => {
  test('all tasks commit what they have done before the group changes', async () => {
    const world = new PlaneWorld();
    const group = await memberOf(world, 0, 1);
    await world.feedHost!.finish!();
    assert.deepEqual(world.task(0).said, ['ready', 'settled']);
    assert.deepEqual(world.task(1).said, ['ready', 'settled']);
    world.join([1], 'm1');
    await world.rest();
    assert.deepEqual(world.task(0).said, ['ready', 'settled', 'revoked']);
    assert.deepEqual(world.task(1).said, ['ready', 'settled']);
    await group.close();
  });

  test('a member that was out of its group drops its tasks, and opens those it is given', async () => {
    const world = new PlaneWorld();
    const group = await memberOf(world, 0, 1);
    const [first, second] = world.tasks;
    world.feedHost!.lost!();
    await world.rest();
    assert.deepEqual(group.tasks, []);
    assert.deepEqual(
      [first!.said, second!.said],
      [
        ['ready', 'fenced'],
        ['ready', 'fenced'],
      ],
    );
    world.join([1], 'm2');
    await world.rest();
    assert.deepEqual([group.tasks, world.tasks.length], [[1], 3]);
    await group.close();
  });

  test('lost and given its tasks at once, it opens them anew', async () => {
    const world = new PlaneWorld();
    const group = await memberOf(world, 0);
    world.feedHost!.lost!();
    world.join([0], 'm2');
    await world.rest();
    assert.deepEqual(world.tasks[0]!.said, ['ready', 'fenced']);
    assert.deepEqual([group.tasks, world.tasks.length], [[0], 2]);
    await group.close();
  });
});

describe('what cannot be read', () => {
  test('is a trouble until the partition moves on', async () => {
    const world = new PlaneWorld();
    const group = await memberOf(world, 0);
    world.feedHost!.unreadable!('in', 0, unreadable('CAR647'));
    world.feedHost!.unreadable!('in', 0, unreadable('CAR647'));
    assert.deepEqual(world.codes(), ['error CAR647']);
    world.feedHost!.fetched(numberedBatch('in', 0, 0, 1));
    assert.deepEqual(world.codes(), []);
    world.feedHost!.unreadable!('in', 0, unreadable('CAR645'));
    await group.close();
    assert.deepEqual(world.codes(), []);
  });

  test('a position beyond the end of the same topic goes on at its end: its tail is lost', async () => {
    for (const [isSame, tasks] of [
      [true, 1],
      [false, 2],
    ] as const) {
      const world = new PlaneWorld();
      world.brokers.set('in', 0, 9, 8);
      const group = await memberOf(world, 0);
      world.brokers.set('in', 0, 5);
      world.feedHost!.outOfRange('in', 0, isSame);
      await world.rest();
      assert.equal(world.tasks.length, tasks);
      assert.equal(world.feedHost!.position('in', 0), isSame ? 5 : 0);
      assert.deepEqual(world.codes(), ['warning CAR632']);
      await group.close();
    }
  });
});
