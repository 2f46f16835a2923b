import assert from 'node:assert/strict';
import fc from 'fast-check';
import { BatchBuilder } from '../../../core/batch-builder.ts';
import { readBatch, wholeBatch } from '../../../core/record-batch.ts';
import { timedTest } from '../../../test/kit/virtual-time.ts';
import { FakeCluster, type Fault } from './fake-cluster.ts';
import { ClusterMetadata } from './metadata.ts';
import { BatchProducer, type ProducerOptions } from './producer.ts';
import { readInt64 } from './response-reader.ts';

const SEED = Number(process.env.SEED ?? 6);
const QUICK = { retryMs: 1, deliveryTimeoutMs: 10_000 };
const closing: (() => Promise<void> | void)[] = [];
const test = timedTest(closing);

function setUp(over: ProducerOptions = {}, cluster = new FakeCluster(3)) {
  const metadata = new ClusterMetadata(cluster, { complaintMs: 1 });
  const producer = new BatchProducer(cluster, metadata, { ...QUICK, ...over });
  closing.push(
    () => producer.close(),
    () => metadata.close(),
  );
  return { cluster, metadata, producer };
}

function batchOf(topic: string, partition: number, keys: readonly string[], size = 10) {
  const builder = new BatchBuilder(topic, partition);
  for (const key of keys) builder.append(1_000 + key.length, key, Buffer.alloc(size, 1));
  return builder.finish();
}

function keysIn(cluster: FakeCluster, topic: string, partition: number): (string | null)[] {
  return cluster.partition(topic, partition).batches.flatMap((bytes) => {
    return readBatch(wholeBatch(topic, partition, bytes, readInt64(bytes, 0))).map(
      (record) => record.key,
    );
  });
}

const fault: fc.Arbitrary<Fault | 'move'> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom<Fault>('lost-before', 'lost-after') },
  // NOT_LEADER, REQUEST_TIMED_OUT, NOT_ENOUGH_REPLICAS, UNKNOWN_PRODUCER_ID
  { weight: 2, arbitrary: fc.constantFrom(6, 7, 19, 59) },
  { weight: 2, arbitrary: fc.constant('move' as const) },
);

test('whatever is lost, refused or moved: each record once, in order, at the offset told', async () => {
  const run = fc.record({
    sizes: fc.array(fc.array(fc.nat(3), { minLength: 3, maxLength: 3 }), {
      minLength: 1,
      maxLength: 8,
    }),
    faults: fc.array(fault, { maxLength: 12 }),
    bytesMax: fc.constantFrom(Number.POSITIVE_INFINITY, 130),
  });
  await fc.assert(
    fc.asyncProperty(run, async ({ sizes, faults, bytesMax }) => {
      const { cluster, producer } = setUp();
      cluster.create('t', 3);
      for (let p = 0; p < 3; p++) cluster.partition('t', p).bytesMax = bytesMax;
      // A writer that is forgotten after an answer was lost: nobody can know, it may come twice.
      const isLost = faults.includes('lost-after');
      const refused = faults.filter((one) => one !== 'move' && !(isLost && one === 59));
      cluster.faults.set('Produce', refused as Fault[]);
      const sent: string[][] = [[], [], []];
      const sending = sizes.map(async (counts, n) => {
        if (faults[n] === 'move') cluster.move('t', n % 3);
        const batches = counts.flatMap((count, p) => {
          if (count === 0) return [];
          const keys = Array.from({ length: count }, (_, i) => `${n}-${p}-${i}`);
          sent[p]!.push(...keys);
          return [{ ...batchOf('t', p, keys), keys }];
        });
        return { batches, offsets: await producer.send(batches) };
      });
      for (const { batches, offsets } of await Promise.all(sending)) {
        batches.forEach(({ partition, keys }, i) => {
          assert.equal(keysIn(cluster, 't', partition)[offsets[i]!], keys[0]);
        });
      }
      for (let p = 0; p < 3; p++) assert.deepEqual(keysIn(cluster, 't', p), sent[p]);
    }),
    { seed: SEED, numRuns: 80 },
  );
});

test('one request carries the first batches of all partitions of a leader', async () => {
  const { cluster, producer } = setUp();
  cluster.create('a', 3);
  cluster.create('b', 3);
  const batches = ['a', 'b'].flatMap((topic) =>
    [0, 1, 2].map((partition) => batchOf(topic, partition, ['k'])),
  );
  assert.deepEqual(await producer.send(batches), [0, 0, 0, 0, 0, 0]);
  const produced = cluster.asked.filter(({ api }) => api === 'Produce');
  assert.deepEqual(
    produced.map(({ args }) => (args as { batches: unknown[] }).batches.length),
    [2, 2, 2],
  );
});

test('a batch above the limit is halved before it is sent, down to single records', async () => {
  const { cluster, producer } = setUp({ batchBytesMax: 200 });
  cluster.create('t', 1);
  const keys = ['a', 'b', 'c', 'd', 'e'];
  assert.deepEqual(
    await producer.send([batchOf('t', 0, keys, 100), batchOf('t', 0, ['f'])]),
    [0, 5],
  );
  assert.deepEqual(keysIn(cluster, 't', 0), [...keys, 'f']);
  assert.equal(cluster.partition('t', 0).batches.length, 6);
});

test('a record that the broker finds too large is refused, the next one is not', async () => {
  const { cluster, producer } = setUp();
  cluster.create('t', 1);
  cluster.partition('t', 0).bytesMax = 150;
  const results = await Promise.allSettled([
    producer.send([batchOf('t', 0, ['large'], 300)]),
    producer.send([batchOf('t', 0, ['small'])]),
  ]);
  assert.deepEqual(
    results.map((one) => (one.status === 'rejected' ? one.reason.code : one.value)),
    ['CAR645', [0]],
  );
  assert.equal(cluster.partition('t', 0).writers.size, 1);
});

const refusals: readonly {
  readonly name: string;
  readonly faults?: Fault[];
  readonly over?: ProducerOptions;
  readonly topic?: string;
  readonly code: string;
  readonly retryable: boolean;
}[] = [
  { name: 'no right to the topic', faults: [29], code: 'CAR645', retryable: false },
  { name: 'a topic that is not there', topic: 'x', code: 'CAR642', retryable: false },
  {
    name: 'no answer until the time is over',
    faults: Array.from({ length: 9_999 }, () => 'lost-before'),
    over: { deliveryTimeoutMs: 20 },
    code: 'CAR640',
    retryable: true,
  },
  {
    name: 'another owner of the transactional id',
    faults: [47],
    over: { transaction: { id: 'x', identity: { producerId: 7, epoch: 3 } } },
    code: 'CAR643',
    retryable: false,
  },
  {
    name: 'a sequence that does not fit, in a transaction',
    faults: [45],
    over: { transaction: { id: 'x', identity: { producerId: 7, epoch: 3 } } },
    code: 'CAR640',
    retryable: true,
  },
];

for (const { name, faults = [], over = {}, topic = 't', code, retryable } of refusals) {
  test(`${name}: ${code}`, async () => {
    const { cluster, producer } = setUp(over);
    cluster.create('t', 1);
    cluster.faults.set('Produce', faults);
    await assert.rejects(producer.send([batchOf(topic, 0, ['k'])]), { code, retryable });
  });
}

test('a partition beyond the end of the topic is not there', async () => {
  const { cluster, producer } = setUp();
  cluster.create('t', 2);
  await assert.rejects(producer.send([batchOf('t', 2, ['k'])]), { code: 'CAR642' });
});

test('a broker that no longer knows the writer gets a new one, for that partition only', async () => {
  const { cluster, producer } = setUp();
  cluster.create('t', 2);
  await producer.send([batchOf('t', 0, ['a']), batchOf('t', 1, ['a'])]);
  cluster.faults.set('Produce', [59]);
  await producer.send([batchOf('t', 0, ['b'])]);
  await producer.send([batchOf('t', 0, ['c']), batchOf('t', 1, ['c'])]);
  const writers = (p: number) => [...cluster.partition('t', p).writers.keys()];
  assert.deepEqual([writers(0).length, writers(1).length], [2, 1]);
  assert.deepEqual(keysIn(cluster, 't', 0), ['a', 'b', 'c']);
});

test('batches of a transaction carry its mark, its writer and its sequences', async () => {
  const identity = { producerId: 77, epoch: 5 };
  const { cluster, producer } = setUp({ transaction: { id: 'x', identity } });
  cluster.create('t', 1);
  await producer.send([batchOf('t', 0, ['a', 'b'])]);
  await producer.send([batchOf('t', 0, ['c'])]);
  const told = cluster.partition('t', 0).batches.map((bytes) => ({
    transactional: (bytes.readInt16BE(21) & 0x10) !== 0,
    producerId: readInt64(bytes, 43),
    epoch: bytes.readInt16BE(51),
    sequence: bytes.readInt32BE(53),
  }));
  assert.deepEqual(told, [
    { transactional: true, ...identity, sequence: 0 },
    { transactional: true, ...identity, sequence: 2 },
  ]);
  assert.ok(!cluster.asked.some(({ api }) => api === 'InitProducerId'));
});

test('beyond the limit of waiting bytes a caller is held back until there is room', async () => {
  const { cluster, producer } = setUp({ waitingBytesMax: 200 });
  cluster.create('t', 1);
  const order: string[] = [];
  await Promise.all(
    ['a', 'b', 'c'].map(async (key) => {
      await producer.send([batchOf('t', 0, [key], 100)]);
      order.push(key);
      const waiting = cluster.asked.filter(({ api }) => api === 'Produce').length;
      assert.ok(waiting <= order.length + 1);
    }),
  );
  assert.deepEqual(order, ['a', 'b', 'c']);
});

test('closed: what waits is rejected, what is under way is waited for, nothing goes out after', async () => {
  const { cluster, producer } = setUp();
  cluster.create('t', 1);
  const results = Promise.allSettled([
    producer.send([batchOf('t', 0, ['a'])]),
    producer.send([batchOf('t', 0, ['b'])]),
  ]);
  while (!cluster.asked.some(({ api }) => api === 'Produce')) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  await producer.close();
  assert.deepEqual(
    (await results).map((one) => one.status),
    ['fulfilled', 'rejected'],
  );
  await assert.rejects(producer.send([batchOf('t', 0, ['c'])]), { code: 'CAR640' });
  assert.deepEqual(keysIn(cluster, 't', 0), ['a']);
});
