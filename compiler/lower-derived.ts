/** The sub-topologies of a derived table: one, or two where it is made by a foreign key. */
import type { DerivedTablePlan, DerivingPlan, SubTopologyPlan, TablePlan } from './plan.ts';

type Placed = Pick<SubTopologyPlan, 'role' | 'group'> & { readonly deriving: DerivingPlan };

/** Named by its id, and by what it is made of: of another definition nothing is kept. */
export function derivedPrefix(topology: string, { id, hash }: DerivedTablePlan): string {
  return `${topology}.tables.${id}.${hash}`;
}

/** What goes from one to the other by a foreign key, and what comes back. */
export function hopsOf(topology: string, derived: DerivedTablePlan) {
  const prefix = derivedPrefix(topology, derived);
  return { asks: `${prefix}.asks-repartition`, answers: `${prefix}.answers-repartition` };
}

export function derivingTopologies(
  topology: string,
  all: readonly DerivedTablePlan[],
): readonly SubTopologyPlan[] {
  return all.flatMap((derived): SubTopologyPlan[] => {
    const { id, left, right, by } = derived;
    const prefix = derivedPrefix(topology, derived);
    const role = `tables/${id}`;
    if (by === null) {
      const deriving = { derived, part: 'pair' as const, asks: '', answers: '', asked: '' };
      return [subTopology({ role, group: prefix, deriving }, prefix, { left, right })];
    }
    const hops = { derived, ...hopsOf(topology, derived) };
    const asked = `${prefix}.asked`;
    const asking: DerivingPlan = { ...hops, part: 'left', asked: '' };
    const answering: DerivingPlan = { ...hops, part: 'right', asked };
    return [
      subTopology({ role, group: prefix, deriving: asking }, prefix, { left }),
      subTopology(
        { role: `${role}/right`, group: `${prefix}.right`, deriving: answering },
        prefix,
        { right },
      ),
    ];
  });
}

function subTopology(
  placed: Placed,
  prefix: string,
  sides: { readonly [side: string]: TablePlan },
): SubTopologyPlan {
  const { asked } = placed.deriving;
  const tableInputs = Object.entries(sides).map(([side, table]) => {
    return { ...table, store: `${prefix}.${side}` };
  });
  const stores = [...tableInputs.map(({ store }) => store), ...(asked === '' ? [] : [asked])];
  return {
    ...placed,
    priority: -1,
    streams: [],
    tables: [],
    tableInputs,
    wholeTables: [],
    stores: stores.map((store) => ({ store, changelog: `${store}-changelog` })),
    numbers: null,
  };
}
