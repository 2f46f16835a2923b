/** How urgent the events of a stream are: `priority: { as, unless }`. */
import type { Priority } from '../core/priority.ts';
import type { Expression } from '../core/spec.ts';
import { checkExceptions, type WrittenException } from './effect-checks.ts';
import { givenBy, isPredicate, resolveExpression } from './expressions.ts';
import type { OptionScope } from './options.ts';
import type { PriorityRule } from './plan.ts';
import { listed } from './report.ts';
import type { Section } from './section.ts';
import type { Tree } from './tree.ts';

export interface ResolvedRule {
  /** Null: it is broken, which was told. */
  readonly rule: PriorityRule | null;
  readonly fields: Iterable<string>;
  /** The priorities that it gives, as far as they are known. */
  readonly may: readonly Priority[];
}

export function resolvePriority(
  options: OptionScope,
  hasLanes: boolean,
  section: Section,
): ResolvedRule | undefined {
  const { report, priorities } = options;
  if (!section.has('priority')) {
    // Of a stream that may go on with others it is not known whether it needs one.
    if (hasLanes && mayBegin(section.tree('from'))) {
      report.error('CAR209', section.span, `${section.subject}: it has no priority.`);
    }
    return undefined;
  }
  if (!hasLanes) {
    const span = section.entry('priority')!.keySpan;
    report.error('CAR221', span, `${section.subject}: there is no lane for its priority.`);
    return undefined;
  }
  const rule = section.section('priority')?.only(['as', 'unless']);
  if (rule === undefined) return undefined;
  if (!rule.has('as')) rule.missing('as', `One of: ${listed(priorities.names)}.`);
  const as = rule.choice('as', priorities.names);
  const exceptions = (rule.list('unless')?.items ?? []).map((_, i) =>
    resolveException(options, rule, i),
  );
  const given = exceptions.map((one) => one?.as);
  const may = [as, ...given].flatMap((one) =>
    one === undefined ? [] : [priorities.numberOf(one)],
  );
  const whole = exceptions.filter((one) => one?.written !== undefined);
  const fields = whole.flatMap((one) => [...one!.fields]);
  if (as === undefined || whole.length < exceptions.length) return { rule: null, fields, may };
  const written = whole.map((one) => one!.written!);
  checkExceptions(options, section.subject, priorities.numberOf(as), written);
  const unless = whole.map((one) => ({ when: one!.when!, as: one!.written!.as }));
  return { rule: { as: priorities.numberOf(as), unless }, fields, may };
}

/** What goes on with other streams has their priority; false: it may be one that does. */
function mayBegin(from: Tree | undefined): boolean {
  if (from === undefined) return true;
  return from.kind === 'map' && from.entries.some(({ key }) => key === 'topic' || key === 'clock');
}

/** What is broken of it is left out. */
interface ResolvedException {
  readonly as: string | undefined;
  readonly when?: Expression<boolean>;
  readonly fields: Iterable<string>;
  readonly written?: WrittenException;
}

function resolveException(
  options: OptionScope,
  rule: Section,
  index: number,
): ResolvedException | undefined {
  const { report, priorities } = options;
  const section = rule.item('unless', index)?.only(['when', 'as']);
  if (section === undefined) return undefined;
  if (!section.has('as')) section.missing('as', `One of: ${listed(priorities.names)}.`);
  const as = section.choice('as', priorities.names);
  const text = section.neededText('when');
  const tree = section.scalar('when');
  const broken = { as, fields: [] };
  if (text === undefined || tree === undefined) return broken;
  const subject = `${options.subject}, priority`;
  const resolved = resolveExpression(options, subject, tree);
  if (resolved === undefined) return broken;
  if (!isPredicate(resolved)) {
    const what = `${subject}: when gives ${givenBy(resolved)}, not true or false.`;
    report.error('CAR312', text.span, what);
    return broken;
  }
  if (as === undefined) return broken;
  const when = resolved.expression as Expression<boolean>;
  const { constant, fields } = resolved;
  const written = { source: when.source, constant, as: priorities.numberOf(as), span: text.span };
  return { as, when, fields, written };
}
