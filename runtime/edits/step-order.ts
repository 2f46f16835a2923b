/**
 * What waits in a step has passed the steps ahead of it, as they were, and has those behind it
 * before it: so an edit of their order, or of what they make of a record, is one of what waits.
 */
import type { StepPlan } from '../../compiler/plan.ts';
import type { Options } from '../../core/spec.ts';

/** A step of a stream, in the order of its steps. */
export interface AppliedStep {
  readonly name: string;
  /** What it makes of a record: the names of its fields, not their expressions. */
  readonly form?: string;
}

export function appliedStep({ name, spec, config }: StepPlan): AppliedStep {
  const { gives } = spec;
  if (spec.kind !== 'expand' && gives === undefined) return { name };
  const options = Object.entries(spec.config as Options);
  const fields = options
    .filter(([, { kind }]) => kind === 'expressions' || kind === 'aggregates')
    .map(([option]) => `${option}=${Object.keys((config[option] ?? {}) as object).join()}`);
  const named = Object.values(gives ?? {}).flatMap((option) => {
    const value = typeof option === 'string' ? config[option] : undefined;
    return typeof value === 'string' ? [`${option}=${value}`] : [];
  });
  return { name, form: [spec.type, ...fields, ...named].join(' ') };
}

/** Why what waits in a step is not what would wait there now; null: it is. */
export function otherPlace(
  was: readonly AppliedStep[],
  is: readonly AppliedStep[],
  step: string,
): string | null {
  const before = ahead(was, step);
  const now = ahead(is, step);
  const behind = new Set(was.slice(before.length).map(({ name }) => name));
  const crossed = now.find(({ name }) => behind.has(name));
  if (crossed !== undefined) return `${crossed.name} is ahead of it now, and was behind it`;
  const [from, to] = [formOf(before), formOf(now)];
  return from === to ? null : `${from} → ${to}`;
}

const ahead = (steps: readonly AppliedStep[], step: string) =>
  steps.slice(
    0,
    steps.findIndex(({ name }) => name === step),
  );

function formOf(steps: readonly AppliedStep[]): string {
  const forms = steps.flatMap(({ form }) => (form === undefined ? [] : [form]));
  return forms.length === 0 ? 'the event' : forms.join(', ');
}
