/** A member of a group against a plane and brokers in memory; no broker. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { GroupSpec } from '../../core/log.ts';
import { PLANE_SPEC, PlaneWorld } from '../../test/kit/kafka-plane.ts';
import { numberedBatch } from '../../test/kit/log-batches.ts';
import { KafkaGroup } from './group.ts';
import { markOf, withMarks } from './state-marks.ts';

async function memberOf(world: PlaneWorld, over: Partial<GroupSpec> = {}) {
  const group = new KafkaGroup(world.parts, { ...PLANE_SPEC, ...over }, world.host);
  await group.start();
  const join = async (...partitions: number[]) => {
    world.join(partitions, 'm');
    await world.rest();
  };
  return { group, join };
}

const fenced = Object.assign(new Error('x'), { type: 'PRODUCER_FENCED' });
const part = (partition: number, offset = 1) => ({
  partition,
  batches: [],
  offsets: [{ topic: 'in', offset, metadata: '' }],
});

describe('a member', () => {
  test('opens the tasks that it is assigned, each after it is fenced', async () => {
    const world = new PlaneWorld();
    world.brokers.set('in', 2, 9, 5);
    const { group, join } = await memberOf(world);
    await join(0, 2);
    assert.deepEqual(group.tasks, [0, 2]);
    assert.deepEqual(world.said, ['start', 'open 0', 'open 2', 'seek in/0@5', 'seek in/2@5']);
    world.feedHost!.fetched(numberedBatch('in', 2, 5, 3));
    assert.deepEqual(world.task(2).said, ['ready', 'wake']);
    assert.deepEqual(world.task(2).take('in'), [5, 6, 7]);
    assert.equal(world.feedHost!.position('in', 2), 8);
    assert.equal(world.feedHost!.position('in', 1), undefined);
    await group.close();
  });

  test('keeps tasks over a rebalance, and lets go of those that move', async () => {
    const world = new PlaneWorld();
    const { group, join } = await memberOf(world);
    await join(0, 1);
    const kept = world.task(1);
    await join(1, 2);
    assert.deepEqual(group.tasks, [1, 2]);
    assert.deepEqual(world.tasks[0]!.said, ['ready', 'revoked']);
    assert.equal(world.task(1), kept);
    await group.close();
  });

  test('that was out of the group opens tasks anew where nothing fences', async () => {
    for (const transactional of [true, false]) {
      const world = new PlaneWorld();
      const { group } = await memberOf(world, { transactional });
      world.join([0], 'm1');
      await world.rest();
      world.join([0], 'm2');
      await world.rest();
      assert.equal(world.tasks.length, transactional ? 1 : 2);
      await group.close();
    }
  });

  test('whose part is refused closes that task before it answers, and joins again', async () => {
    const world = new PlaneWorld();
    const { group, join } = await memberOf(world);
    await join(0, 1);
    world.brokers.failing.set(1, fenced);
    await world.task(0).port.unit.commit({ parts: [part(0), part(1)] });
    assert.deepEqual(world.task(1).said, ['ready', 'fenced']);
    assert.deepEqual(world.task(0).said, ['ready']);
    await world.rest();
    assert.deepEqual(group.tasks, [0]);
    assert.ok(world.said.includes('rejoin'));
    world.brokers.failing.clear();
    await join(0, 1);
    assert.deepEqual([group.tasks, world.tasks.length], [[0, 1], 3]);
    await group.close();
  });

  test('that closes closes its tasks, then leaves its group', async () => {
    const world = new PlaneWorld();
    const { group, join } = await memberOf(world);
    await join(0);
    await group.close();
    assert.deepEqual(world.task(0).said, ['ready', 'stopped']);
    assert.deepEqual(world.said.slice(-4), ['unwatch', 'close 0', 'end', 'leave']);
    await group.close();
    assert.equal(world.said.filter((one) => one === 'leave').length, 1);
  });

  test('whose task fails leaves its group', async () => {
    const world = new PlaneWorld();
    const { group, join } = await memberOf(world);
    await join(0, 1);
    world.task(0).onWake = () => {
      throw new Error('broken');
    };
    world.feedHost!.fetched(numberedBatch('in', 0, 0, 1));
    await world.rest();
    assert.deepEqual(world.task(0).said, ['ready', 'wake', 'fenced']);
    assert.deepEqual(world.task(1).said, ['ready', 'stopped']);
    assert.equal(world.said.at(-1), 'leave');
    assert.deepEqual(group.tasks, []);
    await group.close();
  });

  test('whose host throws when a task opens leaves its group', async () => {
    const world = new PlaneWorld();
    const group = new KafkaGroup(world.parts, PLANE_SPEC, {
      open() {
        throw new Error('broken');
      },
    });
    await group.start();
    world.join([0]);
    await world.rest();
    assert.equal(world.said.at(-1), 'leave');
  });

  test('that stands still though there is something replaces its consumer, once', async () => {
    const world = new PlaneWorld();
    world.brokers.set('in', 0, 3, 0);
    const { group, join } = await memberOf(world);
    await join(0);
    const rejoins = () => world.said.filter((one) => one === 'rejoin').length;
    const start = performance.now();
    await group.look(start);
    await group.look(start + 20_000);
    assert.equal(rejoins(), 1);
    await group.look(start + 60_000);
    assert.equal(rejoins(), 1);
    world.feedHost!.fetched(numberedBatch('in', 0, 0, 3));
    await group.look(start + 80_000);
    await group.look(start + 120_000);
    assert.equal(rejoins(), 1, 'at its end it waits');
    await group.close();
  });
});

describe('nothing is skipped in silence', () => {
  test('retention that had passed the committed offset at the start', async () => {
    const world = new PlaneWorld();
    world.brokers.set('in', 30, 50, 10);
    const { group, join } = await memberOf(world);
    await join(1);
    assert.deepEqual(group.missed(), [{ topic: 'in', partition: 1, offsets: 20 }]);
    const said = world.logged.filter((line) => line.startsWith('error'));
    assert.equal(said.length, 1);
    assert.match(said[0]!, /"first":10,"last":29/);
    assert.deepEqual(world.codes(), ['warning CAR631']);
    await group.close();
  });

  test('retention that passes the position while it reads: told by the plane', async () => {
    const world = new PlaneWorld();
    world.brokers.set('in', 0, 50, 10);
    const { group, join } = await memberOf(world);
    await join(1);
    world.brokers.set('in', 30, 50);
    world.feedHost!.outOfRange('in', 1);
    world.feedHost!.outOfRange('in', 1);
    await world.rest();
    assert.deepEqual(group.missed(), [{ topic: 'in', partition: 1, offsets: 20 }]);
    assert.equal(world.said.at(-1), 'seek in/1@30');
    assert.equal(world.feedHost!.position('in', 1), 30);
    await group.close();
  });

  test('retention that passes the position while it reads: seen by the gap', async () => {
    const world = new PlaneWorld();
    world.brokers.set('in', 0, 50, 10);
    const { group, join } = await memberOf(world);
    await join(1);
    world.feedHost!.gap!('in', 1, 10, 12);
    await world.rest();
    assert.deepEqual(group.missed(), [], 'the log still begins at 0: the gap is its own');
    world.brokers.set('in', 30, 50);
    world.feedHost!.gap!('in', 1, 12, 30);
    await world.rest();
    assert.deepEqual(group.missed(), [{ topic: 'in', partition: 1, offsets: 18 }]);
    await group.close();
  });

  test('an input that became shorter is read again from its start', async () => {
    const world = new PlaneWorld();
    world.brokers.set('in', 0, 5_000, 5_000);
    const { group, join } = await memberOf(world);
    await join(0);
    world.brokers.set('in', 0, 7);
    world.feedHost!.outOfRange('in', 0);
    await world.rest();
    assert.deepEqual(world.tasks[0]!.said, ['ready', 'fenced']);
    assert.equal(world.said.at(-1), 'seek in/0@0');
    assert.deepEqual(world.codes(), ['warning CAR632']);
    assert.deepEqual(group.tasks, [0]);
    await group.close();
  });

  test('an input that was made again is read from its start, whatever is committed', async () => {
    const world = new PlaneWorld();
    world.brokers.set('in', 0, 9_000, 5_000);
    const { group, join } = await memberOf(world);
    await join(0);
    world.onChange({ kind: 'gone', topic: 'in' });
    assert.deepEqual(world.codes(), ['error CAR642']);
    world.onChange({ kind: 'recreated', topic: 'in' });
    await world.rest();
    assert.deepEqual(world.codes(), ['warning CAR632']);
    assert.equal(world.said.at(-1), 'seek in/0@0');
    await group.close();
  });

  test('partitions that are added are said, until the topic has what is needed', async () => {
    const world = new PlaneWorld();
    const { group } = await memberOf(world);
    world.onChange({ kind: 'partitions', topic: 'in', was: 3, partitions: 5 });
    world.onChange({ kind: 'partitions', topic: 'in', was: 3, partitions: 5 });
    assert.deepEqual(world.codes(), ['error CAR641']);
    assert.equal(world.logged.filter((line) => line.startsWith('error')).length, 1);
    world.onChange({ kind: 'partitions', topic: 'in', was: 5, partitions: 3 });
    assert.deepEqual(world.codes(), []);
    await group.close();
  });
});

describe('a store whose rows are gone', () => {
  const stores = [{ store: 's', changelog: 'log' }];
  const marked = withMarks(new Map([[markOf('log'), '']]), '');

  test('keeps its member from joining', async () => {
    const world = new PlaneWorld();
    world.brokers.set('in', 0, 9, 4, marked).set('log', 0, 0);
    const group = new KafkaGroup(world.parts, { ...PLANE_SPEC, stores }, world.host);
    await assert.rejects(group.start(), { code: 'CAR630' });
    await group.close();
    assert.deepEqual(world.said, ['end', 'leave']);
    assert.deepEqual(world.tasks, []);
  });

  test('while it runs: its task is closed and not opened again', async () => {
    const world = new PlaneWorld();
    world.brokers.set('in', 0, 9, 4, marked).set('log', 0, 0);
    world.brokers.bounds.set('log', { low: 0, end: 0 });
    world.brokers.committed.set('in', { offset: 4, metadata: '' });
    const { group, join } = await memberOf(world, { stores });
    await join(0);
    world.onChange({ kind: 'recreated', topic: 'log' });
    await world.rest();
    assert.deepEqual(world.task(0).said, ['ready', 'fenced']);
    assert.deepEqual(group.tasks, []);
    assert.deepEqual(world.codes().sort(), ['error CAR630', 'warning CAR632']);
    await group.close();
  });
});

describe('a task that does not open', () => {
  test('is a trouble once it lasts, and is lifted when it opens', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const world = new PlaneWorld();
    let isAway = true;
    world.brokers.beforeOpen = async () => {
      if (isAway) throw new Error('away');
    };
    const { group, join } = await memberOf(world);
    await join(0);
    assert.deepEqual(world.codes(), [], 'it may pass');
    const again = async () => {
      t.mock.timers.tick(3_000);
      await world.rest();
    };
    world.clock.moveTo(world.clock.now() + 10_000);
    await again();
    assert.deepEqual(world.codes(), ['error CAR634']);
    isAway = false;
    await again();
    assert.deepEqual([world.codes(), group.tasks], [[], [0]]);
    await group.close();
  });
});
