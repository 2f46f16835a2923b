import assert from 'node:assert/strict';
import { BatchBuilder } from '../../../core/batch-builder.ts';
import { readBatch, wholeBatch } from '../../../core/record-batch.ts';
import { timedTest } from '../../../test/kit/virtual-time.ts';
import { walkBatches } from './batches.ts';
import { FakeCluster } from './fake-cluster.ts';
import type { FetchRequest } from './fetch-request.ts';
import {
  type FetchedPartition,
  Fetcher,
  type FetchFailure,
  type WantedPartition,
} from './fetcher.ts';
import { ClusterMetadata } from './metadata.ts';
import { BatchProducer } from './producer.ts';

const closing: (() => Promise<void> | void)[] = [];
const test = timedTest(closing);

/** A reader of whole topics, as simple as can be: it goes on where it is, and tells what it met. */
class Reader {
  readonly cluster = new FakeCluster(2);
  readonly metadata = new ClusterMetadata(this.cluster, { complaintMs: 1 });
  readonly producer = new BatchProducer(this.cluster, this.metadata, { retryMs: 1 });
  readonly positions = new Map<string, WantedPartition>();
  readonly read: string[] = [];
  readonly failures: (readonly [string, FetchFailure])[] = [];
  readonly missed = new Set<number>();
  onFailure: (wanted: WantedPartition, failure: FetchFailure) => void = () => {};
  readonly fetcher = new Fetcher(this.cluster, this.metadata, this, { retryMs: 1 });
  #reached: () => void = () => {};

  constructor() {
    closing.push(
      () => this.metadata.close(),
      () => this.producer.close(),
      () => this.fetcher.close(),
    );
    this.cluster.on('ListOffsets', (args) => {
      const { questions } = args as {
        questions: { topic: string; partition: number; at: string }[];
      };
      const offsets = questions.map(({ topic, partition, at }) => {
        const { start, end } = this.cluster.partition(topic, partition);
        return [
          `${topic}/${partition}`,
          { code: 0, offset: at === 'start' ? start : end },
        ] as const;
      });
      return { throttleMs: 0, offsets: new Map(offsets) };
    });
  }

  async want(topic: string, partition: number, offset = 0): Promise<void> {
    await this.metadata.track([topic]);
    const topicId = this.metadata.topic(topic)?.id ?? 'none';
    this.positions.set(`${topic}/${partition}`, { topic, partition, offset, topicId });
    this.fetcher.wake();
  }

  wanted(): Iterable<WantedPartition> {
    return this.positions.values();
  }

  fetched({ wanted, bytes, aborted }: FetchedPartition): void {
    const { topic, partition } = wanted;
    const { batches, nextOffset } = walkBatches({ ...wanted, bytes, aborted });
    for (const batch of batches) {
      for (const record of readBatch(wholeBatch(topic, partition, batch.bytes, batch.baseOffset))) {
        if (record.offset >= wanted.offset) this.read.push(`${topic}/${partition} ${record.key}`);
      }
    }
    this.positions.set(`${topic}/${partition}`, { ...wanted, offset: nextOffset });
    this.#reached();
  }

  failed(wanted: WantedPartition, failure: FetchFailure): void {
    this.failures.push([`${wanted.topic}/${wanted.partition}`, failure]);
    this.onFailure(wanted, failure);
    this.#reached();
  }

  away(broker: number): void {
    this.missed.add(broker);
    this.#reached();
  }

  async write(topic: string, partition: number, ...keys: string[]): Promise<void> {
    const builder = new BatchBuilder(topic, partition);
    for (const key of keys) builder.append(1_000, key, null);
    await this.producer.send([builder.finish()]);
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        this.#reached = resolve;
      });
    }
  }
}

test('one request to each broker carries all partitions that are wanted of it, each first in turn', async () => {
  const reader = new Reader();
  reader.cluster.create('t', 6);
  await reader.metadata.track(['t']);
  for (let p = 0; p < 6; p++) await reader.want('t', p);
  for (let p = 0; p < 6; p++) await reader.write('t', p, 'k');
  await reader.until(() => reader.read.length === 6);
  const firsts = new Set<number>();
  await reader.write('t', 0, 'last');
  await reader.until(() => reader.read.length === 7);
  for (const { api, args } of reader.cluster.asked) {
    if (api !== 'Fetch') continue;
    const { wanted } = args as FetchRequest;
    if (wanted.length < 3) continue;
    assert.equal(new Set(wanted.map((one) => one.partition % 2)).size, 1);
    firsts.add(wanted[0]!.partition);
  }
  assert.ok(firsts.size > 1);
});

test('reads on where the leader has moved to, and misses nothing', async () => {
  const reader = new Reader();
  reader.cluster.create('t', 1);
  await reader.want('t', 0);
  for (let n = 0; n < 5; n++) {
    await reader.write('t', 0, `k${n}`);
    reader.cluster.move('t', 0);
  }
  await reader.until(() => reader.read.length === 5);
  assert.deepEqual(reader.read, ['t/0 k0', 't/0 k1', 't/0 k2', 't/0 k3', 't/0 k4']);
  assert.deepEqual(reader.failures, []);
});

test('an offset that retention has passed is a result with what the log holds', async () => {
  const reader = new Reader();
  reader.cluster.create('t', 1);
  await reader.write('t', 0, 'a', 'b');
  await reader.write('t', 0, 'c');
  const log = reader.cluster.partition('t', 0);
  log.start = 2;
  log.batches.shift();
  reader.onFailure = (wanted, failure) => {
    if (failure.kind !== 'out-of-range') return;
    reader.positions.set('t/0', { ...wanted, offset: failure.first });
  };
  await reader.want('t', 0, 1);
  await reader.until(() => reader.read.length === 1);
  assert.deepEqual(reader.failures, [['t/0', { kind: 'out-of-range', first: 2, end: 3 }]]);
  assert.deepEqual(reader.read, ['t/0 c']);
});

test('a topic that was made anew is not read under its old offsets', async () => {
  const reader = new Reader();
  reader.cluster.create('t', 1);
  await reader.write('t', 0, 'old', 'old');
  await reader.want('t', 0);
  await reader.until(() => reader.read.length === 2);
  reader.cluster.create('t', 1);
  const { id } = reader.cluster.topics.get('t')!;
  reader.onFailure = (wanted, failure) => {
    if (failure.kind !== 'recreated') return;
    reader.positions.set('t/0', { ...wanted, offset: 0, topicId: failure.id });
  };
  await reader.until(() => reader.failures.length === 1);
  await reader.write('t', 0, 'new');
  await reader.until(() => reader.read.length === 3);
  assert.deepEqual(reader.failures[0], ['t/0', { kind: 'recreated', id }]);
  assert.deepEqual(reader.read, ['t/0 old', 't/0 old', 't/0 new']);
});

test('a topic or a partition that is not there is told, and read once it is there', async () => {
  const reader = new Reader();
  reader.cluster.create('t', 1);
  await reader.want('t', 1);
  await reader.until(() => reader.failures.length > 1);
  assert.deepEqual(reader.failures[0], ['t/1', { kind: 'gone' }]);
  reader.cluster.create('t', 2);
  reader.onFailure = (wanted, failure) => {
    if (failure.kind === 'recreated')
      reader.positions.set('t/1', { ...wanted, topicId: failure.id });
  };
  await reader.write('t', 0, 'x');
  await reader.until(() => reader.failures.some(([, { kind }]) => kind === 'recreated'));
  await reader.write('t', 1, 'here');
  await reader.until(() => reader.read.length === 1);
  assert.deepEqual(reader.read, ['t/1 here']);
});

test('a refusal is told again as long as the partition is wanted, others are read', async () => {
  const reader = new Reader();
  reader.cluster.create('t', 2);
  await reader.write('t', 1, 'k');
  await reader.want('t', 0);
  await reader.want('t', 1);
  reader.cluster.faults.set('Fetch', [29]);
  await reader.until(() => reader.read.length === 1);
  assert.deepEqual(reader.read, ['t/1 k']);
  for (const [, failure] of reader.failures) {
    assert.deepEqual(failure, { kind: 'refused', why: 'TOPIC_AUTHORIZATION_FAILED' });
  }
});

test('a broker that is away holds up its own partitions only, and is read again when it is back', async () => {
  const reader = new Reader();
  reader.cluster.create('t', 2);
  await reader.write('t', 0, 'a');
  await reader.write('t', 1, 'b');
  reader.cluster.away.add(1);
  await reader.want('t', 0);
  await reader.want('t', 1);
  await reader.until(() => reader.read.length === 1);
  assert.deepEqual(reader.read, ['t/1 b']);
  await reader.until(() => reader.missed.size > 0);
  assert.deepEqual([...reader.missed], [1]);
  reader.cluster.away.delete(1);
  await reader.until(() => reader.read.length === 2);
  assert.deepEqual(reader.read, ['t/1 b', 't/0 a']);
});

test('closed: what is under way is not handed out any more', async () => {
  const reader = new Reader();
  reader.cluster.create('t', 1);
  await reader.write('t', 0, 'a');
  await reader.metadata.track(['t']);
  await reader.want('t', 0);
  await reader.fetcher.close();
  assert.deepEqual(reader.read, []);
  const asked = reader.cluster.asked.length;
  reader.fetcher.wake();
  assert.equal(reader.cluster.asked.length, asked);
});
