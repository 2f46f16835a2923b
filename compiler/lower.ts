/**
 * From resolved streams to sub-topologies: one per priority, with the streams that may give it, or
 * one graph when the topology has no lanes. Stores are named by use case and step, never by number
 * (D13).
 */

import { createHash } from 'node:crypto';
import type { Priorities, Priority } from '../core/priority.ts';
import type { Catalog, StepSpec } from '../core/spec.ts';
import type { Words } from '../core/words.ts';
import { readsEvent } from './cel-event.ts';
import { topicPlan } from './declarations.ts';
import { deviceTopologies } from './device-topologies.ts';
import { derivingTopologies } from './lower-derived.ts';
import type { ResolvedPart } from './parts.ts';
import {
  type DerivedTablePlan,
  type LanePlan,
  type Plan,
  partId,
  type SinkPlan,
  type StepPlan,
  type StreamPlan,
  type SubTopologyPlan,
  type TableInputPlan,
  type TablePlan,
  type TopicPlan,
  upstreamsOf,
} from './plan.ts';
import { planHash } from './plan-hash.ts';
import { reminders, withAcknowledgements } from './reminders.ts';
import type { Report } from './report.ts';
import type { ResolvedStep } from './steps.ts';
import { prioritiesOf } from './stream-checks.ts';
import type { ResolvedStream, WholeStream } from './streams.ts';
import { withApps } from './use-checks.ts';

/** Beside names of the topology and its part, 64 characters each, and `-changelog`. */
const TOPIC_PART_CHARS_MAX = 96;

/** A topology without an error, its parts resolved. */
export interface ResolvedTopology {
  readonly name: string;
  readonly doc: string;
  readonly attempts: number;
  readonly deadLetters: string;
  readonly priorities: Priorities;
  readonly words: Words;
  readonly tables: readonly TablePlan[];
  readonly derived: readonly DerivedTablePlan[];
  readonly lanes: readonly LanePlan[];
  readonly streams: readonly WholeStream[];
  readonly sinks: readonly SinkPlan[];
  readonly topics: readonly TopicPlan[];
}

export function lower(topology: ResolvedTopology, catalog: Catalog, report: Report): Plan {
  const { name, doc, priorities, words, tables, derived, lanes } = topology;
  const { streams, sinks, deadLetters, attempts } = topology;
  const hasLanes = lanes.length > 0;
  const made = derivingTopologies(name, derived);
  const others = hasLanes
    ? [
        ...[...priorities.names.keys()]
          .filter((priority) => streams.some((stream) => gives(stream, priority)))
          .flatMap((priority) => streamsOf(topology, priority)),
        ...deviceTopologies(name, catalog, report),
        ...reminders(name, lanes, streams, sinks, catalog),
      ]
    : streamsOf(topology, -1);
  const subTopologies = [...others, ...made];
  const changelogs = subTopologies.flatMap(({ stores }) =>
    stores.map(({ changelog }) => topicPlan(changelog, 'changelog', undefined)),
  );
  const plan: Omit<Plan, 'hash'> = {
    topology: name,
    doc,
    priorities,
    words,
    tables,
    derived,
    lanes,
    subTopologies,
    sinks: withApps(withAcknowledgements(sinks, streams)),
    topics: [...topology.topics, ...changelogs],
    deadLetters,
    attempts,
  };
  const hash = createHash('sha256').update(planHash(plan)).digest('hex').slice(0, 16);
  return { ...plan, hash };
}

function gives(stream: WholeStream, priority: Priority): boolean {
  return stream.priority !== null && prioritiesOf(stream.priority).includes(priority);
}

/** Sub-topologies with keys of their own, as they follow one another, then the common one. */
function streamsOf(topology: ResolvedTopology, priority: Priority | -1): SubTopologyPlan[] {
  const { name } = topology;
  const of = priority === -1 ? '' : topology.priorities.nameOf(priority);
  const here =
    priority === -1
      ? topology.streams
      : topology.streams.filter((stream) => gives(stream, priority));
  const prefix = `${name}.${of === '' ? 'streams' : of}`;
  const role = ['streams', of].filter(Boolean).join('/');
  const group = [name, 'streams', of].filter(Boolean).join('.');
  const placed = here.flatMap((stream) =>
    stream.parts.map((part) => ({ part, plan: partPlan(stream, part, prefix) })),
  );
  const groups = connected(placed);
  const isHop = (group: readonly PlacedPart[]) => group.every(({ plan }) => endsInHop(plan));
  const others = groups.filter((one) => !isHop(one)).flat();
  const numbers = priority === -1 ? null : `${prefix}.numbers`;
  return [
    ...here.flatMap((stream) => clockOf(topology, stream, priority)),
    ...groups.filter(isHop).map((parts) => {
      const id = partId(parts[0]!.plan).replaceAll('_', '-');
      const names = { role: `${role}/${id}`, group: `${group}.${id.replaceAll('/', '.')}` };
      // Each task keeps rows of its own of what it joins.
      const tablePrefix = `${prefix}.${id.replaceAll('/', '.')}`;
      return subTopology(names, priority, parts, tablePrefix, null);
    }),
    subTopology({ role, group }, priority, others, prefix, numbers),
  ];
}

/**
 * What makes the ticks of a stream stands by itself, at the priority that the stream has by its
 * rule; its group is named by the stream alone, as its position stays where that becomes another.
 */
function clockOf(
  { name: topology, priorities }: ResolvedTopology,
  { name: stream, useCase, priority: rule, parts }: WholeStream,
  priority: Priority | -1,
): SubTopologyPlan[] {
  const { clock, topic } = parts[0]!.from;
  if (clock === undefined || topic === null || (rule !== null && rule.as !== priority)) return [];
  const at = priority === -1 ? 'streams' : `streams/${priorities.nameOf(priority)}`;
  return [
    {
      // Two hyphens: no part of a stream has such a name.
      role: `${at}/clock--${useCase}`,
      group: `${topology}.clock.${useCase}`,
      priority,
      streams: [],
      clock: { ...clock, stream, useCase, topic },
      tables: [],
      tableInputs: [],
      wholeTables: [],
      stores: [],
      numbers: null,
    },
  ];
}

/** Whatever it gives to others of its task goes on as they do. */
const endsInHop = ({ to }: StreamPlan) => to.kind === 'repartition' || to.kind === 'streams';

/** Parts that hand records to one another stand in one task; in the order of the file. */
function connected(placed: readonly PlacedPart[]): readonly (readonly PlacedPart[])[] {
  const groups: PlacedPart[][] = [];
  for (const one of placed) {
    const joined = groups.filter((group) => group.some(({ plan }) => isLinked(plan, one.plan)));
    const [first, ...others] = joined;
    if (first === undefined) groups.push([one]);
    else {
      first.push(...others.flat(), one);
      for (const other of others) groups.splice(groups.indexOf(other), 1);
    }
  }
  return groups.map((group) => placed.filter((one) => group.includes(one)));
}

function isLinked(a: StreamPlan, b: StreamPlan): boolean {
  const reads = (from: StreamPlan, of: StreamPlan) =>
    upstreamsOf(from).some((one) => partId(one) === partId(of));
  return reads(a, b) || reads(b, a);
}

interface PlacedPart {
  readonly part: ResolvedPart;
  readonly plan: StreamPlan;
}

function subTopology(
  names: Pick<SubTopologyPlan, 'role' | 'group'>,
  priority: Priority | -1,
  placed: readonly PlacedPart[],
  tablePrefix: string,
  numbers: string | null,
): SubTopologyPlan {
  const streams = placed.map(({ plan }) => plan);
  const { tables, tableInputs, wholeTables } = tablesOf(placed, tablePrefix);
  const stores = streams.flatMap(({ steps }) => steps.flatMap(({ store }) => store ?? []));
  if (numbers !== null) stores.push(numbers);
  stores.push(...tableInputs.map(({ store }) => store));
  return {
    ...names,
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
  placed: readonly PlacedPart[],
  prefix: string,
): Pick<SubTopologyPlan, 'tables' | 'tableInputs' | 'wholeTables'> {
  const tables = new Map<string, TablePlan>();
  const inputs = new Map<string, TableInputPlan>();
  for (const { spec, tables: used } of placed.flatMap(({ part }) => part.steps.steps)) {
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

function partPlan(stream: WholeStream, part: ResolvedPart, prefix: string): StreamPlan {
  const { name, useCase, doc, priority, to, show } = stream;
  const { topic, schema, time, id, member, maxFutureMs, start, keyedBy, streams } = part.from;
  const { clock } = part.from;
  const read = fieldsOf(stream, part);
  const reads = readsEvent(part.from.shape, read);
  // An event is decoded by the id that stands beside it.
  const fields = [...new Set([...read, ...(reads ? ['payloadSchemaId'] : [])])].sort();
  const projection = read.has('*') ? { schema } : { schema, fields };
  return {
    name,
    useCase,
    part: part.name,
    start,
    doc,
    source: {
      topic,
      projection,
      time,
      id,
      ...(topic === null ? { streams } : {}),
      // What the engine has keyed itself, or another stream has compared, is not compared again.
      member: topic === null || keyedBy !== null ? null : member,
      maxFutureMs,
      ...(reads ? { readsEvent: true as const } : {}),
      ...(keyedBy === null ? {} : { keyedBy }),
      ...(clock === undefined ? {} : { clock }),
    },
    priority,
    steps: part.steps.steps.map((step) => stepPlan(step, `${prefix}.${useCase}`)),
    to: part.to ?? to,
    show,
  };
}

/** Top-level fields that anything of the part reads; `*`: all. */
function fieldsOf({ fields }: ResolvedStream, { name, from, steps, to }: ResolvedPart) {
  return new Set([
    ...from.fields,
    ...steps.fields,
    ...(name === '' ? fields.first : []),
    ...(to === null ? fields.last : []),
  ]);
}

function stepPlan({ name, spec, config, joined }: ResolvedStep, prefix: string): StepPlan {
  const hasState = 'rows' in spec && spec.rows !== undefined;
  const store = hasState ? `${prefix}.${name.replaceAll('_', '-')}` : null;
  const other = joined && { ...joined.upstream, schema: joined.source.schema };
  return { name, spec, config, store, ...(other === undefined ? {} : { other }) };
}
