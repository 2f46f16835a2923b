/**
 * The parts of a stream: a step that changes the key ends one, and what follows begins with its
 * repartition topic, with the value as that has it and the new key.
 */
import type { StepSpec } from '../core/spec.ts';
import type { Broken } from './broken-steps.ts';
import { isNot, type Known, NONE, union } from './cel-facts.ts';
import { readerOf } from './field-path.ts';
import { notKnown } from './origins.ts';
import type { RepartitionTarget } from './plan.ts';
import { leavesRetracted } from './retracted-checks.ts';
import { ANY_SHAPE, shapeName, withoutNull } from './shape.ts';
import type { ResolvedSource } from './sources.ts';
import {
  type ResolvedStep,
  type ResolvedSteps,
  resolveTexts,
  type StepScope,
  type StepText,
  stepTexts,
} from './steps.ts';
import { checkFits } from './stream-checks.ts';
import type { StreamScope } from './streams.ts';
import type { ListTree } from './tree.ts';

export interface ResolvedPart {
  /** Empty, or the step behind which it stands. */
  readonly name: string;
  readonly from: ResolvedSource;
  readonly steps: ResolvedSteps;
  /** Null: it is the last one, and ends as its stream does. */
  readonly to: RepartitionTarget | null;
}

export interface PartScope extends StreamScope {
  readonly subject: string;
  /** The id of the stream; undefined: it is broken. */
  readonly useCase: string | undefined;
  /** They are written, and are no list. */
  readonly areStepsLost: boolean;
  /** It writes to a topic: there the new key alone says the partition. */
  readonly endsInTopic: boolean;
}

/** What a key may be: its text is what Kafka hashes. */
const KEY_KINDS: readonly string[] = ['string', 'int', 'enum'];
const KEY_TYPES: readonly string[] = ['string', 'int', 'uint'];

export interface ResolvedParts {
  /** At least one; what is broken in them was told. */
  readonly parts: readonly ResolvedPart[];
  /** What the last part reads; undefined: it is not known. */
  readonly end: ResolvedSource | undefined;
}

/** What follows a part that is broken is read for its own mistakes. */
export function resolveParts(
  scope: PartScope,
  list: ListTree | undefined,
  source: ResolvedSource,
): ResolvedParts {
  const isRekey = ({ type }: StepText) => scope.steps.get(type)?.rekeys === true;
  const texts = [...stepTexts(scope, list)];
  const parts: ResolvedPart[] = [];
  let name = '';
  let from = source;
  let isKnown = true;
  // A list that is none may have had any.
  const lost: Broken[] = scope.areStepsLost ? [null] : [];
  for (;;) {
    const at = texts.findIndex(isRekey);
    const isLast = at < 0 || (scope.endsInTopic && at === texts.length - 1);
    const own = texts.splice(0, isLast ? texts.length : at + 1);
    const resolved = resolveTexts(scope, own, from);
    const steps = { ...resolved, broken: [...resolved.broken, ...lost] };
    const isRekeyed = steps.steps.at(-1)?.spec.rekeys === true;
    if (isRekeyed) lost.push(...checkRekey(scope, steps.steps));
    if (isLast) {
      parts.push({ name, from, steps, to: null });
      return { parts, end: isKnown ? from : undefined };
    }
    const hop = isRekeyed ? hopOf(scope, steps, from) : undefined;
    parts.push({ name, from, steps, to: hop?.to ?? null });
    name = own.at(-1)!.name?.value ?? own.at(-1)!.type;
    isKnown &&= hop !== undefined;
    from = hop?.from ?? unknownHop(from);
  }
}

/** Behind a step that changes the key to nobody knows what. */
function unknownHop(from: ResolvedSource): ResolvedSource {
  return { ...from, shape: ANY_SHAPE, known: NONE, member: null, keyedBy: null, isPartial: true };
}

/** Of a part that ends with it. What stands before it and should not. */
function checkRekey(scope: StepScope, steps: readonly ResolvedStep[]): StepSpec[] {
  const step = steps.at(-1)!;
  const { report, subject } = scope;
  const given = step.expressions.get('by')!;
  const { kind } = withoutNull(given.shape);
  const isDynKey = KEY_KINDS.includes(kind) || kind === 'any';
  if (!(given.type === 'dyn' ? isDynKey : KEY_TYPES.includes(given.type))) {
    const is = given.type === 'dyn' ? shapeName(given.shape) : given.type;
    const what = `${subject}, ${step.name}: by gives ${is}, and a key is a text, a whole number or an enum.`;
    report.error('CAR230', step.places.get('by') ?? step.span, what);
  }
  const before = steps.find(({ spec }) => spec.kind === 'expand' && spec.joins !== undefined);
  if (before !== undefined) {
    const what = `${subject}, ${step.name}: it stands behind ${before.name}, whose devices do not come along.`;
    report.error('CAR232', step.span, what);
  }
  return before === undefined ? [] : [before.spec];
}

/** Undefined when it was told why there can be none. */
function hopOf(
  scope: PartScope,
  steps: ResolvedSteps,
  from: ResolvedSource,
): { readonly to: RepartitionTarget; readonly from: ResolvedSource } | undefined {
  const { report, subject } = scope;
  const step = steps.steps.at(-1)!;
  const of = `${subject}, ${step.name}`;
  const span = step.places.get('schema') ?? step.span;
  const written = step.config.schema as string | null;
  const placed = written === null ? undefined : scope.schemas.placed(of, { value: written, span });
  if (written !== null && placed === undefined) return undefined;
  if (written === null && steps.isGiven && !steps.broken.includes(null)) {
    const what = `${of}: the value was given by a step, and no schema says how it is written.`;
    report.error('CAR231', step.span, what);
    return undefined;
  }
  const schema = placed?.value ?? from.schema;
  const shape = placed === undefined ? from.shape : scope.schemas.named(of, placed);
  if (shape === undefined) return undefined;
  const errorsBefore = report.errorCount;
  if (steps.isGiven) checkFits(scope, of, span, steps.shape, shape, schema, steps.known);
  // What does not fit was not meant to be read with that schema.
  if (report.errorCount > errorsBefore) return undefined;
  const isAsItCame = !steps.isGiven && !steps.broken.includes(null);
  if (isAsItCame && schema !== from.schema && from.schema !== '') {
    const what = `${of}: it passes on ${from.schema} as it came, and its schema is ${schema}.`;
    report.error('CAR406', span, what, 'Leave `schema` out, or give a new value with map.');
    return undefined;
  }
  const by = step.expressions.get('by')!.expression.source.trim();
  const topic = `${scope.topology}.${scope.useCase ?? ''}.${step.name.replaceAll('_', '-')}-repartition`;
  if (scope.useCase !== undefined) {
    scope.topics.use(of, { value: topic, span: step.span }, 'repartition', schema);
  }
  const member = memberOf(by, shape);
  const isUnknown = from.isPartial === true || steps.originOf === notKnown;
  return {
    to: { kind: 'repartition', step: step.name, topic, ...(steps.isGiven ? { schema } : {}) },
    from: {
      topic,
      streams: [],
      schema,
      time: null,
      id: null,
      member,
      maxFutureMs: from.maxFutureMs,
      // What lies in it when the part is first applied was written for a former one.
      start: { kind: 'latest' },
      fields: new Set(),
      shape,
      isGiven: false,
      known: pathKnown(steps.known, by),
      retracts: leavesRetracted(steps, from.retracts === true),
      keyedBy: by,
      ...(isUnknown && shape.kind === 'any' ? { isPartial: true } : {}),
    },
  };
}

/** What has no key is left out. */
function pathKnown(known: Known, by: string): Known {
  return /^value(?:\.\w+)+$/.test(by) ? union(known, new Set([isNot(by, 'null')])) : known;
}

/** The field that the new key repeats, as far as it can be seen; null: only `key` tells. */
function memberOf(by: string, shape: ResolvedSource['shape']): ResolvedSource['member'] {
  const field = /^value\.([A-Za-z_][A-Za-z0-9_]*)$/.exec(by)?.[1];
  if (field === undefined || shape.kind !== 'record') return null;
  return shape.fields.get(field)?.kind === 'string' ? readerOf(by, [field]) : null;
}
