/**
 * What is stored of the topology that runs: enough to say what an edit of it would do, and its
 * text, so that what it has left can still be let go. It lies in `<topology>.applied`, a compacted
 * topic of one partition, as JSON under the topology's name; whoever starts a process compares.
 */

import {
  appliedName,
  type Plan,
  partId,
  partName,
  type StepPlan,
  type StreamPlan,
  type SubTopologyPlan,
} from '../../compiler/plan.ts';
import { RENO_CLASSES } from '../../core/device-classes.ts';
import type { TopicSpec } from '../../core/log.ts';
import type { Options } from '../../core/spec.ts';
import { isOwn } from '../../core/step-facts.ts';
import type { ColumnKind, ColumnKinds } from '../../core/store.ts';
import { type AppliedClock, clocksOf } from './clock-edits.ts';
import { type AppliedLookup, lookupsOf } from './lookups.ts';
import { type AppliedStep, appliedStep } from './step-order.ts';

const FORM = 1;

export interface AppliedStore {
  readonly step: string;
  readonly changelog: string;
  /** Its rows are records that wait. */
  readonly holds: boolean;
  /** What a row means: type, identity, and what else the step's spec names (`meaning`). */
  readonly meaning: string;
  /**
   * Kinds of a row's columns before that of the record which it may hold; left out: it has none.
   */
  readonly before?: readonly ColumnKind[];
  /** Its durations in milliseconds: an edit of one keeps the rows, and is said. */
  readonly spans?: { readonly [option: string]: number };
}

/** The step that has changed the key; undefined: it is the beginning of its stream. */
export function rekeyOf({ id }: Pick<AppliedStream, 'id'>): string | undefined {
  return id.split('/')[1];
}

/** A stream in one sub-topology. */
export interface AppliedInstance {
  /** Empty: the topology has no priorities. */
  readonly priority: string;
  readonly group: string;
  readonly stores: readonly AppliedStore[];
  /** All of them, in their order; left out where none holds records. */
  readonly steps?: readonly AppliedStep[];
}

export interface AppliedRule {
  readonly as: string;
  readonly unless: readonly { readonly when: string; readonly as: string }[];
}

/** A stream, or a part of one behind a step that changes the key. */
export interface AppliedStream {
  /** Of the use case, which outlives the name; then `/` and the step that has changed the key. */
  readonly id: string;
  readonly name: string;
  /** Empty: it goes on with what other streams of its task give, and has no position. */
  readonly topic: string;
  /** The field that the key repeats, or what the step makes it of; empty: it is not checked. */
  readonly key: string;
  readonly rule: AppliedRule | null;
  /** By which its notifications may go; none where it writes to a topic. */
  readonly transports?: readonly string[];
  readonly instances: readonly AppliedInstance[];
}

/** The lane topics that one group of a sink reads. */
export interface AppliedLane {
  readonly sink: string;
  /** Of the connector. */
  readonly type: string;
  readonly priority: string;
  /** It keeps everything for later, and tells nobody by itself. */
  readonly keeps: boolean;
  readonly group: string;
  readonly topics: readonly string[];
  readonly lane?: string;
  /** One for each of the topics. */
  readonly transports?: readonly string[];
}

/** A table that a group joins. */
export interface AppliedTable {
  readonly group: string;
  readonly topic: string;
  readonly changelog: string;
}

/** A table that is made of others. */
export interface AppliedDerived {
  /** Outlives the name. */
  readonly id: string;
  readonly table: string;
  readonly topic: string;
  /** Of what it is made of, and how. */
  readonly hash: string;
}

export interface Applied {
  readonly form: typeof FORM;
  readonly topology: string;
  readonly hash: string;
  /** Most urgent first; left out: RENO's. */
  readonly priorities?: readonly string[];
  /** Classes of device; left out: RENO's. */
  readonly deviceClasses?: readonly string[];
  readonly streams: readonly AppliedStream[];
  readonly lanes: readonly AppliedLane[];
  /** Left out where there is none. */
  readonly tables?: readonly AppliedTable[];
  /** Left out where there is none. */
  readonly derived?: readonly AppliedDerived[];
  readonly clocks?: readonly AppliedClock[];
  /** Left out where no step looks up in any. */
  readonly lookups?: readonly AppliedLookup[];
  readonly topics: readonly { readonly name: string; readonly cleanup: string }[];
  /** The file, with its variables as they are written. */
  readonly text: string;
}

export function appliedTopic(topology: string): TopicSpec {
  return { name: appliedName(topology), partitions: 1, cleanup: 'compact' };
}

export function appliedOf(plan: Plan, text: string): Applied {
  const streams = new Map<string, AppliedStream>();
  for (const sub of plan.subTopologies) {
    // Registration and presence are the same in every topology.
    if (!isOfStreams(sub)) continue;
    for (const stream of sub.streams) {
      const id = partId(stream);
      const known = streams.get(id);
      const instances = [...(known?.instances ?? []), instanceOf(plan, sub, stream)];
      streams.set(id, streamOf(plan, stream, instances));
    }
  }
  const tables = plan.subTopologies.flatMap(({ group, tableInputs, stores }) =>
    tableInputs.map(({ topic, store }) => {
      return { group, topic, changelog: stores.find((one) => one.store === store)!.changelog };
    }),
  );
  const { deviceClasses } = plan.words;
  const derived = plan.derived.map(({ id, hash, table }) => {
    return { id, table: table.name, topic: table.topic, hash };
  });
  const clocks = clocksOf(plan);
  const lookups = lookupsOf(plan, plan.subTopologies.filter(isOfStreams));
  return {
    form: FORM,
    topology: plan.topology,
    hash: plan.hash,
    ...(plan.priorities.mark === 0 ? {} : { priorities: plan.priorities.names }),
    ...(deviceClasses === RENO_CLASSES ? {} : { deviceClasses: deviceClasses.names }),
    streams: [...streams.values()],
    lanes: plan.sinks.flatMap((sink) =>
      sink.lane.priorities.map((priority) => {
        const { transports } = sink.lane;
        const read = sink.transport === 'all' ? transports : [sink.transport];
        return {
          sink: sink.name,
          type: sink.spec.type,
          priority: plan.priorities.nameOf(priority),
          keeps: sink.spec.keeps === true,
          group: sink.groupOf(priority),
          topics: read.map((transport) => sink.lane.topicOf(priority, transport)),
          lane: sink.lane.name,
          transports: read,
        };
      }),
    ),
    ...(tables.length > 0 ? { tables } : {}),
    ...(derived.length > 0 ? { derived } : {}),
    ...(clocks.length > 0 ? { clocks } : {}),
    ...(lookups.length > 0 ? { lookups } : {}),
    topics: plan.topics.map(({ name, cleanup }) => ({ name, cleanup })),
    text,
  };
}

export function isOfStreams({ role }: Pick<SubTopologyPlan, 'role'>): boolean {
  return role === 'streams' || role.startsWith('streams/');
}

export function encodeApplied(applied: Applied): Buffer {
  return Buffer.from(JSON.stringify(applied), 'utf8');
}

/** Undefined for what another version of Carillon wrote, which this one does not know. */
export function decodeApplied(bytes: Buffer): Applied | undefined {
  try {
    const applied = JSON.parse(bytes.toString('utf8')) as Applied;
    return applied.form === FORM ? applied : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a start with `now` has nothing to compare. */
export function isSameApplied(was: Applied | null, now: Applied): boolean {
  return was !== null && encodeApplied(was).equals(encodeApplied(now));
}

function streamOf(
  { priorities }: Plan,
  stream: StreamPlan,
  instances: readonly AppliedInstance[],
): AppliedStream {
  const { source, priority, to } = stream;
  const rule =
    priority === null
      ? null
      : {
          as: priorities.nameOf(priority.as),
          unless: priority.unless.map(({ when, as }) => ({
            when: when.source,
            as: priorities.nameOf(as),
          })),
        };
  return {
    id: partId(stream),
    name: partName(stream),
    topic: source.topic ?? '',
    key: source.keyedBy ?? source.member?.path ?? '',
    rule,
    ...(to.kind === 'lane' ? { transports: to.transports } : {}),
    instances,
  };
}

function instanceOf(
  { priorities }: Plan,
  sub: SubTopologyPlan,
  stream: StreamPlan,
): AppliedInstance {
  const stores = stream.steps.flatMap((step): AppliedStore[] => {
    if (step.store === null) return [];
    const { changelog } = sub.stores.find(({ store }) => store === step.store)!;
    const holds = step.spec.holds?.(step.config as never) ?? step.spec.kind === 'timed';
    const store = { step: step.name, changelog, holds, meaning: meaningOf(step) };
    const before = 'rows' in step.spec ? kindsBefore(step.spec.rows?.columns) : undefined;
    return [{ ...store, ...(before === undefined ? {} : { before }), spans: spansOf(step) }];
  });
  const priority = sub.priority < 0 ? '' : priorities.nameOf(sub.priority);
  const steps = stores.some(({ holds }) => holds) ? { steps: stream.steps.map(appliedStep) } : {};
  return { priority, group: sub.group, stores, ...steps };
}

function kindsBefore(columns: ColumnKinds | undefined): readonly ColumnKind[] | undefined {
  const kinds = Object.values(columns ?? {});
  const at = kinds.indexOf('record');
  return at < 0 ? undefined : kinds.slice(0, at);
}

function spansOf({ spec, config }: StepPlan): { readonly [option: string]: number } {
  const durations = Object.entries(spec.config as Options)
    .filter(([name, { kind }]) => kind === 'duration' && config[name] !== null)
    .map(([name]) => [name, config[name] as number] as const);
  return Object.fromEntries(durations);
}

function meaningOf({ spec, config }: StepPlan): string {
  const keyedBy = 'keyedBy' in spec ? spec.keyedBy : undefined;
  const names = [...(keyedBy === undefined ? [] : [keyedBy]), ...(spec.meaning ?? [])];
  const meaning = [spec.type, ...names.map((name) => `${name}=${written(config[name])}`)];
  // Those of the package have the columns that they always had.
  const rows = isOwn(spec) && 'rows' in spec ? spec.rows : undefined;
  if (rows !== undefined) meaning.push(`rows=${JSON.stringify(rows.columns ?? 'coded')}`);
  return meaning.join(' ');
}

/** As a file has it: the path of a reader, the source of an expression. */
function written(value: unknown): string {
  return JSON.stringify(value, (_, inner) => {
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
    if ('path' in inner && 'read' in inner) return inner.path;
    if ('source' in inner && 'evaluate' in inner) return inner.source;
    return inner;
  });
}
