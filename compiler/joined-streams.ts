/** Streams that steps name as their other one: `join_streams: { with: payments, … }`. */
import type { StepSpec } from '../core/spec.ts';
import type { PriorityRule, UpstreamPlan } from './plan.ts';
import type { Placed } from './section.ts';
import type { ResolvedSource } from './sources.ts';
import type { Chains } from './steps.ts';
import type { ListTree, Tree } from './tree.ts';

/** What the other stream gives, and where it comes from. */
export interface JoinedStream {
  readonly source: ResolvedSource;
  /** Undefined when it is broken. */
  readonly priority: PriorityRule | null | undefined;
  readonly upstream: UpstreamPlan;
}

/** The option of a step that names its other stream; undefined: it has none. */
export function otherOption(spec: StepSpec | undefined): string | undefined {
  return spec?.kind === 'timed' ? spec.other : undefined;
}

/**
 * All that a list of steps names, with the chains that it copies in; null for a step that names
 * none, or not in a form that can be read, which is told when the step is.
 */
export function joinedBy(
  steps: ReadonlyMap<string, StepSpec>,
  chains: Chains['lists'],
  list: Tree | null | undefined,
  within: readonly (ListTree | Tree)[] = [],
): readonly (Placed | null)[] {
  if (list?.kind !== 'list' || within.includes(list)) return [];
  return list.items.flatMap((item) => {
    const entries = item.kind === 'map' ? item.entries : [];
    return entries.flatMap(({ key, value }): readonly (Placed | null)[] => {
      if (key === 'use') {
        const name = value.kind === 'scalar' ? String(value.value) : '';
        return joinedBy(steps, chains, chains.get(name), [...within, list]);
      }
      const option = otherOption(steps.get(key));
      if (option === undefined) return [];
      const options = value.kind === 'map' ? value.entries : [];
      const named = options.find((one) => one.key === option)?.value;
      if (named?.kind !== 'scalar' || typeof named.value !== 'string') return [null];
      return [{ value: named.value, span: named.span }];
    });
  });
}
