import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { timedTest } from '../../../test/kit/virtual-time.ts';
import { FakeCluster } from './fake-cluster.ts';
import { committedForMember } from './group-offsets.ts';
import type { Membership } from './group-requests.ts';
import { ClusterMetadata } from './metadata.ts';

const closing: (() => void)[] = [];
const test = timedTest(closing);

const MINE: Membership = { group: 'g', memberId: 'm', generation: 4 };
const CODE = { unstable: 88, illegalGeneration: 22, rebalancing: 27, notCoordinator: 16 } as const;
const ASKED = [{ topic: 't', partition: 0 }];

/**
 * Two brokers that both take themselves for the coordinator; the first one stood still for a while
 * and knows nothing of generation 4. It is found `oldTimes` times.
 */
function setUp(oldTimes: number) {
  const cluster = new FakeCluster(2);
  const metadata = new ClusterMetadata(cluster, { complaintMs: 1 });
  closing.push(() => metadata.close());
  const said: string[] = [];
  let found = 0;
  const told = { throttleMs: 0, code: 0 };
  cluster.on('FindCoordinator', () => ({ ...told, node: ++found <= oldTimes ? 1 : 2 }));
  cluster.on('Heartbeat', (_, node) => {
    said.push(`known by ${node}?`);
    return node === 1 ? { ...told, code: CODE.illegalGeneration } : told;
  });
  cluster.on('OffsetFetch', (_, node) => {
    said.push(`offsets of ${node}`);
    return { ...told, offsets: [{ topic: 't', partition: 0, offset: node * 100, metadata: '' }] };
  });
  const ask = (membership: () => Membership | undefined = () => MINE, timeoutMs = 1_000) =>
    committedForMember(cluster, metadata, membership, ASKED, timeoutMs);
  return { cluster, said, ask };
}

describe('offsets for a member', () => {
  test('come from a coordinator that knows its generation', async () => {
    const { ask, said } = setUp(2);
    assert.equal((await ask())[0]!.offset, 200);
    assert.deepEqual(said, ['known by 1?', 'known by 1?', 'known by 2?', 'offsets of 2']);
  });

  test('are waited for while a transaction holds them, and while the group changes', async () => {
    const { ask, said, cluster } = setUp(0);
    cluster.faults.set('OffsetFetch', [CODE.unstable, CODE.notCoordinator]);
    cluster.faults.set('Heartbeat', [CODE.rebalancing]);
    assert.equal((await ask())[0]!.offset, 200);
    assert.deepEqual(said, ['known by 2?', 'known by 2?', 'offsets of 2']);
  });

  test('are given up when its generation is over, or in time', async () => {
    const { ask } = setUp(1_000);
    await assert.rejects(
      ask(() => undefined),
      { code: 'CAR640', retryable: true },
    );
    let asked = 0;
    const changing = () => (++asked < 3 ? MINE : { ...MINE, generation: 5 });
    await assert.rejects(ask(changing), { code: 'CAR640', retryable: true });
    await assert.rejects(
      ask(() => MINE, 5),
      { code: 'CAR643' },
    );
  });
});
