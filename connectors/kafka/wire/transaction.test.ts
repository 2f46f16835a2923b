import assert from 'node:assert/strict';
import { BatchBuilder } from '../../../core/batch-builder.ts';
import { timedTest } from '../../../test/kit/virtual-time.ts';
import { FakeCluster, type Fault } from './fake-cluster.ts';
import type { InitProducerIdRequest } from './init-producer-id.ts';
import { ClusterMetadata } from './metadata.ts';
import { PRODUCE_AND_ADD, type ProduceRequest } from './produce-request.ts';
import { TransactionalProducer } from './transaction.ts';
import {
  type AddPartitions,
  END_TXN_AND_BUMP,
  type EndTxn,
  type GroupOffsets,
  TXN_OFFSET_COMMIT_AND_ADD,
  type TxnOffsetCommit,
} from './transaction-requests.ts';

const closing: (() => Promise<void> | void)[] = [];
const test = timedTest(closing);

/**
 * A cluster whose coordinators agree to all, unless a fault says otherwise.
 *
 * @param version of its transactions: brokers add partitions by themselves from 2 on
 */
async function setUp(version = 1) {
  const cluster = new FakeCluster(2);
  cluster.create('t', 2);
  cluster.features.set('transaction.version', version);
  let epoch = 4;
  const agreed = { throttleMs: 0, code: 0 };
  cluster.on('FindCoordinator', () => ({ ...agreed, node: 1 }));
  cluster.on('InitProducerId', () => ({ ...agreed, producerId: 9, epoch: ++epoch }));
  for (const api of ['AddPartitionsToTxn', 'AddOffsetsToTxn', 'TxnOffsetCommit']) {
    cluster.on(api, () => agreed);
  }
  cluster.on('EndTxn', () => {
    const isSecond = cluster.asked.at(-1)!.version === END_TXN_AND_BUMP.max;
    return isSecond ? { ...agreed, next: { producerId: 9, epoch: ++epoch } } : agreed;
  });
  const metadata = new ClusterMetadata(cluster, { complaintMs: 1 });
  const options = { transactionalId: 'x', retryMs: 1, stepTimeoutMs: 2_000 };
  const transaction = await TransactionalProducer.open(cluster, metadata, options);
  closing.push(
    () => metadata.close(),
    () => transaction.close(),
  );
  return { cluster, transaction };
}

const batchOf = (partition: number, ...keys: string[]) => {
  const builder = new BatchBuilder('t', partition);
  for (const key of keys) builder.append(1_000, key, null);
  return builder.finish();
};

const offsets: GroupOffsets = {
  group: 'g',
  memberId: 'm-1',
  generation: 3,
  offsets: [{ topic: 'in', partition: 0, offset: 5, metadata: 'mark' }],
};

/** What was asked of the coordinators and leaders, in short. */
function told(cluster: FakeCluster): string[] {
  return cluster.asked.flatMap(({ api, version, args }) => {
    if (api === 'AddPartitionsToTxn') {
      const { partitions } = args as AddPartitions;
      return [`add ${partitions.map(({ partition }) => partition).join(' ')}`];
    }
    if (api === 'AddOffsetsToTxn') return ['add offsets'];
    if (api === 'TxnOffsetCommit') {
      const { of } = args as TxnOffsetCommit;
      const added = version === TXN_OFFSET_COMMIT_AND_ADD.max ? ' added' : '';
      return [`offsets of ${of.memberId} in ${of.generation}${added}`];
    }
    if (api === 'EndTxn') {
      const ended = (args as EndTxn).commit ? 'commit' : 'abort';
      return [
        version === END_TXN_AND_BUMP.max ? `${ended} ${(args as EndTxn).owner.epoch}` : ended,
      ];
    }
    if (api === 'InitProducerId') {
      return [`epoch after ${(args as InitProducerIdRequest).after?.epoch ?? 'any'}`];
    }
    if (api !== 'Produce') return [];
    return (args as ProduceRequest).batches.map(({ partition, sealed }) => {
      const added = version === PRODUCE_AND_ADD.max ? ' added' : '';
      return `write ${partition} epoch ${sealed.readInt16BE(51)} at ${sealed.readInt32BE(53)}${added}`;
    });
  });
}

test('a unit is one transaction: batches of all partitions, offsets, end', async () => {
  const { cluster, transaction } = await setUp();
  await transaction.commit({ batches: [batchOf(0, 'a'), batchOf(1, 'b')], offsets });
  const asked = told(cluster);
  assert.deepEqual(asked.slice(0, 2), ['epoch after any', 'add 0 1']);
  assert.equal(asked.at(-1), 'commit');
  assert.deepEqual(asked.slice(2, -1).sort(), [
    'add offsets',
    'offsets of m-1 in 3',
    'write 0 epoch 5 at 0',
    'write 1 epoch 5 at 0',
  ]);
});

test('sequences go on from unit to unit, partitions are added to each anew', async () => {
  const { cluster, transaction } = await setUp();
  await transaction.commit({ batches: [batchOf(0, 'a', 'b')] });
  await transaction.send([batchOf(0, 'c')]);
  await transaction.send([batchOf(0, 'd')]);
  await transaction.commit();
  assert.deepEqual(told(cluster).slice(1), [
    'add 0',
    'write 0 epoch 5 at 0',
    'commit',
    'add 0',
    'write 0 epoch 5 at 2',
    'write 0 epoch 5 at 3',
    'commit',
  ]);
});

test('an empty unit asks nobody', async () => {
  const { cluster, transaction } = await setUp();
  await transaction.commit();
  await transaction.commit({ batches: [], offsets: { ...offsets, offsets: [] } });
  await transaction.send([]);
  assert.deepEqual(told(cluster), ['epoch after any']);
});

const survived: readonly [name: string, api: string, faults: Fault[]][] = [
  ['the transaction before is still ended', 'AddPartitionsToTxn', [51, 51, 51]],
  ['the same for offsets', 'AddOffsetsToTxn', [51, 51]],
  ['the coordinator has moved', 'EndTxn', [16, 15]],
  ['the coordinator loads', 'TxnOffsetCommit', [14]],
  ['the answer to the end is lost', 'EndTxn', ['lost-after']],
  ['the answer to a write is lost', 'Produce', ['lost-after']],
  ['a request is lost', 'AddPartitionsToTxn', ['lost-before']],
];

for (const [name, api, faults] of survived) {
  test(`${name}: asked again, and committed`, async () => {
    const { cluster, transaction } = await setUp();
    cluster.faults.set(api, faults);
    await transaction.commit({ batches: [batchOf(0, 'a')], offsets });
    assert.equal(cluster.partition('t', 0).end, 1);
    assert.equal(told(cluster).at(-1), 'commit');
    assert.ok(!told(cluster).includes('abort'));
  });
}

const failed: readonly [name: string, api: string, faults: Fault[], car: string, again: boolean][] =
  [
    ['the member is of an old generation', 'TxnOffsetCommit', [22], 'CAR643', false],
    ['the member is not in the group', 'TxnOffsetCommit', [25], 'CAR643', false],
    ['another owner, met at the first step', 'AddPartitionsToTxn', [90], 'CAR643', false],
    ['another owner, met at a write', 'Produce', [47], 'CAR643', false],
    ['another owner, met at the end', 'EndTxn', [90], 'CAR643', false],
    ['a partition that is not in the transaction', 'Produce', [48], 'CAR640', true],
    ['no right to the transactional id', 'AddPartitionsToTxn', [53], 'CAR645', false],
  ];

for (const [name, api, faults, code, retryable] of failed) {
  test(`${name}: ${code}, and nothing but abort from there`, async () => {
    const { cluster, transaction } = await setUp();
    cluster.faults.set(api, faults);
    const unit = { batches: [batchOf(0, 'a')], offsets };
    await assert.rejects(transaction.commit(unit), { code, retryable });
    await assert.rejects(transaction.commit(unit), { code: 'CAR644' });
    await assert.rejects(transaction.send(unit.batches), { code: 'CAR644' });
  });
}

test('after an abort the next epoch begins at sequence 0', async () => {
  const { cluster, transaction } = await setUp();
  await transaction.send([batchOf(0, 'a', 'b')]);
  cluster.faults.set('Produce', [48]);
  await assert.rejects(transaction.commit({ batches: [batchOf(0, 'c')] }));
  await transaction.abort();
  await transaction.commit({ batches: [batchOf(0, 'c')] });
  assert.deepEqual(told(cluster).slice(1), [
    'add 0',
    'write 0 epoch 5 at 0',
    'write 0 epoch 5 at 2',
    'abort',
    'epoch after 5',
    'add 0',
    'write 0 epoch 6 at 0',
    'commit',
  ]);
});

test('an abort of what the coordinator does not know is no failure, one by a zombie is', async () => {
  const { cluster, transaction } = await setUp();
  await transaction.send([batchOf(0, 'a')]);
  cluster.faults.set('EndTxn', [48]);
  await transaction.abort();
  await transaction.send([batchOf(0, 'a')]);
  cluster.faults.set('EndTxn', [90]);
  await assert.rejects(transaction.abort(), { code: 'CAR643', retryable: false });
});

test('closed: what is open is aborted, nothing goes out after', async () => {
  const { cluster, transaction } = await setUp();
  await transaction.send([batchOf(0, 'a')]);
  await transaction.close();
  assert.equal(told(cluster).at(-1), 'abort');
  await assert.rejects(transaction.send([batchOf(0, 'b')]), { code: 'CAR644' });
});

test('a transactional id that its former owner still holds is waited for', async () => {
  const { cluster } = await setUp();
  const metadata = new ClusterMetadata(cluster, { complaintMs: 1 });
  closing.push(() => metadata.close());
  cluster.faults.set('InitProducerId', [51, 51, 14]);
  const options = { transactionalId: 'x' };
  const second = await TransactionalProducer.open(cluster, metadata, options);
  assert.equal(second.transactionalId, 'x');
  await second.close();
});

test('where brokers add: three requests a unit, and each under the epoch that the last gave', async () => {
  const { cluster, transaction } = await setUp(2);
  await transaction.commit({ batches: [batchOf(0, 'a', 'b')], offsets });
  await transaction.send([batchOf(0, 'c')]);
  await transaction.commit({ batches: [batchOf(0, 'd')] });
  await transaction.commit({ batches: [], offsets });
  assert.deepEqual(told(cluster), [
    'epoch after any',
    'write 0 epoch 5 at 0 added',
    'offsets of m-1 in 3 added',
    'commit 5',
    'write 0 epoch 6 at 0 added',
    'write 0 epoch 6 at 1 added',
    'commit 6',
    'offsets of m-1 in 3 added',
    'commit 7',
  ]);
});

const survivedBySecond: readonly [name: string, api: string, faults: Fault[]][] = [
  ['a leader sees the transaction before still ended', 'Produce', [51, 51]],
  ['the group sees the same', 'TxnOffsetCommit', [51, 51]],
  ['the coordinator moves between', 'Produce', [16]],
  ['the coordinator is ending the one before', 'EndTxn', [51, 16]],
  ['the answer to the end is lost', 'EndTxn', ['lost-after']],
  ['the answer to a write is lost', 'Produce', ['lost-after']],
  ['the answer to the offsets is lost', 'TxnOffsetCommit', ['lost-after']],
];

for (const [name, api, faults] of survivedBySecond) {
  test(`where brokers add, ${name}: asked again, and committed`, async () => {
    const { cluster, transaction } = await setUp(2);
    cluster.faults.set(api, faults);
    await transaction.commit({ batches: [batchOf(0, 'a')], offsets });
    await transaction.commit({ batches: [batchOf(0, 'b')], offsets });
    assert.equal(cluster.partition('t', 0).end, 2);
    assert.ok(!told(cluster).some((one) => one.startsWith('abort')));
  });
}

const failedBySecond: readonly (readonly [string, string, Fault, string, boolean])[] = [
  ['the broker wants it aborted, at a write', 'Produce', 120, 'CAR640', true],
  ['the broker wants it aborted, at the offsets', 'TxnOffsetCommit', 120, 'CAR640', true],
  ['the broker wants it aborted, at the end', 'EndTxn', 120, 'CAR640', true],
  ['another owner, met at a write', 'Produce', 47, 'CAR643', false],
  ['another owner, met at the end', 'EndTxn', 90, 'CAR643', false],
  ['the member is of an old generation', 'TxnOffsetCommit', 22, 'CAR643', false],
];

for (const [name, api, fault, code, retryable] of failedBySecond) {
  test(`where brokers add, ${name}: ${code}; after an abort it goes on`, async () => {
    const { cluster, transaction } = await setUp(2);
    cluster.faults.set(api, [fault]);
    const unit = { batches: [batchOf(0, 'a')], offsets };
    await assert.rejects(transaction.commit(unit), { code, retryable });
    await assert.rejects(transaction.commit(unit), { code: 'CAR644' });
    await transaction.abort();
    await transaction.commit({ batches: [batchOf(0, 'b')] });
    // The abort gave 6; what may still be on its way under it is fenced by 7.
    assert.deepEqual(told(cluster).slice(-4), [
      'abort 5',
      'epoch after 6',
      'write 0 epoch 7 at 0 added',
      'commit 7',
    ]);
  });
}

test('the cluster is switched to the second version and back, between two transactions', async () => {
  const { cluster, transaction } = await setUp(1);
  await transaction.send([batchOf(0, 'a')]);
  cluster.features.set('transaction.version', 2);
  await transaction.commit({ batches: [batchOf(0, 'b')] });
  // One epoch for all that begin at once.
  await Promise.all([transaction.send([batchOf(0, 'c')]), transaction.send([batchOf(1, 'd')])]);
  await transaction.commit();
  cluster.features.set('transaction.version', 1);
  await transaction.commit({ batches: [batchOf(0, 'e')] });
  assert.deepEqual(told(cluster), [
    'epoch after any',
    'add 0',
    'write 0 epoch 5 at 0',
    'write 0 epoch 5 at 1',
    'commit',
    'epoch after 5',
    'write 0 epoch 6 at 0 added',
    'write 1 epoch 6 at 0 added',
    'commit 6',
    'add 0',
    'write 0 epoch 7 at 0',
    'commit',
  ]);
});
