import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { FakeCluster } from './wire/fake-cluster.ts';
import type { OffsetFetch } from './wire/group-requests.ts';
import { ClusterMetadata } from './wire/metadata.ts';
import { WireOffsets } from './wire-offsets.ts';

const closing: (() => void)[] = [];

afterEach(() => {
  for (const close of closing.splice(0)) close();
});

interface Questions {
  readonly reads: 'committed' | 'written';
  readonly questions: readonly { topic: string; partition: number; at: string | number }[];
}

/** Two partitions that begin at 3 and 4; transactions hold the last 5 records of each. */
function setUp() {
  const cluster = new FakeCluster(2);
  cluster.create('t', 2);
  const asked: string[] = [];
  cluster.on('ListOffsets', (args) => {
    const { reads, questions } = args as Questions;
    const offsets = questions.map(({ topic, partition, at }) => {
      asked.push(`${at} ${reads} ${partition}`);
      const end = reads === 'written' ? 20 : 15;
      const offset = at === 'start' ? 3 : at === 'end' ? end : partition === 0 ? 7 : -1 - partition;
      return [`${topic}/${partition}`, { code: 0, offset: offset + partition }] as const;
    });
    return { throttleMs: 0, offsets: new Map(offsets) };
  });
  cluster.on('FindCoordinator', () => ({ throttleMs: 0, code: 0, node: 1 }));
  cluster.on('Heartbeat', () => ({ throttleMs: 0, code: 0 }));
  const fetches: boolean[] = [];
  cluster.on('OffsetFetch', (args) => {
    const { partitions, requireStable } = args as OffsetFetch;
    fetches.push(requireStable);
    const offsets = partitions.map(({ topic, partition }) => {
      return { topic, partition, offset: partition === 0 ? -1 : 9, metadata: `m${partition}` };
    });
    return { throttleMs: 0, code: 0, offsets };
  });
  const metadata = new ClusterMetadata(cluster, { complaintMs: 1 });
  closing.push(() => metadata.close());
  const membership = { group: 'g', memberId: 'm', generation: 1 };
  const offsets = new WireOffsets(cluster, metadata, new Map([['g', membership]]));
  return { cluster, offsets, asked, fetches };
}

describe('offsets on the own protocol level', () => {
  test('bounds are the start, the last stable offset and the high watermark', async () => {
    const { offsets, asked } = setUp();
    const [first, again] = await Promise.all([offsets.bounds('t'), offsets.bounds('t')]);
    assert.deepEqual(first, [
      { low: 3, end: 15, written: 20 },
      { low: 4, end: 16, written: 21 },
    ]);
    assert.deepEqual(again, first);
    assert.ok(asked.length <= 12, 'who asks meanwhile shares the next answer');
  });

  test('a topic that is not there is CAR642, or told of as missing', async () => {
    const { offsets } = setUp();
    await assert.rejects(offsets.bounds('none'), { code: 'CAR642' });
    assert.equal(await offsets.partitionsOf('none'), undefined);
    assert.equal(await offsets.partitionsOf('t'), 2);
  });

  test('topics are told with their ids', async () => {
    const { offsets, cluster } = setUp();
    const id = async () => (await offsets.describe(['t', 'none'])).get('t')?.id;
    const before = await id();
    assert.match(before!, /^[0-9a-f]{32}$/);
    cluster.create('t', 2);
    assert.notEqual(await id(), before);
  });

  test('a time that no record is as late as gives the end', async () => {
    const { offsets } = setUp();
    assert.deepEqual(await offsets.offsetsAt('t', 1_000), [7, 16]);
  });

  test('offsets of a task are stable ones, those of a group need not be', async () => {
    const { offsets, fetches } = setUp();
    const mine = await offsets.committed('g', ['t'], 1);
    assert.deepEqual([...mine], [['t', { offset: 9, metadata: 'm1' }]]);
    const all = await offsets.committedAll('g', ['t']);
    assert.deepEqual(
      [...all].map(([partition, of]) => [partition, of.get('t')!.offset]),
      [
        [0, -1],
        [1, 9],
      ],
    );
    assert.deepEqual(fetches, [true, false]);
    await assert.rejects(offsets.committed('other', ['t'], 0), { code: 'CAR640' });
  });
});
