/** What people call use cases, by the id that records carry. */
import type { Plan } from '../compiler/plan.ts';

export function useCaseNames({ subTopologies }: Pick<Plan, 'subTopologies'>): Map<string, string> {
  const streams = subTopologies
    .filter(({ role }) => role.startsWith('streams'))
    .flatMap((sub) => sub.streams);
  return new Map(streams.map(({ useCase, name }) => [useCase, name]));
}
