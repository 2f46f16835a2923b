/**
 * In which order a task takes its inputs, where what it gives depends on it: a join of two streams,
 * and windows, go by the order of times, and not by which batch was read first or how large it was.
 */
import { partId, type StreamPlan, type SubTopologyPlan, upstreamsOf } from '../../compiler/plan.ts';

export interface InputOrder {
  /** Topics that are joined: they take turns by the times of their records. */
  readonly together: ReadonlySet<string>;
  /**
   * Topics whose records come on several ways to one stream, by branches that are merged or as both
   * sides of a join: they are run one by one, each on all of its ways before the next. So what is
   * merged has the order of the topic, and not that of the branches within a slice.
   */
  readonly oneByOne: ReadonlySet<string>;
}

export function inputOrder(sub: SubTopologyPlan): InputOrder {
  const together = new Set(sub.tableInputs.map(({ topic }) => topic));
  // Who asks meets the row of its own time; what is answered is checked against what was asked.
  if (sub.deriving?.part === 'right') together.add(sub.deriving.asks);
  const oneByOne = new Set<string>();
  for (const stream of sub.streams) {
    const { source, steps } = stream;
    const isJoin = steps.some(({ spec, other }) => spec.gives?.kind === 'joined' || other);
    const isOrdered = steps.some(({ spec }) => spec.kind === 'timed' && isOfStreamTime(spec.rows));
    const isMerge = (source.streams?.length ?? 0) > 1;
    if (!isJoin && !isOrdered && !isMerge) continue;
    const topics = topicsTo(sub, stream);
    if (isJoin) for (const topic of topics) together.add(topic);
    if (!isOrdered && !isMerge) continue;
    for (const [n, topic] of topics.entries()) {
      if (topics.indexOf(topic) !== n) oneByOne.add(topic);
    }
  }
  return { together, oneByOne };
}

const isOfStreamTime = ({ timers }: { readonly timers?: string }) => timers === 'step';

/** The topics whose records come to a stream or to a step of it, once for each way. */
function topicsTo(sub: SubTopologyPlan, { source, steps }: StreamPlan): readonly string[] {
  const upstreams = upstreamsOf({ source, steps }).flatMap((of) =>
    sub.streams.filter((one) => partId(one) === partId(of)),
  );
  const own = source.topic === null ? [] : [source.topic];
  return [...own, ...upstreams.flatMap((one) => topicsTo(sub, one))];
}
