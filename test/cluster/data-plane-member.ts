/** A member of a group on our own data plane, that shares tasks as the engine's members do. */
import { decodeSelf, encodeSelf, assignTasks as tasksOf } from '../../connectors/kafka/assigner.ts';
import { GroupMember } from '../../connectors/kafka/wire/group-member.ts';
import type { AssignmentStrategy } from '../../connectors/kafka/wire/group-strategy.ts';
import { DataPlane } from './data-plane.ts';

export const SESSION_TIMEOUT_MS = 2_000;

export interface MemberSpec {
  readonly brokers: readonly string[];
  readonly group: string;
  readonly topic: string;
  readonly partitions: number;
  readonly sessionTimeoutMs?: number;
}

export class TaskMember {
  readonly plane: DataPlane;
  readonly member: GroupMember;
  /** What it holds now, sorted. */
  tasks: readonly number[] = [];
  readonly lost: string[] = [];
  readonly failures: string[] = [];
  #ownedAt = 0;
  readonly #startedAt = Date.now();

  constructor(spec: MemberSpec) {
    const { brokers, group, topic, partitions } = spec;
    this.plane = new DataPlane(brokers);
    const strategy: AssignmentStrategy = {
      name: 'carillon-tasks',
      subscription: () => ({
        topics: [topic],
        userData: encodeSelf({
          hash: 'h',
          partitions,
          startedAt: this.#startedAt,
          owned: this.tasks,
          ownedAt: this.#ownedAt,
        }),
      }),
      assign(members) {
        const told = members.map(({ memberId, userData }) => {
          return { id: memberId, ...decodeSelf(userData) };
        });
        const userData = Buffer.alloc(0);
        return new Map(
          [...tasksOf(told)].map(([id, tasks]) => [
            id,
            { partitions: new Map([[topic, tasks]]), userData },
          ]),
        );
      },
    };
    const sessionTimeoutMs = spec.sessionTimeoutMs ?? SESSION_TIMEOUT_MS;
    const timing = { sessionTimeoutMs, heartbeatIntervalMs: 200 };
    const { requester, metadata } = this.plane;
    this.member = new GroupMember(
      requester,
      metadata,
      { group, strategy, ...timing },
      {
        assigned: (_, { partitions: mine }) => {
          this.tasks = mine.get(topic) ?? [];
          this.#ownedAt = Date.now();
        },
        lost: (why) => {
          this.tasks = [];
          this.lost.push(why);
        },
        failed: (error) => this.failures.push(error.what),
      },
    );
  }

  /** What kill -9 looks like from outside: it asks nothing any more, and does not leave. */
  kill(): void {
    this.plane.metadata.close();
    this.plane.pool.close();
  }

  async close(): Promise<void> {
    await this.member.leave();
    await this.plane.close();
  }
}

/** Waits until a condition holds; fails with what was waited for. */
export async function until(
  what: string,
  withinMs: number,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  const deadlineMs = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > deadlineMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** True when the members together hold each task once. */
export function isShared(members: readonly TaskMember[], partitions: number): boolean {
  const all = members.flatMap(({ tasks }) => tasks).sort((a, b) => a - b);
  return all.length === partitions && all.every((task, i) => task === i);
}
