/**
 * What the wiring takes from a topology: the schemas of its topics, and the events that can be
 * posted.
 */
import type { Plan } from '../../compiler/plan.ts';
import { GATEWAY_SCHEMAS } from '../../gateway/gateway-options.ts';
import type { EventType } from '../../gateway/ingest.ts';
import type { LoadedTopology } from '../load-topology.ts';

/** What the registry must know before anything runs. */
export function schemaTopicsOf(plan: Plan): { topic: string; schema: string }[] {
  const topics = new Map<string, string>();
  for (const { name, schema } of plan.topics) if (schema !== undefined) topics.set(name, schema);
  for (const { topic, schema } of GATEWAY_SCHEMAS) topics.set(topic, schema);
  return [...topics].map(([topic, schema]) => ({ topic, schema }));
}

const EVENTS_PREFIX = 'events.';

/** What gateways themselves write: who could post it would register and delete any device. */
const OWN_TOPICS: ReadonlySet<string> = new Set(GATEWAY_SCHEMAS.map(({ topic }) => topic));

/**
 * The event types that can be posted: those that streams of the topology read from `events.<type>`,
 * the engine's own left out.
 */
export function eventTypesOf({ plan, schemas }: LoadedTopology): Map<string, EventType> {
  const types = new Map<string, EventType>();
  for (const sub of plan.subTopologies) {
    if (!sub.role.startsWith('streams')) continue;
    for (const { source } of sub.streams) {
      if (!source.topic.startsWith(EVENTS_PREFIX) || OWN_TOPICS.has(source.topic)) continue;
      const key = source.member?.path.replace(/^value\./, '');
      types.set(source.topic.slice(EVENTS_PREFIX.length), {
        topic: source.topic,
        schema: source.projection.schema,
        avro: schemas.get(source.projection.schema),
        ...(key === undefined ? {} : { key }),
      });
    }
  }
  return types;
}
