/**
 * From resolved streams to sub-topologies: one per priority, with the streams that may give it, or
 * one graph when the topology has no lanes. Stores are named by use case and step, never by number
 * (D13).
 */
import { createHash } from 'node:crypto';
import { PRIORITIES, type Priority, priorityName } from '../core/priority.ts';
import type { Catalog } from '../core/spec.ts';
import { readsEvent } from './cel-event.ts';
import { topicPlan } from './declarations.ts';
import { deviceTopologies } from './device-topologies.ts';
import type {
  LanePlan,
  Plan,
  SinkPlan,
  StepPlan,
  StreamPlan,
  SubTopologyPlan,
  TablePlan,
  TopicPlan,
} from './plan.ts';
import { planHash } from './plan-hash.ts';
import type { Report } from './report.ts';
import type { ResolvedStep } from './steps.ts';
import { prioritiesOf } from './stream-checks.ts';
import type { ResolvedStream } from './streams.ts';

/** A topology without an error, its parts resolved. */
export interface ResolvedTopology {
  readonly name: string;
  readonly doc: string;
  readonly attempts: number;
  readonly deadLetters: string;
  readonly tables: readonly TablePlan[];
  readonly lanes: readonly LanePlan[];
  readonly streams: readonly ResolvedStream[];
  readonly sinks: readonly SinkPlan[];
  readonly topics: readonly TopicPlan[];
}

export function lower(topology: ResolvedTopology, catalog: Catalog, report: Report): Plan {
  const { name, doc, tables, lanes, streams, sinks, deadLetters, attempts } = topology;
  const hasLanes = lanes.length > 0;
  const subTopologies = hasLanes
    ? [
        ...PRIORITIES.map((_, i) => i as Priority)
          .filter((priority) => streams.some((stream) => gives(stream, priority)))
          .map((priority) => streamsOf(topology, priority)),
        ...deviceTopologies(name, catalog, report),
      ]
    : [streamsOf(topology, -1)];
  const changelogs = subTopologies.flatMap(({ stores }) =>
    stores.map(({ changelog }) => topicPlan(changelog, 'changelog', undefined)),
  );
  const plan: Omit<Plan, 'hash'> = {
    topology: name,
    doc,
    tables,
    lanes,
    subTopologies,
    sinks,
    topics: [...topology.topics, ...changelogs],
    deadLetters,
    attempts,
  };
  const hash = createHash('sha256').update(planHash(plan)).digest('hex').slice(0, 16);
  return { ...plan, hash };
}

function gives(stream: ResolvedStream, priority: Priority): boolean {
  return stream.priority !== null && prioritiesOf(stream.priority).includes(priority);
}

function streamsOf(topology: ResolvedTopology, priority: Priority | -1): SubTopologyPlan {
  const part = priority === -1 ? 'streams' : priorityName(priority);
  const here =
    priority === -1
      ? topology.streams
      : topology.streams.filter((stream) => gives(stream, priority));
  const prefix = `${topology.name}.${part}`;
  const streams = here.map((stream) => streamPlan(stream, prefix));
  const tables = new Map<string, TablePlan>();
  for (const { steps } of here) {
    for (const { tables: used } of steps) for (const table of used) tables.set(table.name, table);
  }
  const numbers = priority === -1 ? null : `${prefix}.numbers`;
  const stores = streams.flatMap(({ steps }) => steps.flatMap(({ store }) => store ?? []));
  if (numbers !== null) stores.push(numbers);
  return {
    role: priority === -1 ? 'streams' : `streams/${part}`,
    group: priority === -1 ? prefix : `${topology.name}.streams.${part}`,
    priority,
    streams,
    tables: [...tables.values()],
    stores: stores.map((store) => ({ store, changelog: `${store}-changelog` })),
    numbers,
  };
}

function streamPlan(stream: ResolvedStream, prefix: string): StreamPlan {
  const { name, useCase, doc, from, priority, to, show } = stream;
  const { topic, schema, time, id, member, maxFutureMs } = from;
  const reads = readsEvent(from.shape, stream.fields);
  // An event is decoded by the id that stands beside it.
  const fields = [...new Set([...stream.fields, ...(reads ? ['payloadSchemaId'] : [])])].sort();
  const projection = stream.fields.has('*') ? { schema } : { schema, fields };
  return {
    name,
    useCase,
    start: from.start,
    doc,
    source: {
      topic,
      projection,
      time,
      id,
      member,
      maxFutureMs,
      ...(reads ? { readsEvent: true as const } : {}),
    },
    priority,
    steps: stream.steps.map((step) => stepPlan(step, `${prefix}.${useCase}`)),
    to,
    show,
  };
}

function stepPlan({ name, spec, config }: ResolvedStep, prefix: string): StepPlan {
  const hasState = 'rows' in spec && spec.rows !== undefined;
  const store = hasState ? `${prefix}.${name.replaceAll('_', '-')}` : null;
  return { name, spec, config, store };
}
