/** Which events a topology takes, and how samples of each are made. */
import type { Plan } from '../../compiler/plan.ts';
import type { SchemaFolder } from '../../schemas/folder.ts';
import { fieldsOf, keyPathOf } from '../key-path.ts';
import { eventTypeOf, isPostable } from '../run/topology.ts';
import { SAMPLE_SCHEMAS, SAMPLE_TYPES, type SampleType } from './sample-events.ts';
import type { SchemaSample } from './schema-samples.ts';

export interface SampledTypes {
  /** Those that the sample world knows, as its topology is shipped. */
  readonly known: readonly SampleType[];
  readonly bySchema: readonly SchemaSample[];
  /**
   * Topics that no samples go to: the engine's own, and what the topology itself writes there.
   */
  readonly unsampled: readonly string[];
}

/** The event types that the topology reads: only these would be taken. */
export function sampledTypes(plan: Plan, schemas: SchemaFolder): SampledTypes {
  const known = new Set<SampleType>();
  const bySchema = new Map<string, SchemaSample>();
  const unsampled = new Set<string>();
  const streams = plan.subTopologies
    .filter(({ role }) => role.startsWith('streams'))
    .flatMap((sub) => sub.streams)
    .filter(({ part }) => part === '');
  for (const { source } of streams) {
    const { topic, clock } = source;
    // A clock makes its own.
    if (topic === null || clock !== undefined) continue;
    if (!isPostable(plan, topic)) {
      unsampled.add(topic);
      continue;
    }
    const type = eventTypeOf(topic);
    const { schema } = source.projection;
    const own = SAMPLE_TYPES.find((name) => name === type && SAMPLE_SCHEMAS[name] === schema);
    const record = schemas.get(schema);
    if (own !== undefined) known.add(own);
    else if (record !== undefined) {
      const { member, time, id } = source;
      bySchema.set(type, {
        type,
        record,
        key: keyPathOf(member?.path, record, plan.words.fields),
        time: fieldsOf(time?.path),
        id: fieldsOf(id?.path),
      });
    }
  }
  return { known: [...known], bySchema: [...bySchema.values()], unsampled: [...unsampled] };
}
