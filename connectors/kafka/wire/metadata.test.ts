import assert from 'node:assert/strict';
import { timedTest } from '../../../test/kit/virtual-time.ts';
import { FakeCluster } from './fake-cluster.ts';
import { ClusterMetadata, type TopicChange } from './metadata.ts';

const closing: (() => void)[] = [];
const test = timedTest(closing);

function setUp() {
  const cluster = new FakeCluster(2);
  const changes: TopicChange[] = [];
  const onChange = (change: TopicChange) => changes.push(change);
  const metadata = new ClusterMetadata(cluster, { complaintMs: 1, onChange });
  closing.push(() => metadata.close());
  return { cluster, changes, metadata };
}

const rows: readonly {
  readonly name: string;
  change(cluster: FakeCluster): void;
  readonly told: readonly object[];
}[] = [
  { name: 'nothing', change: () => {}, told: [] },
  { name: 'a leader that moves', change: (cluster) => cluster.move('t', 0), told: [] },
  {
    name: 'partitions that were added',
    change(cluster) {
      cluster.topics.get('t')!.leaders.push(1, 2);
    },
    told: [{ kind: 'partitions', topic: 't', was: 2, partitions: 4 }],
  },
  {
    name: 'a topic that was made anew',
    change: (cluster) => cluster.create('t', 2),
    told: [{ kind: 'recreated', topic: 't', was: id(1), id: id(2) }],
  },
  {
    name: 'a topic that is gone',
    change: (cluster) => cluster.topics.delete('t'),
    told: [{ kind: 'gone', topic: 't' }],
  },
];

function id(n: number): string {
  return String(n).padStart(32, '0');
}

for (const { name, change, told } of rows) {
  test(`${name}: told ${told.length === 0 ? 'never' : 'once'}`, async () => {
    const { cluster, changes, metadata } = setUp();
    cluster.create('t', 2);
    await metadata.track(['t']);
    change(cluster);
    for (let times = 0; times < 4; times++) await metadata.refresh();
    assert.deepEqual(changes, told);
    const leaders = cluster.topics.get('t')?.leaders;
    assert.deepEqual(metadata.topic('t')?.leaders, leaders);
  });
}

test('one answer that does not know a topic is not believed: the broker may have just started', async () => {
  const { cluster, changes, metadata } = setUp();
  cluster.create('t', 1);
  await metadata.track(['t']);
  const topic = cluster.topics.get('t')!;
  for (let times = 0; times < 3; times++) {
    cluster.topics.delete('t');
    await metadata.refresh();
    assert.equal(metadata.leader('t', 0), 1);
    cluster.topics.set('t', topic);
    await metadata.refresh();
  }
  assert.deepEqual(changes, []);
});

test('a topic that is not there is no error, one that comes later is found', async () => {
  const { cluster, metadata } = setUp();
  await metadata.track(['t']);
  assert.equal(metadata.topic('t'), undefined);
  assert.equal(metadata.leader('t', 0), -1);
  assert.equal(metadata.failure('t'), 'UNKNOWN_TOPIC_OR_PARTITION');
  cluster.create('t', 1);
  await metadata.track(['t']);
  assert.equal(metadata.leader('t', 0), 1);
  assert.equal(metadata.failure('t'), undefined);
  assert.equal(metadata.nameOf(id(1)), 't');
});

test('many who ask at once are one question', async () => {
  const { cluster, metadata } = setUp();
  cluster.create('t', 1);
  await Promise.all([metadata.refresh(), metadata.refresh(), metadata.refresh()]);
  await Promise.all([metadata.complain(), metadata.complain(), metadata.complain()]);
  assert.equal(cluster.asked.length, 2);
});

test('no broker answers: a retryable CAR640, and a complaint never rejects', async () => {
  const { cluster, metadata } = setUp();
  cluster.away.add(1).add(2);
  await assert.rejects(metadata.refresh(), { code: 'CAR640', retryable: true });
  await metadata.complain();
});
