/**
 * What counts the records of a task: its streams, the tables that it reads as inputs, its clock.
 */
import { CarillonError } from '../../core/error.ts';
import type { StepCounts } from '../../core/verdict.ts';
import type { Node } from '../node.ts';

/** The counts of one node, for metrics and for the driver's sums. */
export interface StepFlow {
  readonly stream: string;
  /** The same stream may run in several; null: in a topology without priorities, or of no task. */
  readonly priority: string | null;
  readonly step: string;
  readonly counts: StepCounts;
}

export interface Counted {
  readonly nodes: readonly Node[];
  /** The first node whose counts do not agree, and by how much; null when all do. */
  gap(): { readonly node: string; readonly by: number } | null;
}

export function flowOf(all: readonly Counted[], priority: string | null): StepFlow[] {
  const nodes = all.flatMap((one) => one.nodes);
  return nodes.map(({ stream, name, counts }) => ({ stream, priority, step: name, counts }));
}

/** The law of conservation, for every node; null when it holds. */
export function lostIn(all: readonly Counted[]): CarillonError | null {
  for (const one of all) {
    const gap = one.gap();
    if (gap === null) continue;
    const at = `${one.nodes[0]!.stream}/${gap.node}`;
    return new CarillonError('CAR801', `${at} misses ${gap.by} records.`, { where: { at } });
  }
  return null;
}
