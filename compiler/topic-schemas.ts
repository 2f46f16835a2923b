/** The topics of a plan that have a schema, and what is read of each: what a registry must know. */
import type { SchemaTopic } from '../schemas/avro-schemas.ts';
import { payloadSchemas } from './payload-schemas.ts';
import type { Plan, SourcePlan, StreamPlan, TopicPlan } from './plan.ts';

export function topicSchemas(plan: Plan): SchemaTopic[] {
  const ofTopics = plan.topics.flatMap((topic) => {
    const { name, schema } = topic;
    if (schema === undefined) return [];
    const reads = readsOf(plan, topic);
    return [{ topic: name, schema, ...(reads === undefined ? {} : { reads }) }];
  });
  return [...ofTopics, ...payloadSchemas(plan)];
}

/** Undefined: all, as of what is kept as rows or handed over whole. */
function readsOf(plan: Plan, { name, use }: TopicPlan): readonly string[] | undefined {
  if (use !== 'events' && use !== 'output') return undefined;
  const fields = new Set<string>();
  for (const { streams } of plan.subTopologies) {
    for (const source of streams.flatMap(sourcesOf)) {
      if (source.topic !== name) continue;
      if (source.projection.fields === undefined) return undefined;
      for (const field of source.projection.fields) fields.add(field);
    }
  }
  return [...fields];
}

/** What a stream reads: its own source, and the other inputs of its steps. */
export function sourcesOf({ source, steps }: StreamPlan): readonly SourcePlan[] {
  return [source, ...steps.flatMap(({ other }) => other ?? [])];
}
