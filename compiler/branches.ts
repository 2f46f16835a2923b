/** How a stream ends that others go on with: whole, or shared out in branches. */
import type { Expression } from '../core/spec.ts';
import type { ResolvedExpression } from './cel.ts';
import { checkName } from './declarations.ts';
import { givenBy, isPredicate, resolveExpression } from './expressions.ts';
import type { BranchPlan, StreamsTarget } from './plan.ts';
import type { Report, Span } from './report.ts';
import type { Placed, Section } from './section.ts';
import type { ResolvedSteps } from './steps.ts';
import type { StreamScope } from './streams.ts';

export interface ResolvedBranches {
  readonly target: StreamsTarget;
  /** Top-level fields that the conditions read of the value. */
  readonly fields: readonly string[];
}

/** All of it goes to whoever reads the stream. */
export const WHOLE: ResolvedBranches = {
  target: { kind: 'streams', branches: [{ name: '', when: null }] },
  fields: [],
};

/** In order; undefined when something was told. */
export function resolveBranches(
  scope: StreamScope,
  stream: string,
  section: Section,
  steps: ResolvedSteps,
): ResolvedBranches | undefined {
  const { report } = scope;
  const errorsBefore = report.errorCount;
  const items = section.list('branch')?.items;
  if (items === undefined) return undefined;
  const branches: BranchPlan[] = [];
  const fields: string[] = [];
  const places = new Map<string, Span>();
  let rest: string | undefined;
  const taken: Taken = { sources: new Set(), all: false };
  for (const [i] of items.entries()) {
    const item = section.item('branch', i)?.only(['when', 'as']);
    const as = item?.neededText('as', 'Name it: { when: …, as: urgent }.');
    if (item === undefined || as === undefined) continue;
    checkName(report, item.subject, as.value, as.span);
    if (branches.some(({ name }) => name === as.value)) {
      report.error('CAR314', as.span, `${item.subject}: there are two branches "${as.value}".`);
    }
    if (rest !== undefined) {
      const what = `${item.subject}: "${as.value}" stands behind "${rest}", which takes all that is left.`;
      report.error('CAR238', as.span, what);
    }
    if (!item.has('when')) {
      rest = as.value;
      if (taken.all) tellIdle(report, item.subject, as, 'one above it holds for every record');
    }
    const when = item.has('when') ? conditionOf(scope, item, steps, fields, taken, as) : null;
    branches.push({ name: as.value, when });
    places.set(as.value, as.span);
  }
  for (const name of scope.graph.unread(stream, [...places.keys()])) {
    const what = `${section.subject}, branch: no stream reads "${stream}.${name}".`;
    report.error('CAR236', places.get(name)!, what);
  }
  if (items.length === 0) {
    const span = section.entry('branch')!.keySpan;
    report.error('CAR103', span, `${section.subject}: branch is an empty list.`);
  }
  if (report.errorCount > errorsBefore) return undefined;
  return { target: { kind: 'streams', branches }, fields: steps.isGiven ? [] : fields };
}

/** Null, too, when it was told what is wrong with it. */
function conditionOf(
  scope: StreamScope,
  item: Section,
  steps: ResolvedSteps,
  fields: string[],
  taken: Taken,
  as: Placed,
): Expression<boolean> | null {
  const { report } = scope;
  const text = item.text('when');
  const tree = item.scalar('when');
  if (text === undefined || tree === undefined) return null;
  const shape = steps.shape;
  const resolved = resolveExpression({ ...scope, shape }, item.subject, tree);
  if (resolved === undefined) return null;
  fields.push(...resolved.fields);
  if (!isPredicate(resolved)) {
    const what = `${item.subject}: when gives ${givenBy(resolved)}, not true or false.`;
    report.error('CAR312', text.span, what);
  }
  checkTaken(scope.report, item.subject, as, resolved, taken);
  return resolved.expression as Expression<boolean>;
}

/** What the branches so far take. */
interface Taken {
  readonly sources: Set<string>;
  all: boolean;
}

/** The first that holds wins: some are never asked, and some never hold. */
function checkTaken(
  report: Report,
  subject: string,
  as: Placed,
  { expression: { source }, constant }: ResolvedExpression,
  taken: Taken,
): void {
  const why = taken.all
    ? 'one above it holds for every record'
    : taken.sources.has(source)
      ? 'one above it asks the same'
      : constant === false
        ? 'its condition holds for no record'
        : undefined;
  if (why !== undefined) tellIdle(report, subject, as, why);
  taken.all ||= constant === true;
  taken.sources.add(source);
}

function tellIdle(report: Report, subject: string, { value, span }: Placed, why: string): void {
  report.warning('CAR246', span, `${subject}: ${why}, so "${value}" gets nothing.`);
}
