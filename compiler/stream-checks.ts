/**
 * What a stream must agree with once its parts are resolved: its lane, its output's schema, its
 * key.
 */
import type { Priority } from '../core/priority.ts';
import { isOwn } from '../core/step-facts.ts';
import { type Known, NONE } from './cel-facts.ts';
import { priorityList, type Scope } from './declarations.ts';
import type { ResolvedPath } from './field-path.ts';
import { literalFault } from './literals.ts';
import { nullsIn } from './null-fits.ts';
import { isOfTick, notKnown } from './origins.ts';
import type { LanePlan, PriorityRule } from './plan.ts';
import { listed, type Span } from './report.ts';
import type { Placed } from './section.ts';
import { fits, type Shape, shapeName, withoutNull } from './shape.ts';
import type { ResolvedSource } from './sources.ts';
import type { ResolvedStep, ResolvedSteps } from './steps.ts';

export function checkPriorities(
  scope: Scope,
  subject: string,
  name: Placed,
  lane: LanePlan,
  may: readonly Priority[],
): void {
  for (const priority of new Set(may)) {
    if (lane.priorities.includes(priority)) continue;
    scope.report.error(
      'CAR210',
      name.span,
      `${subject}: it may be ${lane.order.nameOf(priority)}, and lane "${lane.name}" has only ${priorityList(lane)}.`,
    );
  }
}

/** Each priority that a rule may give, most urgent first. */
export function prioritiesOf(rule: PriorityRule): readonly Priority[] {
  return [...new Set([rule.as, ...rule.unless.map(({ as }) => as)])].sort((a, b) => a - b);
}

/** A value that a step gives has each field of the schema, in its type, and no other. */
export function checkFits(
  scope: Scope,
  subject: string,
  span: Span,
  given: Shape,
  wanted: Shape,
  schema: string,
  known: Known = NONE,
): void {
  if (given.kind !== 'record' || wanted.kind !== 'record') return;
  const told: string[] = [];
  for (const [field, of] of wanted.fields) {
    const has = given.fields.get(field);
    if (has === undefined && !wanted.defaulted.has(field)) told.push(`"${field}" is not given`);
    if (has !== undefined && !fits(has, of)) {
      told.push(`"${field}" is a ${shapeName(has)}, not a ${shapeName(of)}`);
    } else if (has !== undefined) {
      const why = literalFault(has, of);
      if (why !== undefined) told.push(`"${field}" is ${why}`);
    }
  }
  for (const field of given.fields.keys()) {
    if (!wanted.fields.has(field)) told.push(`"${field}" is not a field of it`);
  }
  if (told.length === 0) {
    checkNulls(scope, subject, span, nullsIn(given, wanted, known), schema);
    return;
  }
  scope.report.error(
    'CAR406',
    span,
    `${subject}: its value does not fit ${schema}: ${told.join('; ')}.`,
  );
}

function checkNulls(
  { report }: Scope,
  subject: string,
  span: Span,
  paths: readonly string[],
  schema: string,
): void {
  const [first] = paths;
  if (first === undefined) return;
  const isOne = paths.length === 1;
  const what =
    `${subject}: ${listed(paths)} may be null, and ${schema} has no null ` +
    `${isOne ? 'there' : 'in any of them'}: such a record would be a dead letter.`;
  const mend = `Say what null means where it is given: value.a != null ? value.a : "…". Or leave such records out: - filter: { where: ${first} != null }`;
  report.warning('CAR326', span, what, mend);
}

/** What lies in one partition, and what only by chance. */
export function checkPartitions(
  scope: Scope,
  subject: string,
  steps: readonly ResolvedStep[],
  from: ResolvedSource,
): void {
  if (from.isPartial === true) return;
  const known = steps.filter(({ originOf }) => originOf !== notKnown);
  checkJoins(scope, subject, known, from);
  checkDedup(scope, subject, known, from);
  checkGathered(scope, subject, known, from);
  checkGroups(scope, subject, known, from);
}

/**
 * A table's row lies in the partition of its key: a look-up by anything else finds nothing, unless
 * the table is whole.
 */
function checkJoins(
  scope: Pick<Scope, 'report' | 'words'>,
  subject: string,
  steps: readonly ResolvedStep[],
  from: ResolvedSource,
): void {
  const key = from.member?.path ?? 'key';
  for (const step of steps) {
    if (step.tables.every(({ whole }) => whole === true)) continue;
    const by = step.paths.get('by');
    if (by === undefined) checkJoinsByKey(scope, subject, step, key);
    for (const { reader } of by?.paths ?? []) {
      const origin = step.originOf(reader.path);
      if (origin === 'key' || origin === from.member?.path) continue;
      const isOther = reader.path === key && origin !== reader.path;
      const what = isOther
        ? `by ${reader.path} was given anew by a map, so it may be of another member than the event`
        : `by ${reader.path} is not the key of the stream (${key})`;
      const code = isOther ? 'CAR245' : 'CAR220';
      const mend = isOther
        ? `Give it the event's own: ${fieldOf(key)}: key.`
        : key === 'key'
          ? keyMend(reader.path)
          : undefined;
      scope.report.error(code, by!.at, `${subject}, ${step.name}: ${what}.`, mend);
    }
  }
}

const fieldOf = (path: string) => path.split('.').at(-1)!;

/** The key is what producers give, as long as the source does not say which field it is. */
const keyMend = (path: string) =>
  `If events are written with it as their key, say so: \`from: { key: ${path}, … }\`. Else look up by the key.`;

/** Rows by device are not found by a stream's member. */
function checkJoinsByKey(
  { report, words }: Pick<Scope, 'report' | 'words'>,
  subject: string,
  step: ResolvedStep,
  key: string,
): void {
  for (const table of step.tables) {
    if (table.key !== 'deviceId' || key.split('.').at(-1) !== words.fields.member) continue;
    const what = `${subject}, ${step.name}: table "${table.name}" is keyed by device, and the stream by ${key}.`;
    report.error('CAR220', step.span, what, 'Put it into the sink: lanes are keyed by device.');
  }
}

/** A record goes out under the key that it came with, so its value must repeat that one. */
export function checkGivenKey(
  { report }: Pick<Scope, 'report'>,
  subject: string,
  { steps, originOf, shape }: ResolvedSteps,
  from: ResolvedSource,
): void {
  const path = from.member?.path;
  const field = path?.split('.')[1];
  if (from.isPartial === true || originOf === notKnown) return;
  const map = steps.findLast(({ places }) => places.has('fields'));
  if (path === undefined || field === undefined || map === undefined) return;
  if (shape.kind !== 'record' || !shape.fields.has(field)) return;
  const origin = originOf(path);
  if (origin === path || origin === 'key') return;
  const what = `${subject}, ${map.name}: it gives ${path} anew, and the record keeps the key of the event.`;
  const mend = `Give it the event's own: ${field}: key. Or write the record under it: - rekey: { by: ${path} } as the last step.`;
  report.error('CAR245', map.span, what, mend);
}

/** What a step keeps records by, as the event has it, and whether the event's key is in it. */
function identityOf(
  step: ResolvedStep,
  { paths }: { readonly paths: readonly ResolvedPath[] },
  { member }: ResolvedSource,
) {
  const names = paths.map(({ reader }) => step.originOf(reader.path) ?? reader.path);
  const key = member?.path ?? 'key';
  return { names, key, hasKey: names.includes('key') || names.includes(key) };
}

/** Semantics S54: copies of one identity on two partitions are not seen as duplicates. */
function checkDedup(
  scope: Scope,
  subject: string,
  steps: readonly ResolvedStep[],
  from: ResolvedSource,
): void {
  for (const step of steps) {
    const by = step.spec.type === 'dedup' ? step.paths.get('by') : undefined;
    if (by === undefined) continue;
    const { names, key, hasKey } = identityOf(step, by, from);
    const paths = [...new Set(names)];
    if (names.every(isOfTick)) {
      tellOfTick(scope, subject, step, by.span);
      continue;
    }
    if (hasKey || (paths.length === 1 && paths[0] === from.id?.path)) continue;
    const what = `${subject}, ${step.name}: ${listed(paths)} is not derived from the key (${key}).`;
    scope.report.warning('CAR315', by.at, what);
  }
}

/** All rows that a tick walks have the same of it. */
function tellOfTick(
  { report }: Pick<Scope, 'report'>,
  subject: string,
  step: ResolvedStep,
  span: Span,
): void {
  const what = `${subject}, ${step.name}: by what it has of the tick alone all rows of it are one.`;
  report.error('CAR320', span, what, 'Name the row too: by: [key, value.id].');
}

/** What many members share: no part of an identity that is of these alone tells them apart. */
const SHARED: ReadonlySet<Shape['kind']> = new Set(['enum', 'bool', 'null']);
/** Hardly ever somebody's own, unless it says so by its name. */
const MEASURED: ReadonlySet<Shape['kind']> = new Set(['int', 'double']);
const NAMES_ID = /(?:^|[a-z_])(?:id|Id|ID|no|No|number|Number)$/;

/**
 * One member's records must not take the place of another's. Whether a text is somebody's own is
 * not known; that a kind or a number of seconds is not, is.
 */
function checkGathered(
  { report }: Pick<Scope, 'report'>,
  subject: string,
  steps: readonly ResolvedStep[],
  from: ResolvedSource,
): void {
  for (const step of steps) {
    const { type, kind, gives } = step.spec;
    if (kind !== 'timed' || step.spec.keyedBy !== 'by' || isOwn(step.spec)) continue;
    if (gives?.kind === 'aggregated') continue;
    const by = step.paths.get('by');
    if (by === undefined) continue;
    const { names, key, hasKey } = identityOf(step, by, from);
    if (names.every(isOfTick)) {
      tellOfTick({ report }, subject, step, by.span);
      continue;
    }
    if (hasKey || (from.id !== null && names.includes(from.id.path))) continue;
    const of = by.paths.map(({ reader, shape }) => sharedBy(reader.path, withoutNull(shape)));
    if (of.includes('none')) continue;
    const isSure = type !== 'throttle' && of.every((one) => one === 'many');
    const what =
      `${subject}, ${step.name}: by ${listed(names)} records of different members are one, ` +
      `as the key (${key}) is not in it.`;
    if (isSure) report.error('CAR320', by.at, what);
    else report.warning('CAR321', by.at, what);
  }
}

function sharedBy(path: string, { kind }: Shape): 'many' | 'perhaps' | 'none' {
  if (SHARED.has(kind)) return 'many';
  return MEASURED.has(kind) && !NAMES_ID.test(path) ? 'perhaps' : 'none';
}

/** Records of one group must lie in one partition: that of their key. */
function checkGroups(
  { report }: Pick<Scope, 'report'>,
  subject: string,
  steps: readonly ResolvedStep[],
  from: ResolvedSource,
): void {
  for (const step of steps) {
    const by = step.spec.gives?.kind === 'aggregated' ? step.paths.get('by') : undefined;
    if (by === undefined) continue;
    const { names, key, hasKey } = identityOf(step, by, from);
    if (hasKey) continue;
    const what = `${subject}, ${step.name}: by ${listed(names)} has not the key (${key}) in it.`;
    report.error('CAR251', by.at, what);
  }
}
