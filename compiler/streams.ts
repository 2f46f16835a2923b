/** One stream: where its events come from, how urgent they are, its steps, and where it writes. */
import type { Priority } from '../core/priority.ts';
import type { Show } from '../core/show.ts';
import type { Expression } from '../core/spec.ts';
import { ACKED_KEYS, resolveAcked } from './acked.ts';
import { useAsides } from './asides.ts';
import { resolveBranches, WHOLE } from './branches.ts';
import { collapsePaths } from './collapse.ts';
import { checkName, namedLane, type Scope } from './declarations.ts';
import { checkEffects, checkExceptions, type WrittenException } from './effect-checks.ts';
import { givenBy, isPredicate, resolveExpression } from './expressions.ts';
import type { OptionScope } from './options.ts';
import { type ResolvedPart, resolveParts } from './parts.ts';
import { makesDevices, resolvePayloadSchema } from './payload-schemas.ts';
import {
  type LanePlan,
  type LaneTarget,
  OUTCOME_LEVELS,
  type PriorityRule,
  type StreamsTarget,
  type TopicTarget,
} from './plan.ts';
import { resolveReach } from './reach.ts';
import { listed } from './report.ts';
import type { Section } from './section.ts';
import { ANY_SHAPE } from './shape.ts';
import { type Collapsing, resolveShow } from './show.ts';
import { type ResolvedSource, resolveSource } from './sources.ts';
import type { ResolvedStep, ResolvedSteps, StepScope } from './steps.ts';
import {
  checkFits,
  checkGivenKey,
  checkPartitions,
  checkPriorities,
  prioritiesOf,
} from './stream-checks.ts';
import type { Derived, StreamGraph } from './stream-graph.ts';
import { checkStreamJoins } from './stream-join-checks.ts';

/** All resolved, before it is placed into sub-topologies. */
export interface ResolvedStream {
  readonly name: string;
  readonly useCase: string;
  readonly doc: string;
  readonly priority: PriorityRule | null;
  /** One, and one more behind each step that changes the key. */
  readonly parts: readonly ResolvedPart[];
  readonly to: LaneTarget | TopicTarget | StreamsTarget;
  readonly show: Show | null;
  /** Top-level fields that the priority reads of the first part, and the target of the last. */
  readonly fields: { readonly first: readonly string[]; readonly last: readonly string[] };
}

/** Those of all its parts. */
export function stepsOf({ parts }: ResolvedStream): readonly ResolvedStep[] {
  return parts.flatMap(({ steps }) => steps.steps);
}

export interface StreamScope extends Scope, Omit<StepScope, 'subject' | 'report'> {
  readonly graph: StreamGraph;
  /** The topology's name. */
  readonly topology: string;
  readonly lanes: ReadonlyMap<string, LanePlan | null>;
  /** Ids of use cases, and the stream that has each. */
  readonly ids: Map<string, string>;
  /** What the streams so far let FCM collapse. */
  readonly collapsing: Collapsing[];
}

/** What follows a source that is broken is read for its own mistakes. */
const UNKNOWN_SOURCE: ResolvedSource = {
  topic: null,
  streams: [],
  schema: '',
  time: null,
  id: null,
  member: null,
  maxFutureMs: 0,
  start: { kind: 'latest' },
  fields: new Set(),
  shape: ANY_SHAPE,
  isGiven: false,
  keyedBy: null,
};

const LANE_KEYS = ['lane', 'transports', 'schema', 'reach', 'outcomes', 'collapse'];
const STREAM_KEYS = ['id', 'doc', 'priority', 'from', 'steps', 'to', 'branch', 'show'];

/** Undefined when something was told. */
export function resolveStream(
  scope: StreamScope,
  name: string,
  written: Section,
): ResolvedStream | undefined {
  const { report } = scope;
  const errorsBefore = report.errorCount;
  const subject = `stream "${name}"`;
  const section = written.as(subject).only(STREAM_KEYS);
  const useCase = resolveId(scope, name, section);
  const doc = section.text('doc')?.value ?? '';
  const fromSection = section.neededSection('from');
  const isDerived = fromSection?.has('streams') === true;
  const derived = isDerived ? scope.graph.derived(name, subject, fromSection) : undefined;
  const from = sourceOf(scope, subject, fromSection, derived);
  const isSourceWhole = report.errorCount === errorsBefore;
  const optionScope: OptionScope = { ...scope, subject, shape: from?.shape ?? ANY_SHAPE };
  const rule = isDerived
    ? derivedRule(scope, section, derived)
    : resolvePriority(optionScope, scope, section);
  const endsInTopic = section.section('to')?.has('topic') === true;
  const joined: OptionScope['joined'] = (of, other) => scope.graph.joined(name, of, other);
  const { parts, end, isWhole } = resolveParts(
    { ...scope, joined, subject, useCase, endsInTopic },
    section.list('steps'),
    from ?? UNKNOWN_SOURCE,
  );
  const steps = isWhole ? parts.at(-1)?.steps : undefined;
  const known = from === undefined ? undefined : end;
  const to = resolveTarget(scope, name, section, rule?.rule ?? null, steps, known);
  const show = resolveShow(scope, section, known?.shape ?? ANY_SHAPE);
  // Of a source that is broken neither key nor id is known.
  if (isSourceWhole && from !== undefined) checkParts(scope, subject, parts, to?.target.kind);
  if (isWhole) {
    const all = parts.flatMap(({ steps }) => steps.steps);
    checkEffects(scope, subject, all, to?.target.kind === 'lane');
    checkStreamJoins(scope, subject, all, rule?.rule ?? null);
  }
  if (report.errorCount > errorsBefore) return undefined;
  if (useCase === undefined || from === undefined || to === undefined) return undefined;
  if (rule !== undefined && to.target.kind === 'lane') {
    const priorities = prioritiesOf(rule.rule).map((one) => scope.priorities.nameOf(one));
    const collapses = to.target.collapse.length > 0;
    const group = show?.fcm.group ?? null;
    scope.collapsing.push({ stream: section, group, priorities, collapses });
  }
  // What is joined is kept, whatever is read of it then.
  const isKept = scope.graph.isJoined(name) && steps?.isGiven === false;
  const last = isKept ? ['*'] : to.fields;
  const fields = { first: [...(rule?.fields ?? [])], last };
  return { name, useCase, doc, priority: rule?.rule ?? null, parts, to: to.target, show, fields };
}

function sourceOf(
  scope: StreamScope,
  subject: string,
  from: Section | undefined,
  derived: Derived | undefined,
): ResolvedSource | undefined {
  if (from === undefined || from.has('streams')) return derived?.source;
  return resolveSource(scope, subject, from);
}

/** A record keeps the priority of its event, whatever streams it comes through. */
function derivedRule(
  { report }: StreamScope,
  section: Section,
  derived: Derived | undefined,
): ResolvedRule | undefined {
  const written = section.entry('priority');
  if (written !== undefined) {
    const what = `${section.subject}: its records have the priority of the streams that it reads.`;
    report.error('CAR239', written.keySpan, what);
  }
  const rule = derived?.priority ?? null;
  return rule === null ? undefined : { rule, fields: [] };
}

function checkParts(
  scope: StreamScope,
  subject: string,
  parts: readonly ResolvedPart[],
  target: ResolvedStream['to']['kind'] | undefined,
): void {
  for (const { from, steps, to } of parts) {
    checkPartitions(scope, subject, steps.steps, from);
    useAsides(scope, subject, steps.steps, from);
    if (to === null && target === 'topic') checkGivenKey(scope, subject, steps, from);
  }
}

function resolveId(scope: StreamScope, stream: string, section: Section): string | undefined {
  const mend =
    'Add a short `id:` that stays when the stream is renamed; notification ids carry it.';
  const id = section.neededText('id', mend);
  if (id === undefined || !checkName(scope.report, section.subject, id.value, id.span)) {
    return undefined;
  }
  const other = scope.ids.get(id.value);
  if (other !== undefined) {
    const what = `${section.subject}: id "${id.value}" is that of stream "${other}" already.`;
    scope.report.error('CAR208', id.span, what);
    return undefined;
  }
  scope.ids.set(id.value, stream);
  return id.value;
}

interface ResolvedRule {
  readonly rule: PriorityRule;
  readonly fields: readonly string[];
}

function resolvePriority(
  options: OptionScope,
  scope: StreamScope,
  section: Section,
): ResolvedRule | undefined {
  const { report, priorities } = scope;
  if (!section.has('priority')) {
    if (scope.lanes.size > 0) {
      report.error('CAR209', section.span, `${section.subject}: it has no priority.`);
    }
    return undefined;
  }
  if (scope.lanes.size === 0) {
    const span = section.entry('priority')!.keySpan;
    report.error('CAR221', span, `${section.subject}: there is no lane for its priority.`);
    return undefined;
  }
  const rule = section.section('priority')?.only(['as', 'unless']);
  if (rule === undefined) return undefined;
  if (!rule.has('as')) rule.missing('as', `One of: ${listed(priorities.names)}.`);
  const as = rule.choice('as', priorities.names);
  const unless: { when: Expression<boolean>; as: Priority }[] = [];
  const written: WrittenException[] = [];
  const fields: string[] = [];
  const exceptions = rule.list('unless')?.items ?? [];
  for (const [i] of exceptions.entries()) {
    const exception = resolveException(options, rule, i);
    if (exception === undefined) continue;
    unless.push({ when: exception.when, as: exception.as });
    written.push(exception.written);
    fields.push(...exception.fields);
  }
  if (as === undefined || unless.length < exceptions.length) return undefined;
  const given = priorities.numberOf(as);
  checkExceptions(scope, section.subject, given, written);
  return { rule: { as: given, unless }, fields };
}

function resolveException(options: OptionScope, rule: Section, index: number) {
  const { report, priorities } = options;
  const section = rule.item('unless', index)?.only(['when', 'as']);
  if (section === undefined) return undefined;
  if (!section.has('as')) section.missing('as', `One of: ${listed(priorities.names)}.`);
  const as = section.choice('as', priorities.names);
  const text = section.neededText('when');
  const tree = section.scalar('when');
  if (text === undefined || tree === undefined) return undefined;
  const subject = `${options.subject}, priority`;
  const resolved = resolveExpression(options, subject, tree);
  if (resolved === undefined) return undefined;
  if (!isPredicate(resolved)) {
    const what = `${subject}: when gives ${givenBy(resolved)}, not true or false.`;
    report.error('CAR312', text.span, what);
    return undefined;
  }
  if (as === undefined) return undefined;
  const when = resolved.expression as Expression<boolean>;
  const given = priorities.numberOf(as);
  const { constant } = resolved;
  const written = { source: when.source, constant, as: given, span: text.span };
  return { when, as: given, fields: resolved.fields, written };
}

interface ResolvedTarget {
  readonly target: LaneTarget | TopicTarget | StreamsTarget;
  readonly fields: readonly string[];
}

/** A stream ends in one way: it writes, or others go on with it. */
function resolveTarget(
  scope: StreamScope,
  name: string,
  stream: Section,
  rule: PriorityRule | null,
  steps: ResolvedSteps | undefined,
  from: ResolvedSource | undefined,
): ResolvedTarget | undefined {
  const readers = scope.graph.readersOf(name);
  const [ends, second] = ['branch', 'to'].filter((key) => stream.has(key));
  const isTwo = second !== undefined || (ends === 'to' && readers.length > 0);
  if (isTwo) {
    const other =
      second === undefined
        ? `${listed(readers)} read${readers.length === 1 ? 's' : ''} it`
        : 'has branches';
    const what = `${stream.subject}: it writes by \`to\`, and ${other}.`;
    scope.report.error('CAR237', stream.entry('to')!.keySpan, what);
    return undefined;
  }
  const isShared = ends === 'branch' || (ends === undefined && readers.length > 0);
  if (ends === undefined && !isShared && scope.graph.namesUnknown) return undefined;
  if (!isShared) return resolveWrites(scope, stream, rule, steps, from);
  const devices = steps?.steps.find(
    ({ spec }) => spec.kind === 'expand' && spec.joins !== undefined,
  );
  if (devices !== undefined) {
    const what = `${stream.subject}, ${devices.name}: other streams go on with it, and its devices are told last.`;
    scope.report.error('CAR232', devices.span, what);
  }
  return ends === 'branch' ? resolveBranches(scope, name, stream, steps) : WHOLE;
}

function resolveWrites(
  scope: StreamScope,
  stream: Section,
  rule: PriorityRule | null,
  steps: ResolvedSteps | undefined,
  from: ResolvedSource | undefined,
): ResolvedTarget | undefined {
  const section = stream.neededSection(
    'to',
    'Write to: { lane: … } or to: { topic: …, schema: … }.',
  );
  if (section === undefined) return undefined;
  if (section.has('topic') || (!section.has('lane') && section.has('schema'))) {
    return resolveTopicTarget(scope, stream.subject, section, steps, from);
  }
  return resolveLaneTarget(scope, stream, section, rule, steps, from);
}

function resolveLaneTarget(
  scope: StreamScope,
  stream: Section,
  written: Section,
  rule: PriorityRule | null,
  steps: ResolvedSteps | undefined,
  from: ResolvedSource | undefined,
): ResolvedTarget | undefined {
  const { report } = scope;
  const { subject } = stream;
  const section = written.only([...LANE_KEYS, ...ACKED_KEYS]);
  const name = section.neededText('lane', 'Write to: { lane: … } or to: { topic: …, schema: … }.');
  const lane = name === undefined ? undefined : namedLane(report, subject, scope.lanes, name);
  const collapse = collapsePaths(scope, section, steps?.shape ?? ANY_SHAPE);
  if (steps?.steps.some(makesDevices) === false) {
    report.error('CAR212', section.span, `${subject}: no step makes one record per device.`);
  }
  const schema = resolvePayloadSchema(scope, section, steps, from);
  if (lane === undefined || name === undefined) return undefined;
  checkPriorities(scope, subject, name, lane, rule);
  const transports = section.choices('transports', lane.transports) ?? lane.transports;
  const reach = resolveReach(report, section, steps);
  const outcomes = section.choice('outcomes', OUTCOME_LEVELS) ?? 'told';
  const acked = resolveAcked(report, section);
  const fields = steps?.isGiven ? [] : collapse.flatMap(({ field }) => (field ? [field] : []));
  const readers = collapse.map(({ reader }) => reader);
  return {
    target: {
      kind: 'lane',
      lane,
      transports,
      ...schema,
      reach,
      outcomes,
      ...(acked === undefined ? {} : { acked }),
      collapse: readers,
    },
    fields,
  };
}

function resolveTopicTarget(
  scope: StreamScope,
  subject: string,
  written: Section,
  steps: ResolvedSteps | undefined,
  from: ResolvedSource | undefined,
): ResolvedTarget | undefined {
  const section = written.only(['topic', 'schema']);
  const topic = section.neededText('topic');
  const schema = scope.schemas.placed(subject, section.neededText('schema'));
  const shape = schema === undefined ? undefined : scope.schemas.named(subject, schema);
  if (topic === undefined || schema === undefined || shape === undefined) return undefined;
  scope.topics.use(subject, topic, 'output', schema.value);
  if (steps !== undefined && from !== undefined) {
    if (steps.isGiven) checkFits(scope, subject, schema.span, steps.shape, shape, schema.value);
    else if (from.schema !== schema.value) {
      const what = `${subject}: it passes on ${from.schema} as it came, and its topic has ${schema.value}.`;
      scope.report.error(
        'CAR406',
        schema.span,
        what,
        'Give a new value with map, or write the same schema.',
      );
    }
  }
  const topics = [{ topic: topic.value, schema: schema.value }];
  return { target: { kind: 'topic', topics }, fields: [] };
}
