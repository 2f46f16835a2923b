/** Step lists: chains copied in, types looked up, options resolved, names made unique. */
import type { StepSpec } from '../core/spec.ts';
import { isOwn } from '../core/step-facts.ts';
import type { SchemaShapes } from './declarations.ts';
import { givenShape } from './given-shape.ts';
import { type OptionScope, type ResolvedOptions, resolveOptions } from './options.ts';
import { afterMap, asItCame, below, beside, type OriginOf } from './origins.ts';
import type { TablePlan } from './plan.ts';
import { didYouMean, listed, type Report, type Span } from './report.ts';
import { emptyMend, headOf, isBlank, isTold, kindOf, type Placed } from './section.ts';
import { ANY_SHAPE, type Shape } from './shape.ts';
import type { ListTree, Tree } from './tree.ts';

export interface ResolvedStep {
  readonly name: string;
  readonly spec: StepSpec;
  readonly config: Readonly<Record<string, unknown>>;
  readonly tables: readonly TablePlan[];
  readonly paths: ResolvedOptions['paths'];
  readonly places: ResolvedOptions['places'];
  readonly constants: ResolvedOptions['constants'];
  readonly expressions: ResolvedOptions['expressions'];
  /** Its other stream. */
  readonly joined: ResolvedOptions['joined'];
  /** Where what it reads comes from. */
  readonly originOf: OriginOf;
  readonly span: Span;
}

export interface ResolvedSteps {
  readonly steps: readonly ResolvedStep[];
  /** Top-level fields of the source's value that the steps read; `*`: all. */
  readonly fields: ReadonlySet<string>;
  /** The value's shape after the last step. */
  readonly shape: Shape;
  /** True: a step gives the value anew, so that it is no longer the source's. */
  readonly isGiven: boolean;
  /** Where the fields of what comes out come from. */
  readonly originOf: OriginOf;
}

/** The step lists of `chains`, and which of them were copied in. */
export interface Chains {
  readonly lists: ReadonlyMap<string, ListTree | null>;
  readonly used: Set<string>;
}

export interface StepScope extends Omit<OptionScope, 'shape'> {
  /** Why such a step may not stand here; undefined: it may. */
  readonly refuses?: (spec: StepSpec) => string | undefined;
  readonly steps: ReadonlyMap<string, StepSpec>;
  readonly chains: Chains;
  readonly schemas: SchemaShapes;
}

/** A step as it is written. */
export interface StepText {
  readonly type: string;
  readonly typeSpan: Span;
  readonly name: Placed | undefined;
  readonly options: Tree;
}

const STEP_NAME = /^[a-z][a-z0-9]*(?:[_-][a-z0-9]+)*$/;
const STEP_NAME_CHARS_MAX = 64;
/** After chains are copied in; far above what a person can follow. */
const STEPS_MAX = 100;

/** Undefined when something was told. */
export function resolveSteps(
  scope: StepScope,
  list: ListTree | undefined,
  source: Shape,
): ResolvedSteps | undefined {
  const errorsBefore = scope.report.errorCount;
  const from = { shape: source, isGiven: false };
  const resolved = resolveTexts(scope, stepTexts(scope, list), from);
  return scope.report.errorCount > errorsBefore ? undefined : resolved;
}

/** The steps of a list as they are written, chains copied in; two of one name are told of. */
export function stepTexts(scope: StepScope, list: ListTree | undefined): readonly StepText[] {
  const texts = list === undefined ? [] : unfold(scope, list, []);
  if (texts.length > STEPS_MAX && list !== undefined) {
    const what = `${scope.subject}: it has ${texts.length} steps, more than ${STEPS_MAX}.`;
    scope.report.error('CAR305', headOf(list), what, 'Split it into two streams.');
  }
  checkNames(scope, texts);
  return texts.slice(0, STEPS_MAX);
}

/**
 * Steps one after the other; `from`: the shape of what comes, and whether a step before them has
 * given it. Undefined when something was told.
 */
export function resolveTexts(
  scope: StepScope,
  texts: readonly StepText[],
  from: { readonly shape: Shape; readonly isGiven: boolean },
): ResolvedSteps | undefined {
  const { report } = scope;
  const errorsBefore = report.errorCount;
  const steps: ResolvedStep[] = [];
  const fields = new Set<string>();
  let { shape, isGiven } = from;
  let originOf = asItCame;
  for (const text of texts) {
    const spec = scope.steps.get(text.type);
    if (spec === undefined) {
      unknownStep(scope, text);
      shape = ANY_SHAPE;
      continue;
    }
    if (spec.isInternal === true) {
      const what = `${scope.subject}: step "${text.type}" is one of the engine's own.`;
      report.error('CAR248', text.typeSpan, what);
      continue;
    }
    const refused = scope.refuses?.(spec);
    if (refused !== undefined) {
      const name = text.name?.value ?? text.type;
      report.error('CAR219', text.typeSpan, `${scope.subject}: step "${name}" ${refused}.`);
      continue;
    }
    const stepScope = { ...scope, subject: `${scope.subject}, ${text.type}`, shape };
    const map = optionsOf(stepScope, text);
    const resolved =
      map === null ? undefined : resolveOptions(stepScope, spec.config, map, text.typeSpan);
    if (resolved === undefined) {
      // What a broken step gives is not known; what follows is not blamed for it.
      shape = ANY_SHAPE;
      continue;
    }
    if (!isGiven) for (const field of resolved.fields) fields.add(field);
    // What their code reads of a value is not known.
    if (!isGiven && (spec.kind === 'operator' || isOwn(spec))) fields.add('*');
    if (!isGiven && isWhole(spec)) fields.add('*');
    const before = originOf;
    const gives = givenShape(stepScope, spec, resolved, text.typeSpan);
    if (gives !== undefined) {
      shape = gives;
      originOf = originAfter(before, spec, resolved);
      isGiven = true;
    }
    const { config, tables, paths, places, constants, expressions, joined } = resolved;
    const name = text.name?.value ?? text.type;
    const known = { config, tables, paths, places, constants, expressions, joined };
    steps.push({ name, spec, ...known, originOf: before, span: text.typeSpan });
  }
  return report.errorCount > errorsBefore ? undefined : { steps, fields, shape, isGiven, originOf };
}

function originAfter(before: OriginOf, { gives }: StepSpec, resolved: ResolvedOptions): OriginOf {
  if (gives?.kind !== 'joined' && gives?.kind !== 'paired') {
    return afterMap(before, resolved.sources);
  }
  const own = gives.kind === 'paired' ? resolved.config[gives.own] : null;
  if (typeof own === 'string') return below(before, own);
  return beside(before, String(resolved.config[gives.as]));
}

/** What it gives has the value that came in it. */
function isWhole({ gives }: StepSpec): boolean {
  return gives !== undefined && ['gathered', 'joined', 'paired'].includes(gives.kind);
}

function unknownStep(scope: StepScope, text: StepText): void {
  scope.report.error(
    'CAR204',
    text.typeSpan,
    `${scope.subject}: step type "${text.type}" is not in the catalog.`,
    didYouMean(text.type, scope.steps.keys(), 'All step types: carillon explain steps'),
  );
}

/** Null: it was told that this is no mapping of options. Nothing at all stands for no options. */
function optionsOf(scope: OptionScope, { options, typeSpan }: StepText) {
  if (options.kind === 'map') return options;
  if (options.kind === 'scalar' && options.value === null) return undefined;
  if (isTold(options)) return null;
  const what = `${scope.subject}: its options are ${kindOf(options)}, not a mapping.`;
  scope.report.error('CAR103', typeSpan, what, 'Write them in braces: { option: value }.');
  return null;
}

/** Reads each item, with the steps of a chain in the place of its `use`. */
function unfold(scope: StepScope, list: ListTree, within: readonly string[]): StepText[] {
  return list.items.flatMap((item) => {
    const step = readStep(scope, item);
    if (step === undefined) return [];
    return step.type === 'use' ? unfoldChain(scope, step, within) : [step];
  });
}

function unfoldChain(scope: StepScope, step: StepText, within: readonly string[]): StepText[] {
  const { report, chains, subject } = scope;
  const { options } = step;
  if (isTold(options)) return [];
  if (options.kind !== 'scalar' || typeof options.value !== 'string' || isBlank(options)) {
    const what = `${subject}: use is ${kindOf(options)}, not a chain's name.`;
    report.error('CAR103', step.typeSpan, what, emptyMend(options));
    return [];
  }
  const name = options.value;
  const chain = chains.lists.get(name);
  if (chain === undefined) {
    const names = [...chains.lists.keys()];
    report.error(
      'CAR203',
      options.span,
      `${subject}: chain "${name}" is not declared.`,
      didYouMean(name, names, `Chains: ${listed(names)}.`),
    );
    return [];
  }
  chains.used.add(name);
  if (within.includes(name)) {
    const way = [...within, name].join(' → ');
    report.error('CAR206', options.span, `chain "${name}" copies itself in: ${way}.`);
    return [];
  }
  return chain === null ? [] : unfold(scope, chain, [...within, name]);
}

function readStep(scope: StepScope, item: Tree): StepText | undefined {
  const { report, subject } = scope;
  if (isTold(item)) return undefined;
  if (item.kind !== 'map') {
    const like = item.kind === 'scalar' && typeof item.value === 'string' ? item.value : 'dedup';
    const what = `${subject}: a step is ${kindOf(item)}, not a mapping.`;
    report.error('CAR103', headOf(item), what, `Write it as "- ${like}: {}".`);
    return undefined;
  }
  const name = item.entries.find(({ key }) => key === 'name');
  const types = item.entries.filter(({ key }) => key !== 'name');
  const [type, second] = types;
  if (type === undefined || second !== undefined) {
    const place = second?.keySpan ?? name?.keySpan ?? headOf(item);
    const what =
      type === undefined
        ? 'a step has no type.'
        : `a step has two types, "${type.key}" and "${second!.key}".`;
    report.error('CAR103', place, `${subject}: ${what}`, 'Write one step an item: - dedup: { … }');
    return undefined;
  }
  return {
    type: type.key,
    typeSpan: type.keySpan,
    name: name === undefined ? undefined : stepName(scope, name.value),
    options: type.value,
  };
}

function stepName(scope: StepScope, tree: Tree): Placed | undefined {
  if (isTold(tree)) return undefined;
  const value = tree.kind === 'scalar' && typeof tree.value === 'string' ? tree.value : '';
  if (STEP_NAME.test(value) && value.length <= STEP_NAME_CHARS_MAX)
    return { value, span: tree.span };
  scope.report.error(
    'CAR108',
    headOf(tree),
    `${scope.subject}: "${value}" is not a step's name.`,
    'Write lower-case letters, digits, _ and -, at most 64 characters.',
  );
  return undefined;
}

/** State is bound to the step's name, so two of one name would share it. */
function checkNames(scope: StepScope, texts: readonly StepText[]): void {
  const seen = new Set<string>();
  for (const { type, typeSpan, name } of texts) {
    const written = name?.value ?? type;
    // Topics have hyphens only, so these two would be one store.
    const bare = written.replaceAll('_', '-');
    if (seen.has(bare)) nameTwice(scope.report, scope.subject, written, name?.span ?? typeSpan);
    seen.add(bare);
  }
}

function nameTwice(report: Report, subject: string, name: string, span: Span): void {
  report.error(
    'CAR207',
    span,
    `${subject}: there are two steps "${name}".`,
    `Give this one a name of its own: - { name: ${name.replaceAll('_', '-')}-2, … }; state is bound to it.`,
  );
}
