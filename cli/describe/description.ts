/**
 * A plan as plain data: what `carillon describe --format json` prints, and what its picture is
 * drawn of. A public form: fields are added, never renamed.
 */
import {
  type LanePlan,
  type Plan,
  type SinkPlan,
  type StepPlan,
  type StreamPlan,
  upstreamName,
} from '../../compiler/plan.ts';
import type { Priority, PriorityLevel } from '../../core/priority.ts';

export interface DescribedStep {
  readonly name: string;
  readonly type: string;
  /** Null: it keeps nothing. */
  readonly store: string | null;
  /** The other stream, or branch of one, whose records it is given too; null: none. */
  readonly with: string | null;
  /** Tables that it looks into, by name. */
  readonly tables: readonly string[];
  /** Reasons for which it may drop a record. */
  readonly drops: readonly string[];
}

export interface DescribedStream {
  readonly name: string;
  readonly useCase: string;
  readonly doc: string;
  /** Null as the stream begins; else the step that has changed the key. */
  readonly part: string | null;
  /** By what `part` has keyed its records; null: as they came. */
  readonly keyedBy: string | null;
  /** Null: it goes on with `streams`. */
  readonly topic: string | null;
  /** Whose ticks the topic has; null: it is one of events. */
  readonly clock: { readonly cron: string; readonly zone: string; readonly missed: string } | null;
  /** Streams, or branches of them, whose records it goes on with: `flights.urgent`. */
  readonly streams: readonly string[];
  /** Those that it shares its records out to, in order. */
  readonly branches: readonly { readonly name: string; readonly when: string | null }[];
  readonly schema: string;
  /** Which of the topic's events are told at this priority; null: all. */
  readonly when: string | null;
  readonly steps: readonly DescribedStep[];
  /** The lane that its records go to; null: they go to topics. */
  readonly lane: string | null;
  /** Topics that its records go to. */
  readonly to: readonly string[];
}

export interface DescribedSubTopology {
  readonly role: string;
  readonly group: string;
  /** Null in a topology without priorities, and for the devices' own tasks. */
  readonly priority: string | null;
  readonly streams: readonly DescribedStream[];
  readonly tables: readonly string[];
}

export interface DescribedSink {
  readonly name: string;
  readonly connector: string;
  readonly steps: readonly DescribedStep[];
  readonly tables: readonly string[];
  readonly inFlightMax: number;
  readonly timeoutMs: number;
  /** One consumer group for each priority. */
  readonly lanes: readonly {
    readonly priority: string;
    readonly group: string;
    readonly topics: readonly string[];
  }[];
}

export interface Description {
  readonly topology: string;
  readonly doc: string;
  readonly hash: string;
  /** Most urgent first. */
  readonly priorities: readonly PriorityLevel[];
  readonly subTopologies: readonly DescribedSubTopology[];
  readonly sinks: readonly DescribedSink[];
  readonly tables: readonly { readonly name: string; readonly topic: string }[];
  readonly topics: readonly {
    readonly name: string;
    readonly use: string;
    readonly cleanup: string;
    readonly schema: string | null;
  }[];
  readonly deadLetters: string;
}

export function describePlan(plan: Plan): Description {
  const { topology, doc, hash, deadLetters } = plan;
  return {
    topology,
    doc,
    hash,
    priorities: plan.priorities.levels,
    subTopologies: plan.subTopologies.map((sub) => ({
      role: sub.role,
      group: sub.group,
      priority: sub.priority < 0 ? null : plan.priorities.nameOf(sub.priority),
      streams: sub.streams.map((stream) => describeStream(stream, sub.priority)),
      tables: [...sub.tables, ...sub.tableInputs, ...sub.wholeTables].map(({ name }) => name),
    })),
    sinks: plan.sinks.map(describeSink),
    tables: plan.tables.map(({ name, topic }) => ({ name, topic })),
    topics: plan.topics.map(({ name, use, cleanup, schema = null }) => ({
      name,
      use,
      cleanup,
      schema,
    })),
    deadLetters,
  };
}

function describeStream(stream: StreamPlan, priority: Priority | -1): DescribedStream {
  const { name, useCase, doc, source, to } = stream;
  return {
    name,
    useCase,
    doc,
    part: stream.part === '' ? null : stream.part,
    keyedBy: source.keyedBy ?? null,
    topic: source.topic,
    clock: clockOf(source),
    streams: (source.streams ?? []).map(upstreamName),
    branches: branchesOf(stream),
    schema: source.projection.schema,
    when: whenOf(stream, priority),
    steps: stream.steps.map(describeStep),
    lane: to.kind === 'lane' ? to.lane.name : null,
    to: targetsOf(stream, priority),
  };
}

function clockOf({ clock }: StreamPlan['source']): DescribedStream['clock'] {
  if (clock === undefined) return null;
  const { schedule, missed } = clock;
  return { cron: schedule.cron, zone: schedule.zone, missed };
}

function branchesOf({ to }: StreamPlan): DescribedStream['branches'] {
  if (to.kind !== 'streams') return [];
  const branches = to.branches.filter(({ name }) => name !== '');
  return branches.map(({ name, when }) => ({ name, when: when?.source ?? null }));
}

function targetsOf({ to }: StreamPlan, priority: Priority | -1): readonly string[] {
  switch (to.kind) {
    case 'topic':
      return to.topics.map(({ topic }) => topic);
    case 'repartition':
      return [to.topic];
    case 'streams':
      return [];
    case 'lane':
      return to.transports.map((transport) => to.lane.topicOf(priority, transport));
  }
}

/** The first `unless` that holds wins; none: `as`. */
function whenOf({ priority: rule }: StreamPlan, priority: Priority | -1): string | null {
  if (rule === null || rule.unless.length === 0) return null;
  const own = rule.unless.filter(({ as }) => as === priority).map(({ when }) => when.source);
  const others = rule.unless.filter(({ as }) => as !== priority).map(({ when }) => when.source);
  if (rule.as === priority) return others.length === 0 ? null : `not (${others.join(' || ')})`;
  return own.join(' || ');
}

function describeStep({ name, spec, config, store, other }: StepPlan): DescribedStep {
  const tables = Object.entries(spec.config)
    .filter(([, option]) => (option as { kind: string }).kind === 'table')
    .flatMap(([option]) => (typeof config[option] === 'string' ? [config[option]] : []));
  return {
    name,
    type: spec.type,
    store,
    with: other === undefined ? null : upstreamName(other),
    tables,
    drops: Object.keys(spec.drops ?? {}),
  };
}

function describeSink(sink: SinkPlan): DescribedSink {
  const { name, spec, steps, tables, inFlightMax, timeoutMs, lane } = sink;
  const topicsOf = (priority: Priority) =>
    transportsOf(sink.transport, lane).map((transport) => lane.topicOf(priority, transport));
  return {
    name,
    connector: spec.type,
    steps: steps.map(describeStep),
    tables: tables.map((table) => table.name),
    inFlightMax,
    timeoutMs,
    lanes: lane.priorities.map((priority) => ({
      priority: lane.order.nameOf(priority),
      group: sink.groupOf(priority),
      topics: topicsOf(priority),
    })),
  };
}

function transportsOf(transport: SinkPlan['transport'], lane: LanePlan): LanePlan['transports'] {
  return transport === 'all' ? lane.transports : [transport];
}
