/**
 * Who gets which task. Task p is partition p of all topics of the group, so a member gets whole
 * tasks: inputs, tables and changelogs together. What a member has travels with it (kafkajs has no
 * user data in assignments, but members send their own): so tasks stay where they are as far as
 * balance allows.
 */
import kafkajs, { type Assigner, type PartitionAssigner } from 'kafkajs';

const { AssignerProtocol } = kafkajs;
const { MemberAssignment, MemberMetadata } = AssignerProtocol;

/** What members of one group call it, on whatever data plane. */
export const STRATEGY = 'carillon-tasks';
const VERSION = 0;

export interface Member {
  readonly id: string;
  /** Of the topology that it runs. */
  readonly hash: string;
  /** How many tasks that topology has. */
  readonly partitions: number;
  /** When it opened the group, epoch ms. */
  readonly startedAt: number;
  readonly owned: readonly number[];
  /** When it was given what it owns, epoch ms: of two that claim one task the later is right. */
  readonly ownedAt: number;
}

/**
 * Rule D13: tasks go to the members of the newest topology only, the others get none until they
 * leave. The newest is the one whose first member started last, so that a member of the old version
 * that starts again in the middle of a roll-out does not turn it back.
 */
export function newestHash(members: readonly Member[]): string {
  const first = new Map<string, number>();
  for (const member of members) {
    const at = first.get(member.hash);
    if (at === undefined || member.startedAt < at) first.set(member.hash, member.startedAt);
  }
  let newest = '';
  let newestAt = Number.NEGATIVE_INFINITY;
  for (const [hash, at] of first) {
    if (at > newestAt || (at === newestAt && hash > newest)) {
      newest = hash;
      newestAt = at;
    }
  }
  return newest;
}

/**
 * Balanced (members differ by one task at most), then sticky, then by id: the same members always
 * give the same assignment. Every member is in the result.
 */
export function assignTasks(members: readonly Member[]): Map<string, readonly number[]> {
  const hash = newestHash(members);
  const partitions = members.find((member) => member.hash === hash)?.partitions ?? 0;
  const kept = claims(members, hash, partitions);
  const able = members
    .filter((member) => member.hash === hash)
    // Those who have more keep more: the remainder goes to them first.
    .sort((a, b) => kept.get(b.id)!.length - kept.get(a.id)!.length || (a.id < b.id ? -1 : 1));
  const least = Math.floor(partitions / able.length);
  const more = partitions % able.length;
  const free = new Set(Array.from({ length: partitions }, (_, p) => p));
  const result = new Map<string, number[]>(members.map((member) => [member.id, []]));
  able.forEach((member, i) => {
    const quota = least + (i < more ? 1 : 0);
    const mine = kept.get(member.id)!.slice(0, quota);
    for (const task of mine) free.delete(task);
    result.set(member.id, mine);
  });
  const rest = [...free];
  able.forEach((member, i) => {
    const quota = least + (i < more ? 1 : 0);
    const mine = result.get(member.id)!;
    while (mine.length < quota) mine.push(rest.shift()!);
    mine.sort((a, b) => a - b);
  });
  return result;
}

/** The tasks that each member has by right, lowest first. */
function claims(
  members: readonly Member[],
  hash: string,
  partitions: number,
): Map<string, number[]> {
  const owner = new Map<number, Member>();
  for (const member of members) {
    if (member.hash !== hash) continue;
    for (const task of member.owned) {
      if (!Number.isInteger(task) || task < 0 || task >= partitions) continue;
      const other = owner.get(task);
      const later =
        other === undefined ||
        member.ownedAt > other.ownedAt ||
        (member.ownedAt === other.ownedAt && member.id < other.id);
      if (later) owner.set(task, member);
    }
  }
  const kept = new Map<string, number[]>(members.map((member) => [member.id, []]));
  for (const [task, member] of owner) kept.get(member.id)!.push(task);
  for (const tasks of kept.values()) tasks.sort((a, b) => a - b);
  return kept;
}

/** What this member says of itself at every join. */
export type Self = Omit<Member, 'id'>;

export function encodeSelf(self: Self): Buffer {
  return Buffer.from(JSON.stringify(self), 'utf8');
}

/** A member whose data cannot be read (another program in the group) gets no tasks. */
export function decodeSelf(bytes: Buffer): Self {
  try {
    const told = JSON.parse(bytes.toString('utf8')) as Self;
    if (typeof told.hash === 'string' && Number.isInteger(told.partitions)) {
      const { hash, partitions, startedAt, owned, ownedAt } = told;
      return {
        hash,
        partitions,
        startedAt: Number(startedAt),
        owned: Array.isArray(owned) ? owned : [],
        ownedAt: Number(ownedAt),
      };
    }
  } catch {}
  return { hash: '', partitions: 0, startedAt: Number.NEGATIVE_INFINITY, owned: [], ownedAt: 0 };
}

/** kafkajs' extension point. `self` is asked at every join. */
export function taskAssigner(self: () => Self): PartitionAssigner {
  return (): Assigner => ({
    name: STRATEGY,
    version: VERSION,
    async assign({ members }) {
      const topics = new Map<string, readonly string[]>();
      const told = members.map((member): Member => {
        const metadata = MemberMetadata.decode(member.memberMetadata)!;
        // Each member's own topics: the one that assigns may run another version of the topology.
        topics.set(member.memberId, metadata.topics);
        return { id: member.memberId, ...decodeSelf(metadata.userData) };
      });
      return [...assignTasks(told)].map(([memberId, tasks]) => ({
        memberId,
        memberAssignment: MemberAssignment.encode({
          version: VERSION,
          assignment:
            tasks.length === 0
              ? {}
              : Object.fromEntries(topics.get(memberId)!.map((topic) => [topic, [...tasks]])),
          userData: Buffer.alloc(0),
        }),
      }));
    },
    protocol({ topics }) {
      return {
        name: STRATEGY,
        metadata: MemberMetadata.encode({ version: VERSION, topics, userData: encodeSelf(self()) }),
      };
    },
  });
}
