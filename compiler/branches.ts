/** How a stream ends that others go on with: whole, or shared out in branches. */
import type { Expression } from '../core/spec.ts';
import type { ResolvedExpression } from './cel.ts';
import { type Known, NONE, union } from './cel-facts.ts';
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
  /** By branch: what its condition, and those above it, make sure of. */
  readonly known: ReadonlyMap<string, Known>;
}

/** All of it goes to whoever reads the stream. */
export const WHOLE: ResolvedBranches = {
  target: { kind: 'streams', branches: [{ name: '', when: null }] },
  fields: [],
  known: new Map(),
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
  const taken: Taken = { sources: new Set(), all: false, left: NONE };
  const known = new Map<string, Known>();
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
      const why = taken.all ? EVERY : isNever(scope, steps, taken) ? 'those above it take all' : '';
      if (why !== '') tellIdle(report, item.subject, as, why);
    }
    const { left } = taken;
    const when = item.has('when') ? conditionOf(scope, item, steps, fields, taken, as) : null;
    branches.push({ name: as.value, when: when?.expression ?? null });
    known.set(as.value, union(left, when?.holds ?? NONE));
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
  return { target: { kind: 'streams', branches }, fields: steps.isGiven ? [] : fields, known };
}

interface Condition {
  readonly expression: Expression<boolean>;
  readonly holds: Known;
}

/** Null, too, when it was told what is wrong with it. */
function conditionOf(
  scope: StreamScope,
  item: Section,
  steps: ResolvedSteps,
  fields: string[],
  taken: Taken,
  as: Placed,
): Condition | null {
  const { report } = scope;
  const text = item.text('when');
  const tree = item.scalar('when');
  if (text === undefined || tree === undefined) return null;
  const { shape } = steps;
  const known = union(steps.known, taken.left);
  const resolved = resolveExpression({ ...scope, shape, known }, item.subject, tree);
  if (resolved === undefined) return null;
  fields.push(...resolved.fields);
  if (!isPredicate(resolved)) {
    const what = `${item.subject}: when gives ${givenBy(resolved)}, not true or false.`;
    report.error('CAR312', text.span, what);
  }
  checkTaken(scope, steps, item.subject, as, resolved, taken);
  taken.left = union(taken.left, resolved.fails);
  return { expression: resolved.expression as Expression<boolean>, holds: resolved.holds };
}

/** What the branches so far take. */
interface Taken {
  readonly sources: Set<string>;
  all: boolean;
  /** What is known of the records that they leave. */
  left: Known;
}

/** The first that holds wins: some are never asked, and some never hold. */
function checkTaken(
  scope: StreamScope,
  steps: ResolvedSteps,
  subject: string,
  as: Placed,
  { expression: { source }, constant }: ResolvedExpression,
  taken: Taken,
): void {
  const why = taken.all
    ? EVERY
    : taken.sources.has(source)
      ? 'one above it asks the same'
      : constant === false
        ? 'its condition holds for no record'
        : isNever(scope, steps, taken, source)
          ? 'those above it take all for which it holds'
          : undefined;
  if (why !== undefined) tellIdle(scope.report, subject, as, why);
  taken.all ||= constant === true;
  taken.sources.add(source);
}

const EVERY = 'one above it holds for every record';

/** No record is left for a condition, or at all; false: it is not known. */
function isNever(
  { cel }: StreamScope,
  { shape }: ResolvedSteps,
  { sources }: Taken,
  source = 'true',
): boolean {
  if (sources.size === 0) return false;
  const asked = [...[...sources].map((one) => `!(${one})`), `(${source})`].join(' && ');
  const all = cel.compile(asked, shape);
  return 'expression' in all && all.constant === false;
}

function tellIdle(report: Report, subject: string, { value, span }: Placed, why: string): void {
  const what = `${subject}: ${why}, so "${value}" gets nothing.`;
  report.warning('CAR246', span, what, 'Put the narrower one first, or take it out.');
}
