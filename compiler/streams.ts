/** One stream: where its events come from, how urgent they are, its steps, and where it writes. */
import { PRIORITIES, type Priority, priorityName, priorityOf } from '../core/priority.ts';
import type { Show } from '../core/show.ts';
import type { Expression, FieldReader } from '../core/spec.ts';
import type { ValueKind } from '../core/value-kind.ts';
import { collapsePaths } from './collapse.ts';
import { checkName, namedLane, type Scope } from './declarations.ts';
import { checkEffects, checkExceptions, type WrittenException } from './effect-checks.ts';
import { givenBy, isPredicate, resolveExpression } from './expressions.ts';
import { memberPath, type ResolvedPath, resolvePath } from './field-path.ts';
import type { OptionScope } from './options.ts';
import { misfit } from './path-kinds.ts';
import { makesDevices, resolvePayloadSchema } from './payload-schemas.ts';
import {
  type LanePlan,
  type LaneTarget,
  OUTCOME_LEVELS,
  type PriorityRule,
  type StartRule,
  type TopicTarget,
} from './plan.ts';
import { readDuration } from './quantity.ts';
import { resolveReach } from './reach.ts';
import { listed, type Span } from './report.ts';
import { Section } from './section.ts';
import { ANY_SHAPE, type Shape, shapeName } from './shape.ts';
import { type Collapsing, resolveShow } from './show.ts';
import { resolveStart } from './start-rule.ts';
import { type ResolvedStep, type ResolvedSteps, resolveSteps, type StepScope } from './steps.ts';
import {
  checkDedup,
  checkFits,
  checkGivenKey,
  checkJoins,
  checkPriorities,
  checkWindows,
  prioritiesOf,
} from './stream-checks.ts';
import { noTimeBecause } from './time-field.ts';
import type { MapTree } from './tree.ts';

/** All resolved, before it is placed into sub-topologies. */
export interface ResolvedStream {
  readonly name: string;
  readonly useCase: string;
  readonly doc: string;
  readonly from: ResolvedSource;
  readonly priority: PriorityRule | null;
  readonly steps: readonly ResolvedStep[];
  readonly to: LaneTarget | TopicTarget;
  readonly show: Show | null;
  /** Top-level fields that anything of the stream reads; `*`: all. */
  readonly fields: ReadonlySet<string>;
}

export interface ResolvedSource {
  readonly topic: string;
  readonly schema: string;
  readonly time: FieldReader | null;
  readonly id: FieldReader | null;
  readonly member: FieldReader | null;
  readonly maxFutureMs: number;
  readonly start: StartRule;
  readonly fields: ReadonlySet<string>;
  readonly shape: Shape;
}

export interface StreamScope extends Scope, Omit<StepScope, 'subject' | 'report'> {
  readonly lanes: ReadonlyMap<string, LanePlan | null>;
  /** Ids of use cases, and the stream that has each. */
  readonly ids: Map<string, string>;
  /** What the streams so far let FCM collapse. */
  readonly collapsing: Collapsing[];
}

const STREAM_KEYS = ['id', 'doc', 'priority', 'from', 'steps', 'to', 'show'];
/** Brokers refuse what is more than an hour ahead of them (`message.timestamp.after.max.ms`). */
const MAX_FUTURE_MS_MAX = 30 * 60_000;
const MAX_FUTURE_MS_DEFAULT = 600_000;

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
  const from = fromSection === undefined ? undefined : resolveSource(scope, subject, fromSection);
  const isSourceWhole = report.errorCount === errorsBefore;
  const shape = from?.shape ?? ANY_SHAPE;
  const optionScope: OptionScope = { ...scope, subject, shape };
  const rule = resolvePriority(optionScope, scope, section);
  const steps = resolveSteps(stepScope(scope, subject), section.list('steps'), shape);
  const to = resolveTarget(scope, section, rule?.rule ?? null, steps, from);
  const show = resolveShow(scope, section, shape);
  // Of a source that is broken neither key nor id is known.
  if (isSourceWhole && from !== undefined && steps !== undefined) {
    checkJoins(scope, subject, steps.steps, from);
    checkDedup(scope, subject, steps.steps, from);
    checkWindows(scope, subject, steps.steps, rule?.rule ?? null);
    if (to?.target.kind === 'topic') checkGivenKey(scope, subject, steps, from);
  }
  if (steps !== undefined) checkEffects(scope, subject, steps.steps, to?.target.kind === 'lane');
  if (report.errorCount > errorsBefore) return undefined;
  if (useCase === undefined || from === undefined || steps === undefined || to === undefined) {
    return undefined;
  }
  if (rule !== undefined && to.target.kind === 'lane') {
    const priorities = prioritiesOf(rule.rule).map(priorityName);
    const collapses = to.target.collapse.length > 0;
    const group = show?.fcm.group ?? null;
    scope.collapsing.push({ stream: section, group, priorities, collapses });
  }
  const fields = new Set([...from.fields, ...steps.fields, ...(rule?.fields ?? []), ...to.fields]);
  return {
    name,
    useCase,
    doc,
    from,
    priority: rule?.rule ?? null,
    steps: steps.steps,
    to: to.target,
    show,
    fields,
  };
}

/** A step's other input is read as the source of a stream. */
function stepScope(scope: StreamScope, subject: string): StepScope {
  const source = (of: MapTree, place: Span) =>
    resolveSource(scope, subject, new Section(scope.report, `${subject}, with`, of, place));
  return { ...scope, subject, source };
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

function resolveSource(
  scope: StreamScope,
  subject: string,
  written: Section,
): ResolvedSource | undefined {
  const { report, schemas, topics } = scope;
  const section = written.only(['topic', 'schema', 'time', 'id', 'key', 'max_future', 'start']);
  const topic = section.neededText('topic');
  const schema = scope.schemas.placed(subject, section.neededText('schema'));
  const known = schema === undefined ? undefined : schemas.named(subject, schema);
  if (topic !== undefined && known !== undefined) {
    topics.use(subject, topic, 'events', schema?.value);
  }
  const shape: Shape = known ?? ANY_SHAPE;
  const time = sourcePath(scope, section, 'time', shape, ['int'], 'a time (epoch milliseconds)');
  const id = sourcePath(scope, section, 'id', shape, ['string', 'int', 'enum'], 'an id');
  const key = section.has('key')
    ? sourcePath(scope, section, 'key', shape, ['string'], 'a key')
    : memberPath(known);
  const future = section.scalar('max_future');
  const maxFutureMs =
    future === undefined
      ? MAX_FUTURE_MS_DEFAULT
      : readDuration(report, `${section.subject}: max_future`, future, { max: MAX_FUTURE_MS_MAX });
  const start = resolveStart(report, section);
  if (topic === undefined || schema === undefined || known === undefined) {
    // Its shape is not known, but the rest of the stream can still be read.
    return undefined;
  }
  const fields = [time, id, key].flatMap((path) => (path?.field ? [path.field] : []));
  return {
    topic: topic.value,
    schema: schema.value,
    time: time?.reader ?? null,
    id: id?.reader ?? null,
    member: key?.reader ?? null,
    maxFutureMs: maxFutureMs ?? MAX_FUTURE_MS_DEFAULT,
    start: start ?? { kind: 'latest' },
    fields: new Set(fields),
    shape,
  };
}

function sourcePath(
  scope: StreamScope,
  section: Section,
  name: 'time' | 'id' | 'key',
  shape: Shape,
  kinds: readonly ValueKind[],
  what: string,
): ResolvedPath | undefined {
  const text = section.text(name);
  if (text === undefined) return undefined;
  const subject = `${section.subject}, ${name}`;
  const resolved = resolvePath(scope.report, subject, text, shape);
  if (resolved === undefined) return undefined;
  const { shape: end } = resolved;
  // An event without an id gets its origin; a time or key that is null would be poison.
  const noTime = name === 'time' ? noTimeBecause(end) : undefined;
  const misfits = name !== 'id' && end.kind === 'nullable' ? `is a ${shapeName(end)}` : undefined;
  const is = noTime === undefined ? (misfits ?? misfit(end, kinds)) : `is ${noTime}`;
  if (is === undefined) return resolved;
  scope.report.error('CAR403', text.span, `${subject}: ${text.value} ${is}, which is not ${what}.`);
  return undefined;
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
  const { report } = scope;
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
  if (!rule.has('as')) rule.missing('as', `One of: ${listed(PRIORITIES)}.`);
  const as = rule.choice('as', PRIORITIES);
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
  checkExceptions(report, section.subject, priorityOf(as)!, written);
  return { rule: { as: priorityOf(as)!, unless }, fields };
}

function resolveException(options: OptionScope, rule: Section, index: number) {
  const { report } = options;
  const section = rule.item('unless', index)?.only(['when', 'as']);
  if (section === undefined) return undefined;
  if (!section.has('as')) section.missing('as', `One of: ${listed(PRIORITIES)}.`);
  const as = section.choice('as', PRIORITIES);
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
  const given = priorityOf(as)!;
  const { constant } = resolved;
  const written = { source: when.source, constant, as: given, span: text.span };
  return { when, as: given, fields: resolved.fields, written };
}

interface ResolvedTarget {
  readonly target: LaneTarget | TopicTarget;
  readonly fields: readonly string[];
}

function resolveTarget(
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
  const section = written.only(['lane', 'transports', 'schema', 'reach', 'outcomes', 'collapse']);
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
  const fields = steps?.isGiven ? [] : collapse.flatMap(({ field }) => (field ? [field] : []));
  const readers = collapse.map(({ reader }) => reader);
  return {
    target: { kind: 'lane', lane, transports, ...schema, reach, outcomes, collapse: readers },
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
