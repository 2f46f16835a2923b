/**
 * Options of steps and sinks: from what a file says to what `open` gets, by the kind that the spec
 * declares. Defaults go the same way as written values, so they are checked against the schema too.
 */
import type { Priorities } from '../core/priority.ts';
import type { Option, OptionKind, Options } from '../core/spec.ts';
import { parseTimeOfDay, TimeZone } from '../core/time-zone.ts';
import type { Words } from '../core/words.ts';
import { resolveCall } from './aggregate-calls.ts';
import type { ResolvedExpression } from './cel.ts';
import type { Known } from './cel-facts.ts';
import { defaultOf } from './default-tree.ts';
import { readDurations } from './durations.ts';
import { type ExpressionScope, givenBy, isPredicate, resolveExpression } from './expressions.ts';
import { type ResolvedPath, resolvePath } from './field-path.ts';
import { fieldNameMend } from './given-shape.ts';
import type { JoinedStream } from './joined-streams.ts';
import { missingOption, unknownOption } from './option-faults.ts';
import { isMisfit } from './path-kinds.ts';
import { partId, type TablePlan } from './plan.ts';
import { mendOf, readBytes, readCount, readDuration } from './quantity.ts';
import { didYouMean, listed, type Span } from './report.ts';
import type { ResolvedOptions } from './resolved-options.ts';
import { emptyMend, headOf, isBlank, isTold, kindOf, type Placed } from './section.ts';
import { ANY_SHAPE, type RecordShape, type Shape } from './shape.ts';
import { namedTable } from './table-option.ts';
import type { Entry, MapTree, ScalarTree, Tree } from './tree.ts';
import { zoneMend } from './zone-text.ts';

export interface OptionScope extends ExpressionScope {
  /** `stream "viewing-activity", dedup`. */
  readonly subject: string;
  /** By name; null: it is declared, but its declaration is broken. */
  readonly tables: ReadonlyMap<string, TablePlan | null>;
  readonly priorities: Priorities;
  readonly words: Words;
  /** The other stream of a step, by its name; undefined when it was told why there is none. */
  joined?(subject: string, name: Placed): JoinedStream | undefined;
}

/** What `open` gets is undefined when it was told why not. */
interface Reading {
  readonly scope: OptionScope;
  readonly name: string;
  readonly option: Option<unknown>;
  /** All of the step. */
  readonly options: Options;
  readonly tree: Tree;
  /** The key's place for a written option; the step's for a default. */
  readonly place: Span;
  readonly gathered: Gathered;
}

interface Gathered {
  readonly fields: Set<string>;
  readonly tables: TablePlan[];
  readonly paths: Map<string, { paths: ResolvedPath[]; span: Span; at: Span }>;
  readonly sources: Map<string, string>;
  readonly notNull: Set<string>;
  readonly names: Map<string, Span>;
  readonly constants: Map<string, boolean>;
  readonly holds: Map<string, Known>;
  readonly expressions: Map<string, ResolvedExpression>;
  joined: JoinedStream | undefined;
  gives: RecordShape | undefined;
}

/**
 * What is wrong or missing has been told. `skip`: keys of the mapping that are not options (a
 * sink's `type`, `timeout`).
 */
export function resolveOptions(
  scope: OptionScope,
  options: Options,
  map: MapTree | undefined,
  place: Span,
  skip: readonly string[] = [],
): ResolvedOptions {
  const written = new Map<string, Entry>();
  const errorsBefore = scope.report.errorCount;
  const known = Object.keys(options);
  for (const entry of map?.entries ?? []) {
    if (skip.includes(entry.key)) continue;
    if (known.includes(entry.key)) written.set(entry.key, entry);
    else unknownOption(scope, entry, known, skip);
  }
  const isMisspelt = scope.report.errorCount > errorsBefore || map?.isPartial === true;
  const gathered: Gathered = {
    fields: new Set(),
    tables: [],
    paths: new Map(),
    sources: new Map(),
    notNull: new Set(),
    names: new Map(),
    constants: new Map(),
    holds: new Map(),
    expressions: new Map(),
    joined: undefined,
    gives: undefined,
  };
  const config: Record<string, unknown> = {};
  for (const [name, option] of Object.entries(options)) {
    const entry = written.get(name);
    if (entry === undefined && option.required) {
      // With an unknown option in the same step, this one may well be the one that was meant.
      if (!isMisspelt) missingOption(scope, name, option, place);
      continue;
    }
    if (entry === undefined && option.fallback === null) {
      config[name] = null;
      continue;
    }
    const tree = entry?.value ?? defaultOf(option, scope.words, place);
    const at = entry?.keySpan ?? place;
    const reading = { scope, name, option, options, tree, place: at, gathered };
    config[name] = READERS[option.kind](reading);
  }
  const isWhole = scope.report.errorCount === errorsBefore;
  const places = new Map([...written].map(([name, { keySpan }]) => [name, keySpan]));
  const values = new Map([...written].map(([name, { value }]) => [name, spanIn(value)]));
  return { isWhole, config, places, values, ...gathered };
}

const ZONE_MEND = 'Write a name of the IANA database, as Europe/Berlin or UTC.';

const READERS: { readonly [K in OptionKind]: (reading: Reading) => unknown } = {
  duration: (reading) => quantity(reading, readDuration),
  count: (reading) => quantity(reading, readCount),
  bytes: (reading) => quantity(reading, readBytes),
  time_of_day: (reading) => {
    const text = textOf(reading, reading.tree, 'a time of day (22:00)');
    if (text === undefined) return undefined;
    const time = parseTimeOfDay(text.value);
    if (time === undefined) tell(reading, 'CAR350', text.span, `is "${text.value}".`);
    return time;
  },
  time_zone: (reading) => {
    const text = textOf(reading, reading.tree, 'a time zone (Europe/Berlin)');
    if (text === undefined || TimeZone.named(text.value) !== null) return text?.value;
    const mend = didYouMean(text.value, Intl.supportedValuesOf('timeZone'), ZONE_MEND);
    tell(reading, 'CAR351', text.span, `names the zone "${text.value}".`, mend);
    return undefined;
  },
  path: (reading) => {
    const text = textOf(reading, reading.tree, 'a path');
    return text === undefined ? undefined : onePath(reading, text)?.reader;
  },
  paths: (reading) => {
    const items = listOf(reading, '[value.eventId]');
    const found = items?.map((item) => {
      const text = textOf(reading, item, 'a path');
      return text === undefined ? undefined : onePath(reading, text)?.reader;
    });
    return found?.includes(undefined) ? undefined : found;
  },
  predicate: (reading) => {
    const resolved = oneExpression(reading, reading.tree);
    if (resolved === undefined) return undefined;
    const { constant, holds } = resolved;
    reading.gathered.holds.set(reading.name, holds);
    if (typeof constant === 'boolean') reading.gathered.constants.set(reading.name, constant);
    if (isPredicate(resolved)) return resolved.expression;
    tell(reading, 'CAR312', reading.tree.span, `gives ${givenBy(resolved)}, not true or false.`);
    return undefined;
  },
  expression: (reading) => {
    const resolved = oneExpression(reading, reading.tree);
    if (resolved !== undefined) reading.gathered.expressions.set(reading.name, resolved);
    return resolved?.expression;
  },
  expressions: (reading) => named(reading, oneExpression),
  aggregates: (reading) => named(reading, oneCall),
  durations: ({ scope, name, option, tree, place }) => {
    const subject = `${scope.subject}: option "${name}"`;
    return readDurations(scope.report, subject, tree, option.parts ?? {}, place);
  },
  one_of: (reading) => choice(reading, reading.tree, choicesOf(reading)),
  some_of: (reading) => chosen(reading, choicesOf(reading)),
  priorities: (reading) => chosen(reading, reading.scope.priorities.names),
  device_classes: (reading) => chosen(reading, reading.scope.words.deviceClasses.choices),
  table: oneTable,
  stream: oneStream,
  flag: (reading) => {
    const { tree } = reading;
    if (tree.kind === 'scalar') {
      if (typeof tree.value === 'boolean') return tree.value;
      if (tree.expanded && (tree.value === 'true' || tree.value === 'false')) {
        return tree.value === 'true';
      }
    }
    return wrongType(reading, tree, 'true or false');
  },
  text: (reading) => textOf(reading, reading.tree, 'a text')?.value,
  secret: (reading) => {
    const { tree } = reading;
    if (tree.kind === 'scalar' && typeof tree.value === 'string' && !tree.expanded) {
      tell(reading, 'CAR309', tree.span, 'is a secret, and stands in the file itself.');
      return undefined;
    }
    return textOf(reading, tree, 'a text')?.value;
  },
};

function tell(
  reading: Reading,
  code: 'CAR303' | 'CAR306' | 'CAR309' | 'CAR314' | 'CAR312' | 'CAR350' | 'CAR351',
  span: Span,
  what: string,
  mend?: string,
): void {
  const { scope, name } = reading;
  scope.report.error(code, span, `${scope.subject}: option "${name}" ${what}`, mend);
}

function wrongType(reading: Reading, tree: Tree, wanted: string): undefined {
  if (isTold(tree)) return undefined;
  const isNothing = tree.kind === 'scalar' && tree.value === null;
  const place = isNothing ? reading.place : headOf(tree);
  const mend = emptyMend(tree) ?? `Write ${wanted}.`;
  tell(reading, 'CAR303', place, `is ${kindOf(tree)}, not ${wanted}.`, mend);
  return undefined;
}

function quantity(reading: Reading, read: typeof readCount): number | undefined {
  const { scope, name, option, tree } = reading;
  if (tree.kind !== 'scalar' || tree.value === null || tree.told)
    return wrongType(reading, tree, KINDS[option.kind] ?? 'a number');
  return read(scope.report, `${scope.subject}: option "${name}"`, tree, option);
}

const KINDS: { readonly [kind: string]: string } = {
  duration: 'a duration (30s)',
  count: 'a whole number',
  bytes: 'a size (64KiB)',
};

function textOf(reading: Reading, tree: Tree, wanted: string): Placed | undefined {
  if (tree.kind === 'scalar' && !tree.told && typeof tree.value === 'string' && !isBlank(tree)) {
    return { value: tree.value, span: placeOf(tree) };
  }
  return wrongType(reading, tree, wanted);
}

/** The text without its quotes, so that a caret can point into it. */
function placeOf(tree: ScalarTree): Span {
  if (tree.textStart < 0 || typeof tree.value !== 'string') return tree.span;
  return { start: tree.textStart, end: tree.textStart + tree.value.length };
}

/** What a value is: of a list, from its first item to its last. */
function spanIn(tree: Tree): Span {
  if (tree.kind === 'scalar') return placeOf(tree);
  const all = tree.kind === 'list' ? tree.items : [];
  const [first, last] = [all[0], all.at(-1)];
  if (first === undefined || last === undefined) return headOf(tree);
  return { start: spanIn(first).start, end: spanIn(last).end };
}

function listOf(reading: Reading, like: string): readonly Tree[] | undefined {
  const { tree } = reading;
  if (tree.kind === 'list' && tree.items.length > 0) return tree.items;
  if (tree.kind === 'list') {
    tell(reading, 'CAR303', headOf(tree), 'is an empty list.', `Write at least one: ${like}.`);
    return undefined;
  }
  return wrongType(reading, tree, `a list, like ${like}`);
}

function onePath(reading: Reading, text: Placed): ResolvedPath | undefined {
  const { scope, name, gathered, place } = reading;
  const subject = `${scope.subject}, ${name}`;
  const mend = zoneMend(text.value, reading.options);
  const resolved = resolvePath(scope.report, subject, text, scope.shape, mend);
  if (resolved === undefined) return undefined;
  const { takes } = reading.option;
  if (
    takes !== undefined &&
    isMisfit(scope.report, subject, text, resolved.shape, takes, scope.shape)
  ) {
    return undefined;
  }
  if (resolved.field !== null) gathered.fields.add(resolved.field);
  const known = gathered.paths.get(name);
  const at = text.span;
  if (known === undefined) gathered.paths.set(name, { paths: [resolved], span: place, at });
  else {
    known.paths.push(resolved);
    known.at = { start: known.at.start, end: at.end };
  }
  return resolved;
}

function oneExpression(reading: Reading, tree: Tree): ResolvedExpression | undefined {
  return oneOfText(reading, tree, resolveExpression);
}

function oneCall(reading: Reading, tree: Tree) {
  const resolved = oneOfText(reading, tree, resolveCall);
  return resolved && { expression: resolved.call, shape: resolved.shape };
}

function oneOfText<T extends { readonly fields: ReadonlySet<string> }>(
  reading: Reading,
  tree: Tree,
  resolve: (scope: OptionScope, subject: string, tree: ScalarTree) => T | undefined,
): T | undefined {
  const { scope, name, gathered } = reading;
  if (tree.kind !== 'scalar' || tree.told || typeof tree.value !== 'string' || isBlank(tree)) {
    return wrongType(reading, tree, 'an expression (a text in quotes)');
  }
  const resolved = resolve(scope, `${scope.subject}, ${name}`, tree);
  for (const field of resolved?.fields ?? []) gathered.fields.add(field);
  return resolved;
}

interface Named {
  readonly expression: { readonly source: string };
  readonly shape: Shape;
  readonly isNullable?: boolean;
}

/** Fields of a new value, each with what gives it. */
function named(
  reading: Reading,
  one: (reading: Reading, tree: Tree) => Named | undefined,
): unknown {
  const { tree, gathered, scope } = reading;
  if (tree.kind !== 'map' || tree.entries.length === 0) {
    return wrongType(reading, tree, 'a mapping from names to expressions');
  }
  const given: { [name: string]: unknown } = {};
  const fields = new Map<string, Shape>();
  for (const { key, keySpan, value } of tree.entries) {
    if (!/^[\p{L}_][\p{L}\p{N}_]*$/u.test(key) || key === '__proto__') {
      const what = `${scope.subject}: "${key}" is not a field's name.`;
      scope.report.error('CAR108', keySpan, what, fieldNameMend(key));
    }
    gathered.names.set(key, keySpan);
    const resolved = one(reading, value);
    fields.set(key, resolved?.shape ?? ANY_SHAPE);
    if (resolved === undefined) continue;
    given[key] = resolved.expression;
    if (resolved.isNullable === false) gathered.notNull.add(key);
    gathered.sources.set(key, resolved.expression.source.trim());
  }
  gathered.gives = { kind: 'record', name: 'the new value', fields, defaulted: new Set() };
  return given;
}

const choicesOf = ({ option }: Reading): readonly string[] => Object.keys(option.choices ?? {});

/** A list of distinct ones. */
function chosen(reading: Reading, choices: readonly string[]): readonly string[] {
  const all: string[] = [];
  for (const item of listOf(reading, `[${choices[0]}]`) ?? []) {
    const value = choice(reading, item, choices);
    if (value === undefined) continue;
    if (!all.includes(value)) all.push(value);
    else tell(reading, 'CAR314', item.span, `has "${value}" twice.`);
  }
  return all;
}

function choice(reading: Reading, tree: Tree, choices: readonly string[]): string | undefined {
  if (tree.kind !== 'scalar' || typeof tree.value !== 'string' || isBlank(tree)) {
    return wrongType(reading, tree, `one of ${listed(choices)}`);
  }
  if (choices.includes(tree.value)) return tree.value;
  const known = `Choices: ${listed(choices)}.`;
  tell(
    reading,
    'CAR306',
    tree.span,
    `has no choice "${tree.value}".`,
    mendOf(tree, didYouMean(tree.value, choices, known)),
  );
  return undefined;
}

function oneTable(reading: Reading): string | undefined {
  const { scope, name, option, gathered, tree } = reading;
  const text = textOf(reading, tree, "a table's name");
  if (text === undefined) return undefined;
  const subject = `${scope.subject}: option "${name}"`;
  const table = namedTable(scope.report, subject, scope.tables, option, text);
  if (table === undefined) return undefined;
  if (table !== null) gathered.tables.push(table);
  return text.value;
}

/** As what is kept of it names it: by its id, which outlives the name. */
function oneStream(reading: Reading): string | undefined {
  const { scope, gathered, tree } = reading;
  const text = textOf(reading, tree, "a stream's name");
  gathered.joined = text && scope.joined?.(scope.subject, text);
  if (gathered.joined === undefined) return undefined;
  const { upstream } = gathered.joined;
  return upstream.branch === '' ? partId(upstream) : `${partId(upstream)}.${upstream.branch}`;
}
