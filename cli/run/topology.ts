/**
 * What the wiring takes from a topology: the schemas of its topics, and the events that can be
 * posted.
 */
import type { Plan } from '../../compiler/plan.ts';
import { topicSchemas } from '../../compiler/topic-schemas.ts';
import { GATEWAY_SCHEMAS } from '../../gateway/gateway-options.ts';
import type { EventType } from '../../gateway/ingest.ts';
import type { AvroSchemas, SchemaTopic } from '../../schemas/avro-schemas.ts';
import { fieldsOf, keyPathOf } from '../key-path.ts';
import type { LoadedTopology } from '../load-topology.ts';

/** What the registry must know before anything runs. */
export function schemaTopicsOf(plan: Plan): SchemaTopic[] {
  const topics = new Map<string, SchemaTopic>();
  for (const topic of [...topicSchemas(plan), ...GATEWAY_SCHEMAS]) topics.set(topic.topic, topic);
  return [...topics.values()];
}

/** Says what of the registered schemas cannot be read, when that keeps nobody from starting. */
export async function openSchemas(
  schemas: AvroSchemas,
  plan: Plan,
  say: (sentence: string, facts: { readonly error: string }) => void,
): Promise<void> {
  for (const { code, what } of await schemas.open(schemaTopicsOf(plan))) {
    say('Of what is registered for a topic not all can be read.', { error: `${code}: ${what}` });
  }
}

/** Ids of the use cases whose notifications have to be acknowledged. */
export function ackedUseCases({ subTopologies }: Pick<Plan, 'subTopologies'>): Set<string> {
  const acked = subTopologies
    .flatMap(({ streams }) => streams)
    .filter(({ to }) => to.kind === 'lane' && to.acked !== undefined);
  return new Set(acked.map(({ useCase }) => useCase));
}

const EVENTS_PREFIX = 'events.';

/** What gateways themselves write: who could post it would register and delete any device. */
const OWN_TOPICS: ReadonlySet<string> = new Set(GATEWAY_SCHEMAS.map(({ topic }) => topic));

/** What a topic of events is called where events are sent: `plan-change`, or its whole name. */
export function eventTypeOf(topic: string): string {
  return topic.startsWith(EVENTS_PREFIX) ? topic.slice(EVENTS_PREFIX.length) : topic;
}

/** The topic of a type that is sent to a topology of these topics: `eventTypeOf`, backwards. */
export function topicOfType({ topics }: Pick<Plan, 'topics'>, type: string): string {
  const topic = `${EVENTS_PREFIX}${type}`;
  return topics.some(({ name }) => name === topic) ? topic : type;
}

/**
 * Whether producers send to a topic that a stream reads: to all `events.<type>`, and to those of
 * other names that the topology itself does not write.
 */
export function isPostable({ topics, subTopologies }: Plan, topic: string): boolean {
  if (OWN_TOPICS.has(topic)) return false;
  if (topic.startsWith(EVENTS_PREFIX)) return true;
  const writes = subTopologies.flatMap(({ streams }) =>
    streams.flatMap(({ to }) => (to.kind === 'topic' ? to.topics.map((of) => of.topic) : [])),
  );
  const isEvents = topics.some(({ name, use }) => name === topic && use === 'events');
  // Where both are read, the short name is that of events.<type>.
  const isOther = topics.some(({ name }) => name === `${EVENTS_PREFIX}${topic}`);
  return isEvents && !isOther && !writes.includes(topic);
}

/** The event types that can be posted, the engine's own left out. */
export function eventTypesOf({ plan, schemas }: LoadedTopology): Map<string, EventType> {
  const types = new Map<string, EventType>();
  for (const sub of plan.subTopologies) {
    if (!sub.role.startsWith('streams')) continue;
    for (const { source, part } of sub.streams) {
      const { topic } = source;
      if (part !== '' || topic === null) continue;
      if (!isPostable(plan, topic)) continue;
      const avro = schemas.get(source.projection.schema);
      types.set(eventTypeOf(topic), {
        topic,
        schema: source.projection.schema,
        avro,
        id: fieldsOf(source.id?.path),
        key: keyPathOf(source.member?.path, avro, plan.words.fields),
      });
    }
  }
  return types;
}
