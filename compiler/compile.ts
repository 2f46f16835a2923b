/** Topology text → diagnostics or a plan. All of a file is checked before one record flows. */
import type { Diagnostic } from '../core/error.ts';
import type { Catalog } from '../core/spec.ts';
import type { Words } from '../core/words.ts';
import type { SchemaFolder } from '../schemas/folder.ts';
import { checkAcked } from './acked-checks.ts';
import { checkBypasses } from './bypass-checks.ts';
import { CelCompiler } from './cel.ts';
import {
  checkName,
  resolveLanes,
  resolveTables,
  SchemaShapes,
  type Scope,
  Topics,
  topicPlan,
} from './declarations.ts';
import { resolveDerived } from './derived-tables.ts';
import { deviceTopics, tokensOf } from './device-topologies.ts';
import { ACKNOWLEDGEMENTS } from './engine-tables.ts';
import { joinedBy } from './joined-streams.ts';
import { isJoin, lower } from './lower.ts';
import { hopsOf } from './lower-derived.ts';
import { withPriorities } from './notification-priorities.ts';
import type { DerivedTablePlan, LanePlan, Plan, TablePlan } from './plan.ts';
import { checkPrioritiesUsed, resolvePriorities } from './priorities.ts';
import { readCount } from './quantity.ts';
import { hasAcked } from './reminders.ts';
import { headOf, type Placed, Section } from './section.ts';
import { ANY_SHAPE } from './shape.ts';
import { type Collapsing, checkGroups } from './show.ts';
import { resolveSink, type SinkScope, type SinkUse } from './sinks.ts';
import { type Chains, resolveSteps, type StepScope } from './steps.ts';
import { StreamGraph } from './stream-graph.ts';
import {
  isWholeStream,
  type ResolvedStream,
  resolveStream,
  type StreamScope,
  stepsOf,
} from './streams.ts';
import { checkTopics } from './topic-checks.ts';
import { type ListTree, parseTree } from './tree.ts';
import { checkLaneSinks, checkTableInput, checkTableTopic } from './use-checks.ts';
import type { Environment } from './variables.ts';
import { checkFieldsUsed, resolveWords } from './words.ts';

export interface CompileOptions {
  /** The file's name as messages show it. */
  readonly file: string;
  readonly catalog: Catalog;
  readonly schemas: SchemaFolder;
  /** For `${VAR}`; usually the process's own. */
  readonly env: Environment;
}

export interface Compiled {
  /** Undefined when there is an error; warnings alone leave it. */
  readonly plan: Plan | undefined;
  /** In file order. */
  readonly diagnostics: Diagnostic[];
  /** Its device classes and fields, also where something else is wrong; null: not known. */
  readonly words: Words | null;
  /** Those that were given, with notifications of the topology's priorities. */
  readonly schemas: SchemaFolder;
}

const KEYS = [
  ...['topology', 'doc', 'on_error', 'priorities', 'device_classes', 'fields', 'texts'],
  ...['tables', 'chains', 'lanes', 'streams', 'sinks'],
];
const ATTEMPTS_DEFAULT = 3;
const ATTEMPTS_MAX = 100;
const DEAD_LETTERS_DEFAULT = 'dead-letters';

/** What a topology declares; undefined or null: it is broken, which has been told. */
interface Parts {
  readonly chains: Chains;
  readonly tables: ReadonlyMap<string, TablePlan | null>;
  readonly derived: readonly DerivedTablePlan[];
  readonly lanes: ReadonlyMap<string, LanePlan | null>;
  readonly streams: readonly (ResolvedStream | undefined)[];
  readonly sinks: readonly (SinkUse | undefined)[];
}

export function compile(text: string, options: CompileOptions): Compiled {
  const { schemas } = options;
  const { tree, report } = parseTree(text, options.file, options.env);
  const unread = () => ({
    plan: undefined,
    diagnostics: report.diagnostics(),
    words: null,
    schemas,
  });
  if (tree === undefined) return unread();
  if (tree.kind !== 'map') {
    const what = 'the text is not a mapping with the keys of a topology.';
    report.error('CAR103', headOf(tree), what, 'Begin with "topology: <name>".');
    return unread();
  }
  // What the whole file lacks is told at its first key.
  const place = tree.entries[0]?.keySpan ?? headOf(tree);
  const section = new Section(report, 'topology', tree, place).only(KEYS);
  const priorities = resolvePriorities(report, section);
  const own = withPriorities(schemas, priorities.names);
  const errorsBefore = report.errorCount;
  const words = resolveWords(report, section);
  const areKnown = report.errorCount === errorsBefore;
  const scope: Scope = {
    report,
    schemas: new SchemaShapes(own, report),
    topics: new Topics(report),
    priorities,
    words,
  };
  const plan = compileSection(scope, section, options.catalog);
  const whole = report.hasErrors ? undefined : plan;
  const diagnostics = report.diagnostics();
  return { plan: whole, diagnostics, words: areKnown ? words : null, schemas: own };
}

function compileSection(scope: Scope, section: Section, catalog: Catalog): Plan | undefined {
  const { report, topics } = scope;
  const name = section.neededText('topology', 'Name it: topology: reno');
  if (name !== undefined) checkName(report, 'topology', name.value, name.span);
  const topology = name?.value ?? 'topology';
  const policy = resolveOnError(scope, section);
  const lanesTree = section.tree('lanes');
  if (lanesTree?.kind === 'map' && lanesTree.entries.length > 0) {
    for (const plan of deviceTopics(topology)) topics.builtIn(plan);
  }
  const { topic: deadLetters } = policy;
  topics.use('on_error', deadLetters, 'dead-letters', undefined);
  const tables = resolveTables(scope, section.section('tables'));
  const derived = resolveDerived({ ...scope, tables }, section.section('tables'));
  const lanes = resolveLanes(scope, section.section('lanes'));
  const chains = readChains(scope, section.section('chains'));
  const shared = { ...scope, tables, lanes, chains, steps: catalog.steps, cel: new CelCompiler() };
  const collapsing: Collapsing[] = [];
  const streams = resolveStreams({ ...shared, topology, ids: new Map(), collapsing }, section);
  checkGroups(scope, collapsing);
  const sinks = resolveSinks({ ...shared, topology, sinks: catalog.sinks }, section);
  // Last, so that the ids of all other schemas stay what they were.
  if (lanes.size > 0) {
    const tokens = { value: tokensOf(topology), span: section.span };
    topics.use('push tokens', tokens, 'repartition', 'PushToken');
  }
  useHops(scope, topology, derived, section);
  checkUnusedChains(shared, section);
  const whole = present(streams).filter(isWholeStream);
  const plans = present(sinks.map((sink) => sink?.plan));
  if (hasAcked(whole)) {
    const { topic, schema } = ACKNOWLEDGEMENTS;
    topics.builtIn(topicPlan(topic, 'table', schema));
    const placeOf = (stream: string) => section.section('streams')?.section(stream);
    const areWhole = whole.length === streams.length && plans.length === sinks.length;
    if (areWhole) checkAcked(report, whole, plans, placeOf);
  }
  checkUses(scope, section, { chains, tables, derived, lanes, streams, sinks });
  if (!streams.includes(undefined)) checkPrioritiesUsed(scope, section, present(streams));
  if (!streams.includes(undefined)) checkFieldsUsed(scope, section, present(streams));
  if (!streams.includes(undefined)) checkBypasses(scope, present(streams));
  if (report.hasErrors) return undefined;
  const resolved = {
    name: topology,
    doc: section.text('doc')?.value ?? '',
    attempts: policy.attempts,
    deadLetters: deadLetters.value,
    priorities: scope.priorities,
    words: scope.words,
    tables: present(tables.values()),
    derived,
    lanes: present(lanes.values()),
    streams: whole,
    sinks: plans,
    topics: topics.plans,
  };
  const plan = lower(resolved, catalog, report);
  checkTopics(report, plan, topics.mentions);
  return plan;
}

/** What goes between the two halves of a join by a foreign key. */
function useHops(
  { topics }: Scope,
  topology: string,
  derived: readonly DerivedTablePlan[],
  { span }: Section,
): void {
  for (const one of derived.filter(({ by }) => by !== null)) {
    for (const value of Object.values(hopsOf(topology, one))) {
      topics.use(`table "${one.table.name}"`, { value, span }, 'repartition', undefined);
    }
  }
}

function present<T>(all: Iterable<T | null | undefined>): T[] {
  return [...all].filter((one) => one !== null && one !== undefined);
}

function resolveOnError(scope: Scope, section: Section): { attempts: number; topic: Placed } {
  const { report } = scope;
  const policy = section.section('on_error')?.only(['attempts', 'then', 'topic']);
  policy?.choice('then', ['dead_letter']);
  const written = policy?.scalar('attempts');
  const bounds = { min: 1, max: ATTEMPTS_MAX };
  const attempts =
    written === undefined ? undefined : readCount(report, 'on_error: attempts', written, bounds);
  const topic = policy?.text('topic') ?? { value: DEAD_LETTERS_DEFAULT, span: section.span };
  return { attempts: attempts ?? ATTEMPTS_DEFAULT, topic };
}

function readChains(scope: Scope, section: Section | undefined): Chains {
  const lists = new Map<string, ListTree | null>();
  for (const { key, keySpan } of section?.entries ?? []) {
    checkName(scope.report, 'chains', key, keySpan);
    lists.set(key, section?.list(key) ?? null);
  }
  return { lists, used: new Set() };
}

function resolveStreams(
  scope: Omit<StreamScope, 'graph'>,
  section: Section,
): (ResolvedStream | undefined)[] {
  const streams = section.neededSection('streams');
  if (streams === undefined) return [];
  for (const { key, keySpan } of streams.entries) checkName(scope.report, 'streams', key, keySpan);
  const graph: StreamGraph = new StreamGraph(scope, streams, {
    resolve: (name, part) => resolveStream({ ...scope, graph }, name, part),
    joinedBy: (part) => joinedBy(scope.steps, scope.chains.lists, part.tree('steps')),
  });
  const resolved = graph.all();
  if (resolved.length === 0) {
    scope.report.error('CAR216', streams.span, 'topology: it has no streams.');
  }
  return resolved;
}

function resolveSinks(scope: SinkScope, section: Section): (SinkUse | undefined)[] {
  const sinks = section.section('sinks');
  const resolved: (SinkUse | undefined)[] = [];
  for (const { key, keySpan } of sinks?.entries ?? []) {
    checkName(scope.report, 'sinks', key, keySpan);
    const part = sinks?.section(key);
    resolved.push(part === undefined ? undefined : resolveSink(scope, key, part));
  }
  return resolved;
}

/** Of what would come to a chain that is used nowhere nothing is known. */
function checkUnusedChains(scope: Omit<StepScope, 'subject'>, section: Section): void {
  const { report, chains } = scope;
  const entries = [...(section.section('chains')?.entries ?? [])];
  for (const { key, keySpan } of entries.filter((one) => !chains.used.has(one.key))) {
    report.warning('CAR218', keySpan, `chain "${key}" is used nowhere.`);
    const list = chains.lists.get(key) ?? undefined;
    resolveSteps({ ...scope, subject: `chain "${key}"` }, list, ANY_SHAPE);
  }
}

/** Only of what is whole: a lane whose sink is broken is not unread. */
function checkUses(
  scope: Scope,
  section: Section,
  { chains, tables, derived, lanes, streams, sinks }: Parts,
): void {
  const { report } = scope;
  const used = new Set([
    ...streams.flatMap((stream) =>
      stream === undefined ? [] : stepsOf(stream).flatMap((step) => step.tables),
    ),
    ...sinks.flatMap((sink) => sink?.plan?.tables ?? []),
    // What is made is written to a topic, whoever reads that.
    ...derived.flatMap(({ table, left, right }) => [table, left, right]),
  ]);
  const whole = present(streams);
  const sources = whole.flatMap(({ name, parts }) => {
    const { topic } = parts[0]!.from;
    return topic === null ? [] : [{ name, topic }];
  });
  const joining = whole.flatMap(stepsOf).filter(({ spec }) => isJoin(spec));
  const joined = new Set(
    joining.flatMap((step) => step.tables).filter((table) => table.whole !== true),
  );
  for (const { key, keySpan } of section.section('tables')?.entries ?? []) {
    const table = tables.get(key);
    if (lanes.size > 0 && table != null && used.has(table)) checkTableTopic(report, table, keySpan);
    if (table != null && joined.has(table)) checkTableInput(report, table, keySpan, sources);
  }
  const written = new Set(
    streams.map((one) => (one?.to?.kind === 'lane' ? one.to.lane : undefined)),
  );
  const areSinksKnown =
    !sinks.includes(undefined) && (!section.has('sinks') || section.tree('sinks')?.kind === 'map');
  const areEndsKnown = streams.every(
    (one) => one?.to != null && (one.isWhole || one.to.kind !== 'streams'),
  );
  for (const { key, keySpan } of section.section('lanes')?.entries ?? []) {
    const lane = lanes.get(key);
    if (lane === null || lane === undefined) continue;
    if (streams.length > 0 && areEndsKnown && !written.has(lane)) {
      report.warning('CAR246', keySpan, `lane "${key}": no stream writes to it.`);
    }
    if (areSinksKnown) checkLaneSinks(report, lane, keySpan, named(section, sinks));
  }
  // What is broken may have been meant to read it.
  if (report.hasErrors || chains.used.size < chains.lists.size) return;
  for (const { key, keySpan } of section.section('tables')?.entries ?? []) {
    const table = tables.get(key);
    if (table == null || used.has(table)) continue;
    report.warning('CAR246', keySpan, `table "${key}": no step and no sink looks up in it.`);
  }
}

function named(section: Section, sinks: readonly (SinkUse | undefined)[]) {
  const places = new Map(
    [...(section.section('sinks')?.entries ?? [])].map(({ key, keySpan }) => [key, keySpan]),
  );
  return sinks.flatMap((sink) =>
    sink === undefined ? [] : [{ sink, span: places.get(sink.name) ?? section.span }],
  );
}
