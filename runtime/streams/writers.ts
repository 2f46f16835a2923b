/** The last node of a stream, by where it writes. */
import type { StreamPlan } from '../../compiler/plan.ts';
import type { Slice } from '../../core/slice.ts';
import type { Node } from '../node.ts';
import { LaneWriter } from './lane-writer.ts';
import { RepartitionWriter } from './repartition-writer.ts';
import { StreamsWriter } from './streams-writer.ts';
import type { TaskParts } from './task-parts.ts';
import { TopicWriter } from './topic-writer.ts';

export function writerOf(
  plan: StreamPlan,
  parts: TaskParts,
): { readonly node: Node; write(slice: Slice): void } {
  const { to } = plan;
  if (to.kind === 'lane') return new LaneWriter(plan, to, parts);
  if (to.kind === 'repartition') return new RepartitionWriter(plan, to, parts);
  if (to.kind === 'streams') return new StreamsWriter(plan, to, parts);
  const isRekeyed = plan.source.keyedBy !== undefined;
  return new TopicWriter(plan.name, to, parts.collector, parts.schemas, parts, isRekeyed);
}
