/** One stream: where its events come from, how urgent they are, its steps, and where it writes. */
import type { Show } from '../core/show.ts';
import { ACKED_KEYS, resolveAcked } from './acked.ts';
import { useAsides } from './asides.ts';
import { resolveBranches, WHOLE } from './branches.ts';
import { mayBe } from './broken-steps.ts';
import type { Known } from './cel-facts.ts';
import { resolveClock } from './clock-source.ts';
import { collapsePaths } from './collapse.ts';
import { checkName, namedLane, type Scope } from './declarations.ts';
import { checkEffects } from './effect-checks.ts';
import { checkKeys } from './key-checks.ts';
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
import { type ResolvedRule, resolvePriority } from './priority-rule.ts';
import { resolveReach } from './reach.ts';
import { listed } from './report.ts';
import { checkRetracted } from './retracted-checks.ts';
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
import { checkWalks } from './walk-checks.ts';

/** All resolved, before it is placed into sub-topologies. */
export interface ResolvedStream {
  readonly name: string;
  readonly useCase: string;
  readonly doc: string;
  readonly priority: PriorityRule | null;
  /** One, and one more behind each step that changes the key. */
  readonly parts: readonly ResolvedPart[];
  /** Null: it is broken, which was told. */
  readonly to: Target | null;
  readonly show: Show | null;
  /** Top-level fields that the priority reads of the first part, and the target of the last. */
  readonly fields: { readonly first: readonly string[]; readonly last: readonly string[] };
  /** What is known of the records of each of its branches. */
  readonly branches: ReadonlyMap<string, Known>;
  /** Nothing was told of it. Else what is known is here, for what can be told of others. */
  readonly isWhole: boolean;
}

type Target = LaneTarget | TopicTarget | StreamsTarget;

export type WholeStream = ResolvedStream & { readonly to: Target };

export function isWholeStream(stream: ResolvedStream): stream is WholeStream {
  return stream.isWhole && stream.to !== null;
}

/** Those of all its parts. */
export function stepsOf({ parts }: ResolvedStream): readonly ResolvedStep[] {
  return parts.flatMap(({ steps }) => steps.steps);
}

export interface StreamScope extends Scope, Omit<StepScope, 'subject' | 'report' | 'words'> {
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
  isPartial: true,
};

const LANE_KEYS = ['lane', 'transports', 'schema', 'reach', 'outcomes', 'collapse'];
const STREAM_KEYS = ['id', 'doc', 'priority', 'from', 'steps', 'to', 'branch', 'show'];

export function resolveStream(scope: StreamScope, name: string, written: Section): ResolvedStream {
  const { report } = scope;
  const errorsBefore = report.errorCount;
  const subject = `stream "${name}"`;
  const section = written.as(subject).only(STREAM_KEYS);
  const useCase = resolveId(scope, name, section);
  const doc = section.text('doc')?.value ?? '';
  const fromSection = section.neededSection('from');
  const isMeant = isMisspelt(fromSection);
  const isDerived = isMeant || fromSection?.has('streams') === true;
  const derived =
    isDerived && !isMeant ? scope.graph.derived(name, subject, fromSection!) : undefined;
  const from = isMeant ? undefined : sourceOf(scope, subject, fromSection, derived, useCase);
  const optionScope: OptionScope = { ...scope, subject, shape: from?.shape ?? ANY_SHAPE };
  const rule = isDerived
    ? derivedRule(scope, section, derived)
    : resolvePriority(optionScope, scope.lanes.size > 0, section);
  const endsInTopic = section.section('to')?.has('topic') === true;
  const joined: OptionScope['joined'] = (of, other) => scope.graph.joined(name, of, other);
  const list = section.list('steps');
  const areStepsLost = section.has('steps') && list === undefined;
  const { parts, end } = resolveParts(
    { ...scope, joined, subject, useCase, endsInTopic, areStepsLost },
    list,
    from ?? UNKNOWN_SOURCE,
  );
  const known = from === undefined ? undefined : end;
  const to = resolveTarget(scope, name, section, rule, parts.at(-1)!.steps, known);
  const toldShape = known === undefined ? ANY_SHAPE : parts.at(-1)!.steps.shape;
  const show = resolveShow(scope, section, toldShape);
  checkParts(scope, subject, parts, to?.target.kind);
  const steps = parts.flatMap((part) => part.steps.steps);
  const broken = parts.flatMap((part) => part.steps.broken);
  checkEffects(scope, subject, { steps, broken }, to?.target.kind === 'lane');
  const isRuled = report.errorCount === errorsBefore || rule?.rule != null;
  checkStreamJoins(scope, subject, steps, isRuled ? (rule?.rule ?? null) : undefined);
  const isWhole = report.errorCount === errorsBefore;
  if (isWhole && rule?.rule != null && to?.target.kind === 'lane') {
    const priorities = prioritiesOf(rule.rule).map((one) => scope.priorities.nameOf(one));
    const collapses = to.target.collapse.length > 0;
    const group = show?.fcm.group ?? null;
    scope.collapsing.push({ stream: section, group, priorities, collapses });
  }
  // What is joined is kept, whatever is read of it then.
  const isKept = scope.graph.isJoined(name) && !parts.at(-1)!.steps.isGiven;
  const last = isKept ? ['*'] : (to?.fields ?? []);
  return {
    name,
    useCase: useCase ?? '',
    doc,
    priority: rule?.rule ?? null,
    parts,
    to: to?.target ?? null,
    show,
    fields: { first: [...(rule?.fields ?? [])], last },
    branches: to?.known ?? new Map(),
    isWhole,
  };
}

/** `from: { stream: a }`, which is told as what was meant, and as nothing more. */
function isMisspelt(from: Section | undefined): boolean {
  if (from === undefined || !from.has('stream') || from.has('topic') || from.has('streams')) {
    return false;
  }
  from.only(['streams']);
  return true;
}

function sourceOf(
  scope: StreamScope,
  subject: string,
  from: Section | undefined,
  derived: Derived | undefined,
  useCase: string | undefined,
): ResolvedSource | undefined {
  if (from === undefined || from.has('streams')) return derived?.source;
  if (from.has('clock')) return resolveClock(scope, subject, from, useCase);
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
  return rule === null ? undefined : { rule, fields: [], may: prioritiesOf(rule) };
}

function checkParts(
  scope: StreamScope,
  subject: string,
  parts: readonly ResolvedPart[],
  target: Target['kind'] | undefined,
): void {
  for (const part of parts) {
    const { from, steps } = part;
    const isPlaced = checkWalks(scope, subject, steps.steps, from);
    if (isPlaced) checkPartitions(scope, subject, steps.steps, from);
    checkKeys(scope, subject, steps.steps, from);
    checkRetracted(scope.report, subject, steps, from.retracts === true);
    useAsides(scope, subject, steps.steps, from);
    if (part === parts.at(-1) && target === 'topic') checkGivenKey(scope, subject, steps, from);
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

interface ResolvedTarget {
  readonly target: LaneTarget | TopicTarget | StreamsTarget;
  readonly fields: readonly string[];
  readonly known?: ReadonlyMap<string, Known>;
}

/** A stream ends in one way: it writes, or others go on with it. */
function resolveTarget(
  scope: StreamScope,
  name: string,
  stream: Section,
  rule: ResolvedRule | undefined,
  steps: ResolvedSteps,
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
  const devices = steps.steps.find(
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
  rule: ResolvedRule | undefined,
  steps: ResolvedSteps,
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
  rule: ResolvedRule | undefined,
  steps: ResolvedSteps,
  from: ResolvedSource | undefined,
): ResolvedTarget | undefined {
  const { report } = scope;
  const { subject } = stream;
  const section = written.only([...LANE_KEYS, ...ACKED_KEYS]);
  const name = section.neededText('lane', 'Write to: { lane: … } or to: { topic: …, schema: … }.');
  const lane = name === undefined ? undefined : namedLane(report, subject, scope.lanes, name);
  const collapse = collapsePaths(scope, section, steps.shape);
  if (!steps.steps.some(({ spec }) => makesDevices(spec)) && !mayBe(steps.broken, makesDevices)) {
    report.error('CAR212', section.span, `${subject}: no step makes one record per device.`);
  }
  const schema = resolvePayloadSchema(scope, section, steps, from);
  if (lane === undefined || name === undefined) return undefined;
  checkPriorities(scope, subject, name, lane, rule?.may ?? []);
  const transports = section.choices('transports', lane.transports) ?? lane.transports;
  const reach = resolveReach(report, section, steps);
  const outcomes = section.choice('outcomes', OUTCOME_LEVELS) ?? 'told';
  const acked = resolveAcked(report, section);
  const fields = steps.isGiven ? [] : collapse.flatMap(({ field }) => (field ? [field] : []));
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
  steps: ResolvedSteps,
  from: ResolvedSource | undefined,
): ResolvedTarget | undefined {
  const section = written.only(['topic', 'schema']);
  const topic = section.neededText('topic');
  const schema = scope.schemas.placed(subject, section.neededText('schema'));
  const shape = schema === undefined ? undefined : scope.schemas.named(subject, schema);
  if (schema === undefined || shape === undefined) return undefined;
  if (topic !== undefined) scope.topics.use(subject, topic, 'output', schema.value);
  if (from !== undefined) {
    if (steps.isGiven) {
      checkFits(scope, subject, schema.span, steps.shape, shape, schema.value, steps.known);
    } else if (from.schema !== schema.value && !steps.broken.includes(null)) {
      const what = `${subject}: it passes on ${from.schema} as it came, and its topic has ${schema.value}.`;
      scope.report.error(
        'CAR406',
        schema.span,
        what,
        'Give a new value with map, or write the same schema.',
      );
    }
  }
  if (topic === undefined) return undefined;
  const topics = [{ topic: topic.value, schema: schema.value }];
  return { target: { kind: 'topic', topics }, fields: [] };
}
