/** Where `each_row` may stand: behind what comes to every partition, and over what lies in one. */
import type { Scope } from './declarations.ts';
import type { ResolvedSource } from './sources.ts';
import type { ResolvedStep } from './steps.ts';

const isWalk = ({ spec }: ResolvedStep) => spec.gives?.kind === 'walked';

/** Of one part of a stream; false: what stands behind a walk is not what it would be. */
export function checkWalks(
  { report }: Pick<Scope, 'report'>,
  subject: string,
  steps: readonly ResolvedStep[],
  from: ResolvedSource,
): boolean {
  if (from.isPartial === true) return true;
  let isPlaced = true;
  for (const [n, step] of steps.entries()) {
    if (!isWalk(step)) continue;
    const of = `${subject}, ${step.name}`;
    const isSecond = steps.slice(0, n).some(isWalk);
    if (from.clock === undefined || isSecond) {
      const why = isSecond
        ? 'a row comes to'
        : 'its stream does not begin with a clock, and an event comes to';
      const what = `${of}: ${why} one partition, so the rows of the others would not be walked.`;
      report.error('CAR362', step.span, what);
      isPlaced = false;
    }
    const whole = step.tables.find((table) => table.whole === true);
    if (whole === undefined) continue;
    const what = `${of}: of table "${whole.name}" every process has all rows, and would tell each of them.`;
    report.error('CAR363', step.places.get('table') ?? step.span, what);
  }
  return isPlaced;
}
