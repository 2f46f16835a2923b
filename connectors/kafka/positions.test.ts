/** Where groups stand, and who may move them, on stand-ins of the cluster; no broker. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GroupHost, GroupSpec } from '../../core/log.ts';
import { KafkaPositions, type PositionParts } from './positions.ts';
import { withMarks } from './state-marks.ts';

const MARKS = new Map([['0a0b0c0d', 'id-1']]);
const ENDS = new Map([['0a0b0c0d', 7]]);
const noted = (metadata: string) => withMarks(MARKS, metadata, ENDS);

function positions(members = 0) {
  const asked: unknown[] = [];
  const parts = {
    offsets: {
      partitionsOf: async (topic: string) => (topic === 'gone' ? undefined : 2),
      bounds: async () => [
        { low: 3, end: 9 },
        { low: 0, end: 0 },
      ],
      offsetsAt: async (topic: string, timeMs: number) => {
        asked.push([topic, timeMs]);
        return [1, 2];
      },
      committedAll: async (group: string, topics: readonly string[]) => {
        asked.push([group, topics]);
        return new Map([
          [0, new Map([['in', { offset: 5, metadata: noted('p0') }]])],
          [1, new Map([['in', { offset: 6, metadata: 'p1' }]])],
        ]);
      },
    },
    admin: { membersOf: async () => members, topics: async () => ['in', 'out'] },
    commit: async (group: string, offsets: unknown) => {
      asked.push(['commit', group, offsets]);
    },
  } as unknown as PositionParts;
  return { asked, of: new KafkaPositions(parts) };
}

test('what is committed is told without the note about the state', async () => {
  const { asked, of } = positions();
  assert.deepEqual(await of.committed('g', ['in', 'gone']), [
    { topic: 'in', partition: 0, offset: 5, metadata: 'p0' },
    { topic: 'in', partition: 1, offset: 6, metadata: 'p1' },
  ]);
  assert.deepEqual(asked, [['g', ['in']]]);
});

test('of topics that are gone nothing is asked', async () => {
  const { asked, of } = positions();
  assert.deepEqual(await of.committed('g', ['gone']), []);
  assert.deepEqual(asked, []);
});

test('bounds, times, topics, members', async () => {
  const { asked, of } = positions(4);
  assert.deepEqual(await of.bounds('in'), [
    { start: 3, end: 9 },
    { start: 0, end: 0 },
  ]);
  assert.equal(await of.bounds('gone'), undefined);
  assert.deepEqual(await of.offsetsAt('in', 77), [1, 2]);
  assert.deepEqual(asked, [['in', 77]]);
  assert.deepEqual(await of.topics(), ['in', 'out']);
  assert.equal(await of.members('g'), 4);
});

test('the note about the state stays where it was, each at its own', async () => {
  const { asked, of } = positions();
  const to = (topic: string, partition: number) => {
    return { topic, partition, offset: 1, metadata: 'new' };
  };
  await of.set('g', [to('in', 0), to('in', 1), to('new', 0)]);
  assert.deepEqual(asked, [
    ['g', ['in', 'new']],
    ['commit', 'g', [{ ...to('in', 0), metadata: noted('new') }, to('in', 1), to('new', 0)]],
  ]);
});

test('nothing to set is nothing to ask', async () => {
  const { asked, of } = positions(1);
  await of.set('g', []);
  assert.deepEqual(asked, []);
});

test('positions of a group that has members are not moved (CAR653)', async () => {
  const { asked, of } = positions(2);
  const one = { topic: 'in', partition: 0, offset: 1, metadata: '' };
  await assert.rejects(of.set('g', [one]), {
    code: 'CAR653',
    retryable: true,
    where: { at: 'g' },
    what: /has 2 member\(s\)/,
  });
  assert.deepEqual(asked, []);
});

interface Task {
  ready(): void;
  close(): Promise<void>;
}

/** A group whose one task is given and taken by the test. */
function turn() {
  let task: Task | undefined;
  const seen: string[] = [];
  const opened = Promise.withResolvers<GroupSpec>();
  const of = new KafkaPositions({
    openGroup: async (spec: GroupSpec, host: GroupHost) => {
      task = (host as unknown as { open(): Task }).open();
      opened.resolve(spec);
      return { close: async () => void seen.push('closed') };
    },
  } as unknown as PositionParts);
  return {
    of,
    seen,
    opened: opened.promise,
    give: () => task!.ready(),
    take: () => task!.close(),
  };
}

test('whoever has the one task is alone, until he loses it (CAR654)', async () => {
  const { of, seen, opened, give, take } = turn();
  const lost = { code: 'CAR654', retryable: true, where: { at: 't.applied' } };
  const alone = of.alone(
    't.applied',
    async () => false,
    async (stillAlone) => {
      seen.push('begun');
      stillAlone();
      await take();
      assert.throws(stillAlone, lost);
      seen.push('done');
    },
  );
  assert.deepEqual(await opened, {
    ...{ group: 't.applied', partitions: 1, inputs: ['t.applied'], tables: [], stores: [] },
    ...{ transactional: false, topologyHash: 't.applied' },
  });
  give();
  await alone;
  assert.deepEqual(seen, ['begun', 'done', 'closed']);
});

test('the group is left when what is done alone fails', async () => {
  const { of, seen, opened, give } = turn();
  const alone = of.alone(
    't',
    async () => false,
    () => Promise.reject(new Error('no')),
  );
  await opened;
  give();
  await assert.rejects(alone, /no/);
  assert.deepEqual(seen, ['closed']);
});

test('who waits for his turn goes when there is nothing left to do', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { of, seen, opened } = turn();
  const looked: boolean[] = [];
  const answers = [false, true];
  const waited = Promise.withResolvers<void>();
  const alone = of.alone(
    't',
    async () => {
      looked.push(true);
      if (looked.length === 1) waited.resolve();
      return answers.shift()!;
    },
    () => assert.fail('it is not its turn'),
  );
  await opened;
  const ticks = async () => {
    for (let n = 0; n < 10; n++) await Promise.resolve();
  };
  await ticks();
  t.mock.timers.tick(499);
  await ticks();
  assert.equal(looked.length, 0);
  t.mock.timers.tick(1);
  await waited.promise;
  await ticks();
  t.mock.timers.tick(500);
  await alone;
  assert.deepEqual([looked.length, seen], [2, ['closed']]);
});
