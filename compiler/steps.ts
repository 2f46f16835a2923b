/** Step lists: chains copied in, types looked up, options resolved, names made unique. */
import { nearest } from '../core/nearest.ts';
import type { StepSpec } from '../core/spec.ts';
import { isOwn } from '../core/step-facts.ts';
import { type Broken, brokenShape, givesValue, mayGive, meantStep } from './broken-steps.ts';
import { ANYTHING, carriedBy, isNot, type Known, NONE, union } from './cel-facts.ts';
import type { SchemaShapes } from './declarations.ts';
import { givenShape } from './given-shape.ts';
import { keyBeside } from './key-checks.ts';
import { type OptionScope, resolveOptions } from './options.ts';
import { afterMap, asItCame, below, beside, notKnown, type OriginOf, ofRow } from './origins.ts';
import type { TablePlan } from './plan.ts';
import { didYouMean, listed, type Span } from './report.ts';
import type { ResolvedOptions } from './resolved-options.ts';
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
  readonly values: ResolvedOptions['values'];
  readonly constants: ResolvedOptions['constants'];
  readonly expressions: ResolvedOptions['expressions'];
  /** Its other stream. */
  readonly joined: ResolvedOptions['joined'];
  /** Where what it reads comes from. */
  readonly originOf: OriginOf;
  /** The value that comes to it. */
  readonly comes: Shape;
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
  /** What is known of each record that comes out. */
  readonly known: Known;
  /** Where the fields of what comes out come from. */
  readonly originOf: OriginOf;
  /** Those of which something was told, and which are not among the steps. */
  readonly broken: readonly Broken[];
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
  /** Null: it was told that this is no step; `type` may be empty then. */
  readonly options: Tree | null;
}

const STEP_NAME = /^[a-z][a-z0-9]*(?:[_-][a-z0-9]+)*$/;
const STEP_NAME_CHARS_MAX = 64;
/** After chains are copied in; far above what a person can follow. */
const STEPS_MAX = 100;

export function resolveSteps(
  scope: StepScope,
  list: ListTree | undefined,
  source: Shape,
): ResolvedSteps {
  return resolveTexts(scope, stepTexts(scope, list), { shape: source, isGiven: false });
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
 * given it.
 */
export function resolveTexts(
  scope: StepScope,
  texts: readonly StepText[],
  from: { readonly shape: Shape; readonly isGiven: boolean; readonly known?: Known },
): ResolvedSteps {
  const steps: ResolvedStep[] = [];
  const broken: Broken[] = [];
  const fields = new Set<string>();
  let { shape, isGiven } = from;
  let originOf = asItCame;
  let known = from.known ?? NONE;
  // What is broken may have made sure of anything.
  let isUnsure = known.has(ANYTHING);
  /** What a step that is broken gives is not known; what follows is not blamed for it. */
  const pass = (spec: Broken, gives: boolean, of: Shape = ANY_SHAPE) => {
    broken.push(spec);
    if (spec === null || spec.ensures !== undefined) isUnsure = true;
    if (!gives) return;
    shape = of;
    known = NONE;
    originOf = notKnown;
    isGiven = true;
  };
  for (const text of texts) {
    const spec = specOf(scope, text, pass);
    if (spec === undefined) continue;
    const stepScope = { ...scope, subject: `${scope.subject}, ${text.type}`, shape, known };
    const map = optionsOf(stepScope, text);
    const resolved =
      map === null ? undefined : resolveOptions(stepScope, spec.config, map, text.typeSpan);
    if (resolved?.isWhole !== true) {
      pass(spec, givesValue(spec), brokenShape(spec, shape, resolved));
      continue;
    }
    if (!isGiven) for (const field of resolved.fields) fields.add(field);
    // What their code reads of a value is not known.
    if (!isGiven && (spec.kind === 'operator' || isOwn(spec))) fields.add('*');
    if (!isGiven && isWhole(spec)) fields.add('*');
    const before = originOf;
    const errors = scope.report.errorCount;
    const gives = givenShape(stepScope, spec, resolved, text.typeSpan);
    if (gives !== undefined) {
      shape = gives;
      known = knownAfter(known, spec, resolved);
      const isRight = scope.report.errorCount === errors;
      originOf = isRight ? originAfter(before, spec, resolved) : notKnown;
      isGiven = true;
    }
    if (spec.ensures !== undefined) known = union(known, resolved.holds.get(spec.ensures) ?? NONE);
    const { config, tables, paths, places, values, constants, expressions, joined } = resolved;
    const name = text.name?.value ?? text.type;
    const read = { config, tables, paths, places, values, constants, expressions, joined };
    const { shape: comes } = stepScope;
    steps.push({ name, spec, ...read, originOf: before, comes, span: text.typeSpan });
  }
  if (isUnsure) known = union(known, new Set([ANYTHING]));
  return { steps, fields, shape, isGiven, known, originOf, broken };
}

/** Undefined when it was told why it cannot stand here; `pass` hears what it may have been. */
function specOf(
  scope: StepScope,
  text: StepText,
  pass: (meant: Broken, gives: boolean) => void,
): StepSpec | undefined {
  const { report, subject } = scope;
  const { type, typeSpan, options } = text;
  const spec = scope.steps.get(type);
  if (options === null) {
    pass(spec ?? null, spec === undefined || givesValue(spec));
    return undefined;
  }
  if (spec === undefined) {
    unknownStep(scope, text);
    const meant = meantStep(type, options, scope.steps);
    if (meant === undefined) pass(null, mayGive(options, scope.steps));
    return meant;
  }
  if (spec.isInternal === true) {
    report.error('CAR248', typeSpan, `${subject}: step "${type}" is one of the engine's own.`);
    pass(spec, false);
    return undefined;
  }
  const refused = scope.refuses?.(spec);
  if (refused === undefined) return spec;
  const name = text.name?.value ?? type;
  report.error('CAR219', typeSpan, `${subject}: step "${name}" ${refused}.`);
  pass(spec, false);
  return undefined;
}

function originAfter(before: OriginOf, { gives }: StepSpec, resolved: ResolvedOptions): OriginOf {
  if (gives?.kind === 'walked') {
    return ofRow(before, String(resolved.config[gives.as]), resolved.tables[0]?.key ?? '');
  }
  if (gives?.kind !== 'joined' && gives?.kind !== 'paired') {
    return afterMap(before, resolved.sources);
  }
  const own = gives.kind === 'paired' ? resolved.config[gives.own] : null;
  if (typeof own === 'string') return below(before, own);
  return beside(before, String(resolved.config[gives.as]), keyBeside(gives, resolved));
}

/** What a step that gives the value anew leaves of what was known. */
function knownAfter(known: Known, { gives }: StepSpec, resolved: ResolvedOptions): Known {
  if (gives?.kind === 'joined') {
    // An inner join leaves out what names no row.
    const by = resolved.config[gives.type] === 'inner' ? resolved.paths.get(gives.by) : undefined;
    return union(known, new Set(by?.paths.map(({ reader }) => isNot(reader.path, 'null'))));
  }
  const given = new Set([...resolved.notNull].map((field) => isNot(`value.${field}`, 'null')));
  return gives === undefined ? union(carriedBy(known, resolved.sources), given) : given;
}

/** What it gives has the value that came in it. */
function isWhole({ gives }: StepSpec): boolean {
  return gives !== undefined && ['gathered', 'joined', 'paired', 'walked'].includes(gives.kind);
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
  if (options === null) return null;
  if (options.kind === 'map') return options;
  if (options.kind === 'scalar' && options.value === null) return undefined;
  if (isTold(options)) return null;
  const what = `${scope.subject}: its options are ${kindOf(options)}, not a mapping.`;
  scope.report.error('CAR103', typeSpan, what, 'Write them in braces: { option: value }.');
  return null;
}

/** Reads each item, with the steps of a chain in the place of its `use`. */
function unfold(scope: StepScope, list: ListTree, within: readonly string[]): readonly StepText[] {
  return list.items.flatMap((item): readonly StepText[] => {
    const step = readStep(scope, item);
    const { options } = step;
    return step.type === 'use' && options !== null
      ? unfoldChain(scope, { ...step, options }, within, list)
      : [step];
  });
}

function unfoldChain(
  scope: StepScope,
  step: StepText & { readonly options: Tree },
  within: readonly string[],
  list: ListTree,
): readonly StepText[] {
  const { report, chains, subject } = scope;
  const { options } = step;
  const unknown = [{ ...step, type: '', options: null }];
  if (isTold(options)) return unknown;
  if (options.kind !== 'scalar' || typeof options.value !== 'string' || isBlank(options)) {
    const what = `${subject}: use is ${kindOf(options)}, not a chain's name.`;
    report.error('CAR103', step.typeSpan, what, emptyMend(options));
    return unknown;
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
    const near = nearest(name, names);
    if (near === undefined || within.includes(near) || copies(list, near)) return unknown;
    return copied(scope, near, unknown, within);
  }
  if (within.includes(name)) {
    const way = [...within, name].join(' → ');
    report.error('CAR206', options.span, `chain "${name}" copies itself in: ${way}.`);
    return unknown;
  }
  return copied(scope, name, unknown, within);
}

function copies(list: ListTree, chain: string): boolean {
  return list.items.some(
    (item) =>
      item.kind === 'map' &&
      item.entries.some(
        ({ key, value }) => key === 'use' && value.kind === 'scalar' && value.value === chain,
      ),
  );
}

/** `unknown`: what stands for one that is broken. */
function copied(
  scope: StepScope,
  name: string,
  unknown: readonly StepText[],
  within: readonly string[],
): readonly StepText[] {
  const { lists, used } = scope.chains;
  used.add(name);
  const list = lists.get(name);
  return list == null ? unknown : unfold(scope, list, [...within, name]);
}

/** How a step is written of which only the name is there; one of a variable is not shown. */
function writtenAs({ chains }: StepScope, item: Tree): string {
  const isNamed = item.kind === 'scalar' && typeof item.value === 'string' && !item.expanded;
  if (!isNamed) return 'dedup: {}';
  return chains.lists.has(String(item.value)) ? `use: ${item.value}` : `${item.value}: {}`;
}

function readStep(scope: StepScope, item: Tree): StepText {
  const { report, subject } = scope;
  const unknown = { type: '', typeSpan: headOf(item), name: undefined, options: null };
  if (isTold(item)) return unknown;
  if (item.kind !== 'map') {
    const text = item.kind === 'scalar' && typeof item.value === 'string' ? item.value : undefined;
    const what = `${subject}: a step is ${kindOf(item)}, not a mapping.`;
    report.error('CAR103', headOf(item), what, `Write it as "- ${writtenAs(scope, item)}".`);
    return { ...unknown, type: text ?? '' };
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
    return { ...unknown, type: type?.key ?? '' };
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
  for (const { type, typeSpan, name, options } of texts) {
    if (options === null) continue;
    const written = name?.value ?? type;
    // Topics have hyphens only, so these two would be one store.
    const bare = written.replaceAll('_', '-');
    if (seen.has(bare)) nameTwice(scope, type, written, name?.span ?? typeSpan);
    seen.add(bare);
  }
}

function nameTwice({ report, subject }: StepScope, type: string, name: string, span: Span): void {
  const other = `${name.replaceAll('_', '-')}-2`;
  report.error(
    'CAR207',
    span,
    `${subject}: there are two steps "${name}".`,
    `Give this one a name of its own: - { name: ${other}, ${type}: { … } }; state is bound to it.`,
  );
}
