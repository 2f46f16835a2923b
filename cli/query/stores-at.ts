import { CarillonError } from '../../core/error.ts';
import { nearest } from '../../core/nearest.ts';
import type { PlanStore } from '../../runtime/streams/plan-stores.ts';

/** Those of all priorities, or the one whose changelog it is. Throws CAR925. */
export function storesAt(stores: readonly PlanStore[], path: string): readonly PlanStore[] {
  const meant = stores.filter((one) => one.path === path || one.changelog === path);
  if (meant.length > 0) return meant;
  const near = nearest(path, [...new Set(stores.map((one) => one.path))]);
  throw new CarillonError('CAR925', `no step of the topology keeps anything as "${path}".`, {
    where: { at: path },
    mend: near === undefined ? 'see all of them: carillon query' : `did you mean "${near}"?`,
  });
}
