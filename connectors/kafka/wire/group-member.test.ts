import assert from 'node:assert/strict';
import fc from 'fast-check';
import { timedTest } from '../../../test/kit/virtual-time.ts';
import type { Requester } from './connection-pool.ts';
import { FakeClient, FakeCluster, type Fault } from './fake-cluster.ts';
import { FakeGroup } from './fake-group.ts';
import { GroupMember, type GroupMemberOptions } from './group-member.ts';
import type { JoinAnswer } from './group-requests.ts';
import {
  type Assignment,
  type AssignmentStrategy,
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
  type MemberSubscription,
} from './group-strategy.ts';
import { ClusterMetadata } from './metadata.ts';

const SEED = Number(process.env.SEED ?? 6);
const PARTITIONS = 6;
const closing: (() => Promise<void> | void)[] = [];
const test = timedTest(closing);

/** Partitions dealt out in the order of the members' own names. */
const dealt: AssignmentStrategy['assign'] = (members) => {
  const sorted = [...members].sort((a, b) => a.userData.compare(b.userData));
  return new Map(
    sorted.map(({ memberId }, i): [string, Assignment] => {
      const mine = Array.from({ length: PARTITIONS }, (_, p) => p).filter(
        (p) => p % sorted.length === i,
      );
      return [memberId, { partitions: new Map([['t', mine]]), userData: Buffer.from(`for ${i}`) }];
    }),
  );
};

class Member {
  readonly told: string[] = [];
  readonly member: GroupMember;
  readonly metadata: ClusterMetadata;
  /** All that it ever was given. */
  readonly ids = new Set<string>();
  mine: readonly number[] = [];
  readonly client: FakeClient;
  finish: () => Promise<void> | void = () => {};
  heard: (told: string) => void = () => {};

  constructor(cluster: FakeCluster, name: string, over: Partial<GroupMemberOptions> = {}) {
    const client = new FakeClient(cluster);
    this.client = client;
    const requester: Requester = {
      request: async (node, purpose, api, args) => {
        const answer = await client.request(node, purpose, api, args);
        if (api.name === 'JoinGroup') this.ids.add((answer as JoinAnswer).memberId);
        return answer;
      },
      drop: (node, purpose) => client.drop(node, purpose),
      setBrokers: () => {},
      feature: () => 0,
    };
    this.metadata = new ClusterMetadata(requester, { complaintMs: 1 });
    const strategy = {
      name: 'p',
      subscription: () => ({ topics: ['t'], userData: Buffer.from(name) }),
      assign: dealt,
    };
    const options = {
      group: 'g',
      strategy,
      heartbeatIntervalMs: 2,
      sessionTimeoutMs: 50,
      ...over,
    };
    this.member = new GroupMember(requester, this.metadata, options, {
      assigned: ({ generation }, { partitions }) => {
        this.mine = partitions.get('t') ?? [];
        this.#tell(`assigned ${generation}: ${this.mine.join(' ')}`);
      },
      rebalancing: () => {
        this.#tell('rebalancing');
        return this.finish();
      },
      lost: (why) => {
        this.mine = [];
        this.#tell(`lost ${why}`);
      },
      failed: (error) => this.#tell(`failed ${error.code}`),
    });
    closing.push(
      () => this.metadata.close(),
      () => {
        this.client.isDead = true;
        return this.member.leave();
      },
    );
  }

  /** Ids that it does not use any more; while it lives, the last one is in use. */
  idsGone(isLive: boolean): string[] {
    return [...this.ids].slice(0, isLive ? -1 : undefined);
  }

  #tell(what: string): void {
    this.told.push(what);
    this.heard(what);
  }

  /** Resolves once something that fits was told, counted from now. */
  async hears(pattern: RegExp): Promise<string> {
    return new Promise((resolve) => {
      this.heard = (told) => {
        if (pattern.test(told)) resolve(told);
      };
    });
  }
}

function setUp() {
  const cluster = new FakeCluster(2);
  return { cluster, group: new FakeGroup(cluster) };
}

test('one member has all, a second one gets its share, and gives it back when it leaves', async () => {
  const { cluster, group } = setUp();
  const [a, b] = [new Member(cluster, 'a'), new Member(cluster, 'b')];
  await a.member.start();
  const shared = a.hears(/assigned 2/);
  await b.member.start();
  await shared;
  const back = a.hears(/assigned 3/);
  await b.member.leave();
  await back;
  assert.deepEqual(a.told, [
    'assigned 1: 0 1 2 3 4 5',
    'rebalancing',
    'assigned 2: 0 2 4',
    'rebalancing',
    'assigned 3: 0 1 2 3 4 5',
  ]);
  assert.deepEqual(b.told, ['assigned 2: 1 3 5']);
  await a.member.leave();
  assert.deepEqual([group.state, group.members.size, group.pending.size], ['empty', 0, 0]);
});

test('it stays in its generation until its work is finished, with heartbeats', async () => {
  const { cluster } = setUp();
  const [a, b] = [new Member(cluster, 'a'), new Member(cluster, 'b')];
  await a.member.start();
  let finish: () => void = () => {};
  const finishing = new Promise<void>((resolve) => {
    finish = resolve;
  });
  a.finish = () => finishing;
  const asked = a.hears(/rebalancing/);
  const started = b.member.start();
  await asked;
  await a.member.commitOffsets([{ topic: 't', partition: 0, offset: 1, metadata: '' }]);
  const before = cluster.asked.filter(({ api }) => api === 'Heartbeat').length;
  while (cluster.asked.filter(({ api }) => api === 'Heartbeat').length < before + 3) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.deepEqual(b.told, []);
  finish();
  await started;
  assert.deepEqual(b.mine, [1, 3, 5]);
});

test('thrown out: told, and a new member afterwards; a late commit is refused', async () => {
  const { cluster, group } = setUp();
  const a = new Member(cluster, 'a');
  await a.member.start();
  const { memberId } = a.member.membership!;
  const again = a.hears(/assigned/);
  group.expire(memberId);
  const late = a.member.commitOffsets([{ topic: 't', partition: 0, offset: 1, metadata: '' }]);
  await assert.rejects(late, { code: 'CAR643' });
  await again;
  assert.deepEqual(a.told.slice(1), ['lost UNKNOWN_MEMBER_ID', 'assigned 2: 0 1 2 3 4 5']);
  assert.notEqual(a.member.membership!.memberId, memberId);
  assert.equal(group.members.size, 1);
});

test('a coordinator that moves keeps the member, its generation and its partitions', async () => {
  const { cluster, group } = setUp();
  const a = new Member(cluster, 'a');
  await a.member.start();
  const before = a.member.membership;
  group.move();
  await a.member.commitOffsets([{ topic: 't', partition: 0, offset: 1, metadata: '' }]);
  assert.deepEqual(a.member.membership, before);
  assert.deepEqual(a.told, ['assigned 1: 0 1 2 3 4 5']);
});

test('rejoin: out and in again as a new member', async () => {
  const { cluster, group } = setUp();
  const a = new Member(cluster, 'a');
  await a.member.start();
  const { memberId } = a.member.membership!;
  const again = a.hears(/assigned/);
  a.member.rejoin();
  await again;
  assert.deepEqual(a.told.slice(1), ['lost rejoin', 'assigned 2: 0 1 2 3 4 5']);
  assert.ok(!group.members.has(memberId));
});

test('leave while a join waits for others: no member and no id stays behind', async () => {
  const { cluster, group } = setUp();
  const [a, b] = [new Member(cluster, 'a'), new Member(cluster, 'b')];
  await a.member.start();
  // The first member never comes to the rebalance.
  a.client.isDead = true;
  const started = b.member.start();
  while (group.members.size < 2) await new Promise((resolve) => setImmediate(resolve));
  await b.member.leave();
  await assert.rejects(started, { code: 'CAR640' });
  assert.deepEqual([group.members.size, group.pending.size], [1, 0]);
});

const refusals: readonly [name: string, code: number, car: string][] = [
  ['no right to the group', 30, 'CAR645'],
  ['another strategy in the group', 23, 'CAR645'],
];

for (const [name, code, car] of refusals) {
  test(`${name}: start rejects with ${car}`, async () => {
    const { cluster } = setUp();
    const a = new Member(cluster, 'a');
    cluster.faults.set('JoinGroup', [code]);
    await assert.rejects(a.member.start(), { code: car, retryable: false });
  });
}

test('nobody answers: start rejects with a retryable CAR640 when its time is over', async () => {
  const { cluster } = setUp();
  const a = new Member(cluster, 'a', { startTimeoutMs: 30 });
  cluster.away.add(1).add(2);
  await assert.rejects(a.member.start(), { code: 'CAR640', retryable: true });
});

interface Script {
  readonly events: readonly ('crash' | 'leave' | 'start' | 'move' | 'rejoin')[];
  readonly faults: readonly (readonly [string, Fault])[];
}

const script: fc.Arbitrary<Script> = fc.record({
  events: fc.array(fc.constantFrom('crash', 'leave', 'start', 'move', 'rejoin'), { maxLength: 6 }),
  faults: fc.array(
    fc.tuple(
      fc.constantFrom('JoinGroup', 'SyncGroup', 'Heartbeat', 'LeaveGroup'),
      // COORDINATOR_NOT_AVAILABLE, COORDINATOR_LOAD_IN_PROGRESS
      fc.constantFrom<Fault>('lost-before', 'lost-after', 15, 14),
    ),
    { maxLength: 8 },
  ),
});

test('crashes, moves and lost answers: in the end no ghosts, and each partition has one owner', async () => {
  await fc.assert(
    fc.asyncProperty(script, async ({ events, faults }) => {
      const { cluster, group } = setUp();
      let names = 0;
      const live = new Set<Member>();
      const everyone = new Set<Member>();
      const start = () => {
        const one = new Member(cluster, `n${names++}`);
        live.add(one);
        everyone.add(one);
        return one.member.start();
      };
      await Promise.all([start(), start()]);
      for (const [api, fault] of faults) {
        cluster.faults.set(api, [...(cluster.faults.get(api) ?? []), fault]);
      }
      for (const event of events) {
        const [one] = live;
        if (event === 'move') group.move();
        else if (event === 'start') start().catch(() => {});
        else if (one === undefined) continue;
        else if (event === 'rejoin') one.member.rejoin();
        else if (event === 'leave') {
          live.delete(one);
          await one.member.leave();
        } else {
          live.delete(one);
          one.client.isDead = true;
        }
        for (let turns = 0; turns < 20; turns++) await new Promise((done) => setImmediate(done));
      }
      // Sessions of ids that nobody uses any more end: of the dead, of those whose leave was lost
      // as often as the session lasts, and of answers that were lost.
      const sweep = () => {
        for (const id of [...everyone].flatMap((one) => one.idsGone(live.has(one)))) {
          group.expire(id);
        }
        for (const id of [...group.pending, ...group.left]) group.expire(id);
      };
      await settled(group, live, sweep);
      const owners = [...live].flatMap(({ mine }) => mine).sort();
      assert.deepEqual(owners, live.size === 0 ? [] : [0, 1, 2, 3, 4, 5]);
      cluster.faults.clear();
      await Promise.all([...live].map(({ member }) => member.leave()));
      assert.equal(group.members.size, 0);
    }),
    { seed: SEED, numRuns: 15 },
  );
});

/** Waits until the group's members are those that live, and all know the same generation. */
async function settled(group: FakeGroup, live: ReadonlySet<Member>, sweep: () => void) {
  const deadlineMs = performance.now() + 5_000;
  for (;;) {
    sweep();
    const ids = [...live].map(({ member }) => member.membership?.memberId ?? '').sort();
    const isSame = ids.join() === [...group.members.keys()].sort().join();
    const isStable = group.state === 'stable' || live.size === 0;
    const isOld = ({ member }: Member) => member.membership?.generation !== group.generation;
    if (isSame && isStable && ![...live].some(isOld)) return;
    if (performance.now() > deadlineMs) {
      const told = [...live].map((one) => one.told.slice(-3));
      assert.fail(`${group.state} ${[...group.members.keys()]} ${ids} ${JSON.stringify(told)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

test('subscriptions and assignments are what they were after a way through bytes', () => {
  const topics = fc.uniqueArray(fc.string({ maxLength: 20 }), { maxLength: 4 });
  const userData = fc.uint8Array({ maxLength: 50 }).map((bytes) => Buffer.from(bytes));
  fc.assert(
    fc.property(topics, userData, fc.array(fc.nat(100)), (names, bytes, numbers) => {
      const subscription = { topics: names, userData: bytes };
      assert.deepEqual(decodeSubscription(encodeSubscription(subscription)), subscription);
      const partitions = new Map(names.map((name) => [name, numbers]));
      const assignment = { partitions, userData: bytes };
      assert.deepEqual(decodeAssignment(encodeAssignment(assignment)), assignment);
    }),
    { seed: SEED },
  );
});

test('the one that assigns is told what each member says of itself', async () => {
  const { cluster } = setUp();
  const seen: MemberSubscription[][] = [];
  const strategy: AssignmentStrategy = {
    name: 'p',
    subscription: () => ({ topics: ['t', 'u'], userData: Buffer.from('me') }),
    assign(members) {
      seen.push([...members]);
      return dealt(members);
    },
  };
  const a = new Member(cluster, 'a', { strategy });
  await a.member.start();
  const { memberId } = a.member.membership!;
  assert.deepEqual(seen, [[{ memberId, topics: ['t', 'u'], userData: Buffer.from('me') }]]);
});
