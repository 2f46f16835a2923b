/**
 * Results that an aggregate takes back come as records of their own, with `retracted` true and the
 * values that they had. Whoever gives the value anew and has not asked takes them for new results.
 */
import type { Report } from './report.ts';
import type { Shape } from './shape.ts';
import type { ResolvedStep, ResolvedSteps } from './steps.ts';

const FIELD = 'retracted';
const PATH = `value.${FIELD}`;

/**
 * `comes`: such results come from a stream or part before. True: they go on, and nobody has asked.
 */
export function leavesRetracted(
  { steps, shape }: ResolvedSteps,
  comes: boolean,
  tell: (of: ResolvedStep, by: ResolvedStep) => void = () => {},
): boolean {
  let of = comes ? steps[0] : undefined;
  for (const [n, step] of steps.entries()) {
    if (of !== undefined && reads(step.config, PATH)) of = undefined;
    const after = steps[n + 1]?.comes ?? shape;
    if (of !== undefined && step.spec.gives?.kind !== 'gathered' && !has(after)) {
      tell(of, step);
      of = undefined;
    }
    if (retracts(step) && has(after)) of = step;
  }
  return of !== undefined || (comes && steps.length === 0);
}

export function checkRetracted(
  report: Report,
  subject: string,
  steps: ResolvedSteps,
  comes: boolean,
): void {
  leavesRetracted(steps, comes, (of, by) => {
    const what = `${subject}, ${by.name}: it has not asked for ${PATH}, so a result that is taken back is taken for a new one.`;
    report.warning('CAR327', retracts(of) ? (of.places.get('emit') ?? of.span) : by.span, what);
  });
}

const has = (shape: Shape) => shape.kind === 'record' && shape.fields.has(FIELD);

const retracts = ({ spec, config }: ResolvedStep) =>
  spec.gives?.kind === 'aggregated' &&
  // Of windows of several kinds, which are told, one is meant.
  spec.gives.windows.filter((name) => config[name] !== null).join() === 'session' &&
  config[spec.gives.emit] !== 'final';

/** Whether a path or an expression among the options reads it. */
function reads(option: unknown, path: string): boolean {
  if (typeof option !== 'object' || option === null) return false;
  return Object.entries(option).some(([key, value]) =>
    (key === 'source' || key === 'path') && typeof value === 'string'
      ? value.includes(path)
      : reads(value, path),
  );
}
