/**
 * What the groups of a plan ask of the log. Production and the test driver open the same groups: a
 * replay that differed here would prove nothing.
 */
import type { Plan, SubTopologyPlan } from '../compiler/plan.ts';
import type { GroupSpec } from '../core/log.ts';
import type { SinkLane } from './sinks/sink-lane.ts';
import { inputOrder } from './streams/input-order.ts';

export function streamsGroup(plan: Plan, sub: SubTopologyPlan, partitions: number): GroupSpec {
  return {
    group: sub.group,
    partitions,
    inputs: inputsOf(sub),
    tables: sub.tables.map((table) => table.topic),
    stores: sub.stores,
    transactional: true,
    ...(inputOrder(sub).together.size > 0 || sub.clock !== undefined ? { inOrder: true } : {}),
    topologyHash: plan.hash,
  };
}

/**
 * `transactional`: the sink writes into the log's own transaction, and may see what is open in it.
 */
export function sinkGroup(lane: SinkLane, partitions: number, transactional: boolean): GroupSpec {
  return {
    group: lane.sinkPlan.groupOf(lane.priority),
    partitions,
    inputs: lane.inputs(),
    tables: lane.tables().map((table) => table.topic),
    stores: [],
    transactional,
    topologyHash: lane.plan.hash,
  };
}

/** The topics that a group of streams has positions in. */
export function inputsOf(sub: SubTopologyPlan): readonly string[] {
  const { streams, tableInputs, deriving, clock } = sub;
  const read = streams.flatMap(({ source }) => source.topic ?? []);
  const tables = tableInputs.map(({ topic }) => topic);
  const ticks = clock === undefined ? [] : [clock.topic];
  return [...new Set([...tables, ...hopTo(deriving), ...ticks, ...read])];
}

/** What comes to a half of a join by a foreign key from the other one. */
function hopTo(deriving: SubTopologyPlan['deriving']): readonly string[] {
  if (deriving === undefined || deriving.part === 'pair') return [];
  return [deriving.part === 'left' ? deriving.answers : deriving.asks];
}
