/** How members on the own protocol level share tasks: as those on kafkajs do, so they can mix. */
import { assignTasks, decodeSelf, encodeSelf, type Self, STRATEGY } from './assigner.ts';
import type { AssignmentStrategy } from './wire/group-strategy.ts';

const NO_BYTES = Buffer.alloc(0);

/** @param self asked at every join */
export function taskStrategy(topics: readonly string[], self: () => Self): AssignmentStrategy {
  return {
    name: STRATEGY,
    subscription: () => ({ topics, userData: encodeSelf(self()) }),
    assign(members) {
      // Each member's own topics: the one that assigns may run another version of the topology.
      const topicsOf = new Map(members.map((member) => [member.memberId, member.topics]));
      const told = members.map(({ memberId, userData }) => {
        return { id: memberId, ...decodeSelf(userData) };
      });
      return new Map(
        [...assignTasks(told)].map(([memberId, tasks]) => {
          const mine = tasks.length === 0 ? [] : topicsOf.get(memberId)!;
          const partitions = new Map(mine.map((topic) => [topic, tasks]));
          return [memberId, { partitions, userData: NO_BYTES }];
        }),
      );
    },
  };
}
