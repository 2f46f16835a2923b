import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { BatchBuilder } from '../../core/batch-builder.ts';
import type { LogBatch } from '../../core/log.ts';
import { readBatch } from '../../core/record-batch.ts';
import { timedTest } from '../../test/kit/virtual-time.ts';
import type { Self } from './assigner.ts';
import { silent } from './client.ts';
import type { FeedHost } from './plane.ts';
import { FakeClient, FakeCluster } from './wire/fake-cluster.ts';
import { FakeGroup } from './wire/fake-group.ts';
import { ClusterMetadata } from './wire/metadata.ts';
import { BatchProducer } from './wire/producer.ts';
import { WireFeed } from './wire-feed.ts';

const PARTITIONS = 2;
const NO_BYTES = Buffer.alloc(0);
const closing: (() => Promise<void> | void)[] = [];
const test = timedTest(closing);

async function until(what: string, isSo: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + 5_000;
  while (!isSo()) {
    assert.ok(performance.now() < deadlineMs, `not in time: ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Keeps positions, and what it was told, in order. */
class Host implements FeedHost {
  readonly said: string[] = [];
  readonly read: string[] = [];
  readonly positions = new Map<number, number>();
  feed: WireFeed | null = null;
  onFinish: () => Promise<void> = async () => {};

  joined(_: string, assignment: ReadonlyMap<string, readonly number[]>): void {
    const mine = assignment.get('t') ?? [];
    this.said.push(`joined ${mine.join(' ')}`);
    for (const p of mine) {
      if (!this.positions.has(p)) this.positions.set(p, 0);
      this.feed!.seek('t', p);
    }
  }

  async finish(): Promise<void> {
    this.said.push('finish');
    await this.onFinish();
  }

  lost(): void {
    this.said.push('lost');
  }

  position(_: string, partition: number): number | undefined {
    return this.positions.get(partition);
  }

  fetched(batch: LogBatch): void {
    this.positions.set(batch.partition, batch.nextOffset);
    for (const record of readBatch(batch)) this.read.push(`${batch.partition} ${record.key}`);
  }

  outOfRange(_: string, partition: number): void {
    this.#tell(`out of range ${partition}`);
  }

  unreadable(_: string, partition: number, error: { code: string }): void {
    this.#tell(`unreadable ${partition} ${error.code}`);
  }

  remade(topic: string): void {
    this.#tell(`remade ${topic}`);
  }

  /** Told again and again, until the host does something. */
  #tell(what: string): void {
    if (this.said.at(-1) !== what) this.said.push(what);
  }
}

class World {
  readonly cluster = new FakeCluster(2);
  readonly group = new FakeGroup(this.cluster);
  readonly #metadata = new ClusterMetadata(this.cluster, { complaintMs: 1 });
  readonly #producer = new BatchProducer(this.cluster, this.#metadata, { retryMs: 1 });

  constructor() {
    this.cluster.create('t', PARTITIONS);
    this.cluster.on('ListOffsets', (args) => {
      const { questions } = args as { questions: { partition: number; at: string }[] };
      const offsets = questions.map(({ partition, at }) => {
        const { start, end } = this.cluster.partition('t', partition);
        return [`t/${partition}`, { code: 0, offset: at === 'start' ? start : end }] as const;
      });
      return { throttleMs: 0, offsets: new Map(offsets) };
    });
    closing.push(
      () => this.#metadata.close(),
      () => this.#producer.close(),
    );
  }

  /**
   * As for who may describe the topic, and not read it: TOPIC_AUTHORIZATION_FAILED, by partition.
   */
  refuseToRead(): { allow(): void } {
    let refuses = true;
    this.cluster.onFetch = (answer) => {
      if (!refuses) return answer;
      const partitions = answer.partitions.map((one) => ({ ...one, code: 29, bytes: NO_BYTES }));
      return { ...answer, partitions };
    };
    return {
      allow: () => {
        refuses = false;
      },
    };
  }

  async write(partition: number, ...keys: string[]): Promise<void> {
    const builder = new BatchBuilder('t', partition);
    for (const key of keys) builder.append(1, key, null);
    await this.#producer.send([builder.finish()]);
  }

  /** A feed that has started; `shares`: as a member of a group. */
  async open(shares: boolean, host = new Host()): Promise<{ feed: WireFeed; host: Host }> {
    const requester = new FakeClient(this.cluster);
    const metadata = new ClusterMetadata(requester, { complaintMs: 1 });
    const settings = {
      replicationFactor: -1,
      deliveryTimeoutMs: 2_000,
      sessionTimeoutMs: 50,
      heartbeatIntervalMs: 2,
      fetchWaitMs: 1,
      revokeTimeoutMs: 50,
    };
    const parts = { requester, metadata, logger: silent, settings, memberships: new Map() };
    const self = (): Self => {
      return { hash: 'h', partitions: PARTITIONS, startedAt: 1, owned: [], ownedAt: 0 };
    };
    const spec = { groupId: 'g', topics: ['t'], ...(shares ? { self } : {}) };
    const feed = new WireFeed(parts, spec, host);
    host.feed = feed;
    closing.push(
      () => metadata.close(),
      () => feed.close(),
    );
    await feed.start();
    return { feed, host };
  }
}

describe('a feed that shares with nobody', () => {
  test('reads all partitions from where its host is, in no group', async () => {
    const world = new World();
    await world.write(0, 'a', 'b');
    await world.write(1, 'c');
    const host = new Host();
    host.positions.set(0, 1);
    await world.open(false, host);
    await until('all is read', () => host.read.length === 2);
    assert.deepEqual(host.read.toSorted(), ['0 b', '1 c']);
    await world.write(0, 'd');
    await until('what comes is read', () => host.read.at(-1) === '0 d');
    assert.deepEqual(host.said, ['joined 0 1']);
    assert.ok(world.cluster.asked.every(({ api }) => api !== 'JoinGroup'));
  });

  test('leaves alone what its host does not want, until it is resumed', async () => {
    const world = new World();
    const { feed, host } = await world.open(false);
    host.positions.delete(0);
    await world.write(0, 'a');
    await world.write(1, 'b');
    await until('the other is read', () => host.read.length === 1);
    assert.deepEqual(host.read, ['1 b']);
    host.positions.set(0, 0);
    feed.resume();
    await until('it is read', () => host.read.length === 2);
  });

  test('tells what cannot be read, and why', async () => {
    const world = new World();
    await world.write(0, 'gone', 'a');
    world.cluster.partition('t', 0).start = 1;
    const host = new Host();
    const { feed } = await world.open(false, host);
    await until('out of range', () => host.said.at(-1) === 'out of range 0');
    host.positions.set(0, 1);
    feed.seek('t', 0);
    await until('it goes on', () => host.read.length === 1);
    host.positions.delete(0);
    await world.write(0, 'b');
    const damaged = world.cluster.partition('t', 0).batches.at(-1)!;
    damaged[62]! ^= 1;
    host.positions.set(0, 2);
    feed.resume();
    await until('damaged', () => host.said.at(-1) === 'unreadable 0 CAR647');
    damaged[62]! ^= 1;
    await until('mended', () => host.read.length === 2);
  });

  test('tells a refusal as one that no retry mends, and reads on once it is lifted', async () => {
    const world = new World();
    await world.write(0, 'a');
    const fetch = world.refuseToRead();
    const { host } = await world.open(false);
    await until('refused', () => host.said.some((what) => what.startsWith('unreadable')));
    assert.deepEqual(
      new Set(host.said.slice(1)),
      new Set(['unreadable 0 CAR645', 'unreadable 1 CAR645']),
    );
    fetch.allow();
    await until('it is read', () => host.read.length === 1);
  });

  test('doubts a leader whose end is before the position: it may have been stopped', async () => {
    const world = new World();
    await world.write(0, 'a', 'b');
    const host = new Host();
    host.positions.set(0, 4);
    await world.open(false, host);
    const fetches = () => world.cluster.asked.filter(({ api }) => api === 'Fetch').length;
    await until('it is asked again and again', () => fetches() > 3);
    await world.write(0, 'c', 'd', 'e');
    await until('it goes on where it was', () => host.read.length === 1);
    assert.deepEqual([host.read, host.said], [['0 e'], ['joined 0 1']]);
  });

  test('does not read another topic of the same name before it is told to', async () => {
    const world = new World();
    const { feed, host } = await world.open(false);
    await world.write(0, 'a');
    await until('the old one is read', () => host.read.length === 1);
    world.cluster.create('t', PARTITIONS);
    await world.write(0, 'x', 'y');
    await until('it is told', () => host.said.at(-1) === 'remade t');
    assert.deepEqual(host.read, ['0 a']);
    host.positions.set(0, 0).set(1, 0);
    feed.seek('t', 0);
    feed.seek('t', 1);
    await until('the new one is read', () => host.read.length === 3);
  });

  test('passes over what is not there any more, when that is told again and again', async () => {
    const world = new World();
    await world.write(0, 'a', 'b');
    // Compaction has taken all of it.
    world.cluster.partition('t', 0).batches.length = 0;
    const { host } = await world.open(false);
    await until('the end is reached', () => host.positions.get(0) === 2);
    await world.write(0, 'c');
    await until('what follows is read', () => host.read.length === 1);
  });
});

describe('a feed that is a member', () => {
  test('finishes in its generation before it joins the next, and holds commits between', async () => {
    const world = new World();
    const { feed, host } = await world.open(true);
    assert.deepEqual(host.said.splice(0), ['joined 0 1']);
    const generations: number[] = [];
    const commit = () => feed.within(async ({ generation }) => void generations.push(generation));
    await commit();
    let held: Promise<void> | null = null;
    host.onFinish = async () => {
      await commit();
      // After this has resolved: it belongs to the next generation.
      setImmediate(() => setImmediate(() => (held = commit())));
    };
    const { host: other } = await world.open(true);
    await until('both have joined', () => host.said.length >= 2);
    assert.equal(host.said[0], 'finish');
    assert.match(host.said.join(', '), /^finish, joined \d$/);
    await until('the held commit has begun', () => held !== null);
    await held;
    const first = generations[0]!;
    assert.deepEqual(generations, [first, first, first + 1]);
    assert.match(other.said.join(', '), /^joined \d$/);
    const owned = [0, 1].filter((p) => feed.owns(p));
    assert.equal(owned.length, 1);
  });

  test('that was thrown out says so first, and refuses what was to be committed', async () => {
    const world = new World();
    const { feed, host } = await world.open(true);
    const [memberId] = [...world.group.members.keys()];
    let refused: unknown;
    host.lost = () => {
      host.said.push('lost');
      const none = feed.within(async () => {});
      none.catch((error) => {
        refused = error;
      });
    };
    world.group.expire(memberId!);
    await until('it is back', () => host.said.length === 3);
    assert.deepEqual(host.said, ['joined 0 1', 'lost', 'joined 0 1']);
    await until('the commit is refused', () => refused !== undefined);
    assert.equal((refused as { code: string }).code, 'CAR643');
    await feed.within(async ({ memberId: now }) => assert.notEqual(now, memberId));
  });

  test('leaves its group when it closes, and commits nothing after', async () => {
    const world = new World();
    const { feed } = await world.open(true);
    await feed.close();
    assert.equal(world.group.members.size, 0);
    await assert.rejects(
      feed.within(async () => {}),
      { code: 'CAR643' },
    );
    const { host } = await world.open(true);
    assert.deepEqual(host.said, ['joined 0 1']);
  });
});
