/** What two streams must agree on before a step brings them together. */
import type { Priorities } from '../core/priority.ts';
import type { Scope } from './declarations.ts';
import type { PriorityRule } from './plan.ts';
import { listed } from './report.ts';
import type { ResolvedStep } from './steps.ts';
import { prioritiesOf } from './stream-checks.ts';

/** `rule`: undefined when it is broken. */
export function checkStreamJoins(
  { report, priorities }: Pick<Scope, 'report' | 'priorities'>,
  subject: string,
  steps: readonly ResolvedStep[],
  rule: PriorityRule | null | undefined,
): void {
  for (const { name, config, joined, span, places } of steps) {
    if (joined === undefined) continue;
    const { within = null, before = null, after = null } = config;
    const isTwo = within !== null && (before !== null || after !== null);
    if (isTwo || (within === null && before === null && after === null)) {
      const what = isTwo ? 'it says within, and before or after too' : 'it says no window';
      report.error('CAR264', span, `${subject}, ${name}: ${what}.`);
    }
    // Of what is broken it is not known.
    if (rule === undefined || joined.priority === undefined) continue;
    const [own, other] = [
      prioritiesText(priorities, rule),
      prioritiesText(priorities, joined.priority),
    ];
    if (own === other && !own.includes(',')) continue;
    const { upstream } = joined;
    const what = `${subject}, ${name}: its records are ${own}, and those of "${upstream.name}" ${other}.`;
    report.error('CAR265', places.get('with') ?? span, what);
  }
}

function prioritiesText(priorities: Priorities, rule: PriorityRule | null): string {
  return rule === null
    ? 'of no priority'
    : listed(prioritiesOf(rule).map((one) => priorities.nameOf(one)));
}
