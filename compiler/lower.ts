/**
 * From resolved streams to sub-topologies: one per priority, with the streams that may give it, or
 * one graph when the topology has no lanes. Stores are named by use case and step, never by number
 * (D13).
 */
import { createHash } from 'node:crypto';
import { PRIORITIES, type Priority, priorityName } from '../core/priority.ts';
import type { Catalog, StepSpec } from '../core/spec.ts';
import { readsEvent } from './cel-event.ts';
import { topicPlan } from './declarations.ts';
import { deviceTopologies } from './device-topologies.ts';
import type {
  LanePlan,
  OtherPlan,
  Plan,
  SinkPlan,
  StepPlan,
  StreamPlan,
  SubTopologyPlan,
  TableInputPlan,
  TablePlan,
  TopicPlan,
} from './plan.ts';
import { planHash } from './plan-hash.ts';
import type { Report } from './report.ts';
import type { ResolvedStep } from './steps.ts';
import { prioritiesOf } from './stream-checks.ts';
import type { ResolvedSource, ResolvedStream } from './streams.ts';

/** Beside names of the topology and its part, 64 characters each, and `-changelog`. */
const TOPIC_PART_CHARS_MAX = 96;

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
  const { tables, tableInputs, wholeTables } = tablesOf(here, prefix);
  const numbers = priority === -1 ? null : `${prefix}.numbers`;
  const stores = streams.flatMap(({ steps }) => steps.flatMap(({ store }) => store ?? []));
  if (numbers !== null) stores.push(numbers);
  stores.push(...tableInputs.map(({ store }) => store));
  return {
    role: priority === -1 ? 'streams' : `streams/${part}`,
    group: priority === -1 ? prefix : `${topology.name}.streams.${part}`,
    priority,
    streams,
    tables,
    tableInputs,
    wholeTables,
    stores: stores.map((store) => ({ store, changelog: `${store}-changelog` })),
    numbers,
  };
}

/** It reads its table as an input. */
export function isJoin({ gives }: Pick<StepSpec, 'gives'>): boolean {
  return gives?.kind === 'joined';
}

/** A table that one step reads as an input is read so by all steps of the sub-topology. */
function tablesOf(
  streams: readonly ResolvedStream[],
  prefix: string,
): Pick<SubTopologyPlan, 'tables' | 'tableInputs' | 'wholeTables'> {
  const tables = new Map<string, TablePlan>();
  const inputs = new Map<string, TableInputPlan>();
  for (const { spec, tables: used } of streams.flatMap(({ steps }) => steps)) {
    for (const table of used) {
      tables.set(table.name, table);
      if (!isJoin(spec) || table.whole === true) continue;
      const store = `${prefix}.table--${shortTopic(table.topic)}`;
      inputs.set(table.name, { ...table, store });
    }
  }
  const followed = [...tables.values()].filter(({ name }) => !inputs.has(name));
  return {
    tables: followed.filter(({ whole }) => whole !== true),
    tableInputs: [...inputs.values()],
    wholeTables: followed.filter(({ whole }) => whole === true),
  };
}

/** Its changelog's name has to be one that Kafka takes: 249 characters at most. */
function shortTopic(topic: string): string {
  if (topic.length <= TOPIC_PART_CHARS_MAX) return topic;
  return createHash('sha256').update(topic).digest('hex').slice(0, 32);
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
  const other = 'other' in spec && spec.other !== undefined ? otherOf(config[spec.other]) : null;
  return { name, spec, config, store, ...(other === null ? {} : { other }) };
}

/** All of its value goes into what is joined. */
function otherOf(of: unknown): OtherPlan {
  const { topic, schema, time, id, member, maxFutureMs, start } = of as ResolvedSource;
  return { topic, projection: { schema }, time, id, member, maxFutureMs, start };
}
