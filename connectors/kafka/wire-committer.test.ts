import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { BatchBuilder } from '../../core/batch-builder.ts';
import type { UnitPart } from '../../core/log.ts';
import { timedTest } from '../../test/kit/virtual-time.ts';
import { silent } from './client.ts';
import { FakeCluster } from './wire/fake-cluster.ts';
import { ClusterMetadata } from './wire/metadata.ts';
import { BatchProducer } from './wire/producer.ts';
import type { EndTxn, TxnOffsetCommit } from './wire/transaction-requests.ts';
import { type CommittingFeed, OutputsThenOffsets, UnitTransactions } from './wire-committer.ts';

const closing: (() => Promise<void> | void)[] = [];
const test = timedTest(closing);

const SETTINGS = {
  replicationFactor: -1,
  deliveryTimeoutMs: 500,
  sessionTimeoutMs: 10_000,
  heartbeatIntervalMs: 500,
  fetchWaitMs: 50,
  revokeTimeoutMs: 1_000,
};
const FENCED = 47;

/** A member that owns some tasks, on brokers that agree to all. */
function setUp(owned: readonly number[]) {
  const cluster = new FakeCluster(2);
  cluster.create('out', 2);
  const agreed = { throttleMs: 0, code: 0 };
  const said: string[] = [];
  cluster.on('FindCoordinator', () => ({ ...agreed, node: 1 }));
  let epoch = 0;
  cluster.on('InitProducerId', (args) => {
    const { transactionalId } = args as { transactionalId: string | null };
    if (transactionalId !== null) said.push(`open ${transactionalId}`);
    return { ...agreed, producerId: 5, epoch: ++epoch };
  });
  cluster.on('AddPartitionsToTxn', () => agreed);
  cluster.on('AddOffsetsToTxn', () => agreed);
  cluster.on('TxnOffsetCommit', (args) => {
    const { owner, of } = args as TxnOffsetCommit;
    const offsets = of.offsets.map((one) => `${one.partition}@${one.offset}`).join(' ');
    said.push(`${owner.transactionalId} ${of.memberId}/${of.generation} ${offsets}`);
    return agreed;
  });
  cluster.on('EndTxn', (args) => {
    const { owner, commit } = args as EndTxn;
    said.push(`${commit ? 'commit' : 'abort'} ${owner.transactionalId}`);
    return agreed;
  });
  const metadata = new ClusterMetadata(cluster, { complaintMs: 1 });
  closing.push(() => metadata.close());
  const mine = new Set(owned);
  const feed: CommittingFeed = {
    within: (commit) => commit({ group: 'g', memberId: 'm', generation: 3 }),
    owns: (partition) => mine.has(partition),
    commitOffsets: async (offsets) => {
      said.push(`offsets ${offsets.map((one) => `${one.partition}@${one.offset}`).join(' ')}`);
    },
  };
  const parts = {
    requester: cluster,
    metadata,
    logger: silent,
    settings: SETTINGS,
    memberships: new Map(),
  };
  return { cluster, metadata, said, mine, feed, parts };
}

function partOf(partition: number, offset: number, to: readonly number[] = []): UnitPart {
  const batches = to.map((output) => {
    const builder = new BatchBuilder('out', output);
    builder.append(1, `of ${partition}`, Buffer.from('v'));
    return builder.finish();
  });
  return { partition, batches, offsets: [{ topic: 'in', offset, metadata: '' }] };
}

const shown = (lost: readonly { partition: number; error: unknown }[]) =>
  lost.map(({ partition, error }) => `${partition} ${(error as { code?: string }).code ?? ''}`);

describe('units as transactions', () => {
  test('a unit is one, under the id of the lowest task, which all tasks took over', async () => {
    const { cluster, parts, feed, said } = setUp([1, 2, 3]);
    const committer = new UnitTransactions(parts, 'g', feed);
    for (const partition of [2, 1, 3]) await committer.open(partition);
    assert.deepEqual(said.splice(0), ['open g-2', 'open g-1', 'open g-3']);
    const unit = { parts: [partOf(2, 5, [0]), partOf(3, 7, [0, 1])] };
    assert.deepEqual(await committer.commit(unit), []);
    assert.deepEqual(said.splice(0), ['g-1 m/3 2@5 3@7', 'commit g-1']);
    assert.equal(cluster.partition('out', 0).end, 2);
    // What two tasks wrote to one partition goes there as one batch.
    assert.equal(cluster.partition('out', 0).batches.length, 1);
    assert.equal(cluster.partition('out', 1).end, 1);
    await committer.end();
  });

  test('nothing to write is no transaction', async () => {
    const { parts, feed, said } = setUp([0]);
    const committer = new UnitTransactions(parts, 'g', feed);
    await committer.open(0);
    said.length = 0;
    const empty = { partition: 0, batches: [], offsets: [] };
    assert.deepEqual(await committer.commit({ parts: [empty] }), []);
    assert.deepEqual(said, []);
  });

  test('parts of tasks that have moved are lost, the others stand', async () => {
    const { parts, feed, said, mine, cluster } = setUp([0, 1]);
    const committer = new UnitTransactions(parts, 'g', feed);
    await committer.open(0);
    await committer.open(1);
    said.length = 0;
    mine.delete(0);
    const lost = await committer.commit({ parts: [partOf(0, 4, [1]), partOf(1, 6)] });
    assert.deepEqual(shown(lost), ['0 ']);
    assert.deepEqual(said, ['g-0 m/3 1@6', 'commit g-0']);
    assert.equal(cluster.partition('out', 1).end, 0);
    await committer.end();
  });

  test('a unit that is refused is lost as a whole; opened again it goes on', async () => {
    const { cluster, parts, feed, said } = setUp([0, 1]);
    const committer = new UnitTransactions(parts, 'g', feed);
    await committer.open(0);
    await committer.open(1);
    cluster.faults.set('TxnOffsetCommit', [FENCED]);
    const unit = { parts: [partOf(0, 4), partOf(1, 6)] };
    assert.deepEqual(shown(await committer.commit(unit)), ['0 CAR643', '1 CAR643']);
    assert.deepEqual(shown(await committer.commit(unit)), ['0 CAR644', '1 CAR644']);
    said.length = 0;
    await committer.open(0);
    await committer.commit(unit);
    assert.deepEqual(said.slice(-2), ['g-0 m/3 0@4 1@6', 'commit g-0']);
    await committer.end();
  });

  test('a task that closes lets a unit of the others come through first', async () => {
    const { cluster, parts, feed, said } = setUp([0, 1]);
    const committer = new UnitTransactions(parts, 'g', feed);
    await committer.open(0);
    await committer.open(1);
    let answer: () => void = () => {};
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const asked = new Promise<void>((resolve) => {
      cluster.on('EndTxn', async () => {
        resolve();
        await answered;
        said.push('ended');
        return { throttleMs: 0, code: 0 };
      });
    });
    const committing = committer.commit({ parts: [partOf(1, 6)] });
    const closed = committer.close(0).then(() => said.push('closed'));
    await asked;
    answer();
    assert.deepEqual(await committing, []);
    await closed;
    assert.deepEqual(said.slice(-2), ['ended', 'closed']);
    await committer.end();
  });
});

describe('units at least once', () => {
  test('outputs first, then the offsets of all parts', async () => {
    const { cluster, metadata, parts, feed, said } = setUp([0, 1]);
    const producer = new BatchProducer(cluster, metadata, { retryMs: 1 });
    closing.push(() => producer.close());
    const committer = new OutputsThenOffsets(producer, 'g', feed);
    const before = cluster.partition('out', 1);
    const lost = await committer.commit({ parts: [partOf(0, 4, [1]), partOf(1, 6, [1])] });
    assert.deepEqual([lost, said, before.end], [[], ['offsets 0@4 1@6'], 2]);
    assert.equal(parts.requester, cluster);
  });

  test('offsets are not committed when an output was not written', async () => {
    const { cluster, metadata, feed, said } = setUp([0]);
    const producer = new BatchProducer(cluster, metadata, { retryMs: 1, deliveryTimeoutMs: 50 });
    closing.push(() => producer.close());
    const committer = new OutputsThenOffsets(producer, 'g', feed);
    cluster.away.add(1).add(2);
    const lost = await committer.commit({ parts: [partOf(0, 4, [1])] });
    assert.deepEqual([shown(lost), said], [['0 CAR640'], []]);
  });
});
