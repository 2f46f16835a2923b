/**
 * A coordinator of one group in memory, as Kafka's classic one behaves: ids are asked for first, a
 * rebalance waits for all members, a new coordinator knows what the last complete generation was.
 * Sessions end when the test says so.
 */
import type { FakeCluster } from './fake-cluster.ts';
import type { JoinAnswer, JoinGroup, LeaveGroup, Membership, SyncGroup } from './group-requests.ts';

const CODE = {
  none: 0,
  notCoordinator: 16,
  illegalGeneration: 22,
  unknownMember: 25,
  rebalancing: 27,
} as const;

interface FakeMember {
  subscription: Buffer;
  /** Answers the join, or the sync, that the member waits for. */
  answer: ((code: number) => void) | null;
}

export class FakeGroup {
  generation = 0;
  state: 'empty' | 'preparing' | 'completing' | 'stable' = 'empty';
  members = new Map<string, FakeMember>();
  readonly pending = new Set<string>();
  /** Those that have left: a coordinator that moves at once knows them again, until they expire. */
  readonly left = new Set<string>();
  #assignments = new Map<string, Buffer>();
  #kept = { generation: 0, members: new Map<string, Buffer>() };
  #node = 1;
  #ids = 0;

  constructor(cluster: FakeCluster) {
    cluster.on('FindCoordinator', () => ({ throttleMs: 0, code: 0, node: this.#node }));
    const here = (answer: (args: never) => unknown) => (args: unknown, node: number) =>
      node === this.#node ? answer(args as never) : this.#refusal(CODE.notCoordinator);
    cluster.on(
      'JoinGroup',
      here((args: JoinGroup) => this.#join(args)),
    );
    cluster.on(
      'SyncGroup',
      here((args: SyncGroup) => this.#sync(args)),
    );
    cluster.on(
      'Heartbeat',
      here((args: Membership) => this.#refusal(this.#check(args))),
    );
    cluster.on(
      'LeaveGroup',
      here((args: LeaveGroup) => this.#leave(args)),
    );
    cluster.on(
      'OffsetCommit',
      here((args: Membership) => this.#refusal(this.#fence(args))),
    );
  }

  /** Another broker coordinates from now on. */
  move(): void {
    for (const member of this.members.values()) member.answer?.(CODE.notCoordinator);
    this.#node = this.#node === 1 ? 2 : 1;
    this.pending.clear();
    this.generation = this.#kept.generation;
    this.members = new Map(
      [...this.#kept.members].map(([id, subscription]) => [id, { subscription, answer: null }]),
    );
    this.state = this.members.size === 0 ? 'empty' : 'stable';
  }

  /** The session of a member ends. */
  expire(memberId: string): void {
    this.pending.delete(memberId);
    const member = this.members.get(memberId);
    if (member === undefined) return;
    this.members.delete(memberId);
    member.answer?.(CODE.unknownMember);
    this.#prepare();
    this.#complete();
  }

  #join({ memberId, subscription }: JoinGroup): unknown {
    if (memberId === '') {
      const id = `m-${++this.#ids}`;
      this.pending.add(id);
      return { ...this.#refusal(CODE.none), memberId: id, isOnlyId: true, members: [] };
    }
    if (!this.pending.delete(memberId) && !this.members.has(memberId)) {
      return this.#refusal(CODE.unknownMember);
    }
    this.members.get(memberId)?.answer?.(CODE.rebalancing);
    return new Promise((resolve) => {
      const answer = (code: number) => resolve(this.#joined(memberId, code));
      this.#prepare();
      this.members.set(memberId, { subscription, answer });
      this.#complete();
    });
  }

  #joined(memberId: string, code: number): JoinAnswer {
    const leader = [...this.members.keys()][0] ?? '';
    const all = [...this.members].map(([id, { subscription }]) => ({ memberId: id, subscription }));
    const members = memberId === leader ? all : [];
    const { generation } = this;
    const told = { throttleMs: 0, code, generation, protocol: 'p', leader, memberId, members };
    return { ...told, isOnlyId: false };
  }

  #sync({ memberId, generation, assignments }: SyncGroup): unknown {
    const member = this.members.get(memberId);
    if (member === undefined) return this.#refusal(CODE.unknownMember);
    if (generation !== this.generation) return this.#refusal(CODE.illegalGeneration);
    if (this.state === 'preparing') return this.#refusal(CODE.rebalancing);
    if (this.state === 'stable') return this.#synced(memberId, CODE.none);
    return new Promise((resolve) => {
      member.answer = (code) => resolve(this.#synced(memberId, code));
      if (assignments.size === 0) return;
      this.#assignments = new Map(assignments);
      this.state = 'stable';
      this.#kept = {
        generation: this.generation,
        members: new Map([...this.members].map(([id, one]) => [id, one.subscription])),
      };
      this.#answerAll(CODE.none);
    });
  }

  #synced(memberId: string, code: number): unknown {
    const assignment = this.#assignments.get(memberId) ?? Buffer.alloc(0);
    return { throttleMs: 0, code, assignment };
  }

  #leave({ memberId }: LeaveGroup): unknown {
    const isKnown = this.members.has(memberId) || this.pending.has(memberId);
    this.expire(memberId);
    this.left.add(memberId);
    return this.#refusal(isKnown ? CODE.none : CODE.unknownMember);
  }

  #check(membership: Membership): number {
    const code = this.#fence(membership);
    return code === CODE.none && this.state === 'preparing' ? CODE.rebalancing : code;
  }

  #fence({ memberId, generation }: Membership): number {
    if (!this.members.has(memberId)) return CODE.unknownMember;
    return generation === this.generation ? CODE.none : CODE.illegalGeneration;
  }

  /** Members that wait for their assignments must join once more. */
  #prepare(): void {
    if (this.state === 'completing') this.#answerAll(CODE.rebalancing);
    this.state = 'preparing';
  }

  #complete(): void {
    if (this.members.size === 0) {
      this.state = 'empty';
      return;
    }
    if ([...this.members.values()].some(({ answer }) => answer === null)) return;
    this.generation++;
    this.state = 'completing';
    this.#answerAll(CODE.none);
  }

  #answerAll(code: number): void {
    for (const member of this.members.values()) {
      const { answer } = member;
      member.answer = null;
      answer?.(code);
    }
  }

  #refusal(code: number) {
    return { throttleMs: 0, code, members: [], memberId: '', assignment: Buffer.alloc(0) };
  }
}
