/** A step that lets everything through, as one of its kind before it has dropped what it would. */
import type { PlainOptions } from '../core/step-facts.ts';
import type { Report } from './report.ts';
import type { ResolvedStep } from './steps.ts';

export function checkWeaker(report: Report, subject: string, steps: readonly ResolvedStep[]): void {
  for (const [n, step] of steps.entries()) {
    const before = steps.slice(0, n).findLast((one) => makesIdle(one, step, steps));
    if (before === undefined) continue;
    const what = `${subject}, ${step.name}: ${before.name} before it drops all that this would.`;
    report.warning('CAR246', step.span, what, 'Keep the stricter of the two.');
  }
}

function makesIdle(
  before: ResolvedStep,
  step: ResolvedStep,
  steps: readonly ResolvedStep[],
): boolean {
  const { spec } = step;
  if (before.spec.type !== spec.type) return false;
  const between = steps.slice(steps.indexOf(before) + 1, steps.indexOf(step));
  // What waits between them is older, or comes at other times, than what the first one saw.
  const minds = spec.kind === 'timed' || spec.times?.(step.config).ageMsMax !== undefined;
  if (minds && between.some((one) => one.spec.kind === 'timed')) return false;
  const options = plain(step, before);
  const than = plain(before, before);
  if (options === undefined || than === undefined) return false;
  if (spec.isWeaker !== undefined) return spec.isWeaker(options, than);
  const decides = spec.kind === 'each' && spec.rows === undefined && spec.drops !== undefined;
  return decides && JSON.stringify(options) === JSON.stringify(than);
}

/** Undefined: it reads what a step has given anew, so that the same words are another thing. */
function plain(step: ResolvedStep, before: ResolvedStep): PlainOptions | undefined {
  const found: { [option: string]: unknown } = {};
  for (const [option, value] of Object.entries(step.config)) {
    const of = plainOf(value, step, before);
    if (of === undefined) return undefined;
    found[option] = of;
  }
  return found;
}

function plainOf(value: unknown, step: ResolvedStep, before: ResolvedStep): unknown {
  if (Array.isArray(value)) {
    const all = value.map((one) => plainOf(one, step, before));
    return all.includes(undefined) ? undefined : all;
  }
  if (typeof value !== 'object' || value === null) return value;
  if ('path' in value && 'read' in value) return step.originOf(String(value.path)) ?? undefined;
  if ('source' in value && 'evaluate' in value) {
    return step.originOf === before.originOf ? value.source : undefined;
  }
  return undefined;
}
